import { parseSearch } from '../search/search-parser.ts'
import { SearchSyntaxError } from '../search/search-scanner.ts'
import type { AlertQuery, Operator } from './monitor-query.ts'

/** The options of a log monitor that mean something here, as its JSON says them. */
export interface MonitorOptions {
  thresholds?: { critical?: number; warning?: number; critical_recovery?: number; warning_recovery?: number }
  on_missing_data?: OnMissingData
  group_retention_duration?: string
  new_group_delay?: number
  new_host_delay?: number
  evaluation_delay?: number
  renotify_interval?: number | null
  renotify_statuses?: RenotifyStatus[] | null
  renotify_occurrences?: number | null
  escalation_message?: string
  include_tags?: boolean
  enable_logs_sample?: boolean
  notify_audit?: boolean
  /** Facets of `.by`, or `["*"]` for one notification of the whole monitor. */
  notify_by?: string[] | null
  /** Hours of silence after which an alert resolves itself. */
  timeout_h?: number | null
  notification_preset_name?: NotificationPreset | null
}

export type OnMissingData = 'default' | 'show_no_data' | 'show_and_notify_no_data' | 'resolve'
export type RenotifyStatus = 'alert' | 'warn' | 'no data'

const notificationPresets = [
  'show_all',
  'hide_query',
  'hide_handles',
  'hide_all',
  'hide_query_and_handles',
  'show_only_snapshot',
  'hide_handles_and_footer',
] as const
export type NotificationPreset = (typeof notificationPresets)[number]

/** Says what is wrong with a value, or nothing. */
type Check = (value: unknown) => string | undefined

const aBoolean: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false is wanted')
const aText: Check = (value) => (typeof value === 'string' ? undefined : 'a text is wanted')
const oneOf =
  (...words: readonly unknown[]): Check =>
  (value) =>
    words.includes(value) ? undefined : `one of ${words.map((word) => JSON.stringify(word)).join(', ')} is wanted`
const anInteger =
  (least: number, most: number): Check =>
  (value) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : `a whole number from ${least} to ${most} is wanted`
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? undefined : check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? value.map(check).find((fault) => fault !== undefined) : 'a list is wanted'

const daySeconds = 86_400

/** What an option that has no effect on a log monitor should be, and why it has none. */
interface Idle {
  readonly usual: readonly unknown[]
  /** Passes without a word in files that are not ours: exports are full of it. */
  readonly common?: readonly unknown[]
  readonly why: string
}

/** Every option that changes what a log monitor does. */
const optionChecks: Readonly<Record<string, Check>> = {
  thresholds: (value) => (isRecord(value) ? undefined : 'an object is wanted'),
  on_missing_data: oneOf('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
  group_retention_duration: orNull((value) =>
    retentionMs(value) === undefined ? '"1h" to "72h", "60m" to "4320m" or "1d" to "3d" is wanted' : undefined,
  ),
  new_group_delay: orNull(anInteger(0, daySeconds)),
  evaluation_delay: orNull(anInteger(0, daySeconds)),
  renotify_interval: orNull(anInteger(0, 10_080)),
  renotify_statuses: orNull(listOf(oneOf('alert', 'warn', 'no data'))),
  renotify_occurrences: orNull(anInteger(1, 1_000_000)),
  escalation_message: orNull(aText),
  include_tags: aBoolean,
  enable_logs_sample: orNull(aBoolean),
  notify_audit: aBoolean,
  notify_by: orNull(listOf(aText)),
  timeout_h: orNull(anInteger(0, 24)),
  notification_preset_name: orNull(oneOf(...notificationPresets)),
  groupby_simple_monitor: orNull(aBoolean),
  scheduling_options: orNull((value) => (isRecord(value) ? undefined : 'an object is wanted')),
  variables: orNull(listOf((value) => (isRecord(value) ? undefined : 'a list of objects is wanted'))),
}

/** What older files may say and the API now refuses. */
const looseChecks: Readonly<Record<string, Check>> = { timeout_h: anInteger(0, 10_000) }

const ofMetrics = 'belongs to metric monitors; a log monitor says on_missing_data'
const ofSynthetics = 'belongs to Synthetics tests'

/** What exports of log monitors carry along without effect; `usual` values pass without a word. */
const idleOptions: Readonly<Record<string, Idle>> = {
  new_host_delay: { usual: [300, null], why: 'is deprecated, and new_group_delay goes before it' },
  silenced: { usual: [], why: 'is deprecated: a muted monitor is evaluated like any other' },
  locked: { usual: [false, null], why: 'is deprecated: it says who may edit the monitor' },
  require_full_window: { usual: [], common: [true, false, null], why: ofMetrics },
  no_data_timeframe: { usual: [], common: [0, null], why: ofMetrics },
  notify_no_data: { usual: [], common: [true, false, null], why: ofMetrics },
  threshold_windows: { usual: [null], why: 'belongs to anomaly monitors' },
  min_failure_duration: { usual: [null], why: ofSynthetics },
  min_location_failed: { usual: [null], why: ofSynthetics },
  device_ids: { usual: [null], why: ofSynthetics },
  synthetics_check_id: { usual: [null], why: ofSynthetics },
  aggregation: { usual: [], why: 'repeats what the query says' },
  queryConfig: { usual: [], why: 'repeats what the query says, for the form in which it was edited' },
}

/** What there is to say of options: faults make a monitor unusable, refusals unfit to be evaluated, notes are only told. */
export interface OptionFinding {
  readonly kind: 'fault' | 'refusal' | 'note'
  /** Below `options`: `thresholds.critical`; empty for all of them. */
  readonly path: string
  readonly reason: string
}

/**
 * Reads the options of a log monitor.
 * @param strict whether an option without effect is a fault, as in files that are ours to mend, or only worth a note
 */
export function readOptions(
  options: Record<string, unknown>,
  query: AlertQuery | undefined,
  strict: boolean,
): { options: MonitorOptions; findings: OptionFinding[] } {
  const findings: OptionFinding[] = []
  const find: Find = (kind, path, reason) => findings.push({ kind, path, reason })
  for (const [name, value] of Object.entries(options)) {
    if (value === null && !strict) continue
    const checks = !strict && Object.hasOwn(looseChecks, name) ? looseChecks : optionChecks
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined
    const idle = Object.hasOwn(idleOptions, name) ? idleOptions[name] : undefined
    const fault = check?.(value)
    if (fault !== undefined) find('fault', name, fault)
    else if (idle && !isUsual(idle, value, strict)) find(strict ? 'fault' : 'note', name, idle.why)
    else if (!check && !idle) find(strict ? 'fault' : 'note', name, 'is not an option of a log monitor')
  }
  if (query && isRecord(options.thresholds)) {
    for (const [name, reason] of thresholdFaults(options.thresholds, query)) {
      const passed = !strict && ofServiceChecks.includes(name)
      find(passed ? 'note' : 'fault', `thresholds.${name}`, reason)
    }
  }
  const read: MonitorOptions = withoutNulls(options)
  readNotifyBy(options, query, strict, read, find)
  readNoData(options, strict, read, find)
  readSchedule(options, query, find)
  readVariables(options, find)
  return { options: read, findings }
}

/** In an export null is how an option that was never set looks. */
function withoutNulls(options: Record<string, unknown>): MonitorOptions {
  const given = (value: object) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
  return { ...given(options), ...(isRecord(options.thresholds) ? { thresholds: given(options.thresholds) } : {}) }
}

type Find = (kind: OptionFinding['kind'], path: string, reason: string) => void

const isUsual = ({ usual, common = [] }: Idle, value: unknown, strict: boolean): boolean =>
  usual.includes(value) || (!strict && common.includes(value)) || (isRecord(value) && Object.keys(value).length === 0)

/** `groupby_simple_monitor` is the older word for `notify_by: ["*"]`, which goes before it. */
function readNotifyBy(
  options: Record<string, unknown>,
  query: AlertQuery | undefined,
  strict: boolean,
  read: MonitorOptions,
  find: Find,
): void {
  if (options.groupby_simple_monitor === true && !Array.isArray(options.notify_by)) {
    if (strict) find('fault', 'groupby_simple_monitor', 'is deprecated: say notify_by ["*"]')
    else find('note', 'groupby_simple_monitor', 'is read as notify_by ["*"]')
    read.notify_by = ['*']
  }
  if (!query || query.form === 'formula' || !Array.isArray(read.notify_by)) return
  const facets = query.by.map(({ name }) => name)
  const other = read.notify_by.find((name) => name !== '*' && !facets.includes(name))
  if (other !== undefined) find('fault', 'notify_by', `${other} is not one of the facets that the query groups by`)
  else if (read.notify_by.includes('*') && read.notify_by.length > 1) find('fault', 'notify_by', '"*" stands alone')
  // Decision `notify-by-ungrouped`: ignored, as the API's text says; Datadog's own sync tool expects a refusal, as do our files.
  else if (strict && facets.length === 0) find('fault', 'notify_by', 'has no meaning: the query has no .by')
}

/** Decision `notify-no-data-heritage`, undocumented for log monitors: it is read as the on_missing_data of the same meaning. */
function readNoData(options: Record<string, unknown>, strict: boolean, read: MonitorOptions, find: Find): void {
  if (strict || options.notify_no_data !== true) return
  if (read.on_missing_data !== undefined) find('note', 'notify_no_data', 'has no effect next to on_missing_data')
  else {
    find('note', 'notify_no_data', 'is read as on_missing_data "show_and_notify_no_data"')
    read.on_missing_data = 'show_and_notify_no_data'
  }
}

function readSchedule(options: Record<string, unknown>, query: AlertQuery | undefined, find: Find): void {
  if (!isRecord(options.scheduling_options)) return
  for (const [name, value] of Object.entries(options.scheduling_options)) {
    const path = `scheduling_options.${name}`
    if (value === null || (isRecord(value) && Object.values(value).every((each) => each === null))) continue
    if (name === 'custom_schedule') find('refusal', path, 'a schedule of its own is not evaluated here')
    else if (name !== 'evaluation_window') find('refusal', path, 'is not known here')
    else if (query && query.form === 'logs')
      find('refusal', path, 'a window that begins with the clock is not evaluated here')
  }
}

/** The queries of a formula over logs: nothing evaluates them here, but one that cannot be read would be refused there, too. */
function readVariables(options: Record<string, unknown>, find: Find): void {
  const names = new Set<unknown>()
  for (const [i, variable] of (Array.isArray(options.variables) ? options.variables : []).entries()) {
    if (!isRecord(variable)) continue
    if (names.has(variable.name)) find('fault', `variables[${i}].name`, `${JSON.stringify(variable.name)} stands twice`)
    names.add(variable.name)
    const { search } = variable
    if (variable.data_source !== 'logs' || !isRecord(search) || typeof search.query !== 'string') continue
    try {
      parseSearch(search.query)
    } catch (error) {
      if (!(error instanceof SearchSyntaxError)) throw error
      find('fault', `variables[${i}].search.query:${error.position + 1}`, error.reason)
    }
  }
}

const ofServiceChecks = ['ok', 'unknown']
const thresholdNames = ['critical', 'warning', 'critical_recovery', 'warning_recovery']

/**
 * Checks thresholds against the query and each other.
 * @returns faults as [path below `options`, reason]
 */
function thresholdFaults(
  thresholds: Record<string, unknown>,
  { operator, threshold: queried }: { readonly operator: Operator; readonly threshold: number },
): [path: string, reason: string][] {
  const faults: [string, string][] = []
  for (const [name, value] of Object.entries(thresholds)) {
    if (!thresholdNames.includes(name)) faults.push([name, 'is not a threshold of a log monitor'])
    else if (value === null) continue
    else if (typeof value !== 'number' || !Number.isFinite(value)) faults.push([name, 'a number is wanted'])
  }
  if (faults.some(([name]) => !ofServiceChecks.includes(name))) return faults
  const given = (name: string) => (thresholds[name] ?? undefined) as number | undefined
  const [critical, warning] = [given('critical'), given('warning')]
  const [criticalRecovery, warningRecovery] = [given('critical_recovery'), given('warning_recovery')]
  if (critical !== undefined && critical !== queried) {
    // The API's own words: it answers 400.
    faults.push(['critical', `Alert threshold (${critical}) does not match that used in the query (${queried}).`])
  }
  const compare = (name: string, value: number | undefined, limit: number | undefined, limitName: string) => {
    if (value === undefined) return
    if (limit === undefined) faults.push([name, `wants ${limitName} as well`])
    else if (operator === '==' || operator === '!=') faults.push([name, `has no meaning with ${operator}`])
    else if (operator.startsWith('>') ? value >= limit : value <= limit) {
      faults.push([name, `${value} is not on the quiet side of ${limitName} (${limit})`])
    }
  }
  compare('warning', warning, queried, 'critical')
  compare('critical_recovery', criticalRecovery, queried, 'critical')
  compare('warning_recovery', warningRecovery, warning, 'warning')
  return faults
}

/** @returns milliseconds, or undefined when the text is not a duration from one hour to three days */
export function retentionMs(value: unknown): number | undefined {
  const [, count, unit] = (typeof value === 'string' && /^(\d{1,4})([mhd])$/.exec(value)) || []
  const ms = Number(count) * ({ m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''] ?? Number.NaN)
  return ms >= 3_600_000 && ms <= 259_200_000 ? ms : undefined
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

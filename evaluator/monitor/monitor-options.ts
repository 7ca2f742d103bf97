import { isRecord } from '../json.ts'
import { parseSearch } from '../search/search-parser.ts'
import { SearchSyntaxError } from '../search/search-scanner.ts'
import { type Check, constraints, type NOTIFICATION_PRESETS, OPTION_VALUES } from './constraints.ts'
import type { AlertQuery, Facet } from './monitor-query.ts'

export { retentionMs } from './option-values.ts'

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

export type NotificationPreset = (typeof NOTIFICATION_PRESETS)[number]

/** The usual values of an option without effect on a log monitor, and the reason. */
interface Idle {
  readonly usual: readonly unknown[]
  /** Accepted without a note in files of others, because exports contain them. */
  readonly common?: readonly unknown[]
  readonly why: string
}

/** Values in older files that the API now refuses. */
const KEPT_VALUES: Readonly<Record<string, Check>> = {
  timeout_h: (value) =>
    typeof value === 'number' && Number.isInteger(value) && value >= 0 ? undefined : 'must be a whole number from 0',
}

/** Options with a value that is evaluated because accounts keep it, and that the API refuses in a new import. */
export function refusedNow(options: Record<string, unknown>): { readonly path: string; readonly reason: string }[] {
  return Object.entries(KEPT_VALUES).flatMap(([path, isKept]) => {
    const value = options[path] ?? undefined
    const reason = value === undefined || isKept(value) !== undefined ? undefined : checkOf(path, true)?.(value)
    return reason === undefined ? [] : [{ path, reason }]
  })
}

const OF_METRICS = 'belongs to metric monitors; use on_missing_data in a log monitor'
const OF_SYNTHETICS = 'belongs to Synthetics tests'

/** What exports of log monitors carry along without effect; `usual` values need no note. */
const IDLE_OPTIONS: Readonly<Record<string, Idle>> = {
  silenced: { usual: [], why: 'is deprecated: a muted monitor is evaluated like any other' },
  locked: { usual: [false, null], why: 'is deprecated: it says who may edit the monitor' },
  require_full_window: { usual: [], common: [true, false, null], why: OF_METRICS },
  no_data_timeframe: { usual: [], common: [0, null], why: OF_METRICS },
  notify_no_data: { usual: [], common: [true, false, null], why: OF_METRICS },
  threshold_windows: { usual: [null], why: 'belongs to anomaly monitors' },
  min_failure_duration: { usual: [null], why: OF_SYNTHETICS },
  min_location_failed: { usual: [null], why: OF_SYNTHETICS },
  device_ids: { usual: [null], why: OF_SYNTHETICS },
  synthetics_check_id: { usual: [null], why: OF_SYNTHETICS },
  aggregation: { usual: [], why: 'repeats what the query says' },
  queryConfig: { usual: [], why: 'repeats what the query says, for the form in which it was edited' },
}

/** A finding about options: with a fault a monitor is unusable, with a refusal it is not evaluated, a note is only reported. */
export interface OptionFinding {
  readonly kind: 'fault' | 'refusal' | 'note'
  /** Below `options`: `thresholds.critical`; empty for all of them. */
  readonly path: string
  readonly reason: string
  /** The constraint that it breaks, if it is one of {@link constraints}. */
  readonly rule?: string
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
  const find: Find = (kind, path, reason, rule) =>
    findings.push({ kind, path, reason, ...(rule === undefined ? {} : { rule }) })
  for (const [name, value] of Object.entries(options)) {
    if (value === null) continue
    const check = checkOf(name, strict)
    const idle = Object.hasOwn(IDLE_OPTIONS, name) ? IDLE_OPTIONS[name] : undefined
    const fault = check?.(value)
    if (fault !== undefined) find('fault', name, fault)
    else if (idle && !isUsual(idle, value, strict)) find(strict ? 'fault' : 'note', name, idle.why)
    else if (!check && !idle) find(strict ? 'fault' : 'note', name, 'is not an option of a log monitor')
  }
  const given = { options: withoutNulls(options), query }
  for (const { id, kind, find: violations } of constraints) {
    for (const { path, reason } of violations(given))
      find(kind === 'fault' || strict ? 'fault' : 'note', path, reason, id)
  }
  const read: MonitorOptions = withoutNulls(options)
  readSimpleAlert(options, strict, read, find)
  readHostDelay(read, query, strict, find)
  readNoData(options, strict, read, find)
  readSchedule(options, query, find)
  readVariables(options, find)
  return { options: read, findings }
}

/** In an export, an option that was never set is null. */
function withoutNulls(options: Record<string, unknown>): MonitorOptions & Record<string, unknown> {
  const given = (value: object) => Object.fromEntries(Object.entries(value).filter(([, each]) => each !== null))
  return { ...given(options), ...(isRecord(options.thresholds) ? { thresholds: given(options.thresholds) } : {}) }
}

type Find = (kind: OptionFinding['kind'], path: string, reason: string, rule?: string) => void

function checkOf(name: string, strict: boolean): Check | undefined {
  if (!strict && Object.hasOwn(KEPT_VALUES, name)) return KEPT_VALUES[name]
  return Object.hasOwn(OPTION_VALUES, name) ? OPTION_VALUES[name]?.check : undefined
}

const isUsual = ({ usual, common = [] }: Idle, value: unknown, strict: boolean): boolean =>
  usual.includes(value) || (!strict && common.includes(value)) || (isRecord(value) && Object.keys(value).length === 0)

/** `groupby_simple_monitor` is the older word for `notify_by: ["*"]`, which goes before it. */
function readSimpleAlert(options: Record<string, unknown>, strict: boolean, read: MonitorOptions, find: Find): void {
  if (options.groupby_simple_monitor !== true || Array.isArray(options.notify_by)) return
  if (strict) find('fault', 'groupby_simple_monitor', 'is deprecated: use notify_by ["*"]')
  else find('note', 'groupby_simple_monitor', 'is read as notify_by ["*"]')
  read.notify_by = ['*']
}

/** The values that Datadog and Terraform write into every monitor. */
const USUAL_HOST_DELAYS: readonly unknown[] = [0, 300, undefined]

function readHostDelay(
  { new_host_delay: delay }: MonitorOptions,
  query: AlertQuery | undefined,
  strict: boolean,
  find: Find,
): void {
  const applies = query !== undefined && query.form !== 'formula' && groupsByHost(query)
  if (strict && applies && delay !== undefined) find('fault', 'new_host_delay', 'is deprecated: use new_group_delay')
  else if (!applies && !USUAL_HOST_DELAYS.includes(delay)) {
    const reason = 'is deprecated, and applies to monitors grouped by host only'
    find(strict ? 'fault' : 'note', 'new_host_delay', reason)
  }
}

/** Whether `new_host_delay` applies. */
export const groupsByHost = ({ by }: { readonly by: readonly Facet[] }): boolean =>
  by.some(({ name }) => name === 'host')

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

/** The searches in the queries of a formula. */
function readVariables(options: Record<string, unknown>, find: Find): void {
  for (const [i, variable] of (Array.isArray(options.variables) ? options.variables : []).entries()) {
    if (!isRecord(variable)) continue
    const { search } = variable
    if (variable.data_source !== 'logs' || !isRecord(search) || typeof search.query !== 'string') continue
    try {
      parseSearch(search.query)
    } catch (error) {
      if (!(error instanceof SearchSyntaxError)) throw error
      find('fault', `variables[${i}].search.query:${error.position + 1}`, error.reason, 'query')
    }
  }
}

import type { Operator } from './monitor-query.ts'

/** The options of a log monitor as its JSON says them; only those that are evaluated here. */
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
}

export type OnMissingData = 'default' | 'show_no_data' | 'show_and_notify_no_data' | 'resolve'
export type RenotifyStatus = 'alert' | 'warn' | 'no data'

/** Says what is wrong with a value, or nothing. */
export type Check = (value: unknown) => string | undefined

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
const notEvaluated =
  (why: string): Check =>
  () =>
    `is not evaluated here: ${why}`
const onlyAs =
  (words: readonly unknown[], why: string): Check =>
  (value) =>
    words.includes(value) ? undefined : `is not evaluated here unless ${JSON.stringify(words[0])}: ${why}`
const ofMetrics: Check = () => 'belongs to metric monitors; a log monitor says on_missing_data'
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) ? value.map(check).find((fault) => fault !== undefined) : 'a list is wanted'

const daySeconds = 86_400

/** Every option of a log monitor that the API documents, by name. */
export const optionChecks: Readonly<Record<string, Check>> = {
  thresholds: (value) => (isRecord(value) ? undefined : 'an object is wanted'),
  on_missing_data: oneOf('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
  group_retention_duration: (value) =>
    retentionMs(value) === undefined ? '"1h" to "72h", "60m" to "4320m" or "1d" to "3d" is wanted' : undefined,
  new_group_delay: anInteger(0, daySeconds),
  new_host_delay: anInteger(0, daySeconds),
  evaluation_delay: orNull(anInteger(0, daySeconds)),
  renotify_interval: orNull(anInteger(0, 10_080)),
  renotify_statuses: orNull(listOf(oneOf('alert', 'warn', 'no data'))),
  renotify_occurrences: orNull(anInteger(1, 1_000_000)),
  escalation_message: aText,
  include_tags: aBoolean,
  enable_logs_sample: aBoolean,
  notify_audit: aBoolean,
  notification_preset_name: onlyAs(['show_all'], 'it changes what a notification shows'),
  notify_by: notEvaluated('each group notifies by itself'),
  groupby_simple_monitor: onlyAs([false], 'each group notifies by itself'),
  timeout_h: onlyAs([0, null], 'groups recover by on_missing_data'),
  scheduling_options: notEvaluated('windows are rolling'),
  variables: notEvaluated('formulas are not evaluated'),
  silenced: (value) =>
    isRecord(value) && Object.keys(value).length === 0 ? undefined : 'is not evaluated here unless empty',
  locked: onlyAs([false], 'it is deprecated'),
  require_full_window: ofMetrics,
  no_data_timeframe: ofMetrics,
  notify_no_data: ofMetrics,
}

const thresholdNames = ['critical', 'warning', 'critical_recovery', 'warning_recovery']

/**
 * Checks thresholds against the query and each other.
 * @returns faults as [path below `options`, reason]
 */
export function thresholdFaults(
  thresholds: Record<string, unknown>,
  operator: Operator,
  queried: number,
): [path: string, reason: string][] {
  const faults: [string, string][] = []
  for (const [name, value] of Object.entries(thresholds)) {
    if (!thresholdNames.includes(name)) faults.push([name, 'is not a threshold of a log monitor'])
    else if (typeof value !== 'number' || !Number.isFinite(value)) faults.push([name, 'a number is wanted'])
  }
  if (faults.length > 0) return faults
  const {
    critical,
    warning,
    critical_recovery: criticalRecovery,
    warning_recovery: warningRecovery,
  } = thresholds as {
    [name: string]: number | undefined
  }
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

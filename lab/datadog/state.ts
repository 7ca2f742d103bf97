import type { Monitor } from './monitor.ts'
import { type OnMissingData, type RenotifyStatus, retentionMs } from './monitor-options.ts'
import type { Operator, Rollup } from './monitor-query.ts'

export type State = 'OK' | 'Warn' | 'Alert' | 'No Data'

/** `$ALERT_TRANSITION`. Undocumented which of Re-Triggered and Renotify is sent when; choice: never `Renotify`. */
export type TransitionWord = 'Triggered' | 'Warn' | 'Recovered' | 'No Data' | 'Re-Triggered' | 'Re-Warn' | 'Re-No Data'

/** What a monitor asks of a value, defaults filled in, durations in milliseconds. */
export interface Rule {
  readonly kind: Rollup['kind']
  readonly grouped: boolean
  readonly operator: Operator
  readonly critical: number
  readonly warning: number | undefined
  readonly criticalRecovery: number | undefined
  readonly warningRecovery: number | undefined
  readonly windowMs: number
  readonly evaluationDelayMs: number
  readonly newGroupDelayMs: number
  readonly retentionMs: number
  readonly onMissingData: OnMissingData
  readonly renotify: Renotify | undefined
  /** Whether a falling value can move a group away from OK, so that even quiet groups must be watched. */
  readonly firesOnQuiet: boolean
}

export interface Renotify {
  readonly intervalMs: number
  readonly states: readonly State[]
  readonly occurrences: number
  readonly untilMs: number
}

/** Unset, Datadog ignores a group for its first minute: documentation, monitors/configuration. */
const defaultNewGroupDelaySeconds = 60
const defaultRetentionMs = 24 * 3_600_000
/** Without `renotify_occurrences` the reminders stop after 30 hours. */
const renotifiesForMs = 30 * 3_600_000
const stateOf: Record<RenotifyStatus, State> = { alert: 'Alert', warn: 'Warn', 'no data': 'No Data' }

export function ruleOf({ parsed, options }: Monitor): Rule {
  const { thresholds = {} } = options
  const grouped = parsed.by.length > 0
  const interval = options.renotify_interval ?? 0
  const occurrences = options.renotify_occurrences ?? Number.POSITIVE_INFINITY
  return {
    kind: parsed.rollup.kind,
    grouped,
    operator: parsed.operator,
    critical: parsed.threshold,
    warning: thresholds.warning,
    criticalRecovery: thresholds.critical_recovery,
    warningRecovery: thresholds.warning_recovery,
    windowMs: parsed.windowMs,
    evaluationDelayMs: (options.evaluation_delay ?? 0) * 1000,
    newGroupDelayMs: grouped ? (options.new_group_delay ?? defaultNewGroupDelaySeconds) * 1000 : 0,
    retentionMs: retentionMs(options.group_retention_duration) ?? defaultRetentionMs,
    onMissingData: options.on_missing_data ?? 'default',
    renotify:
      interval === 0
        ? undefined
        : {
            intervalMs: interval * 60_000,
            states: (options.renotify_statuses ?? ['alert', 'no data']).map((status) => stateOf[status]),
            occurrences,
            untilMs: Number.isFinite(occurrences) ? Number.POSITIVE_INFINITY : renotifiesForMs,
          },
    firesOnQuiet: !['>', '>='].includes(parsed.operator) || options.on_missing_data?.startsWith('show') === true,
  }
}

/**
 * @param value what the rollup gives for the group's window
 * @param hasData whether that window holds any log of the group, `anyData` of any group
 * @returns the state a group has after an evaluation; unchanged where Datadog keeps the last known status
 */
export function nextState(rule: Rule, state: State, value: number, hasData: boolean, anyData: boolean): State {
  if (hasData) return judge(rule, state, value)
  switch (rule.onMissingData) {
    case 'resolve':
      return 'OK'
    case 'show_no_data':
    case 'show_and_notify_no_data':
      return 'No Data'
    case 'default':
      // Undocumented whether cardinality reads silence as 0; choice: only count does, all else keeps its status.
      if (rule.kind !== 'count') return state
      // A grouped monitor that asks for less fires on silence only when no group has a log at all.
      return rule.grouped && rule.firesOnQuiet && anyData ? 'OK' : judge(rule, state, 0)
  }
}

function judge(rule: Rule, state: State, value: number): State {
  const { operator, critical, warning, criticalRecovery, warningRecovery } = rule
  if (compares(value, operator, critical)) return 'Alert'
  if (state === 'Alert' && compares(value, operator, criticalRecovery)) return 'Alert'
  if (compares(value, operator, warning)) return 'Warn'
  return (state === 'Warn' || state === 'Alert') && compares(value, operator, warningRecovery) ? 'Warn' : 'OK'
}

function compares(value: number, operator: Operator, limit: number | undefined): boolean {
  if (limit === undefined) return false
  switch (operator) {
    case '>':
      return value > limit
    case '>=':
      return value >= limit
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    case '==':
      return value === limit
    case '!=':
      return value !== limit
  }
}

/** The word for entering a state, and the word for still being in it at a reminder. */
export const entering: Record<State, TransitionWord> = {
  OK: 'Recovered',
  Warn: 'Warn',
  Alert: 'Triggered',
  'No Data': 'No Data',
}
export const reminding: Record<Exclude<State, 'OK'>, TransitionWord> = {
  Warn: 'Re-Warn',
  Alert: 'Re-Triggered',
  'No Data': 'Re-No Data',
}

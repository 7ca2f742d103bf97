import { compileFormula } from '../monitor/formula.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { groupsByHost, type OnMissingData, type RenotifyStatus, retentionMs } from '../monitor/monitor-options.ts'
import type { Operator, Rollup } from '../monitor/monitor-query.ts'
import { type EvaluatedQuery, kindsOf } from '../monitor/variables.ts'

export type State = 'OK' | 'Warn' | 'Alert' | 'No Data'

/** `$ALERT_TRANSITION`. Decision `reminder-word`, undocumented: the words of reminders are Re-Triggered, Re-Warn and Re-No Data, not Renotify. */
export type TransitionWord = 'Triggered' | 'Warn' | 'Recovered' | 'No Data' | 'Re-Triggered' | 'Re-Warn' | 'Re-No Data'

/** The thresholds of a monitor. */
interface Condition {
  readonly operator: Operator
  readonly critical: number
  readonly warning: number | undefined
  readonly criticalRecovery: number | undefined
  readonly warningRecovery: number | undefined
}

/** The thresholds and options of a monitor, with defaults filled in and durations in milliseconds. */
export interface Rule extends Condition {
  readonly kind: Rollup['kind'] | 'formula'
  /** Whether every query counts logs. */
  readonly countsLogs: boolean
  readonly grouped: boolean
  readonly windowMs: number
  readonly evaluationDelayMs: number
  readonly newGroupDelayMs: number
  readonly retentionMs: number
  readonly onMissingData: OnMissingData
  readonly renotify: Renotify | undefined
  /** Groups with the same values of these facets share a notification: all groups with `[]`, none when undefined. */
  readonly notifyBy: readonly string[] | undefined
  /** Milliseconds after which an alert without data resolves: `timeout_h`. */
  readonly timeoutMs: number | undefined
  /** Whether an entry that leaves can move a group away from OK, so that groups that are OK are watched as well. */
  readonly firesOnLeaving: boolean
  /** Whether the monitor fires on low values, 0 included. */
  readonly firesOnLess: boolean
  /** Whether silence counts as 0, and 0 is not OK. */
  readonly firesOnSilence: boolean
  /** Whether a group that is OK and has no entries is remembered as seen. */
  readonly remembersGroups: boolean
}

/** When reminders of a state are sent. */
export interface Renotify {
  readonly intervalMs: number
  readonly states: readonly State[]
  readonly occurrences: number
  readonly untilMs: number
}

/** Datadog's default of `new_group_delay`: monitors/configuration. */
const DEFAULT_NEW_GROUP_DELAY_SECONDS = 60
const HOUR_MS = 3_600_000
const DEFAULT_RETENTION_MS = 24 * HOUR_MS
/** Without `renotify_occurrences`, reminders stop after 30 hours. */
const REMINDERS_END_MS = 30 * HOUR_MS
const STATE_OF: Record<RenotifyStatus, State> = { alert: 'Alert', warn: 'Warn', 'no data': 'No Data' }

/** Reads the rule of a monitor. */
export function ruleOf({ parsed, options }: Monitor): Rule {
  const { thresholds = {} } = options
  const grouped = parsed.by.length > 0
  const condition: Condition = {
    operator: parsed.operator,
    critical: parsed.threshold,
    warning: thresholds.warning,
    criticalRecovery: thresholds.critical_recovery,
    warningRecovery: thresholds.warning_recovery,
  }
  const kind = parsed.form === 'formula' ? 'formula' : parsed.rollup.kind
  const onMissingData = options.on_missing_data ?? 'default'
  const newGroupDelayMs = grouped ? newGroupDelaySeconds(parsed, options) * 1000 : 0
  const firesOnLeaving = onMissingData.startsWith('show') || !onlyEnteringFires(kind, parsed.operator)
  const kinds = kindsOf(parsed)
  const firesOnLess =
    kinds.every(isCount) && !parsed.operator.startsWith('>') && firesAt(condition, valueOfZeros(parsed))
  return {
    ...condition,
    kind,
    countsLogs: kinds.every((each) => each === 'count'),
    grouped,
    windowMs: parsed.windowMs,
    evaluationDelayMs: (options.evaluation_delay ?? 0) * 1000,
    newGroupDelayMs,
    retentionMs: retentionMs(options.group_retention_duration) ?? DEFAULT_RETENTION_MS,
    onMissingData,
    renotify: renotifyOf(options),
    notifyBy: grouped ? options.notify_by?.filter((name) => name !== '*') : undefined,
    timeoutMs: options.timeout_h ? options.timeout_h * HOUR_MS : undefined,
    firesOnLeaving,
    firesOnLess,
    firesOnSilence: firesOnLess && kind === 'count' && onMissingData === 'default',
    remembersGroups: !grouped || newGroupDelayMs > 0 || firesOnLeaving,
  }
}

/**
 * Decision `new-host-delay`: the deprecated `new_host_delay` delays groups of monitors that are grouped by host, unless
 * `new_group_delay` is above 0 (documented). It is undocumented what applies if neither is given, or only a `new_group_delay`
 * of 0. Then `new_group_delay` applies, with its default of 60 seconds.
 * @see https://registry.terraform.io/providers/DataDog/datadog/latest/docs/resources/monitor#new_host_delay-1
 */
function newGroupDelaySeconds(parsed: Monitor['parsed'], options: Monitor['options']): number {
  const { new_group_delay: groupDelay, new_host_delay: hostDelay } = options
  if (!groupDelay && hostDelay !== undefined && groupsByHost(parsed)) return hostDelay
  return groupDelay ?? DEFAULT_NEW_GROUP_DELAY_SECONDS
}

function renotifyOf(options: Monitor['options']): Renotify | undefined {
  const interval = options.renotify_interval ?? 0
  if (interval === 0) return undefined
  const occurrences = options.renotify_occurrences ?? Number.POSITIVE_INFINITY
  return {
    intervalMs: interval * 60_000,
    states: (options.renotify_statuses ?? ['alert', 'no data']).map((status) => STATE_OF[status]),
    occurrences,
    untilMs: Number.isFinite(occurrences) ? Number.POSITIVE_INFINITY : REMINDERS_END_MS,
  }
}

const isCount = (kind: Rule['kind']): boolean => kind === 'count' || kind === 'cardinality'

/** The value while nothing is counted; NaN when a formula has none then. */
function valueOfZeros(query: EvaluatedQuery): number {
  if (query.form === 'logs') return 0
  const names = query.variables.map(({ name }) => name)
  return compileFormula(query.expression, names)(names.map(() => 0))
}

/** Whether a group that is OK is so no more with a value, which is NaN where it has none. */
export const firesAt = (condition: Condition, value: number): boolean =>
  !Number.isNaN(value) && judge(condition, 'OK', value) !== 'OK'

/** Whether an entry that leaves can only move the value away from the threshold. */
function onlyEnteringFires(kind: Rule['kind'], operator: Operator): boolean {
  if (operator === '>' || operator === '>=') return isCount(kind) || kind === 'max'
  return kind === 'min' && (operator === '<' || operator === '<=')
}

/**
 * The state of a group after an evaluation.
 * Decision `first-evaluation-fires`, undocumented: a group that exceeds its threshold at its first evaluation triggers.
 * @param value the rollup over the group's window
 * @param hasData whether that window contains a log of the group
 * @param anyData whether it contains a log of any group
 * @returns the unchanged state where Datadog keeps the last known status
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
      if (rule.kind === 'formula') return withoutValue(rule, state)
      // Decision `silence-is-zero-for-count`, undocumented for cardinality: it keeps its last status, as every rollup but count does.
      if (rule.kind !== 'count') return state
      // A grouped monitor on low counts fires on silence only when no group has a log: monitors/types/log.
      return rule.grouped && rule.firesOnLess && anyData ? 'OK' : judge(rule, state, 0)
  }
}

/**
 * Decision `formula-without-value`, undocumented: a formula without a value raises no alert, even if 0 would. With
 * `on_missing_data: default`, a formula whose queries all count logs recovers as from the value 0. Every other formula keeps
 * its last status.
 */
function withoutValue(rule: Rule, state: State): State {
  if (!rule.countsLogs) return state
  const atZero = judge(rule, state, 0)
  return SEVERITY[atZero] < SEVERITY[state] ? atZero : state
}

function judge(condition: Condition, state: State, value: number): State {
  const { operator, critical, warning, criticalRecovery, warningRecovery } = condition
  if (compares(value, operator, critical)) return 'Alert'
  if (state === 'Alert' && compares(value, operator, criticalRecovery)) return 'Alert'
  if (compares(value, operator, warning)) return 'Warn'
  return (state === 'Warn' || state === 'Alert') && compares(value, operator, warningRecovery) ? 'Warn' : 'OK'
}

/** Whether a value is beyond a limit. */
export function compares(value: number, operator: Operator, limit: number | undefined): boolean {
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

/** An alert from its first notification until its recovery. */
export interface Cycle {
  /** `$ALERT_CYCLE_KEY` */
  readonly key: string
  /** When it began, and when the present state was entered: epoch ms. */
  readonly since: number
  enteredAt: number
  notifiedAt: number
  /** Since the present state was entered. */
  reminders: number
}

/** A group, or groups that are notified together: it has one state and one notification. */
export interface Subject {
  readonly key: string
  state: State
  cycle: Cycle | undefined
}

/** The word for entering a state. */
export const ENTERING: Record<State, TransitionWord> = {
  OK: 'Recovered',
  Warn: 'Warn',
  Alert: 'Triggered',
  'No Data': 'No Data',
}
/** The word of a reminder of a state. */
export const REMINDING: Record<Exclude<State, 'OK'>, TransitionWord> = {
  Warn: 'Re-Warn',
  Alert: 'Re-Triggered',
  'No Data': 'Re-No Data',
}

/** A higher number is worse. */
export const SEVERITY: Record<State, number> = { OK: 0, 'No Data': 1, Warn: 2, Alert: 3 }

export const isTriggered = (state: State): boolean => state === 'Alert' || state === 'Warn'

export const byKey = (a: { readonly key: string }, b: { readonly key: string }): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : 0

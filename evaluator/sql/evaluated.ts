import { cadenceOf } from '../evaluate/cadence.ts'
import { type Rule, ruleOf } from '../evaluate/state.ts'
import type { Monitor, SearchMonitor } from '../monitor/monitor.ts'
import type { MonitorQuery } from '../monitor/monitor-query.ts'

/** A monitor that is said in SQL, and what its query needs to know of it. */
export interface EvaluatedMonitor {
  /** From 1. */
  readonly index: number
  readonly slug: string
  readonly query: MonitorQuery
  readonly rule: Rule
  readonly windowMs: number
  /** `evaluation_delay`. */
  readonly delayMs: number
  /** Milliseconds between evaluations. */
  readonly stepMs: number
}

/** A monitor that is not said in SQL. */
export interface Refusal {
  readonly monitor: string
  readonly reason: string
}

/** @returns why a monitor cannot be said in SQL; undefined if it can */
export function refusalOf(monitor: Monitor): string | undefined {
  const { parsed } = monitor
  if (parsed.form === 'formula') return 'a formula joins several queries'
  const rule = ruleOf(monitor)
  if (rule.renotify && sharesNotifications({ query: parsed, rule }))
    return 'renotify_interval reminds of groups that share a notification by notify_by'
  if (rule.timeoutMs !== undefined && alertsInSilence(rule))
    return 'timeout_h ends an alert that silence begins again at the next evaluation'
  return undefined
}

/** Whether several groups have one notification, with the state of the worst. */
export const sharesNotifications = ({ query, rule }: Pick<EvaluatedMonitor, 'query' | 'rule'>): boolean =>
  rule.notifyBy !== undefined && query.by.some(({ name }) => !rule.notifyBy?.includes(name))

/** Whether a group without logs may be in alert because silence counts as 0. */
const alertsInSilence = ({
  onMissingData,
  kind,
  operator,
  critical,
  warning = critical,
  criticalRecovery = critical,
  warningRecovery = warning,
}: Rule): boolean =>
  onMissingData === 'default' &&
  kind === 'count' &&
  [critical, warning, criticalRecovery, warningRecovery].some((limit) => holdsAtZero(operator, limit))

function holdsAtZero(operator: Rule['operator'], limit: number): boolean {
  switch (operator) {
    case '>':
      return limit < 0
    case '>=':
      return limit <= 0
    case '<':
      return limit > 0
    case '<=':
      return limit >= 0
    case '==':
      return limit === 0
    case '!=':
      return limit !== 0
  }
}

/** @param cadenceSeconds between evaluations of windows shorter than a day; 60 by default */
export function evaluatedMonitor(monitor: SearchMonitor, index: number, cadenceSeconds?: number): EvaluatedMonitor {
  const rule = ruleOf(monitor)
  const cadenceMs = cadenceOf(monitor, cadenceSeconds === undefined ? {} : { cadenceSeconds })
  if (cadenceMs === undefined) throw new RangeError('evaluation at each log is not said in SQL')
  return {
    index,
    slug: monitor.slug,
    query: monitor.parsed,
    rule,
    windowMs: rule.windowMs,
    delayMs: rule.evaluationDelayMs,
    stepMs: cadenceMs,
  }
}

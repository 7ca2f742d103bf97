import { NEW_AGAIN_MS } from '../evaluate/group.ts'
import type { Measure } from '../monitor/monitor-query.ts'
import type { Step } from './columns.ts'
import type { EvaluatedMonitor } from './evaluated.ts'
import { tickFrom } from './ticks.ts'

/** What ends a silence; an evaluation is 0. At one instant they come in this order. */
const TIMEOUT = 1
export const DROP = 2

/** A window without a name: in a recursive query, DuckDB takes each name of one once. */
const BY_VALUE = 'OVER (PARTITION BY k, v ORDER BY e, l)'

/** Whether a group without a log has the value 0. */
export const silenceIsZero = ({ rule }: EvaluatedMonitor): boolean =>
  rule.onMissingData === 'default' && rule.kind === 'count'

/** Whether the state of a silent group depends on whether any other group has a log. */
export const watchesOthers = ({ rule }: EvaluatedMonitor): boolean => rule.firesOnSilence && rule.grouped

/**
 * The steps from `entries` to the rows of a monitor: the evaluations of each group that may change its state, each with its value, with
 * whether it has a log, and with the evaluation up to which the group waited. A value changes only when an entry enters or leaves
 * the window.
 */
export function valueSteps(monitor: EvaluatedMonitor): Step[] {
  const { rollup } = monitor.query
  const writer = new ValueSteps(monitor)
  if (rollup.kind === 'count' || rollup.kind === 'cardinality') writer.counts(rollup.kind)
  else writer.measures(rollup.kind)
  writer.seen()
  writer.rows()
  return writer.steps
}

class ValueSteps {
  readonly steps: Step[] = []
  readonly #monitor: EvaluatedMonitor
  readonly #own: string
  readonly #has: string
  readonly #none: string

  constructor(monitor: EvaluatedMonitor) {
    this.#monitor = monitor
    this.#own = `FROM entries WHERE m = ${monitor.index}`
    const counts = monitor.rule.kind === 'count' || monitor.rule.kind === 'cardinality'
    this.#has = counts ? 'value > 0' : 'value IS NOT NULL'
    this.#none = counts ? '0' : 'NULL'
    if (monitor.rule.newGroupDelayMs > 0) this.#news()
  }

  #name(step: string): string {
    return `m${this.#monitor.index}_${step}`
  }

  #add(step: string, sql: string): void {
    this.steps.push({ name: this.#name(step), sql })
  }

  /** When a group is new: at its first entry, and at one after a day without. */
  #news(): void {
    this.#add(
      'news',
      `SELECT k, first AS since FROM (
    SELECT k, first, lag(last) OVER (PARTITION BY k ORDER BY e, l) AS before
    FROM (SELECT k, e, l, min(first) AS first, max(last) AS last ${this.#own} GROUP BY k, e, l))
  WHERE before IS NULL OR before + ${NEW_AGAIN_MS} <= first`,
    )
  }

  get #waits(): boolean {
    return this.#monitor.rule.newGroupDelayMs > 0
  }

  /** The evaluation at which the wait of a new group ends. */
  get #waitEnds(): string {
    return tickFrom(`since + ${this.#monitor.rule.newGroupDelayMs}`, this.#monitor.stepMs)
  }

  /** Whether the first evaluation waits for a whole window. */
  get #waitsForWindow(): boolean {
    return !this.#monitor.rule.grouped && this.#monitor.rule.firesOnLess
  }

  /** The first evaluation of a monitor that waits for a whole window, an aggregate of its entries. */
  get #wholeAt(): string {
    const { windowMs, delayMs, stepMs } = this.#monitor
    return tickFrom(`min(first) + ${windowMs + delayMs}`, stepMs)
  }

  /** Changes of a count, and of a number of distinct values, which have entries from one evaluation to another. */
  counts(kind: 'count' | 'cardinality'): void {
    const changes =
      kind === 'count'
        ? [`SELECT k, e AS t, n AS d ${this.#own}`, `SELECT k, l, -n ${this.#own}`]
        : [
            `SELECT k, e AS t, 1 AS d FROM ${this.#name('spans')} WHERE before IS NULL OR before < e`,
            `SELECT k, l, -1 FROM ${this.#name('spans')} WHERE after IS NULL OR after > l`,
          ]
    if (kind === 'cardinality') {
      this.#add('spans', `SELECT k, e, l, lag(l) ${BY_VALUE} AS before, lead(e) ${BY_VALUE} AS after ${this.#own}`)
    }
    if (this.#waits) changes.push(`SELECT k, ${this.#waitEnds}, 0 FROM ${this.#name('news')}`)
    if (this.#waitsForWindow) changes.push(`SELECT []::VARCHAR[], ${this.#wholeAt}, 0 ${this.#own} HAVING count(*) > 0`)
    this.#add(
      'values',
      `SELECT k, t, (sum(sum(d)) OVER (PARTITION BY k ORDER BY t))::BIGINT AS value
  FROM (${changes.join('\n    UNION ALL ')}) GROUP BY k, t`,
    )
  }

  /** The numbers of each window, at each evaluation that sees one. */
  measures(measure: Measure): void {
    const { stepMs } = this.#monitor
    this.#add('points', `SELECT k, e, l, unnest(repeat([v::DOUBLE], n)) AS x ${this.#own}`)
    this.#add(
      'windows',
      `SELECT k, t, ${measureSql(measure)} AS value
  FROM (SELECT k, x, unnest(range(e, l, ${stepMs})) AS t FROM ${this.#name('points')}) GROUP BY k, t`,
    )
    const waits = this.#waits ? ` UNION SELECT k, ${this.#waitEnds} FROM ${this.#name('news')}` : ' GROUP BY ALL'
    this.#add(
      'values',
      `SELECT k, t, value FROM ${this.#name('windows')}
  UNION ALL SELECT k, t, NULL FROM (SELECT k, l AS t ${this.#own}${waits}) AS s
    ANTI JOIN ${this.#name('windows')} AS w ON s.k = w.k AND s.t = w.t`,
    )
  }

  /** Leaves out the evaluations that wait. */
  seen(): void {
    const whole = this.#waitsForWindow ? [`r.t >= (SELECT ${this.#wholeAt} ${this.#own})`] : []
    this.#add('seen', this.#awaited(`r.k, r.t, r.value, ${this.#has} AS has, 0 AS kind`, this.#name('values'), whole))
  }

  #awaited(columns: string, from: string, conditions: readonly string[] = []): string {
    const join = this.#waits ? `\n  ASOF JOIN ${this.#name('news')} AS n ON r.k = n.k AND r.t > n.since` : ''
    const all = [...(this.#waits ? [`r.t >= n.since + ${this.#monitor.rule.newGroupDelayMs}`] : []), ...conditions]
    const waited = this.#waits ? this.#waitEnds : '0'
    return `SELECT ${columns}, ${waited} AS waited FROM ${from} AS r${join}${all.length > 0 ? `\n  WHERE ${all.join(' AND ')}` : ''}`
  }

  /** Adds what happens to a group in silence: the evaluations at which others begin or end to have logs, and its ends. */
  rows(): void {
    const { rule } = this.#monitor
    const times = rule.onMissingData === 'default' && !silenceIsZero(this.#monitor) ? rule.timeoutMs : undefined
    const drops = rule.grouped && rule.onMissingData !== 'resolve'
    const others = watchesOthers(this.#monitor)
    const all = [`SELECT k, t, value, has, kind, waited FROM ${this.#name('seen')}`]
    if (times !== undefined || drops || others) this.#silences()
    if (times !== undefined) all.push(this.#end(TIMEOUT, times))
    if (drops) all.push(this.#end(DROP, rule.retentionMs))
    if (others) {
      this.#flips()
      const meeting = `(SELECT s.k AS k, f.t AS t FROM ${this.#name('silences')} AS s JOIN ${this.#name('flips')} AS f
    ON f.t > s.since AND (s.until IS NULL OR f.t < s.until) AND f.t < s.since + ${rule.retentionMs})`
      all.push(this.#awaited('r.k, r.t, 0, false, 0', meeting))
    }
    this.#add('rows', all.join('\n  UNION ALL '))
  }

  #end(kind: number, afterMs: number): string {
    const t = tickFrom(`since + ${afterMs}`, this.#monitor.stepMs)
    return `SELECT k, ${t}, ${this.#none}, false, ${kind}, 0 FROM ${this.#name('silences')} WHERE until IS NULL OR until > ${t}`
  }

  /** From the evaluation that first finds a group without a log to the next that finds one. */
  #silences(): void {
    this.#add(
      'silences',
      `SELECT k, t AS since, until FROM (
    SELECT k, t, has, lag(has, 1, true) OVER (PARTITION BY k ORDER BY t) AS had,
      min(if(has, t, NULL)) OVER (PARTITION BY k ORDER BY t ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS until
    FROM ${this.#name('seen')})
  WHERE NOT has AND had`,
    )
  }

  /** Evaluations from which on there are logs of some group, or of none. */
  #flips(): void {
    this.#add(
      'flips',
      `SELECT t, total > 0 AS others FROM (
    SELECT t, sum(sum(d)) OVER (ORDER BY t) AS total
    FROM (SELECT e AS t, n AS d ${this.#own} UNION ALL SELECT l, -n ${this.#own}) GROUP BY t)
  QUALIFY (total > 0) IS DISTINCT FROM lag(total > 0) OVER (ORDER BY t)`,
    )
  }
}

const QUANTILES: Partial<Record<Measure, number>> = {
  median: 0.5,
  pc75: 0.75,
  pc90: 0.9,
  pc95: 0.95,
  pc98: 0.98,
  pc99: 0.99,
}

/** The statistic over the numbers `x` of a group. @see statisticOf */
function measureSql(measure: Measure): string {
  const quantile = QUANTILES[measure]
  if (quantile !== undefined) {
    const rank = `(${quantile}::DOUBLE * (count(x) - 1))`
    const sorted = 'list_sort(list(x))'
    const low = `${sorted}[floor(${rank})::BIGINT + 1]`
    const high = `${sorted}[floor(${rank})::BIGINT + 2]`
    return `if(floor(${rank}) = ${rank}, ${low}, ${low} + (${high} - ${low}) * (${rank} - floor(${rank})))`
  }
  if (measure === 'sum') return 'fsum(x)'
  if (measure === 'avg') return 'fsum(x) / count(x)'
  return `${measure}(x)`
}

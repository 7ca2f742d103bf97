import type { Expression, Side } from '../siem/condition.ts'
import { type RuleCase, type RuleQuery, SEVERITIES, type SiemRule } from '../siem/rule.ts'
import type { Step } from './columns.ts'
import { keyOf, number, text } from './literals.ts'

/** A rule that is evaluated in SQL. */
export interface EvaluatedRule {
  /** From 1. */
  readonly index: number
  readonly rule: SiemRule
  /** The number of the entries of its first query; those of the others follow. */
  readonly firstQuery: number
}

/** @returns why a rule cannot be evaluated in SQL; undefined if it can */
export function ruleRefusal({ evaluationWindowMs, queries, cases }: SiemRule): string | undefined {
  if (evaluationWindowMs > 0) return undefined
  const severities = new Set(cases.map(({ status }) => status))
  const isSame = queries.every(({ rollup }) => rollup.kind === 'count' || rollup.kind === 'cardinality')
  if (queries.length === 1 && severities.size === 1 && isSame) return undefined
  return 'evaluationWindow 0 judges the events of one instant in their order, which lines of a lake do not have'
}

/** With a window of 0 an entry is in the window at its own instant only. */
export const windowOf = ({ evaluationWindowMs }: SiemRule): number => Math.max(evaluationWindowMs, 1)

/**
 * The steps from `entries` to the changes of the signals of a rule. It is evaluated in each group at the time of each of its entries.
 * @see RuleTrack
 */
export function ruleSteps(rule: EvaluatedRule): Step[] {
  const writer = new RuleSteps(rule)
  writer.instants()
  writer.values()
  writer.matches()
  writer.signals()
  writer.transitions()
  return writer.steps
}

const BY_VALUE = 'OVER (PARTITION BY k, v ORDER BY e, l)'
const IN_ORDER = 'ORDER BY t, key'

class RuleSteps {
  readonly steps: Step[] = []
  readonly #rule: SiemRule
  readonly #index: number
  readonly #firstQuery: number

  constructor({ rule, index, firstQuery }: EvaluatedRule) {
    this.#rule = rule
    this.#index = index
    this.#firstQuery = firstQuery
  }

  #name(step: string): string {
    return `r${this.#index}_${step}`
  }

  #add(step: string, sql: string, recursive = false): void {
    this.steps.push({ name: this.#name(step), sql, recursive })
  }

  get #isOwn(): string {
    return `m BETWEEN ${this.#firstQuery} AND ${this.#firstQuery + this.#rule.queries.length - 1}`
  }

  /** The times at which each group is evaluated. */
  instants(): void {
    this.#add('instants', `SELECT DISTINCT k, e AS t FROM entries WHERE ${this.#isOwn}`)
  }

  /** What each query counts at these times: columns v1, v2 and so on. */
  values(): void {
    const isAlone = this.#rule.evaluationWindowMs === 0
    const joins = this.#rule.queries.map((query, i) => {
      const name = this.#name(`q${i + 1}`)
      const own = `FROM entries WHERE m = ${this.#firstQuery + i}`
      this.#add(`q${i + 1}`, isAlone ? `SELECT DISTINCT k, e AS t, 1 AS value ${own}` : this.#valuesSql(query, i, own))
      return `ASOF LEFT JOIN ${name} AS q${i + 1} ON i.k = q${i + 1}.k AND i.t >= q${i + 1}.t`
    })
    const columns = joins.map((_, i) => `coalesce(q${i + 1}.value, 0) AS v${i + 1}`)
    this.#add(
      'values',
      `SELECT i.k, i.t, ${columns.join(', ')}\n  FROM ${this.#name('instants')} AS i\n  ${joins.join('\n  ')}`,
    )
  }

  #valuesSql({ rollup }: RuleQuery, i: number, own: string): string {
    if (rollup.kind === 'count') return summed(`SELECT k, e AS t, n AS d ${own}\n    UNION ALL SELECT k, l, -n ${own}`)
    if (rollup.kind === 'cardinality') {
      const spans = `s${i + 1}`
      this.#add(spans, `SELECT k, e, l, lag(l) ${BY_VALUE} AS before, lead(e) ${BY_VALUE} AS after ${own}`)
      return summed(`SELECT k, e AS t, 1 AS d FROM ${this.#name(spans)} WHERE before IS NULL OR before < e
    UNION ALL SELECT k, l, -1 FROM ${this.#name(spans)} WHERE after IS NULL OR after > l`)
    }
    return `SELECT i.k, i.t, ${rollup.kind === 'sum' ? 'fsum' : 'max'}(x.v) AS value
  FROM ${this.#name('instants')} AS i LEFT JOIN (SELECT k, e, l, unnest(repeat([v::DOUBLE], n)) AS v ${own}) AS x
    ON i.k = x.k AND x.e <= i.t AND x.l > i.t GROUP BY i.k, i.t`
  }

  /** The evaluations at which a case holds: the first of them decides. */
  matches(): void {
    const { cases, signalBy, queries } = this.#rule
    const inOrder = cases.some(({ condition }) => condition.after)
    if (inOrder) this.#splits()
    const found = cases.map((each, place) => `WHEN ${this.#holds(each)} THEN ${place}`)
    const shown = cases.map((each, place) => `WHEN ${place} THEN v${this.#shown(each)}`)
    const severities = cases.map(({ status }, place) => `WHEN ${place} THEN ${SEVERITIES.indexOf(status)}`)
    const values = inOrder ? `${this.#name('values')} JOIN ${this.#name('ordered')} USING (k, t)` : this.#name('values')
    this.#add(
      'matches',
      `SELECT [${signalBy.map((i) => `k[${i + 1}]`).join(', ')}]::VARCHAR[] AS s, ${keyOf(queries[0]?.by.length ?? 0)} AS key, t,
    CASE c ${severities.join(' ')} END AS severity, CASE c ${shown.join(' ')} END AS value
  FROM (SELECT *, CASE ${found.join(' ')} END AS c FROM ${values}) WHERE c IS NOT NULL`,
    )
  }

  #holds({ condition: { first, after } }: RuleCase): string {
    return after ? 'in_order' : this.#expression(first, 'v')
  }

  /**
   * For each evaluation and each time that divides its window, what each query counts up to it (b1, b2 and so on) and after it (a1).
   * @see holdsInOrder
   */
  #splits(): void {
    const { queries, cases, evaluationWindowMs } = this.#rule
    const columns = queries.flatMap(({ rollup }, i) => {
      const own = (side: string) => `FILTER (x.m = ${this.#firstQuery + i} AND x.e ${side} p.s)`
      const of = (side: string) =>
        rollup.kind === 'count'
          ? `coalesce(sum(x.n) ${own(side)}, 0)`
          : rollup.kind === 'cardinality'
            ? `count(DISTINCT x.v) ${own(side)}`
            : rollup.kind === 'sum'
              ? `coalesce(fsum(TRY_CAST(x.v AS DOUBLE) * x.n) ${own(side)}, 0)`
              : `coalesce(max(TRY_CAST(x.v AS DOUBLE)) ${own(side)}, 0)`
      return [`${of('<=')} AS b${i + 1}`, `${of('>')} AS a${i + 1}`]
    })
    this.#add(
      'pairs',
      `SELECT i.k, i.t, s.t AS s FROM ${this.#name('instants')} AS i JOIN ${this.#name('instants')} AS s
    ON i.k = s.k AND s.t < i.t AND s.t > i.t - ${evaluationWindowMs}`,
    )
    this.#add(
      'splits',
      `SELECT p.k, p.t, p.s, ${columns.join(',\n    ')}
  FROM ${this.#name('pairs')} AS p JOIN entries AS x
    ON x.${this.#isOwn} AND p.k = x.k AND x.e > p.t - ${evaluationWindowMs} AND x.e <= p.t
  GROUP BY p.k, p.t, p.s`,
    )
    // A rule with THEN has one case.
    const [only] = cases
    const sides = only?.condition.after
      ? `${this.#expression(only.condition.first, 'b')} AND ${this.#expression(only.condition.after, 'a')}`
      : 'false'
    this.#add('ordered', `SELECT k, t, bool_or(${sides}) AS in_order FROM ${this.#name('splits')} GROUP BY k, t`)
  }

  #expression(expression: Expression, column: string): string {
    if (expression.kind !== 'compare') {
      const parts = expression.parts.map((part) => this.#expression(part, column))
      return `(${parts.join(expression.kind === 'and' ? ' AND ' : ' OR ')})`
    }
    const side = (each: Side): string =>
      each.kind === 'number'
        ? number(each.number)
        : `${column}${this.#placeOf(each.alias)}::DOUBLE${each.factor === 1 ? '' : ` * ${number(each.factor)}`}`
    return `${side(expression.left)} ${expression.operator} ${side(expression.right)}`
  }

  #placeOf(alias: string): number {
    return this.#rule.queries.findIndex((query) => query.alias === alias) + 1
  }

  /** The query whose value a change shows: the first that the condition names. */
  #shown({ condition }: RuleCase): number {
    const first = (expression: Expression): string | undefined =>
      expression.kind === 'compare'
        ? [expression.left, expression.right].flatMap((side) => (side.kind === 'query' ? [side.alias] : []))[0]
        : expression.parts.map(first).find((alias) => alias !== undefined)
    return this.#placeOf(first(condition.first) ?? '')
  }

  /** The time at which the signal of each match was opened. A match that is too late for keepAlive or maxSignalDuration opens another. */
  signals(): void {
    const { keepAliveMs, maxSignalDurationMs } = this.#rule
    this.#add(
      'islands',
      `SELECT *, sum(gap) OVER (PARTITION BY s ${IN_ORDER} ROWS UNBOUNDED PRECEDING) AS island
  FROM (SELECT *, coalesce(t - lag(t) OVER (PARTITION BY s ${IN_ORDER}) > ${keepAliveMs}, false)::INT AS gap FROM ${this.#name('matches')})`,
    )
    this.#add(
      'opened',
      `SELECT s, island, min(t) AS opened FROM ${this.#name('islands')} GROUP BY s, island
  UNION ALL SELECT o.s, o.island, min(i.t) FROM ${this.#name('opened')} AS o JOIN ${this.#name('islands')} AS i
    ON o.s = i.s AND o.island = i.island AND i.t > o.opened + ${maxSignalDurationMs} GROUP BY o.s, o.island`,
      true,
    )
    this.#add(
      'signals',
      `SELECT i.s, i.key, i.t, i.severity, i.value, o.opened,
    max(i.severity) OVER (PARTITION BY i.s, o.opened ORDER BY i.t, i.key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
  FROM ${this.#name('islands')} AS i ASOF JOIN ${this.#name('opened')} AS o
    ON i.s = o.s AND i.island = o.island AND i.t >= o.opened`,
    )
  }

  /** A signal that opens, rises and closes. */
  transitions(): void {
    const { slug, signalBy, groupNames, keepAliveMs, maxSignalDurationMs } = this.#rule
    const names = signalBy.map((i, place) => `${text(groupNames[i] ?? '')}, s[${place + 1}]`)
    const group = names.length === 0 ? `'{}'::JSON` : `json_object(${names.join(', ')})`
    const from = this.#name('signals')
    this.#add(
      'transitions',
      `SELECT ${this.#index} AS m, key, t, kind, ${text(slug)} AS monitor, CASE kind WHEN 0 THEN 'Triggered' WHEN 1 THEN 'Raised' ELSE 'Closed' END AS transition,
    ${group} AS "group", value, [${SEVERITIES.map(text).join(', ')}][severity + 1] AS severity
  FROM (SELECT s, key, t, if(before IS NULL, 0, 1) AS kind, severity, value FROM ${from} WHERE before IS NULL OR severity > before
    UNION ALL SELECT s, '', least(max(t) + ${keepAliveMs}, opened + ${maxSignalDurationMs}), 2, max(severity), last(value ${IN_ORDER})
    FROM ${from} GROUP BY s, opened)`,
    )
  }
}

const summed = (changes: string): string =>
  `SELECT k, t, (sum(sum(d)) OVER (PARTITION BY k ORDER BY t))::BIGINT AS value
  FROM (${changes}) GROUP BY k, t`

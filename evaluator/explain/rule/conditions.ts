import { poolOf } from '../../evaluate/pool.ts'
import { type Condition, type Expression, holdsFor, printExpression } from '../../siem/condition.ts'
import type { RuleCase, SiemRule } from '../../siem/rule.ts'
import type { RuleEntry } from '../../siem/rule-observer.ts'
import { holdsInOrder } from '../../siem/then.ts'
import type { CaseFacts, CaseName, ConditionFacts } from './explanation.ts'

export const caseName = ({ name, status, text }: RuleCase): CaseName => ({ name, severity: status, condition: text })

/** What each query counts of some entries, in the order of the queries. */
export function valuesOf(rule: SiemRule, entries: readonly Pick<RuleEntry, 'query' | 'value'>[]): number[] {
  return rule.queries.map(({ rollup }, query) => {
    const own = entries.filter((entry) => entry.query === query)
    if (own.length === 0) return 0
    const pool = poolOf(rollup.kind)
    for (const { value } of own) pool.add(value, 1)
    return pool.value()
  })
}

/** The values by the names of the queries. */
export const namedValues = (rule: SiemRule, values: readonly number[]): Record<string, number> =>
  Object.fromEntries(rule.queries.map(({ alias }, i) => [alias, values[i] ?? 0]))

/**
 * The cases of a rule at an evaluation, part by part.
 * @param matched the place of the case that matched; -1 if none did
 * @param entries what is in the window, oldest first
 */
export function caseFacts(rule: SiemRule, matched: number, entries: readonly RuleEntry[]): CaseFacts[] {
  const values = namedValues(rule, valuesOf(rule, entries))
  const queryOf = new Map(rule.queries.map(({ alias }, i) => [alias, i]))
  return rule.cases.map((each, i) => {
    const { condition } = each
    const holds = condition.after
      ? holdsInOrder(condition, rule, queryOf, entries)
      : holdsFor(condition.first, (alias) => values[alias] ?? 0)
    return { ...caseName(each), holds, decided: i === matched, parts: conditionFacts(condition, values, holds) }
  })
}

function conditionFacts({ first, after }: Condition, values: Values, holds: boolean): ConditionFacts {
  if (!after) return expressionFacts(first, values)
  const parts = [first, after].map((side) => expressionFacts(side, values))
  return { kind: 'then', text: parts.map(({ text }) => text).join(' THEN '), holds, values: {}, parts }
}

type Values = Readonly<Record<string, number>>

function expressionFacts(expression: Expression, values: Values): ConditionFacts {
  const text = printExpression(expression)
  const holds = holdsFor(expression, (alias) => values[alias] ?? 0)
  if (expression.kind === 'compare') {
    const sides = [expression.left, expression.right]
    const named = sides.flatMap((side) =>
      side.kind === 'query' ? [[side.alias, values[side.alias] ?? 0] as const] : [],
    )
    return { kind: 'compare', text, holds, values: Object.fromEntries(named), parts: [] }
  }
  const parts = expression.parts.map((part) => expressionFacts(part, values))
  return { kind: expression.kind, text, holds, values: {}, parts }
}

/** How far a rule is from a match: 0 where the comparisons of a case hold. The order that THEN asks for is not counted. */
export const shortfallOf = ({ queries, cases }: SiemRule, values: readonly number[]): number =>
  Math.min(...cases.map(({ condition }) => caseShortfall(condition, (alias) => valueIn(queries, values, alias))))

/** The place of the case that came nearest; of several, the first. */
export function nearestCase({ queries, cases }: SiemRule, values: readonly number[]): number {
  const each = cases.map(({ condition }) => caseShortfall(condition, (alias) => valueIn(queries, values, alias)))
  return each.indexOf(Math.min(...each))
}

const valueIn = (queries: SiemRule['queries'], values: readonly number[], alias: string): number =>
  values[queries.findIndex((query) => query.alias === alias)] ?? 0

const caseShortfall = ({ first, after }: Condition, countOf: (alias: string) => number): number =>
  shortfall(first, countOf) + (after ? shortfall(after, countOf) : 0)

function shortfall(expression: Expression, countOf: (alias: string) => number): number {
  if (holdsFor(expression, countOf)) return 0
  if (expression.kind === 'compare') {
    const [left, right] = [expression.left, expression.right].map((side) =>
      side.kind === 'number' ? side.number : countOf(side.alias) * side.factor,
    )
    return Math.abs((left ?? 0) - (right ?? 0)) + (expression.operator.endsWith('=') ? 0 : 1)
  }
  const each = expression.parts.map((part) => shortfall(part, countOf))
  return expression.kind === 'and' ? each.reduce((sum, one) => sum + one, 0) : Math.min(...each)
}

import { ruleJsonOf } from '../mutate/rule-mutants.ts'
import {
  type Comparator,
  type Condition,
  type Expression,
  holdsFor,
  MIRRORED,
  printCondition,
  printExpression,
  printSide,
  type Side,
} from '../siem/condition.ts'
import type { SiemRule } from '../siem/rule.ts'
import { readRuleJson } from '../siem/rule-reading.ts'

/** A number of a rule that is tuned: that of one comparison of the condition of one case. */
export interface Knob {
  /** The place of the case. */
  readonly place: number
  /** The place of the comparison among those of its condition. */
  readonly comparison: number
  /** As it stands: `failed > 2`. */
  readonly text: string
  /** The side that is compared with the number: `failed`, `2 * failed`. */
  readonly measured: Extract<Side, { kind: 'query' }>
  /** With what is measured on its left. */
  readonly operator: Comparator
  readonly number: number
}

/** Every comparison of a query with a number, in the order of the cases. */
export const knobsOf = ({ cases }: SiemRule): Knob[] =>
  cases.flatMap(({ condition }, place) =>
    comparisonsIn(condition).flatMap((each, comparison): Knob[] => {
      const { left, operator, right } = each
      const common = { place, comparison, text: printExpression(each) }
      if (left.kind === 'query' && right.kind === 'number') {
        return [{ ...common, measured: left, operator, number: right.number }]
      }
      if (left.kind === 'number' && right.kind === 'query') {
        return [{ ...common, measured: right, operator: MIRRORED[operator], number: left.number }]
      }
      return []
    }),
  )

/** What a knob is called: the case and its condition, with `N` for the number. */
export function knobText({ cases }: SiemRule, { place, comparison, measured, operator }: Knob): string {
  const found = cases[place]
  if (!found) return ''
  const asked: Expression = {
    kind: 'compare',
    left: measured,
    operator,
    right: { kind: 'query', alias: 'N', factor: 1 },
  }
  const name = found.name === '' ? `the case for ${found.status}` : `the case ${JSON.stringify(found.name)}`
  return `${name}: ${printCondition(replaced(found.condition, comparison, asked))}`
}

/** A rule with one number and window changed, or why the API would not take it. */
export interface RuleVariant {
  readonly windowMs: number
  readonly threshold: number
  readonly rule: SiemRule | undefined
  readonly refused: string | undefined
}

export function ruleVariantsOf(
  rule: SiemRule,
  knob: Knob,
  thresholds: readonly number[],
  windowsMs: readonly number[],
): RuleVariant[] {
  const json = ruleJsonOf(rule)
  const condition = rule.cases[knob.place]?.condition
  return windowsMs.flatMap((windowMs) =>
    thresholds.map((threshold): RuleVariant => {
      const right: Side = { kind: 'number', number: threshold }
      const expression: Expression = { kind: 'compare', left: knob.measured, operator: knob.operator, right }
      const text = condition ? printCondition(replaced(condition, knob.comparison, expression)) : ''
      const changed = {
        ...json,
        cases: json.cases.map((each, i) => (i === knob.place ? { ...each, condition: text } : each)),
        options: { ...json.options, evaluationWindow: windowMs / 1000 },
      }
      const reading = readRuleJson(changed, { slug: rule.slug, file: rule.file }, false)
      const faults = [...reading.faults, ...reading.refusals].map(({ place, reason }) => `${place}: ${reason}`)
      return { windowMs, threshold, rule: reading.rule, refused: reading.rule ? undefined : faults.join('; ') }
    }),
  )
}

/**
 * What a knob measures where everything else of its condition holds, so that the number alone decides; undefined elsewhere.
 * @param valueIn what a query counts
 */
export function decisiveValue(
  { cases }: SiemRule,
  { place, comparison, measured }: Knob,
  valueIn: (alias: string) => number,
): number | undefined {
  const condition = cases[place]?.condition
  // The order that THEN asks for is not known from values.
  if (!condition || condition.after) return undefined
  let next = 0
  const holds = (expression: Expression): boolean => {
    if (expression.kind === 'compare') return next++ === comparison || holdsFor(expression, valueIn)
    // Each part is visited, so that the comparisons keep their places.
    const each = expression.parts.map(holds)
    return expression.kind === 'and' ? each.every(Boolean) : each.some(Boolean)
  }
  return holds(condition.first) ? valueIn(measured.alias) * measured.factor : undefined
}

type Comparison = Extract<Expression, { kind: 'compare' }>

const comparisonsIn = ({ first, after }: Condition): Comparison[] =>
  [first, ...(after ? [after] : [])].flatMap(comparisonsOf)

const comparisonsOf = (expression: Expression): Comparison[] =>
  expression.kind === 'compare' ? [expression] : expression.parts.flatMap(comparisonsOf)

/** The condition with another comparison at a place. */
function replaced({ first, after }: Condition, place: number, by: Expression): Condition {
  let next = 0
  const visit = (expression: Expression): Expression => {
    if (expression.kind === 'compare') return next++ === place ? by : expression
    return { ...expression, parts: expression.parts.map(visit) }
  }
  const changed = visit(first)
  return { first: changed, after: after && visit(after) }
}

/** What is measured, and by which operator: `failed >`. */
export const knobOperator = ({ measured, operator }: Knob): string => `${printSide(measured)} ${operator}`

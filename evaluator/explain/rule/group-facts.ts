import { type Expression, MIRRORED } from '../../siem/condition.ts'
import type { RuleEntry, RulePass } from '../../siem/rule-observer.ts'
import { nearestTo, thinned, timeFact } from '../fact.ts'
import { caseFacts, caseName, namedValues, nearestCase, valuesOf } from './conditions.ts'
import { entriesAt, type RuleCourse } from './course.ts'
import type { QueryValues, RuleGroupFacts, RuleStep } from './explanation.ts'

const MAX_STEPS = 40

/** Epoch ms: [from, to]. */
export interface Period {
  readonly from: number
  readonly to: number
}

/** What became of a group. @param pass the evaluation that the verdict is about @param at its time @param event that of the event */
export function ruleGroupFacts(
  course: RuleCourse,
  { from, to }: Period,
  at: number,
  pass: RulePass | undefined,
  event: number | undefined,
): Omit<RuleGroupFacts, 'events'> {
  const { rule, group, signals } = course
  return {
    group,
    signals: signals.map(({ opened, closed, cause, severity }) => ({
      opened: timeFact(opened),
      closed: closed === undefined ? null : timeFact(closed),
      cause: cause ?? null,
      severity,
    })),
    evaluation: pass
      ? { at: timeFact(pass.at), cases: caseFacts(rule, pass.matched, entriesOfPass(course, pass)) }
      : null,
    story: storyOf(course, { from, to }, at, event),
    from: timeFact(from),
    to: timeFact(to),
    values: queryValues(course, { from, to }, pass),
  }
}

/** Where each event is judged by itself, several may come at one instant: the first whose values are those of the evaluation. */
function entriesOfPass(course: RuleCourse, pass: RulePass): RuleEntry[] {
  const { rule } = course
  const entries = entriesAt(course, pass.at)
  if (rule.evaluationWindowMs > 0) return entries
  const alone = entries.find((entry) => String(valuesOf(rule, [entry])) === String(pass.values))
  return alone ? [alone] : entries
}

function storyOf(course: RuleCourse, { from, to }: Period, decisive: number, event: number | undefined): RuleStep[] {
  const { rule, passes, signals } = course
  const steps: RuleStep[] = event === undefined ? [] : [{ kind: 'event', at: timeFact(event) }]
  for (const { at, effect, matched, values } of passes) {
    const found = rule.cases[matched]
    const common = { at: timeFact(at), values: namedValues(rule, values) }
    if (effect && found) steps.push({ kind: effect, ...common, case: caseName(found) })
    else if (at === decisive) steps.push({ kind: 'evaluated', ...common })
  }
  for (const { closed, cause } of signals) {
    if (closed !== undefined && cause) steps.push({ kind: 'closed', at: timeFact(closed), cause })
  }
  const shown = steps
    .filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  return nearestTo(shown, decisive, MAX_STEPS)
}

/** So many values are computed for what leaves the window; those of what enters are known from the evaluations. */
const MAX_LEAVING = 400

/** What each query counts, whenever a value enters or leaves the window. */
function queryValues(course: RuleCourse, { from, to }: Period, pass: RulePass | undefined): QueryValues[] {
  const { rule, entries, passes } = course
  const lifeMs = Math.max(rule.evaluationWindowMs, 1)
  const leaving = [...new Set(entries.map(({ at }) => at + lifeMs))].filter((at) => at >= from - lifeMs && at <= to)
  const every = Math.ceil(leaving.length / MAX_LEAVING)
  const points = new Map(
    leaving.filter((_, i) => i % every === 0).map((at) => [at, valuesOf(rule, entriesAt(course, at))]),
  )
  for (const { at, values } of passes) if (at >= from - lifeMs && at <= to) points.set(at, [...values])
  const ordered = [...points].sort(([a], [b]) => a - b)
  return rule.queries.map(({ alias }, query) => ({
    query: alias,
    limit: limitOf(course, alias, pass),
    points: thinned(ordered.map(([at, values]) => ({ at, value: values[query] ?? 0 }))).map(({ at, value }) => ({
      ...{ at: timeFact(at), value },
    })),
  }))
}

/** The number that is compared with a query: by the case that decided, or came nearest, otherwise by the first that has one. */
function limitOf({ rule }: RuleCourse, alias: string, pass: RulePass | undefined): QueryValues['limit'] {
  const place = pass ? (pass.matched >= 0 ? pass.matched : nearestCase(rule, pass.values)) : 0
  const decisive = rule.cases[place]
  for (const { condition } of [...(decisive ? [decisive] : []), ...rule.cases]) {
    for (const expression of [condition.first, condition.after]) {
      const limit = expression && limitIn(expression, alias)
      if (limit) return limit
    }
  }
  return null
}

function limitIn(expression: Expression, alias: string): QueryValues['limit'] {
  if (expression.kind !== 'compare') {
    for (const part of expression.parts) {
      const found = limitIn(part, alias)
      if (found) return found
    }
    return null
  }
  const { left, operator, right } = expression
  if (left.kind === 'query' && left.alias === alias && right.kind === 'number') {
    return { operator, number: right.number / left.factor }
  }
  if (right.kind === 'query' && right.alias === alias && left.kind === 'number') {
    return { operator: MIRRORED[operator], number: left.number / right.factor }
  }
  return null
}

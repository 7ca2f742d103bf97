import { isRecord } from '../json.ts'
import { aliasesIn, type Condition, ConditionError, type Expression, MIRRORED, parseCondition } from './condition.ts'
import { type RuleCase, type RuleQuery, SEVERITIES, type Severity } from './rule.ts'
import type { Sinks } from './sinks.ts'

const MAX_CASES = 10
const CASE_KEYS = ['name', 'status', 'condition', 'notifications', 'actions', 'customStatus']

/** Reads the cases of a rule, in their order: the first that matches decides. */
export function readCases(cases: unknown, queries: readonly RuleQuery[], sinks: Sinks): RuleCase[] {
  if (!Array.isArray(cases) || cases.length === 0) {
    sinks.fault('cases', 'must be a list of at least one case')
    return []
  }
  if (cases.length > MAX_CASES) sinks.fault('cases', `at most ${MAX_CASES} cases are taken`)
  const read = cases.flatMap((each: unknown, i) => readCase(each, `cases[${i}]`, sinks) ?? [])
  if (read.length < cases.length || queries.length === 0) return read
  checkAliases(read, queries, sinks)
  checkOrder(read, sinks)
  if (read.length > 1) {
    const ordered = read.findIndex(({ condition }) => condition.after)
    if (ordered >= 0) sinks.fault(`cases[${ordered}].condition`, 'a rule with `THEN` has one case')
  }
  return read
}

function readCase(each: unknown, at: string, { fault, refusal, note }: Sinks): RuleCase | undefined {
  if (!isRecord(each)) {
    fault(at, 'must be an object')
    return undefined
  }
  for (const key of Object.keys(each)) if (!CASE_KEYS.includes(key)) note(`${at}.${key}`, 'is not known here')
  const { name = '', status, condition: text, notifications = [], actions } = each
  if (name !== null && typeof name !== 'string') fault(`${at}.name`, 'must be a string')
  const severity = SEVERITIES.find((known) => known === status)
  if (!severity) fault(`${at}.status`, `${JSON.stringify(status)} is not one of ${SEVERITIES.join(', ')}`)
  const handles = notifications ?? []
  const areTexts = Array.isArray(handles) && handles.every((handle) => typeof handle === 'string')
  if (!areTexts) fault(`${at}.notifications`, 'must be a list of strings')
  if (Array.isArray(actions) && actions.length > 0) refusal(`${at}.actions`, 'belongs to Application Security')
  const condition = readCondition(text, `${at}.condition`, fault)
  if (!severity || !condition || !areTexts) return undefined
  return { name: String(name ?? ''), status: severity, text: String(text), condition, notifications: handles }
}

function readCondition(text: unknown, place: string, fault: Sinks['fault']): Condition | undefined {
  if (typeof text !== 'string' || text.trim() === '') {
    fault(place, 'is missing: write a condition such as `a > 0`')
    return undefined
  }
  try {
    return parseCondition(text)
  } catch (error) {
    if (!(error instanceof ConditionError)) throw error
    fault(`${place}:${error.position}`, error.message, 'condition')
    return undefined
  }
}

function checkAliases(cases: readonly RuleCase[], queries: readonly RuleQuery[], { fault, note }: Sinks): void {
  const known = queries.map(({ alias }) => alias)
  const used = new Set<string>()
  for (const [i, { condition }] of cases.entries()) {
    for (const alias of aliasesIn(condition)) {
      used.add(alias)
      if (!known.includes(alias)) {
        fault(`cases[${i}].condition`, `\`${alias}\` is no query of this rule: ${known.join(', ')}`)
      }
    }
  }
  for (const [i, alias] of known.entries()) {
    if (!used.has(alias)) note(`queries[${i}]`, `no case uses \`${alias}\``, 'unused-query')
  }
}

/** The first case that matches decides, so a case hides those below it that ask for more. */
function checkOrder(cases: readonly RuleCase[], { note }: Sinks): void {
  for (const [i, each] of cases.entries()) {
    const above = cases.slice(0, i)
    const hiding = above.findIndex((other) => implies(each.condition, other.condition))
    if (hiding >= 0) {
      note(`cases[${i}]`, `can never be reached: cases[${hiding}] matches first whenever it would`, 'hidden-case')
    } else if (above.some((other) => rank(other.status) < rank(each.status))) {
      note(`cases[${i}]`, 'is more severe than a case above it: the first that matches decides', 'hidden-case')
    }
  }
}

const rank = (status: Severity): number => SEVERITIES.indexOf(status)

/** Whether one condition can only hold where the other does, as far as their lower bounds tell. */
function implies(condition: Condition, other: Condition): boolean {
  const bounds = condition.after ? undefined : lowerBounds(condition.first)
  const needed = other.after ? undefined : lowerBounds(other.first)
  if (!bounds || !needed) return condition.first === other.first
  return [...needed].every(([alias, least]) => (bounds.get(alias) ?? 0) >= least)
}

/** @returns the least whole number that each query must reach; undefined when the expression says anything else */
function lowerBounds(expression: Expression): Map<string, number> | undefined {
  if (expression.kind === 'or') return undefined
  if (expression.kind === 'compare') {
    const { left, operator, right } = expression
    const [query, number, sign] = left.kind === 'query' ? [left, right, operator] : [right, left, MIRRORED[operator]]
    if (query.kind !== 'query' || number.kind !== 'number' || query.factor !== 1 || sign.startsWith('<'))
      return undefined
    return new Map([[query.alias, sign === '>' ? number.number + 1 : number.number]])
  }
  const bounds = new Map<string, number>()
  for (const part of expression.parts) {
    const found = lowerBounds(part)
    if (!found) return undefined
    for (const [alias, least] of found) bounds.set(alias, Math.max(least, bounds.get(alias) ?? 0))
  }
  return bounds
}

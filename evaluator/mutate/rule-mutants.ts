import type { Rollup } from '../monitor/monitor-query.ts'
import { printSearch } from '../search/search-ast.ts'
import { type RuleQuery, SEVERITIES, type SiemRule } from '../siem/rule.ts'
import { DURATIONS } from '../siem/rule-options.ts'
import { readRuleJson } from '../siem/rule-reading.ts'
import type { Attributes, Slip } from './mutants.ts'
import { mutateSearch } from './mutate-search.ts'

/** A rule of Cloud SIEM with one slip. */
export interface RuleMutant extends Slip {
  readonly rule: SiemRule
}

interface RuleJson {
  readonly queries: readonly Readonly<Record<string, unknown>>[]
  readonly cases: readonly Readonly<Record<string, unknown>>[]
  readonly options: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

type Change = readonly [name: string, place: string, before: string, after: string, json: RuleJson]

/** Every mutant of a rule that the API would take. */
export function ruleMutantsOf(rule: SiemRule, attributes: Attributes): RuleMutant[] {
  const json = ruleJsonOf(rule)
  const changes = [
    ...rule.queries.flatMap((query, i) => queryChanges(json, query, i, attributes)),
    ...groupChanges(json, rule, attributes.named),
    ...rule.cases.flatMap((_, i) => caseChanges(json, rule, i)),
    ...optionChanges(json, rule),
  ]
  return changes.flatMap(([name, place, before, after, changed]) => {
    const reading = readRuleJson(changed, { slug: rule.slug, file: rule.file }, false)
    return reading.rule ? [{ name, place, before, after, rule: reading.rule }] : []
  })
}

/** A rule as the API takes it, with what its evaluation reads. */
export function ruleJsonOf(rule: SiemRule): RuleJson {
  const { name, message, tags, hasExtendedTitle, queries, cases, signalBy, groupNames } = rule
  return {
    ...{ name, message, tags, hasExtendedTitle, type: 'log_detection', isEnabled: true },
    queries: queries.map((query) => ({
      ...{ name: query.alias, query: query.search, groupByFields: query.by.map((facet) => facet.name) },
      ...countedIn(query.parsed.rollup, query.distinct?.map((facet) => facet.name) ?? []),
      hasOptionalGroupByFields: query.optionalGroups ?? false,
    })),
    cases: cases.map(({ name: caseName, status, text, notifications }) => ({
      ...{ name: caseName, status, condition: text, notifications },
    })),
    groupSignalsBy: signalBy.length === groupNames.length ? [] : signalBy.map((place) => groupNames[place]),
    options: {
      detectionMethod: 'threshold',
      evaluationWindow: rule.evaluationWindowMs / 1000,
      keepAlive: rule.keepAliveMs / 1000,
      maxSignalDuration: rule.maxSignalDurationMs / 1000,
    },
  }
}

function countedIn(rollup: Rollup, further: readonly string[]): Record<string, unknown> {
  if (rollup.kind === 'count') return { aggregation: 'count' }
  const fields = [rollup.of.name, ...further]
  return rollup.kind === 'cardinality'
    ? { aggregation: 'cardinality', distinctFields: fields }
    : { aggregation: rollup.kind, metrics: fields }
}

function queryChanges(json: RuleJson, query: RuleQuery, i: number, { named, counted }: Attributes): Change[] {
  const place = `queries[${i}]`
  const { alias } = query
  const change = (name: string, part: string, before: string, after: string, next: object): Change => [
    ...([`${name}`, `${place}.${part}`, before, after] as const),
    { ...json, queries: json.queries.with(i, { ...json.queries[i], ...next }) },
  ]
  const searches = mutateSearch(query.parsed.node, named).map(({ words, node }) => {
    const text = printSearch(node)
    return change(`search of ${alias}: ${words}`, 'query', query.search, text, { query: text })
  })
  const now = countedIn(query.parsed.rollup, query.distinct?.map(({ name }) => name) ?? [])
  const none = { distinctFields: undefined, metrics: undefined }
  const countings = countingsBeside(query, counted, named).map((next) =>
    change(`counted of ${alias}: ${text(now)} → ${text(next)}`, 'aggregation', text(now), text(next), {
      ...none,
      ...next,
    }),
  )
  return [...searches, ...countings]
}

const text = ({ aggregation, distinctFields, metrics }: Record<string, unknown>): string =>
  [aggregation, ...[distinctFields ?? metrics ?? []].flat()].join(' ')

/** What a query could count by mistake. */
function countingsBeside(
  { parsed: { rollup } }: RuleQuery,
  counted: readonly string[],
  named: readonly string[],
): Record<string, unknown>[] {
  const attribute = (path: string) => `@${path}`
  const distinct = (field: string) => ({ aggregation: 'cardinality', distinctFields: [field] })
  if (rollup.kind === 'count') return counted.map((path) => distinct(attribute(path)))
  const others = named.map(attribute).filter((field) => field !== rollup.of.name)
  if (rollup.kind === 'cardinality') return [{ aggregation: 'count' }, ...others.map(distinct)]
  const other = rollup.kind === 'sum' ? 'max' : 'sum'
  return [
    { aggregation: 'count' },
    { aggregation: other, metrics: [rollup.of.name] },
    ...others.map((field) => ({ aggregation: rollup.kind, metrics: [field] })),
  ]
}

/** A field of all queries left out, or another one in its place. */
function groupChanges(json: RuleJson, { queries, groupNames }: SiemRule, named: readonly string[]): Change[] {
  const [first] = queries
  if (!first || groupNames.length === 0) return []
  const change = (next: (fields: readonly string[]) => readonly string[]): Change => {
    const [before, after] = [groupNames, next(groupNames)].map((names) => names.join(',') || 'nothing')
    const changed = queries.map(({ by }, i) => ({
      ...json.queries[i],
      groupByFields: next(by.map(({ name }) => name)),
    }))
    return [
      ...([`groups: ${before} → ${after}`, 'queries.groupByFields', before ?? '', after ?? ''] as const),
      { ...json, queries: changed, groupSignalsBy: [] },
    ]
  }
  const others = named.map((path) => `@${path}`).filter((field) => !groupNames.includes(field))
  return groupNames.flatMap((_, i) => [
    change((fields) => fields.filter((_, place) => place !== i)),
    ...others.map((other) => change((fields) => fields.with(i, other))),
  ])
}

const OPERATORS = ['>', '>=', '<', '<=']
/** A comparison, a number that is no part of a name, or a joining word. */
const PARTS = /[<>]=?|(?<![\w.])\d+|&&|\|\||\bTHEN\b/g

function caseChanges(json: RuleJson, { cases }: SiemRule, i: number): Change[] {
  const each = cases[i]
  if (!each) return []
  const { name, text, status } = each
  const place = `cases[${i}]`
  const change = (words: string, part: string, before: string, after: string, next: object): Change => [
    ...([`case ${name || i + 1}: ${words}`, `${place}.${part}`, before, after] as const),
    { ...json, cases: json.cases.with(i, { ...json.cases[i], ...next }) },
  ]
  const conditions = [...text.matchAll(PARTS)].flatMap(({ 0: part, index }) =>
    partsBeside(part).map((other) => {
      const after = text.slice(0, index) + other + text.slice(index + part.length)
      return change(`${text} → ${after}`, 'condition', text, after, { condition: after })
    }),
  )
  const rank = SEVERITIES.indexOf(status)
  const other = SEVERITIES[rank === 0 ? 1 : rank - 1] ?? status
  const without: Change = [
    ...([`without case ${name || i + 1}`, place, text, '(none)'] as const),
    { ...json, cases: json.cases.filter((_, at) => at !== i) },
  ]
  return [
    ...conditions,
    change(`status ${status} → ${other}`, 'status', status, other, { status: other }),
    ...(cases.length > 1 ? [without] : []),
  ]
}

function partsBeside(part: string): string[] {
  if (part === '&&') return ['||']
  if (part === '||' || part === 'THEN') return ['&&']
  if (OPERATORS.includes(part)) return OPERATORS.filter((each) => each !== part)
  return [Number(part) - 1, Number(part) + 1].filter((number) => number >= 0).map(String)
}

/** The next shorter and the next longer window, and times of a signal. */
function optionChanges(json: RuleJson, rule: SiemRule): Change[] {
  const times = {
    evaluationWindow: rule.evaluationWindowMs,
    keepAlive: rule.keepAliveMs,
    maxSignalDuration: rule.maxSignalDurationMs,
  }
  return Object.entries(times).flatMap(([name, ms]) => {
    const seconds = ms / 1000
    const beside = [DURATIONS.findLast((each) => each < seconds), DURATIONS.find((each) => each > seconds)]
    return beside.flatMap((next): Change[] => {
      if (next === undefined) return []
      const options = { ...json.options, [name]: next }
      return [[`${name}: ${seconds} → ${next}`, `options.${name}`, `${seconds}`, `${next}`, { ...json, options }]]
    })
  })
}

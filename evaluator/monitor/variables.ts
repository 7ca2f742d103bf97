import { isRecord } from '../json.ts'
import { parseSearch } from '../search/search-parser.ts'
import { SearchSyntaxError } from '../search/search-scanner.ts'
import { type FormulaNode, otherFunctionsOf, queryNamesOf } from './formula.ts'
import {
  type Condition,
  type Facet,
  type FormulaQuery,
  MAX_FACETS,
  MEASURES,
  type MeasuredQuery,
  type MonitorQuery,
  type Rollup,
  readFacet,
} from './monitor-query.ts'

/** `formula("…").last("5m") > 10` with the queries that it refers to. */
export interface JoinedQuery extends Condition {
  readonly form: 'formula'
  readonly formula: string
  readonly expression: FormulaNode
  readonly windowMs: number
  /** The facets by which the value is grouped. A query groups by them, or by none. */
  readonly by: readonly Facet[]
  /** The queries of the formula. */
  readonly variables: readonly Variable[]
  /** What is measured: that of each variable, at the same index, and then what else groups are sorted by. */
  readonly queries: readonly MeasuredQuery[]
}

/** A query of a formula. */
export interface Variable {
  readonly name: string
  /** Where it stands: `options.variables[0]`. */
  readonly place: string
  /** The groups that it keeps: facet by facet, in the order of its `group_by`. */
  readonly limits: readonly FacetLimit[]
}

/** The values that are kept of a facet, for each combination of values of the facets before it. */
export interface FacetLimit {
  /** The index of the facet in `by`. */
  readonly facet: number
  readonly most: number
  /** Whether the lowest values are kept instead of the highest. */
  readonly lowest: boolean
  /** The index, in `queries`, of what is compared. */
  readonly score: number
}

/** What is evaluated: the query of a monitor, or a formula over several. */
export type EvaluatedQuery = MonitorQuery | JoinedQuery

/** What an evaluated query measures. */
export const queriesOf = (query: EvaluatedQuery): readonly MeasuredQuery[] =>
  query.form === 'logs' ? [query] : query.queries

/** The kinds of rollup that the value of a query is made of. */
export const kindsOf = (query: EvaluatedQuery): Rollup['kind'][] =>
  (query.form === 'logs' ? [query] : query.queries.slice(0, query.variables.length)).map(({ rollup }) => rollup.kind)

/** A search that finds the logs of every query. */
export function searchOfAll(query: EvaluatedQuery): string {
  return query.form === 'logs' ? query.search : searchOfQueries(query.queries)
}

/** A search that finds what one of several finds. */
export function searchOfQueries(queries: readonly { readonly search: string }[]): string {
  const searches = [...new Set(queries.map(({ search }) => search.trim()))]
  const [only] = searches
  if (only && searches.length === 1) return only
  return searches.includes('') ? '*' : searches.map((search) => `(${search})`).join(' OR ')
}

type Find = (kind: 'fault' | 'refusal' | 'note', place: string, reason: string) => void

/** The sources of data that a formula of Datadog may have. */
const OTHER_SOURCES = [
  ...['audit', 'ci_pipelines', 'ci_tests', 'cloud_cost', 'database_queries', 'events', 'llm_observability', 'metrics'],
  ...[
    'network',
    'network_path',
    'product_analytics',
    'profiles',
    'rum',
    'security_signals',
    'spans',
    'data_quality_metrics',
  ],
]

/** How many values of a facet are kept unless `limit` says it: ten, of the fourth facet five (documented, monitors/types/log). */
const DEFAULT_LIMITS = [10, 10, 10, 5]
const MOST_GROUPS = 1000

/**
 * Joins a formula with the queries in `options.variables` that it refers to.
 * @returns undefined when there is a fault or a refusal
 */
export function joinQueries(query: FormulaQuery, variables: unknown, find: Find): JoinedQuery | undefined {
  let isWhole = true
  const tell: Find = (kind, place, reason) => {
    if (kind !== 'note') isWhole = false
    find(kind, place, reason)
  }
  for (const name of otherFunctionsOf(query.expression)) tell('refusal', 'query', `${name}() is not evaluated here`)
  const wanted = queryNamesOf(query.expression)
  const read = (Array.isArray(variables) ? variables : []).flatMap((variable: unknown, i) =>
    isRecord(variable) ? (readVariable(variable, `options.variables[${i}]`, wanted, tell) ?? []) : [],
  )
  const given = namesIn(variables)
  for (const name of wanted) {
    if (!given.includes(name)) tell('fault', 'query', `\`${name}\` is not the name of a query in options.variables`)
  }
  const used = read.filter(({ name }) => wanted.includes(name))
  const by = used.find(({ groups }) => groups.length > 0)?.groups.map(({ facet }) => facet) ?? []
  for (const { groups, place } of used) checkGroups(groups, by, place, tell)
  const { windowMs } = query
  if (!isWhole || windowMs === undefined) return undefined
  const { form, formula, expression, operator, threshold } = query
  return { form, formula, expression, operator, threshold, windowMs, by, ...measured(used, by) }
}

const namesIn = (variables: unknown): unknown[] =>
  Array.isArray(variables) ? variables.map((variable: unknown) => (isRecord(variable) ? variable.name : undefined)) : []

/** A facet of a `group_by`. */
interface GroupBy {
  readonly facet: Facet
  readonly most: number
  readonly lowest: boolean
  readonly sort: Rollup
}

interface ReadVariable {
  readonly name: string
  readonly place: string
  readonly search: Pick<MeasuredQuery, 'search' | 'node' | 'undocumented'>
  readonly rollup: Rollup
  readonly groups: readonly GroupBy[]
}

function readVariable(
  variable: Record<string, unknown>,
  place: string,
  wanted: readonly string[],
  find: Find,
): ReadVariable | undefined {
  const { name, data_source: source } = variable
  if (typeof name !== 'string' || name === '') find('fault', `${place}.name`, 'must be a string')
  else if (!wanted.includes(name)) {
    find('note', `${place}.name`, `the formula does not use \`${name}\``)
    return undefined
  }
  if (source !== 'logs') {
    const known = typeof source === 'string' && OTHER_SOURCES.includes(source)
    if (known) find('refusal', `${place}.data_source`, `"${source}" is not evaluated here, only "logs"`)
    else find('fault', `${place}.data_source`, 'must be "logs"')
    return undefined
  }
  const search = readSearch(variable.search, `${place}.search`, find)
  const rollup = readCompute(variable.compute, `${place}.compute`, find)
  const groups = rollup && readGroups(variable.group_by, rollup, `${place}.group_by`, find)
  return search && rollup && groups && typeof name === 'string' ? { name, place, search, rollup, groups } : undefined
}

function readSearch(search: unknown, place: string, find: Find): ReadVariable['search'] | undefined {
  const text = search === undefined || search === null ? '' : isRecord(search) ? (search.query ?? '') : undefined
  if (typeof text !== 'string') {
    find('fault', isRecord(search) ? `${place}.query` : place, 'must be a search such as { "query": "…" }')
    return undefined
  }
  try {
    const { node, undocumented } = parseSearch(text)
    return { search: text, node, undocumented }
  } catch (error) {
    // The reader of options tells the fault.
    if (!(error instanceof SearchSyntaxError)) throw error
    return undefined
  }
}

/**
 * Decision `formula-interval`, undocumented for monitors: `compute.interval` is ignored. A query of a formula measures the
 * whole window at once, like any other log monitor.
 */
function readCompute(compute: unknown, place: string, find: Find): Rollup | undefined {
  if (!isRecord(compute)) {
    find('fault', place, 'must be an object with an aggregation')
    return undefined
  }
  return readRollup(compute, place, find)
}

function readRollup({ aggregation, metric }: Record<string, unknown>, place: string, find: Find): Rollup | undefined {
  if (aggregation === 'count') {
    if (typeof metric === 'string' && metric !== '' && metric !== '*') {
      find('note', `${place}.metric`, `"count" counts logs, with or without ${metric}`)
    }
    return { kind: 'count' }
  }
  const kind = (['cardinality', ...MEASURES] as const).find((known) => known === aggregation)
  if (!kind) {
    find('fault', `${place}.aggregation`, `must be one of count, cardinality, ${MEASURES.join(', ')}`)
    return undefined
  }
  const of =
    typeof metric === 'string' ? readFacet(metric) : `"${kind}" needs a ${kind === 'cardinality' ? 'facet' : 'measure'}`
  if (typeof of !== 'string') return { kind, of }
  find('fault', `${place}.metric`, of)
  return undefined
}

function readGroups(groups: unknown, rollup: Rollup, place: string, find: Find): GroupBy[] | undefined {
  if (groups === undefined || groups === null) return []
  if (!Array.isArray(groups) || !groups.every(isRecord)) {
    find('fault', place, 'must be a list of { "facet": "…" }')
    return undefined
  }
  if (groups.length > MAX_FACETS) find('fault', place, `at most ${MAX_FACETS} facets can group a log monitor`)
  const read = groups.map((group, i) => readGroup(group, i, rollup, `${place}[${i}]`, find))
  const facets = read.flatMap((group) => (group ? [group] : []))
  if (facets.length < groups.length) return undefined
  const twice = facets.find(({ facet }, i) => facets.findIndex((other) => other.facet.name === facet.name) < i)
  if (twice) find('fault', place, `${twice.facet.name} is named twice`)
  const product = facets.reduce((times, { most }) => times * most, 1)
  if (product > MOST_GROUPS)
    find('note', place, `asks for ${product} groups: Datadog lowers the limits to ${MOST_GROUPS} in all`)
  return facets
}

function readGroup(
  { facet: name, limit, sort }: Record<string, unknown>,
  index: number,
  rollup: Rollup,
  place: string,
  find: Find,
): GroupBy | undefined {
  const facet = typeof name === 'string' ? readFacet(name) : 'must be the name of a facet or tag'
  if (typeof facet === 'string') {
    find('fault', `${place}.facet`, facet)
    return undefined
  }
  const most = limit ?? DEFAULT_LIMITS[index] ?? MOST_GROUPS
  if (typeof most !== 'number' || !Number.isInteger(most) || most < 1) {
    find('fault', `${place}.limit`, 'must be a whole number from 1')
    return undefined
  }
  const order = isRecord(sort) ? (sort.order ?? 'desc') : 'desc'
  if ((sort !== undefined && sort !== null && !isRecord(sort)) || (order !== 'asc' && order !== 'desc')) {
    find('fault', `${place}.sort`, 'needs an aggregation and an order, "asc" or "desc"')
    return undefined
  }
  const by = isRecord(sort) && sort.aggregation !== undefined ? readRollup(sort, `${place}.sort`, find) : rollup
  return by && { facet, most, lowest: order === 'asc', sort: by }
}

/** Every query that groups at all groups by the same facets: API specification, MonitorFormulaAndFunctionEventQueryGroupBy. */
function checkGroups(groups: readonly GroupBy[], by: readonly Facet[], place: string, find: Find): void {
  const names = groups.map(({ facet }) => facet.name)
  if (names.length === 0 || (names.length === by.length && by.every(({ name }) => names.includes(name)))) return
  const others = by.map(({ name }) => name).join(', ')
  find('fault', `${place}.group_by`, `groups by ${names.join(', ')}, and another query of the formula by ${others}`)
}

function measured(used: readonly ReadVariable[], by: readonly Facet[]): Pick<JoinedQuery, 'variables' | 'queries'> {
  const queries: MeasuredQuery[] = used.map(({ search, rollup, groups }) => ({
    ...search,
    rollup,
    by: groups.length > 0 ? by : [],
  }))
  const scoreOf = (variable: number, sort: Rollup): number => {
    const own = queries[variable]
    if (!own || sameRollup(own.rollup, sort)) return variable
    const known = queries.findIndex((query) => query.node === own.node && sameRollup(query.rollup, sort))
    return known >= 0 ? known : queries.push({ ...own, rollup: sort }) - 1
  }
  const variables = used.map(
    ({ name, place, groups }, i): Variable => ({
      name,
      place,
      limits: groups.map(({ facet, most, lowest, sort }) => ({
        facet: by.findIndex((other) => other.name === facet.name),
        most,
        lowest,
        score: scoreOf(i, sort),
      })),
    }),
  )
  return { variables, queries }
}

const sameRollup = (a: Rollup, b: Rollup): boolean =>
  a.kind === b.kind && ('of' in a ? a.of.name : '') === ('of' in b ? b.of.name : '')

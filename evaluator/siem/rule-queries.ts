import { isRecord } from '../json.ts'
import { type Facet, type Rollup, readFacet } from '../monitor/monitor-query.ts'
import { parseSearch } from '../search/search-parser.ts'
import { SearchSyntaxError } from '../search/search-scanner.ts'
import type { RuleQuery } from './rule.ts'
import type { Sinks } from './sinks.ts'

const MAX_QUERIES = 10

const AGGREGATIONS = [
  ...['count', 'cardinality', 'sum', 'max', 'new_value', 'geo_data', 'event_count', 'none'],
] as const

const DATA_SOURCES = [
  ...['logs', 'audit', 'events', 'spans', 'app_sec_spans', 'security_runtime', 'network', 'security_signals'],
]

const QUERY_KEYS = [
  ...['query', 'name', 'aggregation', 'distinctFields', 'metrics', 'metric', 'groupByFields', 'dataSource'],
  ...['hasOptionalGroupByFields', 'index', 'indexes', 'customQueryExtension', 'queryLanguage'],
]

const ALIAS = /^[a-z][a-z0-9_]*$/
const FIRST_LETTER = 97

/** Reads the queries of a rule. @returns those that can be evaluated; all of them when there was no fault and no refusal */
export function readQueries(queries: unknown, sinks: Sinks): RuleQuery[] {
  if (!Array.isArray(queries) || queries.length === 0) {
    sinks.fault('queries', 'must be a list of at least one query')
    return []
  }
  if (queries.length > MAX_QUERIES) sinks.fault('queries', `at most ${MAX_QUERIES} queries are taken`)
  const read = queries.flatMap((query: unknown, i) => readQuery(query, i, sinks) ?? [])
  for (const [i, { alias }] of read.entries()) {
    if (read.findIndex((other) => other.alias === alias) < i)
      sinks.fault(`queries[${i}].name`, `${alias} is named twice`)
  }
  const counts = new Set(read.map(({ by }) => by.length))
  if (counts.size > 1) {
    sinks.refusal('queries', `the queries have different numbers of groupByFields: ${[...counts].join(' and ')}`)
  }
  return read
}

function readQuery(query: unknown, i: number, sinks: Sinks): RuleQuery | undefined {
  const at = `queries[${i}]`
  if (!isRecord(query)) {
    sinks.fault(at, 'must be an object')
    return undefined
  }
  for (const key of Object.keys(query)) if (!QUERY_KEYS.includes(key)) sinks.note(`${at}.${key}`, 'is not known here')
  const alias = aliasOf(query.name, i, `${at}.name`, sinks)
  checkData(query, at, sinks)
  const by = readFacets(query.groupByFields, `${at}.groupByFields`, sinks)
  const counted = readCounted(query, at, sinks)
  const parsed = readSearch(query.query, `${at}.query`, sinks)
  if (alias === undefined || !by || !counted || !parsed) return undefined
  const { rollup, distinct } = counted
  return {
    ...{ alias, by, rollup, search: parsed.search, parsed: { node: parsed.node, by, rollup } },
    ...(distinct.length > 0 ? { distinct } : {}),
    ...(query.hasOptionalGroupByFields === true ? { optionalGroups: true } : {}),
  }
}

/** Decision `letters-for-queries`: a query without a name is called `a`, `b`, `c` by its position, as the documentation does. */
function aliasOf(name: unknown, i: number, place: string, { fault }: Sinks): string | undefined {
  if (name === undefined || name === null || name === '') return String.fromCharCode(FIRST_LETTER + i)
  if (typeof name === 'string' && ALIAS.test(name)) return name
  fault(place, `${JSON.stringify(name)}: must begin with a letter and contain only lower-case letters, digits and _`)
  return undefined
}

function checkData(query: Record<string, unknown>, at: string, { fault, refusal, note }: Sinks): void {
  const source = query.dataSource ?? 'logs'
  if (typeof source !== 'string' || !DATA_SOURCES.includes(source)) {
    fault(`${at}.dataSource`, `${JSON.stringify(source)} is not known`)
  } else if (source !== 'logs') refusal(`${at}.dataSource`, `"${source}" is not evaluated here; "logs" is`)
  const { customQueryExtension: extension, hasOptionalGroupByFields: optional } = query
  if (typeof extension === 'string' && extension.trim() !== '') {
    refusal(`${at}.customQueryExtension`, 'is not evaluated here: write it into the query')
  }
  if (optional !== undefined && optional !== null && typeof optional !== 'boolean') {
    fault(`${at}.hasOptionalGroupByFields`, 'must be true or false')
  }
  for (const key of ['index', 'indexes']) {
    const value = query[key]
    if (value && !(Array.isArray(value) && value.length === 0)) {
      note(`${at}.${key}`, 'is without effect: a rule in real time reads all logs that are ingested')
    }
  }
}

function readSearch(query: unknown, place: string, { fault }: Sinks) {
  if (typeof query !== 'string') {
    fault(place, 'must be a string')
    return undefined
  }
  try {
    return { search: query, node: parseSearch(query).node }
  } catch (error) {
    if (!(error instanceof SearchSyntaxError)) throw error
    fault(`${place}:${error.position}`, error.reason, 'query')
    return undefined
  }
}

function readFacets(value: unknown, place: string, { fault }: Sinks): Facet[] | undefined {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) {
    fault(place, 'must be a list of fields')
    return undefined
  }
  const read = value.map((name: unknown) => (typeof name === 'string' ? readFacet(name) : 'must be a string'))
  const faults = read.filter((facet) => typeof facet === 'string')
  for (const reason of faults) fault(place, reason)
  const facets = read.filter((facet) => typeof facet !== 'string')
  const twice = facets.find((facet, i) => facets.findIndex(({ name }) => name === facet.name) < i)
  if (twice) fault(place, `${twice.name} is named twice`)
  return faults.length > 0 || twice ? undefined : facets
}

interface Counted {
  readonly rollup: Rollup
  readonly distinct: readonly Facet[]
}

/**
 * What the documented matrix of aggregations allows: fields to count for a cardinality, one measure for a sum or a maximum.
 * Decision `distinct-tuples`, undocumented: several `distinctFields` count distinct combinations of their values.
 */
function readCounted(query: Record<string, unknown>, at: string, sinks: Sinks): Counted | undefined {
  const { fault, refusal } = sinks
  const given = query.aggregation ?? 'count'
  const aggregation = AGGREGATIONS.find((known) => known === given)
  if (!aggregation) {
    fault(`${at}.aggregation`, `${JSON.stringify(given)} is not one of ${AGGREGATIONS.join(', ')}`)
    return undefined
  }
  const distinct = readFacets(query.distinctFields, `${at}.distinctFields`, sinks)
  const measured = query.metrics ?? (query.metric ? [query.metric] : [])
  const metrics = readFacets(measured, `${at}.metrics`, sinks)
  if (!distinct || !metrics) return undefined
  if (aggregation !== 'cardinality' && distinct.length > 0) {
    fault(`${at}.distinctFields`, `belongs to the aggregation "cardinality", not to "${aggregation}"`)
  }
  const [first, ...others] = aggregation === 'cardinality' ? distinct : metrics
  switch (aggregation) {
    case 'count':
    case 'cardinality':
      if (metrics.length > 0) fault(`${at}.metrics`, `does not belong to the aggregation "${aggregation}"`)
      if (aggregation === 'count') return { rollup: { kind: 'count' }, distinct: [] }
      if (first) return { rollup: { kind: 'cardinality', of: first }, distinct: others }
      fault(`${at}.distinctFields`, '"cardinality" needs the fields whose values it counts')
      return undefined
    case 'sum':
    case 'max':
      if (first && others.length === 0) return { rollup: { kind: aggregation, of: first }, distinct: [] }
      fault(`${at}.metrics`, `"${aggregation}" needs one numeric field`)
      return undefined
    default:
      refusal(`${at}.aggregation`, `"${aggregation}" belongs to another method than "threshold"`)
      return undefined
  }
}

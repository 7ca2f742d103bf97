import { NO_VALUE } from '../evaluate/reading.ts'
import type { Columns, Step } from './columns.ts'
import type { CountedQuery } from './counted.ts'
import { list, text } from './literals.ts'
import { numbersOf, searchSql, textsOf } from './search-sql.ts'

/**
 * The steps that count the lines: for each query, group, value and time at which it enters and leaves the window, the number
 * of entries and the times of the first and the last. A line that nothing counts is an entry of query 0, for its time.
 */
export function entrySteps(queries: readonly CountedQuery[], columns: Columns, timeField?: string): Step[] {
  columns.time(timeField)
  const found = queries.map((query) => foundBy(query, columns))
  const all = found.length === 1 ? found[0] : `list_concat(${found.join(',\n    ')})`
  const none = `[${row(0, [], 'NULL::VARCHAR', '0', '0')}]`
  return [
    {
      name: 'found',
      sql: `SELECT ts, unnest(if(len(f) = 0, ${none}, f)) AS x FROM (SELECT ts,\n    ${all} AS f\n  FROM logs WHERE ts IS NOT NULL)`,
    },
    {
      name: 'entries',
      sql: 'SELECT x.m AS m, x.k AS k, x.v AS v, x.e AS e, x.l AS l, count(*) AS n, min(ts) AS first, max(ts) AS last\n  FROM found GROUP BY ALL',
    },
  ]
}

const row = (query: number, key: readonly string[], value: string, enters: string, leaves: string): string =>
  `{'m': ${query}, 'k': ${list(key)}::VARCHAR[], 'v': ${value}, 'e': ${enters}::BIGINT, 'l': ${leaves}::BIGINT}`

/** What a query counts of a line: a list of rows, which is empty for most lines. */
function foundBy(counted: CountedQuery, columns: Columns): string {
  const { index, query, optionalGroups } = counted
  const facets = query.by.map(({ field }, i) => {
    const texts = textsOf(field, columns)
    const values = optionalGroups ? `CASE WHEN len(${texts}) = 0 THEN [${text(NO_VALUE)}] ELSE ${texts} END` : texts
    return { name: `k${i + 1}`, values }
  })
  const measured = measuredBy(counted, columns)
  const names = measured.map(({ name }) => name)
  const value = names.length > 1 ? `to_json(${list(names)})::VARCHAR` : (names[0] ?? 'NULL::VARCHAR')
  const one = row(
    index,
    facets.map(({ name }) => name),
    value,
    counted.enters('ts'),
    counted.leaves('ts'),
  )
  const rows = [...facets, ...measured].reduceRight<string | undefined>(
    (inner, { name, values }) =>
      inner === undefined
        ? `list_transform(${values}, lambda ${name}: ${one})`
        : `flatten(list_transform(${values}, lambda ${name}: ${inner}))`,
    undefined,
  )
  return `CASE WHEN ${searchSql(query.node, columns)}\n    THEN ${rows ?? `[${one}]`} ELSE [] END`
}

/** The values that are counted: of several, each combination. */
function measuredBy({ query: { rollup }, distinct }: CountedQuery, columns: Columns) {
  if (rollup.kind === 'count') return []
  if (rollup.kind !== 'cardinality') {
    const values = `list_transform(${numbersOf(rollup.of.field, columns)}, lambda x: x::VARCHAR)`
    return [{ name: 'v', values }]
  }
  return [rollup.of, ...distinct].map(({ field }, i) => ({ name: `v${i + 1}`, values: textsOf(field, columns) }))
}

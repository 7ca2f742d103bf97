import type { Columns, Step } from './columns.ts'
import type { EvaluatedMonitor } from './evaluated.ts'
import { list } from './literals.ts'
import { numbersOf, searchSql, textsOf } from './search-sql.ts'

/** The first evaluation that is later than a time. @param time an expression in epoch ms */
export const tickAfter = (time: string, stepMs: number): string => `((${time}) // ${stepMs} + 1) * ${stepMs}`

/** The first evaluation at a time or later. */
export const tickFrom = (time: string, stepMs: number): string => `((${time} + ${stepMs - 1}) // ${stepMs}) * ${stepMs}`

/**
 * The steps that count the lines: for each monitor, group, value and evaluation at which it enters and leaves the window, the number
 * of entries and the times of the first and the last. A line that no monitor counts is an entry of monitor 0, for its time.
 */
export function entrySteps(monitors: readonly EvaluatedMonitor[], columns: Columns, timeField?: string): Step[] {
  columns.time(timeField)
  const found = monitors.map((monitor) => foundBy(monitor, columns))
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

const row = (monitor: number, key: readonly string[], value: string, enters: string, leaves: string): string =>
  `{'m': ${monitor}, 'k': ${list(key)}::VARCHAR[], 'v': ${value}, 'e': ${enters}::BIGINT, 'l': ${leaves}::BIGINT}`

/** What a monitor counts of a line: a list of rows, which is empty for most lines. */
function foundBy({ index, query, stepMs, delayMs, windowMs }: EvaluatedMonitor, columns: Columns): string {
  const { rollup, by, node } = query
  const facets = by.map(({ field }, i) => ({ name: `k${i + 1}`, values: textsOf(field, columns) }))
  const counted =
    rollup.kind === 'count'
      ? undefined
      : rollup.kind === 'cardinality'
        ? textsOf(rollup.of.field, columns)
        : `list_transform(${numbersOf(rollup.of.field, columns)}, lambda x: x::VARCHAR)`
  const enters = tickAfter(`ts + ${delayMs}`, stepMs)
  const leaves = tickAfter(`ts + ${delayMs + windowMs}`, stepMs)
  const one = row(
    index,
    facets.map(({ name }) => name),
    counted === undefined ? 'NULL::VARCHAR' : 'v',
    enters,
    leaves,
  )
  const lists = [...facets, ...(counted === undefined ? [] : [{ name: 'v', values: counted }])]
  const rows = lists.reduceRight<string | undefined>(
    (inner, { name, values }) =>
      inner === undefined
        ? `list_transform(${values}, lambda ${name}: ${one})`
        : `flatten(list_transform(${values}, lambda ${name}: ${inner}))`,
    undefined,
  )
  return `CASE WHEN ${searchSql(node, columns)}\n    THEN ${rows ?? `[${one}]`} ELSE [] END`
}

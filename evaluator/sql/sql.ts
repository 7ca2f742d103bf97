import type { Monitor, SearchMonitor } from '../monitor/monitor.ts'
import { parseSearch } from '../search/search.ts'
import type { SiemRule } from '../siem/rule.ts'
import { Columns, FORMATS, type SqlFormat, type Step } from './columns.ts'
import { countedByMonitor, countedByRule } from './counted.ts'
import { entrySteps } from './entries-sql.ts'
import { type EvaluatedMonitor, evaluatedMonitor, type Refusal, refusalOf } from './evaluated.ts'
import { text } from './literals.ts'
import { macrosFor } from './macros.ts'
import { type EvaluatedRule, ruleRefusal, ruleSteps, windowOf } from './rules-sql.ts'
import { searchSql } from './search-sql.ts'
import { stateSteps } from './states-sql.ts'
import { valueSteps } from './values-sql.ts'

export const DIALECTS = ['duckdb'] as const
export type Dialect = (typeof DIALECTS)[number]

export interface SqlOptions {
  /** Files of JSON lines, packed or not, or of Parquet, with wildcards; or the name of a table or view. */
  readonly from: readonly string[]
  /** What the lines are; by default each line says whether it is an event or a record of an archive. */
  readonly format?: SqlFormat | undefined
  /** The key that holds the time, instead of the usual ones. */
  readonly timeField?: string | undefined
  /** Seconds between evaluations; 60 by default. */
  readonly cadenceSeconds?: number | undefined
  /** Whether the service is silent after the newest log. If not, only the recording ends there. */
  readonly silenceAfterEnd?: boolean
}

export interface Sql {
  /** Statements, the last of which answers with the transitions: monitor, transition, group, at, value. Empty if no monitor is said. */
  readonly sql: string
  /** Statements, the last of which answers with the number of lines, and of those that are logs with a date. */
  readonly unread: string
  readonly monitors: readonly string[]
  readonly refused: readonly Refusal[]
}

/**
 * Says in SQL which transitions monitors and rules have over a lake of logs: those that a replay of the same logs prints. With rules,
 * the answer has a column `severity` as well.
 */
export function sqlOf(detections: readonly (Monitor | SiemRule)[], options: SqlOptions): Sql {
  const refused: Refusal[] = []
  const said: Said = { monitors: [], rules: [] }
  for (const detection of detections) {
    const reason = 'queries' in detection ? ruleRefusal(detection) : refusalOf(detection)
    if (reason !== undefined) refused.push({ monitor: detection.slug, reason })
    else if ('queries' in detection) said.rules.push(detection)
    else if (hasOneQuery(detection)) {
      said.monitors.push(evaluatedMonitor(detection, said.monitors.length + 1, options.cadenceSeconds))
    }
  }
  const monitors = [...said.monitors, ...said.rules].map(({ slug }) => slug)
  return { ...scripts(said, options), monitors, refused }
}

interface Said {
  readonly monitors: EvaluatedMonitor[]
  readonly rules: SiemRule[]
}

const hasOneQuery = (monitor: Monitor): monitor is SearchMonitor => monitor.parsed.form === 'logs'

/** The entries of rules are numbered after those of monitors. */
function evaluatedRules(rules: readonly SiemRule[], monitors: number): EvaluatedRule[] {
  let next = monitors + 1
  return rules.map((rule, i) => {
    const firstQuery = next
    next += rule.queries.length
    return { rule, index: i + 1, firstQuery }
  })
}

function scripts({ monitors, rules: given }: Said, options: SqlOptions): Pick<Sql, 'sql' | 'unread'> {
  const { format, timeField, from, silenceAfterEnd = false } = options
  const formats = format === undefined ? FORMATS : [format]
  const source = { name: 'source', sql: sourceSql(from) }
  const dated = new Columns(formats)
  dated.time(timeField)
  const unread = `${withSteps([source, ...dated.steps('source')])}
SELECT (SELECT count(*) FROM source) AS lines, (SELECT count(ts) FROM logs) AS logs;\n`
  if (monitors.length + given.length === 0) return { sql: '', unread: macrosFor(unread) + unread }
  const rules = evaluatedRules(given, monitors.length)
  const columns = new Columns(formats)
  const counted = [
    ...monitors.map(countedByMonitor),
    ...rules.flatMap(({ rule, firstQuery }) =>
      rule.queries.map((query, i) => countedByRule(query, firstQuery + i, windowOf(rule))),
    ),
  ]
  const entries = entrySteps(counted, columns, timeField)
  const states = [
    ...monitors.flatMap((monitor) => [...valueSteps(monitor), ...stateSteps(monitor, { silenceAfterEnd })]),
    ...rules.flatMap(ruleSteps),
  ]
  const severity = rules.length > 0 ? ', severity' : ''
  const all = [
    ...monitors.map(({ index }) => `SELECT *${severity && ', NULL AS severity'} FROM m${index}_transitions`),
    ...rules.map(({ index }) => `SELECT * REPLACE (m + ${monitors.length} AS m) FROM r${index}_transitions`),
  ]
  const sql = `${withSteps([source, ...columns.steps('source'), ...entries, ...states])}
SELECT monitor, transition, "group", strftime(make_timestamp(t * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') AS "at", value${severity}
FROM (${all.join(' UNION ALL ')})
ORDER BY t, m, kind, key;\n`
  return { sql: macrosFor(sql) + sql, unread: macrosFor(unread) + unread }
}

const withSteps = (steps: readonly Step[]): string =>
  `WITH ${steps.some(({ recursive }) => recursive) ? 'RECURSIVE ' : ''}${steps.map(({ name, sql }) => `${name} AS ${name === 'entries' ? 'MATERIALIZED ' : ''}(\n  ${sql}\n)`).join(',\n')}`

const TABLE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}$/
const FILE = /\.(json|jsonl|ndjson|log|txt|gz|zst|parquet)$/i

/** A relation with one column, `json`. */
function sourceSql(from: readonly string[]): string {
  const [first = ''] = from
  if (from.length === 1 && TABLE.test(first) && !FILE.test(first)) {
    const table = first
      .split('.')
      .map((name) => `"${name}"`)
      .join('.')
    return `SELECT to_json(row) AS json FROM ${table} AS row`
  }
  const files = from.length === 1 ? text(first) : `[${from.map(text).join(', ')}]`
  if (from.every((path) => path.endsWith('.parquet')))
    return `SELECT to_json(row) AS json FROM read_parquet(${files}, union_by_name = true) AS row`
  return `SELECT json FROM read_ndjson_objects(${files}, ignore_errors = true)`
}

/** The query that says of each log which searches it matches: columns s0, s1 and so on, in the order of the logs. */
export function searchQuery(
  searches: readonly string[],
  { from, format }: Pick<SqlOptions, 'from' | 'format'>,
): string {
  const columns = new Columns(format === undefined ? FORMATS : [format])
  const found = searches.map((search, i) => `${searchSql(parseSearch(search).node, columns)} AS s${i}`)
  columns.time()
  const sql = `${withSteps([{ name: 'source', sql: sourceSql(from) }, ...columns.steps('source')])}
SELECT ${found.join(',\n  ')}\nFROM logs WHERE ts IS NOT NULL;\n`
  return macrosFor(sql) + sql
}

import { isRecord } from '../json.ts'
import { printFormula } from '../monitor/formula.ts'
import type { Monitor } from '../monitor/monitor.ts'
import {
  type Facet,
  MAX_FACETS,
  MEASURES,
  type Measure,
  type MonitorQuery,
  type Operator,
} from '../monitor/monitor-query.ts'
import { readMonitorJson } from '../monitor/monitor-reading.ts'
import type { EvaluatedQuery, JoinedQuery } from '../monitor/variables.ts'
import { printSearch } from '../search/search-ast.ts'
import { mutateFormula } from './mutate-formula.ts'
import { mutateSearch } from './mutate-search.ts'

/** One slip in words. */
export interface Slip {
  /** What was changed: `window: 5m → 10m`. */
  readonly name: string
  /** Where: `query`, or `options.` and the name of the option; of a rule, the place in its JSON. */
  readonly place: string
  /** What stood there, and what stands there now: the query, or JSON. */
  readonly before: string
  readonly after: string
}

/** A monitor with one slip. */
export interface Mutant extends Slip {
  readonly monitor: Monitor
}

/** The attributes that a person could name by mistake, without their `@`. */
export interface Attributes {
  /** In a search or a group. */
  readonly named: readonly string[]
  /** In place of a count, the values of which are counted. */
  readonly counted: readonly string[]
}

const OPERATORS: readonly Operator[] = ['<', '<=', '>', '>=', '==', '!=']
const MINUTES = [1, 2, 3, 5, 10, 15, 30, 60, 120, 240, 720, 1440]
const WHEN_MISSING = ['default', 'show_no_data', 'show_and_notify_no_data', 'resolve']
const OTHER_THRESHOLDS = ['warning', 'critical_recovery', 'warning_recovery'] as const
const DEFAULT_NEW_GROUP_DELAY = 60

type Query = Pick<MonitorQuery, 'node' | 'index' | 'rollup' | 'by' | 'windowMs' | 'operator' | 'threshold'>
/** What is printed of a query. */
type Printable = Query | Pick<JoinedQuery, 'form' | 'formula' | 'windowMs' | 'operator' | 'threshold'>
type Options = Readonly<Record<string, unknown>>
type Change = readonly [name: string, query: Partial<Query> & { readonly formula?: string }, options?: Options]

/** Every mutant of a monitor that the API would take. */
export function mutantsOf(monitor: Monitor, attributes: Attributes): Mutant[] {
  const { slug, file, parsed } = monitor
  const options = recordOf(monitor.options)
  const given = jsonOf(monitor)
  const changes =
    parsed.form === 'formula' ? changesOfFormula(parsed, options, attributes) : changesOf(parsed, options, attributes)
  return changes.flatMap(([name, query, changed]) => {
    const next = changedQuery(parsed, query)
    const thresholds = {
      ...recordOf(options.thresholds),
      critical: next.threshold,
      ...recordOf(changed?.thresholds),
    }
    // As JSON, in which an option that is undefined is left out.
    const json: Record<string, unknown> = JSON.parse(
      JSON.stringify({ ...given, query: printQuery(next), options: { ...options, ...changed, thresholds } }),
    )
    const reading = readMonitorJson(json, { slug, file }, false)
    return reading.monitor ? [{ name, monitor: reading.monitor, ...placeOf(monitor, reading.monitor, changed) }] : []
  })
}

const recordOf = (value: unknown): Options => (isRecord(value) ? value : {})

function changedQuery(parsed: EvaluatedQuery, change: Change[1]): Printable {
  if (parsed.form === 'logs') return { ...parsed, ...change }
  const { formula, operator, threshold, windowMs } = { ...parsed, ...change }
  return { form: 'formula', formula, operator, threshold, windowMs }
}

/** A monitor as the API takes it. */
export const jsonOf = ({ name, type, query, message, tags, priority, draft, options }: Monitor) => ({
  ...{ name, type, query, message, tags, priority, options },
  ...(draft && { draft_status: 'draft' }),
})

/** The slips in a formula, in the searches of its queries, and in what it is compared with. */
function changesOfFormula(query: JoinedQuery, options: Options, { named }: Attributes): Change[] {
  const { expression, variables, queries, operator, threshold, windowMs } = query
  const missing = options.on_missing_data ?? 'default'
  const given = Array.isArray(options.variables) ? options.variables : []
  const searched = variables.flatMap(({ name }, i) => {
    const { node } = queries[i] ?? {}
    if (!node) return []
    return mutateSearch(node, named).map(({ words, node: next }): Change => {
      const isOwn = (variable: unknown) => isRecord(variable) && variable.name === name
      const changed = given.map((each) => (isOwn(each) ? { ...each, search: { query: printSearch(next) } } : each))
      return [`search of ${name}: ${words}`, {}, { variables: changed }]
    })
  })
  return [
    ...mutateFormula(expression).map((next): Change => {
      const formula = printFormula(next)
      return [`formula: ${printFormula(expression)} → ${formula}`, { formula }]
    }),
    ...searched,
    ...operatorsBut(operator),
    ...neighbours(threshold, { kind: 'formula' }).map(
      (each): Change => [`threshold: ${threshold} → ${each}`, { threshold: each }],
    ),
    ...windowsBeside(windowMs),
    ...WHEN_MISSING.filter((word) => word !== missing).map(
      (word): Change => [`on_missing_data: ${missing} → ${word}`, {}, { on_missing_data: word }],
    ),
  ]
}

function placeOf(before: Monitor, after: Monitor, changed: Options | undefined) {
  const [option] = Object.keys(changed ?? {})
  if (option === undefined)
    return { place: 'query', before: printQuery(before.parsed), after: printQuery(after.parsed) }
  const text = ({ options }: Monitor) => JSON.stringify(recordOf(options)[option]) ?? '(not given)'
  return { place: `options.${option}`, before: text(before), after: text(after) }
}

function changesOf(query: MonitorQuery, options: Options, { named, counted }: Attributes): Change[] {
  const { node, rollup, by, windowMs, operator, threshold } = query
  const missing = options.on_missing_data ?? 'default'
  const delay = Number(options.evaluation_delay ?? 0)
  const groupDelay = Number(options.new_group_delay ?? DEFAULT_NEW_GROUP_DELAY)
  const otherGroupDelay = groupDelay === 0 ? DEFAULT_NEW_GROUP_DELAY : 0
  return [
    ...mutateSearch(node, named).map(({ words, node }): Change => [`search: ${words}`, { node }]),
    ...operatorsBut(operator),
    ...neighbours(threshold, rollup).map((each): Change => [`threshold: ${threshold} → ${each}`, { threshold: each }]),
    ...windowsBeside(windowMs),
    ...groupings(by, named).map((next): Change => [`by: ${names(by)} → ${names(next)}`, { by: next }]),
    ...rollups(rollup, named, counted).map(
      (next): Change => [`rollup: ${rollupText(rollup)} → ${rollupText(next)}`, { rollup: next }],
    ),
    ...thresholdsOf(options, rollup),
    ...WHEN_MISSING.filter((word) => word !== missing).map(
      (word): Change => [`on_missing_data: ${missing} → ${word}`, {}, { on_missing_data: word }],
    ),
    // Without groups there is no new group.
    ...(by.length === 0
      ? []
      : [[`new_group_delay: ${groupDelay} → ${otherGroupDelay}`, {}, { new_group_delay: otherGroupDelay }] as const]),
    [`evaluation_delay: ${delay} → ${delay + 300}`, {}, { evaluation_delay: delay + 300 }],
    ...reminders(Number(options.renotify_interval ?? 0)),
  ]
}

const operatorsBut = (operator: Operator): Change[] =>
  OPERATORS.filter((each) => each !== operator).map(
    (each): Change => [`operator: ${operator} → ${each}`, { operator: each }],
  )

/** The next shorter and the next longer window. */
function windowsBeside(windowMs: number): Change[] {
  const minutes = windowMs / 60_000
  const windows = [MINUTES.findLast((each) => each < minutes), MINUTES.find((each) => each > minutes)]
  return windows.flatMap((each): Change[] =>
    each === undefined
      ? []
      : [[`window: ${windowText(windowMs)} → ${windowText(each * 60_000)}`, { windowMs: each * 60_000 }]],
  )
}

/** Counts are whole; of a measure, a tenth more or less. */
function neighbours(threshold: number, { kind }: { readonly kind: Query['rollup']['kind'] | 'formula' }): number[] {
  const isCount = kind === 'count' || kind === 'cardinality'
  const step = isCount || threshold === 0 ? 1 : Math.abs(threshold) / 10
  return [threshold - step, threshold + step]
}

/** The other thresholds, each changed or left out. */
const thresholdsOf = (options: Options, rollup: Query['rollup']): Change[] =>
  OTHER_THRESHOLDS.flatMap((name) => {
    const value = recordOf(options.thresholds)[name]
    if (typeof value !== 'number') return []
    return [...neighbours(value, rollup), undefined].map(
      (each): Change => [`${name}: ${value} → ${each ?? 'none'}`, {}, { thresholds: { [name]: each } }],
    )
  })

/** No reminder, or one half as often; or a reminder where there was none. */
const reminders = (minutes: number): Change[] =>
  (minutes === 0 ? [1] : [0, 2 * minutes]).map((each) => [
    `renotify_interval: ${minutes} → ${each}`,
    {},
    // Without an interval the API refuses a list of statuses and a number of occurrences.
    each === 0
      ? { renotify_interval: 0, renotify_statuses: [], renotify_occurrences: undefined }
      : { renotify_interval: each },
  ])

/** One facet left out, without its `@`, or another one in its place; and another facet as well. */
function groupings(by: readonly Facet[], named: readonly string[]): Facet[][] {
  const others = named.map(attribute).filter(({ name }) => !by.some((facet) => facet.name === name))
  const each = (change: (facet: Facet) => Facet[]) =>
    by.flatMap((facet, i) => change(facet).map((next) => by.with(i, next)))
  return [
    ...by.map((facet) => by.filter((other) => other !== facet)),
    ...each(withoutAt),
    ...each(() => others),
    ...(by.length < MAX_FACETS ? others.map((other) => [...by, other]) : []),
  ]
}

function rollups(rollup: Query['rollup'], named: readonly string[], counted: readonly string[]): Query['rollup'][] {
  if (rollup.kind === 'count') return counted.map((path) => ({ kind: 'cardinality', of: attribute(path) }))
  const { kind, of } = rollup
  const others = named.map(attribute).filter(({ name }) => name !== of.name)
  const ofOthers = [...withoutAt(of), ...others].map((each) => ({ kind, of: each }))
  if (kind === 'cardinality') return [{ kind: 'count' }, ...ofOthers]
  return [
    { kind: 'count' },
    ...MEASURES.filter((each): each is Measure => each !== kind).map((each) => ({ kind: each, of })),
    ...ofOthers,
  ]
}

const attribute = (path: string): Facet => ({ name: `@${path}`, field: { kind: 'attribute', path } })
const withoutAt = ({ name }: Facet): Facet[] =>
  name.startsWith('@') ? [{ name: name.slice(1), field: { kind: 'tag', key: name.slice(1) } }] : []
const names = (by: readonly Facet[]): string => by.map(({ name }) => name).join(',') || 'nothing'
const rollupText = (rollup: Query['rollup']): string =>
  rollup.kind === 'count' ? 'count' : `${rollup.kind} ${rollup.of.name}`

/** `5m`, `2h`: as a query names a window. */
function windowText(ms: number): string {
  const minutes = ms / 60_000
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

/** Writes a query that reads back to the same one. */
export function printQuery(query: Printable): string {
  const { windowMs, operator, threshold } = query
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
  if ('formula' in query) {
    return `formula(${quoted(query.formula)}).last("${windowText(windowMs)}") ${operator} ${threshold}`
  }
  const { node, index, rollup, by } = query
  const measured = rollup.kind === 'count' ? '"count"' : `"${rollup.kind}",${quoted(rollup.of.name)}`
  const grouped = by.length === 0 ? '' : `.by(${quoted(by.map(({ name }) => name).join(','))})`
  const search = quoted(printSearch(node))
  return `logs(${search}).index(${quoted(index)}).rollup(${measured})${grouped}.last("${windowText(windowMs)}") ${operator} ${threshold}`
}

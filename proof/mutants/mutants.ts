import { readFile } from 'node:fs/promises'
import { type Monitor, readImportable } from 'alertproof'
import { type Facet, isRecord, type MonitorQuery, type Operator, printSearch } from 'alertproof/query'
import type { Detection } from '../../detections/harness.ts'
import { windowText } from '../claims/events.ts'
import { mutateSearch } from './mutate-search.ts'

/** A detection with one mistake. */
export interface Mutant {
  /** What was changed: `window: 5m → 10m`. */
  readonly name: string
  readonly monitor: Monitor
}

const operators: readonly Operator[] = ['<', '<=', '>', '>=', '==', '!=']
const minutes = [1, 2, 3, 5, 10, 15, 30, 60, 120, 240, 720, 1440]
const whenMissing = ['default', 'show_no_data', 'show_and_notify_no_data', 'resolve']

type Query = Pick<MonitorQuery, 'node' | 'rollup' | 'by' | 'windowMs' | 'operator' | 'threshold'>
type Change = readonly [name: string, query: Partial<Query>, options?: Record<string, unknown>]

/** Every mutant of a detection, each read as its file would be. */
export async function mutantsOf({ monitor, proof }: Detection): Promise<Mutant[]> {
  const json = JSON.parse(await readFile(monitor.file, 'utf8')) as { options: Record<string, unknown> }
  const { parsed, file } = monitor
  const changes = changesOf(parsed, json.options, fieldsOf(proof.counts(0, 0, 0)))
  return changes.map(([name, query, options]) => {
    const next = { ...parsed, ...query }
    const thresholds = { critical: next.threshold }
    const text = JSON.stringify({
      ...json,
      query: printQuery(next),
      options: { ...json.options, ...options, thresholds },
    })
    return { name, monitor: readImportable(text, file) }
  })
}

function changesOf(query: MonitorQuery, options: Record<string, unknown>, fields: readonly string[]): Change[] {
  const { node, rollup, by, windowMs, operator, threshold } = query
  const at = minutes.indexOf(windowMs / 60_000)
  const windows = [minutes[at - 1], minutes[at + 1]].filter((window) => window !== undefined)
  return [
    ...mutateSearch(node, fields).map(({ words, node }): Change => [`search: ${words}`, { node }]),
    ...operators
      .filter((each) => each !== operator)
      .map((each): Change => [`operator: ${operator} → ${each}`, { operator: each }]),
    ...[threshold - 1, threshold + 1].map((each): Change => [`threshold: ${threshold} → ${each}`, { threshold: each }]),
    ...windows.map(
      (each): Change => [`window: ${windowText(windowMs)} → ${windowText(each * 60_000)}`, { windowMs: each * 60_000 }],
    ),
    ...groupings(by, fields).map((next): Change => [`by: ${names(by)} → ${names(next)}`, { by: next }]),
    ...rollups(rollup, fields).map(
      (next): Change => [`rollup: ${rollupText(rollup)} → ${rollupText(next)}`, { rollup: next }],
    ),
    ...whenMissing
      .filter((word) => word !== options.on_missing_data)
      .map((word): Change => [`on_missing_data: ${options.on_missing_data} → ${word}`, {}, { on_missing_data: word }]),
    // Without groups there is no new group.
    ...(by.length === 0 ? [] : [['new_group_delay: 0 → 60', {}, { new_group_delay: 60 }] as const]),
    ['evaluation_delay: 0 → 300', {}, { evaluation_delay: 300 }],
    ...reminders(Number(options.renotify_interval)),
  ]
}

/** No reminder, or one too late for a block of a quarter of an hour; or a reminder where nothing is to be renewed. */
const reminders = (minutes: number): Change[] =>
  (minutes === 0 ? [1] : [0, 2 * minutes]).map((each) => [
    `renotify_interval: ${minutes} → ${each}`,
    {},
    // Without an interval the API refuses a list of statuses.
    each === 0 ? { renotify_interval: 0, renotify_statuses: [] } : { renotify_interval: each },
  ])

/** No group, the facet without its `@`, another facet instead, and another facet as well. */
function groupings(by: readonly Facet[], fields: readonly string[]): Facet[][] {
  const others = fields.map(attribute).filter(({ name }) => !by.some((facet) => facet.name === name))
  const [only] = by
  if (!only) return others.map((other) => [other])
  return [[], [withoutAt(only)], ...others.map((other) => [other]), ...others.map((other) => [only, other])]
}

function rollups(rollup: Query['rollup'], fields: readonly string[]): Query['rollup'][] {
  if (rollup.kind !== 'cardinality') return [{ kind: 'cardinality', of: attribute('request_id') }]
  const others = fields.map(attribute).filter(({ name }) => name !== rollup.of.name)
  return [{ kind: 'count' }, ...[withoutAt(rollup.of), ...others].map((of) => ({ kind: 'cardinality' as const, of }))]
}

const attribute = (path: string): Facet => ({ name: `@${path}`, field: { kind: 'attribute', path } })
const withoutAt = ({ name }: Facet): Facet => ({ name: name.slice(1), field: { kind: 'tag', key: name.slice(1) } })
const names = (by: readonly Facet[]): string => by.map(({ name }) => name).join(',') || 'nothing'
const rollupText = (rollup: Query['rollup']): string =>
  rollup.kind === 'count' ? 'count' : `${rollup.kind} ${rollup.of.name}`

function printQuery({ node, rollup, by, windowMs, operator, threshold }: Query): string {
  const quoted = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`
  const measured = rollup.kind === 'count' ? '"count"' : `"${rollup.kind}",${quoted(rollup.of.name)}`
  const grouped = by.length === 0 ? '' : `.by(${quoted(by.map(({ name }) => name).join(','))})`
  const search = quoted(printSearch(node))
  return `logs(${search}).index("*").rollup(${measured})${grouped}.last("${windowText(windowMs)}") ${operator} ${threshold}`
}

/** Every field that an event holds a value in, as `.by` names it after its `@`. */
function fieldsOf(event: object, above = ''): string[] {
  return Object.entries(event).flatMap(([name, value]) =>
    isRecord(value) ? fieldsOf(value, `${above}${name}.`) : [`${above}${name}`],
  )
}

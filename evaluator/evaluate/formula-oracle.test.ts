import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Operator } from '../monitor/monitor-query.ts'
import { Replayer } from '../replay/replay.ts'
import { holds, recovered } from '../testing/thresholds.ts'
import { Evaluator, type Transition } from './evaluate.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const WINDOW_MS = 5 * MINUTE_MS
const BEGIN = Date.UTC(2026, 0, 5, 9)

const kinds = ['count', 'cardinality', 'sum', 'avg', 'max', 'min', 'median'] as const
type Kind = (typeof kinds)[number]

/** A query of a formula. */
interface Part {
  readonly kind: Kind
  /** The search `@kind:x`, or all logs. */
  readonly search: 'x' | 'y' | undefined
  readonly grouped: boolean
  readonly limits: readonly { most: number; order: 'asc' | 'desc'; sort: Kind | undefined }[]
}

/** An expression: as text, and what it is by hand. Undefined is no value. */
interface Expression {
  readonly text: string
  readonly of: (values: readonly (number | undefined)[]) => number | undefined
}

interface Asked {
  readonly facets: readonly string[]
  readonly parts: readonly Part[]
  readonly expression: Expression
  readonly operator: Operator
  readonly critical: number
  readonly warning?: number
  readonly recovery?: number
  readonly missing: 'default' | 'show_no_data' | 'show_and_notify_no_data' | 'resolve'
  readonly newGroupDelay: number
}

const NAMES = ['a', 'b', 'c']

function monitorOf(asked: Asked): Monitor {
  const compute = (kind: Kind) => ({ aggregation: kind, ...(kind !== 'count' && { metric: '@n' }) })
  const variables = asked.parts.map(({ kind, search, grouped, limits }, i) => ({
    ...{ name: NAMES[i], data_source: 'logs', indexes: ['*'], compute: compute(kind) },
    search: { query: search === undefined ? '' : `@kind:${search}` },
    group_by: grouped
      ? asked.facets.map((facet, level) => {
          const { most = 10, order, sort } = limits[level] ?? {}
          return { facet, limit: most, sort: { order, ...(sort && compute(sort)) } }
        })
      : [],
  }))
  const { critical, warning, recovery, missing, newGroupDelay } = asked
  const thresholds = { critical, warning, critical_recovery: recovery }
  const options = { thresholds, variables, on_missing_data: missing, new_group_delay: newGroupDelay }
  const query = `formula("${asked.expression.text}").last("5m") ${asked.operator} ${critical}`
  return readMonitor(JSON.stringify({ name: 'n', type: 'log alert', query, message: 'm', options }))
}

/** What a log adds to a part. */
interface Entry {
  readonly at: number
  readonly group: string
  readonly value: string
}

const isText = (value: unknown): value is string => typeof value === 'string'

const listed = (value: unknown): unknown[] => [value].flat().filter((each) => each !== undefined && each !== null)

function valuesOf(log: IndexedLog, kind: Kind): string[] {
  const values = listed(log.attributes.n).map(String)
  if (kind === 'count') return ['']
  return kind === 'cardinality' ? [...new Set(values)] : values.filter((value) => /^-?\d+(\.\d+)?$/.test(value))
}

/** The groups of a log as JSON: one for each combination of the values of its facets. */
function groupsOf(log: IndexedLog, facets: readonly string[]): string[] {
  const combinations = facets.reduce<string[][]>(
    (found, facet) => {
      const values = [...new Set(listed(log.attributes[facet.slice(1)]).filter(isText))]
      return values.flatMap((value) => found.map((before) => [...before, value]))
    },
    [[]],
  )
  return combinations.map((values) => JSON.stringify(values))
}

const measuredIn = (logs: readonly IndexedLog[], part: Part, facets: readonly string[], kind = part.kind): Entry[] =>
  logs
    .filter(({ attributes }) => part.search === undefined || attributes.kind === part.search)
    .flatMap((log) =>
      groupsOf(log, part.grouped ? facets : []).flatMap((group) =>
        valuesOf(log, kind).map((value) => ({ at: log.timestamp, group, value })),
      ),
    )

function rollup(kind: Kind, texts: readonly string[]): number | undefined {
  if (texts.length === 0) return undefined
  if (kind === 'count') return texts.length
  if (kind === 'cardinality') return new Set(texts).size
  const numbers = texts.map(Number).toSorted((a, b) => a - b)
  const sum = numbers.reduce((total, n) => total + n, 0)
  if (kind === 'sum') return sum
  if (kind === 'avg') return sum / numbers.length
  if (kind === 'max') return numbers.at(-1)
  if (kind === 'min') return numbers[0]
  const [low = 0, high = 0] = [
    numbers[Math.floor((numbers.length - 1) / 2)],
    numbers[Math.ceil((numbers.length - 1) / 2)],
  ]
  return (low + high) / 2
}

/** The groups that a query keeps: facet by facet, those of the highest or lowest score over all their logs. */
function keptBy(part: Part, facets: readonly string[], logs: readonly IndexedLog[]): Set<string> {
  const own = new Set(measuredIn(logs, part, facets).map(({ group }) => group))
  const keep = (groups: readonly string[], level: number): string[] => {
    if (level === facets.length) return [...groups]
    const { most = 10, order = 'desc', sort = part.kind } = part.limits[level] ?? {}
    const scored = measuredIn(logs, part, facets, sort)
    const partOf = (group: string) => JSON.parse(group)[level] as string
    const values = [...new Set(groups.map(partOf))].map((value) => {
      const members = groups.filter((group) => partOf(group) === value)
      const score = rollup(
        sort,
        scored.filter(({ group }) => members.includes(group)).map((entry) => entry.value),
      )
      return { value, members, score }
    })
    values.sort((one, other) => {
      if (one.score === undefined || other.score === undefined) {
        if (one.score !== other.score) return one.score === undefined ? 1 : -1
      } else if (one.score !== other.score) return order === 'desc' ? other.score - one.score : one.score - other.score
      // Of several facets a value is compared as its key has it, with its length before it; all have the same length here.
      return one.value < other.value ? -1 : 1
    })
    return values.slice(0, most).flatMap(({ members }) => keep(members, level + 1))
  }
  return new Set(keep([...own], 0))
}

function judge({ operator, critical, warning, recovery }: Asked, before: string, value: number): string {
  if (holds(value, operator, critical)) return 'Alert'
  if (before === 'Alert' && !recovered(value, operator, recovery)) return 'Alert'
  return warning !== undefined && holds(value, operator, warning) ? 'Warn' : 'OK'
}

const RANK = ['OK', 'No Data', 'Warn', 'Alert']

function withoutValue(asked: Asked, before: string): string {
  if (asked.missing === 'resolve') return 'OK'
  if (asked.missing !== 'default') return 'No Data'
  if (asked.parts.some(({ kind }) => kind !== 'count')) return before
  const atZero = judge(asked, before, 0)
  return RANK.indexOf(atZero) < RANK.indexOf(before) ? atZero : before
}

/** The value of each group that exists. */
function valuesIn(asked: Asked, logs: readonly IndexedLog[]): Map<string, number> {
  const { facets, parts, expression } = asked
  const tables = parts.map((part) => {
    const kept = part.grouped ? keptBy(part, facets, logs) : undefined
    const texts = new Map<string, string[]>()
    for (const { group, value } of measuredIn(logs, part, facets)) {
      if (!kept || kept.has(group)) texts.set(group, [...(texts.get(group) ?? []), value])
    }
    return new Map([...texts].map(([group, of]) => [group, rollup(part.kind, of)]))
  })
  const grouped = facets.length > 0
  const groups = grouped
    ? [...new Set(tables.flatMap((table, i) => (parts[i]?.grouped ? [...table.keys()] : [])))]
    : ['[]']
  const found = new Map<string, number>()
  for (const group of groups) {
    const value = expression.of(tables.map((table, i) => table.get(parts[i]?.grouped ? group : '[]')))
    if (value !== undefined && Number.isFinite(value)) found.set(group, value)
  }
  return found
}

/** The expected transitions: at every instant that can matter, each group's value from all logs in the window. */
function oracle(asked: Asked, logs: readonly IndexedLog[], cadenceMs?: number): string[] {
  const { facets, parts } = asked
  const grouped = facets.length > 0
  // What groups are sorted by is read as well, but no group begins with it.
  const entries = parts.flatMap((part) => {
    const sorts = part.limits.slice(0, facets.length).flatMap(({ sort }) => (part.grouped && sort ? [sort] : []))
    return [part.kind, ...sorts].flatMap((kind) =>
      measuredIn(logs, part, facets, kind).map((entry) => ({ ...entry, grouped: part.grouped === grouped })),
    )
  })
  if (entries.length === 0) return []
  const delay = grouped ? asked.newGroupDelay * SECOND_MS : 0
  const wanted = entries.flatMap(({ at }) => [at, at + WINDOW_MS, at + delay])
  const last = Math.max(...wanted) + 2 * (cadenceMs ?? 0)
  const first = cadenceMs === undefined ? 0 : Math.floor(Math.min(...wanted) / cadenceMs) * cadenceMs
  const ticks = cadenceMs === undefined ? 0 : Math.max(0, Math.floor((last - first) / cadenceMs) + 1)
  const instants =
    cadenceMs === undefined
      ? [...new Set(wanted)].sort((a, b) => a - b)
      : Array.from({ length: ticks }, (_, i) => first + i * cadenceMs)
  const inWindow = (at: number) =>
    logs.filter(({ timestamp }) =>
      cadenceMs === undefined
        ? timestamp > at - WINDOW_MS && timestamp <= at
        : timestamp >= at - WINDOW_MS && timestamp < at,
    )
  const own = entries.filter((entry) => entry.grouped)
  const groups = [...new Set(own.map(({ group }) => group))].sort()
  const zero = asked.expression.of(parts.map(() => 0))
  const forLess =
    parts.every(({ kind }) => kind === 'count' || kind === 'cardinality') &&
    !asked.operator.startsWith('>') &&
    zero !== undefined &&
    Number.isFinite(zero) &&
    judge(asked, 'OK', zero) !== 'OK'
  const states = groups.map((group) => ({ group, current: { state: 'OK', isNotified: false } }))
  const transitions: string[] = []
  for (const at of instants) {
    const values = valuesIn(asked, inWindow(at))
    for (const { group, current } of states) {
      const seen = own.filter(
        (entry) => entry.group === group && (cadenceMs === undefined ? entry.at <= at : entry.at < at),
      )
      const firstSeen = Math.min(...seen.map((entry) => entry.at))
      if (seen.length === 0 || at < firstSeen + delay || (!grouped && forLess && at < firstSeen + WINDOW_MS)) continue
      const value = values.get(group)
      const state = value === undefined ? withoutValue(asked, current.state) : judge(asked, current.state, value)
      if (state === current.state) continue
      current.state = state
      const shown = `${JSON.parse(group).join()} ${at - BEGIN} ${(value ?? 0) + 0}`
      if (state === 'OK') {
        if (current.isNotified) transitions.push(`Recovered ${shown}`)
        current.isNotified = false
      } else if (state !== 'No Data' || asked.missing === 'show_and_notify_no_data') {
        transitions.push(`${state === 'Alert' ? 'Triggered' : state} ${shown}`)
        current.isNotified = true
      }
    }
  }
  return transitions
}

const shown = ({ transition, group, at, value }: Transition) =>
  `${transition} ${Object.values(group).join()} ${at - BEGIN} ${value}`

const evaluationOf = (cadenceMs: number | undefined) =>
  cadenceMs === undefined ? { live: true } : { cadenceSeconds: cadenceMs / SECOND_MS }

/** Replays the logs, in two parts with the state between them as JSON. */
function replay(monitor: Monitor, logs: readonly IndexedLog[], cut: number, cadenceMs?: number): string[] {
  const transitions: string[] = []
  const begin = () =>
    new Replayer([monitor], { silenceAfterEnd: true, ...evaluationOf(cadenceMs) }, (each) =>
      transitions.push(shown(each)),
    )
  const before = begin()
  for (const log of logs.slice(0, cut)) before.push(log, log.timestamp)
  const after = begin()
  after.restore(JSON.parse(JSON.stringify(before.save())))
  for (const log of logs.slice(cut)) after.push(log, log.timestamp)
  after.finish()
  return transitions
}

function live(monitor: Monitor, logs: readonly IndexedLog[], cadenceMs?: number): string[] {
  const evaluator = new Evaluator([monitor], evaluationOf(cadenceMs))
  const transitions = logs.flatMap((log) => evaluator.push(log))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue())
    transitions.push(...evaluator.advance(due))
  return transitions.map(shown)
}

const whole = fc.integer({ min: -2, max: 9 })
const anyLog = fc
  .record({
    at: fc.integer({ min: 0, max: 240 }),
    kind: fc.constantFrom('x', 'y', undefined),
    ip: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c', 'd') },
      fc.constantFrom<unknown>(undefined, ['a', 'b']),
    ),
    user: fc.constantFrom<unknown>('u', 'v', 'w', ['u', 'v']),
    n: fc.oneof(
      { weight: 6, arbitrary: whole },
      whole.map(String),
      fc.array(whole, { minLength: 1, maxLength: 3 }),
      fc.constantFrom('text', undefined),
    ),
  })
  .map(({ at, ...attributes }): IndexedLog => ({ id: '', timestamp: BEGIN + at * 5 * SECOND_MS, attributes }))

const both = (one: number | undefined, other: number | undefined, of: (x: number, y: number) => number | undefined) =>
  one === undefined || other === undefined ? undefined : of(one, other)

/** Expressions over queries, with what they are by hand: undefined is no value, as is what is not finite. */
const expressionOver = (count: number) =>
  fc.letrec<{ node: Expression }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.nat({ max: count - 1 }).map((i): Expression => ({ text: NAMES[i] ?? '', of: (values) => values[i] })),
      fc.integer({ min: 0, max: 4 }).map((n): Expression => ({ text: String(n), of: () => n })),
      tie('node').map(
        ({ text, of }): Expression => ({ text: `default_zero(${text})`, of: (values) => of(values) ?? 0 }),
      ),
      tie('node').map(
        ({ text, of }): Expression => ({
          text: `-(${text})`,
          of: (values) => {
            const value = of(values)
            return value === undefined ? undefined : -value
          },
        }),
      ),
      fc
        .tuple(
          fc.constantFrom<[string, (x: number, y: number) => number | undefined]>(
            ['+', (x, y) => x + y],
            ['-', (x, y) => x - y],
            ['*', (x, y) => x * y],
            ['/', (x, y) => (y === 0 ? undefined : x / y)],
          ),
          tie('node'),
          tie('node'),
        )
        .map(
          ([[sign, of], left, right]): Expression => ({
            text: `(${left.text} ${sign} ${right.text})`,
            of: (values) => both(left.of(values), right.of(values), of),
          }),
        ),
    ),
  })).node

const limit = fc.record({
  most: fc.constantFrom(1, 2, 10),
  order: fc.constantFrom<('asc' | 'desc')[]>('asc', 'desc'),
  sort: fc.constantFrom<(Kind | undefined)[]>(undefined, 'count', 'cardinality', 'sum'),
})

const part = (limits: fc.Arbitrary<Part['limits'][number]>, counts: boolean) =>
  fc.record({
    kind: counts ? fc.constant<Kind>('count') : fc.constantFrom(...kinds),
    search: fc.constantFrom<Part['search'][]>('x', 'y', undefined),
    grouped: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.constant(false)),
    limits: fc.array(limits, { minLength: 2, maxLength: 2 }),
  })

/** @param limits of each query; without them no query has more groups than it keeps */
const asking = (operator: Operator, limits: fc.Arbitrary<Part['limits'][number]>) =>
  fc
    .record({
      counts: fc.boolean(),
      facets: fc.constantFrom([], ['@ip'], ['@ip', '@user']),
      count: fc.constantFrom(1, 2, 3),
    })
    .chain(({ counts, facets, count }) =>
      fc.record({
        facets: fc.constant(facets),
        parts: fc.array(part(limits, counts), { minLength: count, maxLength: count }),
        expression: expressionOver(count).filter(({ text }) => /[abc]\b/.test(text)),
        operator: fc.constant(operator),
        critical: fc.integer({ min: -1, max: 5 }),
        toWarning: fc.constantFrom(0, 1),
        toRecovery: fc.constantFrom(0, 1, 2),
        missing: fc.constantFrom<Asked['missing'][]>('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
        newGroupDelay: fc.constantFrom(0, 60),
      }),
    )
    .map(({ toWarning, toRecovery, parts, facets, newGroupDelay, ...rest }): Asked => {
      const quieter = operator.startsWith('>') ? -1 : 1
      const ordered = operator !== '==' && operator !== '!='
      // A query that the formula does not use is not evaluated, so it does not group either.
      const used = parts.filter((_, i) =>
        new RegExp(`\\b${NAMES[i]}\\b`).test(rest.expression.text.replaceAll('default_zero', '')),
      )
      const grouped = facets.length > 0 && used.some((each) => each.grouped)
      return {
        ...rest,
        facets: grouped ? facets : [],
        parts: parts.map((each) => ({ ...each, grouped: grouped && each.grouped })),
        newGroupDelay: grouped ? newGroupDelay : 0,
        ...(ordered && toWarning > 0 && { warning: rest.critical + quieter * toWarning }),
        ...(ordered && toRecovery > 0 && { recovery: rest.critical + quieter * toRecovery }),
      }
    })

/** Leaves out the queries that the formula does not use, which nothing evaluates. */
function usedOf(asked: Asked): Asked {
  const text = asked.expression.text.replaceAll('default_zero', '')
  const used = asked.parts.flatMap((each, i) =>
    new RegExp(`\\b${NAMES[i]}\\b`).test(text) ? [[each, i] as const] : [],
  )
  const of: Expression['of'] = (values) => {
    const all: (number | undefined)[] = []
    for (const [place, [, i]] of used.entries()) all[i] = values[place]
    return asked.expression.of(all)
  }
  return { ...asked, parts: used.map(([each]) => each), expression: { text: asked.expression.text, of } }
}

const modes = [
  ['at each log', undefined, fc.constant<Part['limits'][number]>({ most: 10, order: 'desc', sort: undefined })],
  ['each minute', MINUTE_MS, limit],
] as const

describe.each(['>', '>=', '<', '<=', '==', '!='] as const)('%s', (operator) => {
  test.each(modes)(
    'a formula evaluated %s gives what its definition says, live, late and resumed',
    (_, cadenceMs, limits) => {
      const delayed = fc.tuple(anyLog, fc.integer({ min: 0, max: 60 * SECOND_MS }))
      fc.assert(
        fc.property(
          asking(operator, limits),
          fc.array(delayed, { minLength: 1, maxLength: 24 }),
          fc.nat({ max: 24 }),
          (asked, arrivals, cut) => {
            const monitor = monitorOf(asked)
            const used = usedOf(asked)
            const logs = arrivals.map(([log]) => log)
            const shuffled = arrivals
              .toSorted(([a, late], [b, later]) => a.timestamp + late - b.timestamp - later)
              .map(([log]) => log)
            expect(replay(monitor, shuffled, cut, cadenceMs)).toEqual(oracle(used, logs, cadenceMs))
            const apart = logs
              .toSorted((a, b) => a.timestamp - b.timestamp)
              .filter((log, i, all) => log.timestamp !== all[i - 1]?.timestamp)
            expect(live(monitor, apart, cadenceMs)).toEqual(oracle(used, apart, cadenceMs))
          },
        ),
        { numRuns: 120 },
      )
    },
  )
})

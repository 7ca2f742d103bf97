import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
import { MEASURES, type Operator, type Rollup } from '../monitor/monitor-query.ts'
import { Replayer } from '../replay/replay.ts'
import { holds, recovered } from '../testing/thresholds.ts'
import { Evaluator, type Transition } from './evaluate.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const WINDOW_MS = 5 * MINUTE_MS
const BEGIN = Date.UTC(2026, 0, 5, 9)

/** A monitor of the property test. */
interface Asked {
  readonly kind: Rollup['kind']
  readonly grouped: boolean
  readonly operator: Operator
  readonly critical: number
  readonly warning?: number
  readonly criticalRecovery?: number
  readonly warningRecovery?: number
  readonly missing: 'default' | 'show_no_data' | 'show_and_notify_no_data' | 'resolve'
  readonly newGroupDelay: number
}

function monitorOf(asked: Asked): Monitor {
  const { kind, grouped, operator, critical, missing, newGroupDelay } = asked
  const rollup = kind === 'count' ? '"count"' : `"${kind}","@n"`
  const limits = {
    critical,
    warning: asked.warning,
    critical_recovery: asked.criticalRecovery,
    warning_recovery: asked.warningRecovery,
  }
  const query = `logs("*").rollup(${rollup})${grouped ? '.by("@ip")' : ''}.last("5m") ${operator} ${critical}`
  const options = { thresholds: limits, on_missing_data: missing, new_group_delay: grouped ? newGroupDelay : 0 }
  return readImportable(
    JSON.stringify({ name: 'n', type: 'log alert', query, message: 'm', options }),
    'd/slug/monitor.json',
  )
}

/** A value that a log adds to a group. */
interface Entry {
  readonly at: number
  readonly group: string
  readonly value: unknown
}

function entriesOf(logs: readonly IndexedLog[], { kind, grouped }: Asked): Entry[] {
  return logs.flatMap(({ timestamp, attributes }) => {
    const groups = grouped ? [attributes.ip].flat().filter((ip) => ip !== undefined) : ['']
    const values = kind === 'count' ? [1] : [attributes.n].flat().filter((n) => n !== undefined)
    const counted =
      kind === 'count' || kind === 'cardinality'
        ? [...new Set(values.map(String))]
        : values.filter((n) => /^-?\d+(\.\d+)?$/.test(String(n))).map(Number)
    return groups.flatMap((group) => counted.map((value) => ({ at: timestamp, group: String(group), value })))
  })
}

function rollup(kind: Rollup['kind'], values: readonly unknown[]): number {
  if (kind === 'count') return values.length
  if (kind === 'cardinality') return new Set(values).size
  const numbers = values.map(Number).toSorted((a, b) => a - b)
  const sum = numbers.reduce((total, n) => total + n, 0)
  if (kind === 'sum') return sum
  if (kind === 'avg') return sum / numbers.length
  const named = new Map<string, number>([
    ['min', 0],
    ['max', 1],
    ['median', 0.5],
  ])
  const fraction = named.get(kind) ?? Number(kind.slice(2)) / 100
  const rank = fraction * (numbers.length - 1)
  const [low = 0, high = 0] = [numbers[Math.floor(rank)], numbers[Math.ceil(rank)]]
  return low + (high - low) * (rank - Math.floor(rank))
}

function judge(asked: Asked, before: string, value: number): string {
  const { operator, critical, warning, criticalRecovery, warningRecovery } = asked
  if (holds(value, operator, critical)) return 'Alert'
  if (before === 'Alert' && !recovered(value, operator, criticalRecovery)) return 'Alert'
  if (warning === undefined) return 'OK'
  if (holds(value, operator, warning)) return 'Warn'
  return before !== 'OK' && before !== 'No Data' && !recovered(value, operator, warningRecovery) ? 'Warn' : 'OK'
}

const isForLess = (asked: Asked): boolean =>
  (asked.kind === 'count' || asked.kind === 'cardinality') &&
  !asked.operator.startsWith('>') &&
  judge(asked, 'OK', 0) !== 'OK'

function silent(asked: Asked, before: string, anyData: boolean): string {
  if (asked.missing === 'resolve') return 'OK'
  if (asked.missing !== 'default') return 'No Data'
  if (asked.kind !== 'count') return before
  const asksForLess = isForLess(asked)
  return asked.grouped && asksForLess && anyData ? 'OK' : judge(asked, before, 0)
}

/** The expected transitions by the documentation: at every instant that can matter, it computes each group's window from all logs. */
function oracle(asked: Asked, logs: readonly IndexedLog[], cadenceMs?: number): string[] {
  const entries = entriesOf(logs, asked)
  const delay = asked.grouped ? asked.newGroupDelay * SECOND_MS : 0
  const wanted = entries.flatMap(({ at }) => [at, at + WINDOW_MS, at + delay])
  const last = Math.max(...wanted) + 2 * (cadenceMs ?? 0)
  const first = cadenceMs === undefined ? 0 : Math.floor(Math.min(...wanted) / cadenceMs) * cadenceMs
  const ticks = cadenceMs === undefined ? 0 : Math.max(0, Math.floor((last - first) / cadenceMs) + 1)
  const instants =
    cadenceMs === undefined
      ? [...new Set(wanted)].sort((a, b) => a - b)
      : Array.from({ length: ticks }, (_, i) => first + i * cadenceMs)
  const inWindow = (at: number) =>
    entries.filter((entry) =>
      cadenceMs === undefined
        ? entry.at > at - WINDOW_MS && entry.at <= at
        : entry.at >= at - WINDOW_MS && entry.at < at,
    )
  const groups = [...new Set(entries.map(({ group }) => group))].sort()
  const states = groups.map((group) => ({ group, current: { state: 'OK', isNotified: false } }))
  const waits = !asked.grouped && isForLess(asked)
  const transitions: string[] = []
  for (const at of instants) {
    const all = inWindow(at)
    for (const { group, current } of states) {
      const seen = entries.filter(
        (entry) => entry.group === group && (cadenceMs === undefined ? entry.at <= at : entry.at < at),
      )
      const firstSeen = Math.min(...seen.map((entry) => entry.at))
      if (seen.length === 0 || at < firstSeen + delay || (waits && at < firstSeen + WINDOW_MS)) continue
      const values = all.filter((entry) => entry.group === group).map(({ value }) => value)
      const value = values.length === 0 ? 0 : rollup(asked.kind, values)
      const state =
        values.length === 0 ? silent(asked, current.state, all.length > 0) : judge(asked, current.state, value)
      if (state === current.state) continue
      current.state = state
      if (state === 'OK') {
        if (current.isNotified) transitions.push(`Recovered ${group} ${at - BEGIN} ${value}`)
        current.isNotified = false
      } else if (state !== 'No Data' || asked.missing === 'show_and_notify_no_data') {
        transitions.push(`${state === 'Alert' ? 'Triggered' : state} ${group} ${at - BEGIN} ${value}`)
        current.isNotified = true
      }
    }
  }
  return transitions
}

const shown = ({ transition, group, at, value }: Transition) =>
  `${transition} ${Object.values(group).join()} ${at - BEGIN} ${value}`

const inOrder = (logs: readonly IndexedLog[]) => logs.toSorted((a, b) => a.timestamp - b.timestamp)

const evaluationOf = (cadenceMs: number | undefined) =>
  cadenceMs === undefined ? { live: true } : { cadenceSeconds: cadenceMs / SECOND_MS }

function replay(monitor: Monitor, logs: readonly IndexedLog[], cadenceMs?: number): string[] {
  const transitions: string[] = []
  const options = { silenceAfterEnd: true, ...evaluationOf(cadenceMs) }
  const replayer = new Replayer([monitor], options, (transition) => transitions.push(shown(transition)))
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return transitions
}

function live(monitor: Monitor, logs: readonly IndexedLog[], cadenceMs?: number): string[] {
  const evaluator = new Evaluator([monitor], evaluationOf(cadenceMs))
  const transitions = logs.flatMap((log) => evaluator.push(log))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue())
    transitions.push(...evaluator.advance(due))
  return transitions.map(shown)
}

const quarter = fc.integer({ min: -8, max: 40 }).map((n) => n / 4)
const field = fc.oneof(
  { weight: 6, arbitrary: quarter },
  quarter.map(String),
  fc.array(quarter, { minLength: 1, maxLength: 3 }),
  fc.constantFrom('text', undefined),
)
const anyLog = fc
  .record({
    at: fc.integer({ min: 0, max: 240 }),
    ip: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c') },
      fc.constantFrom(undefined, ['a', 'b']),
    ),
    n: field,
  })
  .map(({ at, ip, n }): IndexedLog => ({ id: '', timestamp: BEGIN + at * 5 * SECOND_MS, attributes: { ip, n } }))

const operators = ['>', '>=', '<', '<=', '==', '!='] as const

/** Thresholds in an order that the reader of monitors accepts. */
const thresholds = (operator: Operator) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: 8 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 7),
    )
    .map(([critical, toWarning, toRecovery, which]) => {
      if (operator === '==' || operator === '!=') return { critical }
      const quieter = operator.startsWith('>') ? -1 : 1
      const warning = critical + quieter * toWarning
      return {
        critical,
        ...(which & 1 && { warning }),
        ...(which & 2 && { criticalRecovery: critical + quieter * toRecovery }),
        ...((which & 5) === 5 && { warningRecovery: warning + quieter * toRecovery }),
      }
    })

const asking = (kind: Rollup['kind'], operator: Operator) =>
  fc
    .record({
      grouped: fc.boolean(),
      missing: fc.constantFrom<Asked['missing'][]>('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
      newGroupDelay: fc.constantFrom(0, 60),
      limits: thresholds(operator),
    })
    .map(({ limits, ...rest }): Asked => ({ kind, operator, ...rest, ...limits }))

const modes = [
  ['at each log', undefined],
  ['each minute', MINUTE_MS],
] as const

describe.each(['count', 'cardinality', ...MEASURES] as const)('%s', (kind) => {
  describe.each(operators)('%s', (operator) => {
    test.each(modes)(
      'evaluated %s gives what its definition says, live and in any order of arrival',
      (_, cadenceMs) => {
        const delayed = fc.tuple(anyLog, fc.integer({ min: 0, max: 60 * SECOND_MS }))
        fc.assert(
          fc.property(asking(kind, operator), fc.array(delayed, { minLength: 1, maxLength: 24 }), (asked, arrivals) => {
            const monitor = monitorOf(asked)
            const logs = arrivals.map(([log]) => log)
            const expected = oracle(asked, logs, cadenceMs)
            const shuffled = arrivals
              .toSorted(([a, late], [b, later]) => a.timestamp + late - b.timestamp - later)
              .map(([log]) => log)
            expect(replay(monitor, shuffled, cadenceMs)).toEqual(expected)
            const apart = inOrder(logs).filter((log, i, all) => log.timestamp !== all[i - 1]?.timestamp)
            expect(live(monitor, apart, cadenceMs)).toEqual(oracle(asked, apart, cadenceMs))
          }),
          { numRuns: 40 },
        )
      },
    )
  })
})

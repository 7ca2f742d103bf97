import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
import { Replayer } from '../replay/replay.ts'
import { Evaluator, type EvaluatorOptions, type Transition } from './evaluate.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const BEGIN = Date.UTC(2026, 0, 5, 9)

const monitorOf = (query: string, options: object = {}, slug = 'slug'): Monitor =>
  readImportable(
    JSON.stringify({
      name: 'n',
      type: 'log alert',
      query,
      message: 'm',
      options: { new_group_delay: 0, on_missing_data: 'resolve', ...options },
    }),
    `detections/${slug}/monitor.json`,
  )

const count = (condition = '> 2', options: object = {}) =>
  monitorOf(`logs("*").rollup("count").by("@ip").last("5m") ${condition}`, options)
const cardinality = (options: object = {}) =>
  monitorOf('logs("*").rollup("cardinality","@d").by("@ip").last("5m") > 1', options)
const ungrouped = (condition: string, options: object = {}) =>
  monitorOf(`logs("*").rollup("count").last("5m") ${condition}`, options)

let id = 0
const log = (afterMs: number, attributes: Record<string, unknown> = { ip: 'a' }): IndexedLog => ({
  id: String(id++),
  timestamp: BEGIN + afterMs,
  attributes,
})

const linesOf = (transitions: readonly Transition[]) =>
  transitions.map(
    ({ transition, group, at, value }) => `${transition} ${Object.values(group).join()} ${at - BEGIN} ${value}`,
  )

/** Evaluates at each log, unless the options name a cadence. */
const evaluation = (options: EvaluatorOptions) => ({ live: options.cadenceSeconds === undefined, ...options })

/** Pushes the logs in order, then lets time run on until nothing is due. */
function run(monitors: Monitor[], logs: IndexedLog[], options: EvaluatorOptions = {}): string[] {
  const evaluator = new Evaluator(monitors, evaluation(options))
  const transitions = logs.flatMap((each) => evaluator.push(each))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue())
    transitions.push(...evaluator.advance(due))
  return linesOf(transitions)
}

function replay(monitors: Monitor[], logs: IndexedLog[], options: EvaluatorOptions = {}): string[] {
  const transitions: Transition[] = []
  const replayer = new Replayer(monitors, evaluation(options), (transition) => transitions.push(transition))
  for (const each of logs) replayer.push(each, each.timestamp)
  replayer.finish()
  return linesOf(transitions)
}

test.each([
  ['5m', 1],
  ['23h', 1],
  ['1d', 10],
  ['48h', 30],
])('by default a window of %s is evaluated every %i min, as by Datadog', (window, minutes) => {
  const monitor = monitorOf(`logs("*").rollup("count").by("@ip").last("${window}") > 0`)
  const transitions: Transition[] = []
  const replayer = new Replayer([monitor], {}, (transition) => transitions.push(transition))
  const first = log(30 * MINUTE_MS + 1)
  replayer.push(first, first.timestamp)
  replayer.finish()
  expect(linesOf(transitions)[0]).toBe(`Triggered a ${(30 + minutes) * MINUTE_MS} 1`)
  expect(linesOf(new Evaluator([monitor]).push(first))).toEqual([])
})

describe('in arrival mode', () => {
  test('a group triggers at the log that exceeds the threshold, and recovers at the exact instant at which the condition ends', () => {
    expect(run([count()], [log(0), log(1), log(299_999)])).toEqual(['Triggered a 299999 3', 'Recovered a 300000 2'])
  })

  test('logs a whole window apart do not count together', () => {
    expect(run([count()], [log(0), log(1), log(300_000)])).toEqual([])
  })

  test('each group counts alone, and a log without the facet is in no group', () => {
    const logs = [log(0), log(1), log(2, { ip: 'b' }), log(3, { ip: 'b' }), log(4, {}), log(5, { ip: null })]
    expect(run([count()], logs)).toEqual([])
  })

  test('a log with several values in the facet counts in each group', () => {
    const logs = [0, 1, 2].map((at) => log(at, { ip: ['a', 'b'] }))
    expect(run([count()], logs)).toEqual([
      'Triggered a 2 3',
      'Triggered b 2 3',
      'Recovered a 300000 2',
      'Recovered b 300000 2',
    ])
  })

  test('several facets make one group of their values, whatever characters the values contain', () => {
    const both = monitorOf('logs("*").rollup("count").by("@ip,@sid").last("5m") > 1')
    const logs = [log(0, { ip: '1:a', sid: 'b' }), log(1, { ip: '1:', sid: 'a1:b' }), log(2, { ip: '1:a', sid: 'b' })]
    expect(run([both], logs)).toEqual(['Triggered 1:a,b 2 2', 'Recovered 1:a,b 300000 1'])
  })

  test('cardinality counts a distinct value until its last log leaves', () => {
    const logs = [
      log(0, { ip: 'a', d: 'x' }),
      log(1, { ip: 'a', d: 'x' }),
      log(2, { ip: 'a', d: 'y' }),
      log(9, { ip: 'a' }),
    ]
    expect(run([cardinality()], logs)).toEqual(['Triggered a 2 2', 'Recovered a 300001 1'])
  })

  test('cardinality stays exact with many values that come and go', () => {
    const many = monitorOf('logs("*").rollup("cardinality","@d").by("@ip").last("5m") > 99')
    const logs = Array.from({ length: 300 }, (_, i) => log(i * SECOND_MS, { ip: 'a', d: i % 101 }))
    expect(run([many], logs)).toEqual(['Triggered a 99000 100', 'Recovered a 500000 99'])
  })

  test('a transition has its group, cycle and newest logs, and the cycle is the same until the recovery', () => {
    const evaluator = new Evaluator([count()], { live: true })
    const [triggered] = [...Array(13).keys()].flatMap((at) => evaluator.push(log(at)))
    const [recovered] = evaluator.advance(BEGIN + HOUR_MS)
    expect(triggered).toMatchObject({ group: { '@ip': 'a' }, firstTriggeredAt: BEGIN + 2, value: 3 })
    expect(triggered?.sample.map(({ timestamp }) => timestamp - BEGIN)).toEqual([2, 1, 0])
    expect(recovered).toMatchObject({
      transition: 'Recovered',
      cycleKey: triggered?.cycleKey,
      firstTriggeredAt: BEGIN + 2,
      sample: [],
    })
    const [again] = [0, 1, 2].flatMap((at) => evaluator.push(log(2 * HOUR_MS + at)))
    expect(again?.transition).toBe('Triggered')
    expect(again?.cycleKey).not.toBe(triggered?.cycleKey)
  })

  test('a late log is counted at its own time, and its alert comes at once', () => {
    const logs = [log(0), log(50 * SECOND_MS, { ip: 'b' }), log(20 * SECOND_MS), log(10 * SECOND_MS)]
    expect(run([count()], logs)).toEqual(['Triggered a 20000 3', 'Recovered a 300000 2'])
  })

  test('a late log counts only with the logs of its own windows, although time has moved on', () => {
    const evaluator = new Evaluator([count('> 1')], { live: true })
    evaluator.push(log(0))
    evaluator.advance(BEGIN + 300_005)
    expect(linesOf(evaluator.push(log(299_999)))).toEqual(['Triggered a 299999 2', 'Recovered a 300005 1'])
    expect(linesOf(evaluator.push(log(299_999, { ip: 'c' })))).toEqual([])
  })

  test('a log that is later than the lateness is dropped and reported', () => {
    const evaluator = new Evaluator([count('> 0')], { live: true })
    evaluator.push(log(2 * MINUTE_MS, { ip: 'b' }))
    expect(evaluator.push(log(59_999))).toEqual([])
    expect(evaluator.dropped).toBe(1)
    expect(linesOf(evaluator.push(log(60_000)))).toEqual(['Triggered a 60000 1'])
    expect(evaluator.dropped).toBe(1)
  })

  test('nothing is due while no group is in alert', () => {
    const evaluator = new Evaluator([count()], { live: true })
    evaluator.push(log(0))
    expect(evaluator.nextDue()).toBeUndefined()
    evaluator.push(log(1))
    evaluator.push(log(2))
    expect(evaluator.nextDue()).toBe(BEGIN + 300_000)
  })
})

describe('in cadence mode', () => {
  const cadence = { cadenceSeconds: 60 }

  test('the window [t - w, t) is evaluated at every full minute', () => {
    expect(run([count()], [log(0), log(1), log(299_999)], cadence)).toEqual([
      'Triggered a 300000 3',
      'Recovered a 360000 1',
    ])
    expect(run([count()], [log(0), log(1), log(300_000)], cadence)).toEqual([])
  })

  test('a log at the instant of an evaluation counts at the next one', () => {
    expect(run([count('> 0')], [log(MINUTE_MS)], cadence)).toEqual(['Triggered a 120000 1', 'Recovered a 420000 0'])
  })

  test('a burst between two evaluations is seen at the next one', () => {
    expect(run([count()], [log(10), log(11), log(12)], cadence)).toEqual([
      'Triggered a 60000 3',
      'Recovered a 360000 0',
    ])
  })

  test('a late log counts at the next evaluation', () => {
    const logs = [log(10), log(11), log(60_005, { ip: 'b' }), log(12)]
    expect(run([count()], logs, cadence)).toEqual(['Triggered a 120000 3', 'Recovered a 360000 0'])
  })

  test('evaluation_delay shifts the window back', () => {
    expect(run([count('> 0', { evaluation_delay: 120 })], [log(1)], cadence)).toEqual([
      'Triggered a 180000 1',
      'Recovered a 480000 0',
    ])
  })

  test('a window of a day is evaluated every ten minutes', () => {
    const daily = monitorOf('logs("*").rollup("count").by("@ip").last("1d") > 0')
    expect(run([daily], [log(1)], cadence)).toEqual(['Triggered a 600000 1', 'Recovered a 87000000 0'])
  })
})

describe('states', () => {
  test('a group goes through Warn to Alert and back', () => {
    const monitor = count('> 2', { thresholds: { critical: 2, warning: 1 } })
    expect(run([monitor], [log(0), log(10), log(20)])).toEqual([
      'Warn a 10 2',
      'Triggered a 20 3',
      'Warn a 300000 2',
      'Recovered a 300010 1',
    ])
  })

  test('a recovery threshold holds the alert until the value is at or below it', () => {
    const monitor = count('> 2', { thresholds: { critical: 2, critical_recovery: 1 } })
    expect(run([monitor], [log(0), log(10), log(20)])).toEqual(['Triggered a 20 3', 'Recovered a 300010 1'])
    const inclusive = count('>= 3', { thresholds: { critical: 3, critical_recovery: 2 } })
    expect(run([inclusive], [log(0), log(10), log(20)])).toEqual(['Triggered a 20 3', 'Recovered a 300010 1'])
  })

  test('reminders of an alert come every renotify_interval, renotify_occurrences times', () => {
    const monitor = count('> 0', { renotify_interval: 2, renotify_occurrences: 2 })
    expect(run([monitor], [log(0), log(4 * MINUTE_MS + 1)])).toEqual([
      'Triggered a 0 1',
      'Re-Triggered a 120000 1',
      'Re-Triggered a 240000 1',
      'Recovered a 540001 0',
    ])
  })

  test('a new group is first evaluated after new_group_delay, over its whole window', () => {
    expect(run([count('> 2', { new_group_delay: 60 })], [log(0), log(1), log(2)])).toEqual([
      'Triggered a 60000 3',
      'Recovered a 300000 2',
    ])
    const again = [log(0), log(10 * HOUR_MS), log(10 * HOUR_MS + 1)]
    expect(run([count('> 1', { new_group_delay: 60 })], again)).toEqual([
      `Triggered a ${10 * HOUR_MS + 1} 2`,
      `Recovered a ${10 * HOUR_MS + 300_000} 1`,
    ])
    const dayLater = [log(0), log(25 * HOUR_MS), log(25 * HOUR_MS + 1)]
    expect(run([count('> 1', { new_group_delay: 60 })], dayLater)[0]).toBe(`Triggered a ${25 * HOUR_MS + MINUTE_MS} 2`)
  })

  test('new_group_delay is one MINUTE_MS by default, as in Datadog', () => {
    const monitor = readImportable(
      JSON.stringify({ name: 'n', type: 'log alert', message: 'm', query: count('> 0').query }),
      'a/monitor.json',
    )
    expect(run([monitor], [log(0)])[0]).toBe('Triggered a 60000 1')
  })

  test('in silence a count is 0 and a cardinality keeps its last status, and resolve resolves both', () => {
    const last = [log(0, { ip: 'a', d: ['x', 'y'] })]
    expect(run([count('> 0', { on_missing_data: 'default' })], last)).toHaveLength(2)
    expect(run([cardinality({ on_missing_data: 'default' })], last)).toEqual(['Triggered a 0 2'])
    expect(run([cardinality()], last)).toEqual(['Triggered a 0 2', 'Recovered a 300000 0'])
  })

  test('in silence No Data is notified only by show_and_notify_no_data, and its end is a recovery', () => {
    const logs = [log(0), log(10 * MINUTE_MS)]
    expect(run([ungrouped('> 5', { on_missing_data: 'show_no_data' })], logs)).toEqual([])
    expect(run([ungrouped('> 5', { on_missing_data: 'show_and_notify_no_data' })], logs)).toEqual([
      'No Data  300000 0',
      'Recovered  600000 1',
      'No Data  900000 0',
    ])
  })

  test('an ungrouped count below its threshold fires on silence', () => {
    const silence = ungrouped('< 1', { on_missing_data: 'default' })
    expect(run([silence], [log(0), log(10 * MINUTE_MS)])).toEqual([
      'Triggered  300000 0',
      'Recovered  600000 1',
      'Triggered  900000 0',
    ])
    expect(run([silence], [log(0), log(10 * MINUTE_MS)], { cadenceSeconds: 60 })).toEqual([
      'Triggered  360000 0',
      'Recovered  660000 1',
      'Triggered  960000 0',
    ])
  })

  test('a log that adds nothing at the end of the first whole window does not make entries count that leave then', () => {
    const few = monitorOf('logs("*").rollup("cardinality","@d").last("5m") <= 0', {
      on_missing_data: 'default',
      thresholds: { critical: 0, warning: 1 },
    })
    expect(run([few], [log(0, { d: 'x' }), log(5 * MINUTE_MS, {})])).toEqual([])
    expect(run([few], [log(1, { d: 'x' }), log(5 * MINUTE_MS, {})])).toEqual([])
    expect(run([few], [log(0, { d: 'x' }), log(5 * MINUTE_MS, { d: 'y' })])).toEqual(['Warn  300000 1'])
  })

  test('a grouped count below its threshold fires on silence only when every group is silent', () => {
    const quiet = count('< 1', { on_missing_data: 'default' })
    const logs = [log(0), log(0, { ip: 'b' }), log(4 * MINUTE_MS, { ip: 'b' })]
    expect(run([quiet], logs)).toEqual(['Triggered a 540000 0', 'Triggered b 540000 0'])
  })

  test.each([
    ['==', 2, ['Triggered a 1 2', 'Recovered a 2 3', 'Triggered a 300000 2', 'Recovered a 300001 1']],
    ['!=', 1, ['Triggered a 1 2', 'Recovered a 300001 1', 'Triggered a 300002 0']],
    ['>=', 2, ['Triggered a 1 2', 'Recovered a 300001 1']],
  ])('the condition %s %i is evaluated when a log enters and when one leaves', (operator, threshold, expected) => {
    expect(run([count(`${operator} ${threshold}`, { on_missing_data: 'default' })], [log(0), log(1), log(2)])).toEqual(
      expected,
    )
  })
})

/** The expected transitions by the documentation: at each instant, it computes each group's window from all logs. */
function oracle(
  logs: readonly IndexedLog[],
  windowMs: number,
  threshold: number,
  kind: 'count' | 'cardinality',
  cadenceMs?: number,
): string[] {
  const instants = new Set<number>()
  for (const { timestamp } of logs) {
    if (cadenceMs === undefined) instants.add(timestamp).add(timestamp + windowMs)
    else {
      const first = (Math.floor(timestamp / cadenceMs) + 1) * cadenceMs
      for (let at = first; at <= timestamp + windowMs + 2 * cadenceMs; at += cadenceMs) instants.add(at)
    }
  }
  const groups = [...new Set(logs.map(({ attributes }) => String(attributes.ip)))].sort()
  const alerting = new Set<string>()
  const transitions: string[] = []
  for (const at of [...instants].sort((a, b) => a - b)) {
    for (const group of groups) {
      const inWindow = logs.filter(({ timestamp, attributes }) => {
        const within =
          cadenceMs === undefined
            ? timestamp > at - windowMs && timestamp <= at
            : timestamp >= at - windowMs && timestamp < at
        return within && attributes.ip === group
      })
      const value = kind === 'count' ? inWindow.length : new Set(inWindow.map(({ attributes }) => attributes.d)).size
      const fires = value > threshold
      if (fires === alerting.has(group)) continue
      if (fires) alerting.add(group)
      else alerting.delete(group)
      transitions.push(`${fires ? 'Triggered' : 'Recovered'} ${group} ${at - BEGIN} ${value}`)
    }
  }
  return transitions
}

const anyLog = fc
  .record({
    at: fc.integer({ min: 0, max: 400 }),
    ip: fc.constantFrom('a', 'b', 'c'),
    d: fc.constantFrom('x', 'y', 'z'),
    n: fc.nat(3),
  })
  .map(({ at, ...attributes }) => log(at * 2_500, attributes))
const inOrder = (logs: IndexedLog[]) => [...logs].sort((a, b) => a.timestamp - b.timestamp)
const kinds = fc.constantFrom<['count' | 'cardinality', number]>(['count', 2], ['cardinality', 1])

test('a replay gives what the definition of the windows says, for any logs, in both modes', () => {
  fc.assert(
    fc.property(fc.array(anyLog, { maxLength: 40 }), kinds, fc.boolean(), (logs, [kind, threshold], cadence) => {
      const monitor = kind === 'count' ? count() : cardinality()
      const expected = oracle(logs, 5 * MINUTE_MS, threshold, kind, cadence ? MINUTE_MS : undefined)
      expect(replay([monitor], inOrder(logs), cadence ? { cadenceSeconds: 60 } : {})).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test('a replay gives the same for any order of arrival within the lateness', () => {
  const delayed = fc.tuple(anyLog, fc.integer({ min: 0, max: 60 * SECOND_MS }))
  fc.assert(
    fc.property(fc.array(delayed, { maxLength: 40 }), fc.boolean(), (arrivals, cadence) => {
      const options = cadence ? { cadenceSeconds: 60 } : {}
      const shuffled = [...arrivals]
        .sort(([a, late], [b, later]) => a.timestamp + late - b.timestamp - later)
        .map(([each]) => each)
      const monitors = [count(), cardinality()]
      expect(replay(monitors, shuffled, options)).toEqual(replay(monitors, inOrder(shuffled), options))
    }),
    { numRuns: 300 },
  )
})

test('logs in order at distinct times give the same live and in a replay', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyLog, { maxLength: 40, selector: ({ timestamp }) => timestamp }),
      fc.boolean(),
      (logs, cadence) => {
        const options = cadence ? { cadenceSeconds: 60 } : {}
        for (const monitor of [count(), cardinality()]) {
          expect(run([monitor], inOrder(logs), options)).toEqual(replay([monitor], inOrder(logs), options))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('late logs fire the same groups live as in order', () => {
  const delayed = fc.tuple(anyLog, fc.integer({ min: 0, max: 60 * SECOND_MS }))
  const fired = (transitions: string[]) =>
    new Set(transitions.filter((each) => each.startsWith('Triggered')).map((each) => each.split(' ')[1]))
  fc.assert(
    fc.property(fc.uniqueArray(delayed, { maxLength: 40, selector: ([{ timestamp }]) => timestamp }), (arrivals) => {
      const shuffled = [...arrivals]
        .sort(([a, late], [b, later]) => a.timestamp + late - b.timestamp - later)
        .map(([each]) => each)
      const greatest = monitorOf('logs("*").rollup("max","@n").by("@ip").last("5m") > 2')
      const least = monitorOf('logs("*").rollup("min","@n").by("@ip").last("5m") < 1')
      for (const monitor of [count(), cardinality(), greatest, least]) {
        expect(fired(run([monitor], shuffled))).toEqual(fired(replay([monitor], shuffled)))
      }
    }),
    { numRuns: 500 },
  )
})

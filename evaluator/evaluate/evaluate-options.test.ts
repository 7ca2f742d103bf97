import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { type Monitor, readImportable } from '../monitor/monitor.ts'
import { Replayer } from '../replay/replay.ts'
import type { ReplayOptions } from '../replay/replay-options.ts'
import { Evaluator, type EvaluatorOptions, type Transition } from './evaluate.ts'
import { GroupLimits } from './group-limits.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const BEGIN = Date.UTC(2026, 0, 5, 9)
const EACH_MINUTE = { cadenceSeconds: 60 }

const monitorOf = (query: string, options: object = {}, search = '*'): Monitor =>
  readImportable(
    JSON.stringify({
      name: 'n',
      type: 'log alert',
      query: `logs("${search}")${query}`,
      message: 'm',
      options: { new_group_delay: 0, on_missing_data: 'resolve', ...options },
    }),
    'detections/slug/monitor.json',
  )

const log = (afterMs: number, attributes: Record<string, unknown> = {}): IndexedLog => ({
  id: '',
  timestamp: BEGIN + afterMs,
  attributes,
})

const linesOf = (transitions: readonly Transition[]) =>
  transitions.map(({ transition, group, at, value }) =>
    [transition, Object.values(group).join(), at - BEGIN, value].filter((part) => part !== '').join(' '),
  )

/** Evaluates at each log, unless the options name a EACH_MINUTE. */
const evaluation = <T extends ReplayOptions>(options: T) => ({ live: options.cadenceSeconds === undefined, ...options })

function live(monitor: Monitor, logs: readonly IndexedLog[], options: EvaluatorOptions = {}): Transition[] {
  const evaluator = new Evaluator([monitor], evaluation(options))
  const transitions = logs.flatMap((each) => evaluator.push(each))
  for (let due = evaluator.nextDue(); due !== undefined; due = evaluator.nextDue()) {
    transitions.push(...evaluator.advance(due))
  }
  return transitions
}

function replayed(monitor: Monitor, logs: readonly IndexedLog[], options: ReplayOptions = {}) {
  const transitions: Transition[] = []
  const replayer = new Replayer([monitor], evaluation(options), (transition) => transitions.push(transition))
  for (const each of logs) replayer.push(each, each.timestamp)
  replayer.finish()
  return { transitions, limits: replayer.exceededLimits }
}

/** Runs the logs live and in a replay, and expects the same transitions. */
function both(monitor: Monitor, logs: readonly IndexedLog[], options: EvaluatorOptions & ReplayOptions = {}): string[] {
  const transitions = linesOf(live(monitor, logs, options))
  expect(linesOf(replayed(monitor, logs, { silenceAfterEnd: true, ...options }).transitions)).toEqual(transitions)
  return transitions
}

describe('a rollup over a measure', () => {
  const logs = [log(0, { ms: 100 }), log(1, { ms: 900 }), log(2, { ms: 200 })]

  test.each([
    ['avg', '> 450', ['Triggered 1 500', 'Recovered 2 400', 'Triggered 300000 550', 'Recovered 300001 200']],
    ['sum', '>= 1200', ['Triggered 2 1200', 'Recovered 300000 1100']],
    ['min', '> 100', ['Triggered 300000 200', 'Recovered 300002 0']],
    ['max', '> 800', ['Triggered 1 900', 'Recovered 300001 200']],
    ['median', '== 200', ['Triggered 2 200', 'Recovered 300000 550', 'Triggered 300001 200', 'Recovered 300002 0']],
    ['pc75', '> 500', ['Triggered 1 700', 'Recovered 300001 200']],
  ])('%s %s is evaluated when a log enters the window and when one leaves it', (kind, condition, expected) => {
    expect(both(monitorOf(`.rollup("${kind}","@ms").last("5m") ${condition}`), logs)).toEqual(expected)
  })

  test('reads numbers, texts that are numbers, and arrays of both; a log without a number is not counted', () => {
    const sum = monitorOf('.rollup("sum","@ms").last("5m") >= 6')
    const odd = [
      log(0, { ms: 'six' }),
      log(1),
      log(2, { ms: true }),
      log(3, { ms: ['1', 2, 2] }),
      log(4, { ms: '1e0' }),
    ]
    expect(both(sum, odd)[0]).toBe('Triggered 4 6')
    expect(both(monitorOf('.rollup("avg","@ms").last("5m") <= 0', { on_missing_data: 'default' }), [log(0)])).toEqual(
      [],
    )
  })

  test('keeps its last status in silence by default', () => {
    const high = [log(0, { ms: 9 })]
    expect(both(monitorOf('.rollup("avg","@ms").last("5m") > 5', { on_missing_data: 'default' }), high)).toEqual([
      'Triggered 0 9',
    ])
  })
})

describe('notify_by', () => {
  const by = (notifyBy: string[], options: object = {}) =>
    monitorOf('.rollup("count").by("@usr,@ip").last("5m") > 1', { notify_by: notifyBy, ...options })
  const pair = (at: number, usr: string, ip: string) => [log(at, { usr, ip }), log(at + 1, { usr, ip })]

  test('with some of the facets sends one notification for the groups that agree in them, until the last of them recovers', () => {
    const logs = [...pair(0, 'ada', '1'), ...pair(MINUTE_MS, 'ada', '2'), ...pair(2 * MINUTE_MS, 'bob', '1')]
    expect(both(by(['@usr']), logs)).toEqual([
      'Triggered ada 1 2',
      `Triggered bob ${2 * MINUTE_MS + 1} 2`,
      `Recovered ada ${6 * MINUTE_MS} 1`,
      `Recovered bob ${7 * MINUTE_MS} 1`,
    ])
  })

  test('with ["*"] sends one notification for the whole monitor, without a group', () => {
    const transitions = live(by(['*']), [...pair(0, 'ada', '1'), ...pair(MINUTE_MS, 'bob', '2')])
    expect(linesOf(transitions)).toEqual(['Triggered 1 2', `Recovered ${6 * MINUTE_MS} 1`])
    expect(transitions.map(({ group }) => group)).toEqual([{}, {}])
    expect(transitions[1]?.cycleKey).toBe(transitions[0]?.cycleKey)
  })

  test('gives the groups the state of the worst', () => {
    const monitor = by(['@usr'], { thresholds: { critical: 1, warning: 0 } })
    const logs = [
      log(0, { usr: 'ada', ip: '1' }),
      ...pair(MINUTE_MS, 'ada', '2'),
      log(2 * MINUTE_MS, { usr: 'ada', ip: '3' }),
    ]
    expect(both(monitor, logs)).toEqual([
      'Warn ada 0 1',
      `Triggered ada ${MINUTE_MS + 1} 2`,
      `Warn ada ${6 * MINUTE_MS} 1`,
      `Recovered ada ${7 * MINUTE_MS} 0`,
    ])
  })

  test('sends nothing when one group recovers and another triggers at the same instant', () => {
    const logs = [...pair(0, 'ada', '1'), log(299_999, { usr: 'ada', ip: '2' }), log(300_000, { usr: 'ada', ip: '2' })]
    expect(linesOf(replayed(by(['@usr']), logs).transitions)).toEqual(['Triggered ada 1 2', 'Recovered ada 599999 1'])
  })

  test('lists the groups that breach, worst first, at most ten', () => {
    const logs = Array.from({ length: 12 }, (_, i) =>
      Array.from({ length: i + 2 }, () => log(0, { usr: 'ada', ip: i })),
    )
    const [, reminder] = live(by(['*'], { renotify_interval: 1, renotify_occurrences: 1 }), logs.flat())
    expect(reminder?.breaching).toHaveLength(10)
    expect(reminder?.breaching[0]).toEqual({ group: { '@usr': 'ada', '@ip': '11' }, value: 13 })
  })
})

/** The notifications of groups that share one, derived from the notifications of each group alone. */
function together(alone: readonly Transition[], names: readonly string[]): string[] {
  const severity = ['OK', 'No Data', 'Warn', 'Alert']
  const stateAfter: Record<string, string> = { Triggered: 'Alert', Recovered: 'OK' }
  const keyOf = (group: Record<string, string>) => names.map((name) => group[name]).join()
  const states = new Map<string, Map<string, string>>()
  const worst = (key: string) => Math.max(0, ...[...(states.get(key)?.values() ?? [])].map((s) => severity.indexOf(s)))
  const lines: string[] = []
  for (const at of [...new Set(alone.map((each) => each.at))]) {
    const now = alone.filter((each) => each.at === at)
    const keys = [...new Set(now.map(({ group }) => keyOf(group)))].sort()
    const before = new Map(keys.map((key) => [key, worst(key)]))
    for (const { group, transition } of now) {
      const members = states.get(keyOf(group)) ?? new Map<string, string>()
      states.set(keyOf(group), members.set(JSON.stringify(group), stateAfter[transition] ?? transition))
    }
    for (const key of keys) {
      const [from, to] = [before.get(key) ?? 0, worst(key)]
      if (from !== to) lines.push([['Recovered', 'No Data', 'Warn', 'Triggered'][to], key, at - BEGIN].join(' '))
    }
  }
  return lines
}

test.each([
  ['at each log', {}],
  ['each minute', EACH_MINUTE],
])('groups that are notified together have the worst of their single states, %s', (_, options) => {
  const anyLog = fc
    .record({ at: fc.nat(200), usr: fc.constantFrom('ada', 'bob'), ip: fc.constantFrom('1', '2', '3') })
    .map(({ at, ...attributes }) => log(at * 5 * SECOND_MS, attributes))
  const missing = fc.constantFrom('resolve', 'default', 'show_and_notify_no_data')
  fc.assert(
    fc.property(fc.array(anyLog, { maxLength: 40 }), fc.constantFrom('@usr', '@ip', '*'), missing, (logs, by, on) => {
      const monitor = (extra: object) =>
        monitorOf('.rollup("count").by("@usr,@ip").last("5m") > 1', {
          thresholds: { critical: 1, warning: 0 },
          on_missing_data: on,
          group_retention_duration: '72h',
          ...extra,
        })
      const sorted = logs.toSorted((a, b) => a.timestamp - b.timestamp)
      const alone = replayed(monitor({}), sorted, options).transitions
      const names = by === '*' ? [] : [by]
      const shared = replayed(monitor({ notify_by: [by] }), sorted, options).transitions
      expect(
        shared.map(({ transition, group, at }) => [transition, Object.values(group).join(), at - BEGIN].join(' ')),
      ).toEqual(together(alone, names))
    }),
    { numRuns: 150 },
  )
})

test('a group of four facets names them in their order', () => {
  const four = monitorOf('.rollup("count").by("@d,@a,@c,env").last("5m") > 0')
  const [first] = live(four, [{ ...log(0, { a: '1:', c: 'x,y', d: 4 }), tags: ['env:prod'] }])
  expect(JSON.stringify(first?.group)).toBe('{"@d":"4","@a":"1:","@c":"x,y","env":"prod"}')
})

describe('timeout_h', () => {
  const lasting = (options: object) =>
    monitorOf('.rollup("cardinality","@d").by("@ip").last("5m") > 1', { on_missing_data: 'default', ...options })
  const two = (at: number) => [log(at, { ip: 'a', d: 'x' }), log(at, { ip: 'a', d: 'y' })]

  test('resolves an alert this many hours after its window became empty', () => {
    expect(both(lasting({}), two(0))).toEqual(['Triggered a 0 2'])
    expect(both(lasting({ timeout_h: 1 }), two(0))).toEqual([
      'Triggered a 0 2',
      `Recovered a ${5 * MINUTE_MS + HOUR_MS} 0`,
    ])
    expect(both(lasting({ timeout_h: 1 }), two(1), EACH_MINUTE)).toEqual([
      `Triggered a ${MINUTE_MS} 2`,
      `Recovered a ${6 * MINUTE_MS + HOUR_MS} 0`,
    ])
  })

  test('resolves nothing while data arrive', () => {
    const daily = monitorOf('.rollup("cardinality","@d").by("@ip").last("12h") > 1', {
      on_missing_data: 'default',
      timeout_h: 1,
    })
    expect(both(daily, two(0))).toEqual(['Triggered a 0 2', `Recovered a ${13 * HOUR_MS} 0`])
  })

  test('does not resolve No Data', () => {
    const shown = monitorOf('.rollup("count").last("5m") > 0', {
      on_missing_data: 'show_and_notify_no_data',
      timeout_h: 1,
    })
    expect(both(shown, [log(0)])).toEqual(['Triggered 0 1', 'No Data 300000 0'])
  })

  test('lets a count that is too low trigger again at the next evaluation', () => {
    const silence = monitorOf('.rollup("count").last("5m") < 1', { on_missing_data: 'default', timeout_h: 1 })
    const logs = [log(0), log(3 * HOUR_MS)]
    expect(linesOf(replayed(silence, logs, EACH_MINUTE).transitions)).toEqual([
      `Triggered ${6 * MINUTE_MS} 0`,
      `Recovered ${6 * MINUTE_MS + HOUR_MS} 0`,
      `Triggered ${7 * MINUTE_MS + HOUR_MS} 0`,
      `Recovered ${7 * MINUTE_MS + 2 * HOUR_MS} 0`,
      `Triggered ${8 * MINUTE_MS + 2 * HOUR_MS} 0`,
      `Recovered ${3 * HOUR_MS + MINUTE_MS} 1`,
    ])
  })
})

test('an alert that resolves and triggers repeatedly does so for a week of silence, and not after the end of a recording', () => {
  const zero = monitorOf('.rollup("count").last("5m") >= 0', { on_missing_data: 'default', timeout_h: 1 })
  const times = (options: ReplayOptions) =>
    replayed(zero, [log(0)], { ...EACH_MINUTE, ...options }).transitions.filter(
      ({ transition }) => transition === 'Triggered',
    ).length
  expect(times({})).toBe(1)
  // Once every 61 minutes, from the sixth MINUTE_MS on.
  expect(times({ silenceAfterEnd: true })).toBe(1 + Math.floor((7 * 24 * 60 - 6) / 61))
})

describe('group_retention_duration', () => {
  const shown = (options: object) =>
    monitorOf('.rollup("count").by("@ip").last("5m") > 1', {
      on_missing_data: 'show_and_notify_no_data',
      group_retention_duration: '1h',
      ...options,
    })

  test('a silent group is in No Data until it is dropped, and then has nothing to recover from', () => {
    const back = (at: number) => both(shown({}), [log(0, { ip: 'a' }), log(at, { ip: 'a' })], {}).slice(0, 2)
    expect(back(HOUR_MS)).toEqual(['No Data a 300000 0', `Recovered a ${HOUR_MS} 1`])
    expect(back(HOUR_MS + 5 * MINUTE_MS + 1)).toEqual([
      'No Data a 300000 0',
      `No Data a ${HOUR_MS + 10 * MINUTE_MS + 1} 0`,
    ])
  })

  test('a group that comes back after it was dropped begins another cycle', () => {
    const kept = { on_missing_data: 'default', group_retention_duration: '1h' }
    const monitor = monitorOf('.rollup("cardinality","@d").by("@ip").last("5m") > 1', kept)
    const two = (at: number) => [log(at, { ip: 'a', d: ['x', 'y'] })]
    const [first, SECOND_MS, ...more] = live(monitor, [...two(0), ...two(2 * HOUR_MS)])
    expect([first?.transition, SECOND_MS?.transition, more]).toEqual(['Triggered', 'Triggered', []])
    expect(SECOND_MS?.cycleKey).not.toBe(first?.cycleKey)
    expect(both(monitor, [...two(0), ...two(30 * MINUTE_MS)])).toEqual(['Triggered a 0 2'])
  })

  test('a group that is dropped before it has recovered is reported by the option dropped', () => {
    const kept = { on_missing_data: 'default', group_retention_duration: '1h' }
    const dropped: string[] = []
    const evaluator = new Evaluator([monitorOf('.rollup("cardinality","@d").by("@ip").last("5m") > 0', kept)], {
      live: true,
      dropped: (monitor, group) => dropped.push(`${monitor.slug} ${JSON.stringify(group)}`),
    })
    evaluator.push(log(0, { ip: 'a', d: 1 }))
    evaluator.advance(BEGIN + 65 * MINUTE_MS - 1)
    expect(dropped).toEqual([])
    expect(evaluator.advance(BEGIN + 65 * MINUTE_MS)).toEqual([])
    expect(dropped).toEqual(['slug {"@ip":"a"}'])
  })

  test('dropped groups do not count among the silent ones', () => {
    const quiet = monitorOf('.rollup("count").by("@ip").last("5m") < 1', {
      on_missing_data: 'default',
      group_retention_duration: '1h',
    })
    const others = Array.from({ length: 20 }, (_, i) => log(MINUTE_MS + i * 4 * MINUTE_MS, { ip: 'b' }))
    expect(both(quiet, [log(0, { ip: 'a' }), ...others])).toEqual([`Triggered b ${82 * MINUTE_MS} 0`])
  })
})

test('the silence of one group does not restart when other groups fall silent', () => {
  const quiet = monitorOf('.rollup("count").by("@ip").last("5m") < 1', {
    on_missing_data: 'default',
    group_retention_duration: '1h',
  })
  const others = Array.from({ length: 8 }, (_, i) => log((i + 1) * 10 * MINUTE_MS, { ip: 'b' }))
  const ofFirst = both(quiet, [log(0, { ip: 'a' }), ...others]).filter((line) => line.startsWith('Triggered a'))
  expect(ofFirst).toEqual([5, 15, 25, 35, 45, 55].map((at) => `Triggered a ${at * MINUTE_MS} 0`))
})

describe('silence', () => {
  const heartbeat = monitorOf('.rollup("count").last("5m") < 1', { on_missing_data: 'default' })

  test('triggers by the clock alone, exactly one window after the last log, and recovers at the next', () => {
    const evaluator = new Evaluator([heartbeat], { live: true })
    expect(evaluator.nextDue()).toBeUndefined()
    expect(evaluator.push(log(0))).toEqual([])
    expect(evaluator.nextDue()).toBe(BEGIN + 5 * MINUTE_MS)
    expect(evaluator.advance(BEGIN + 5 * MINUTE_MS - 1)).toEqual([])
    expect(linesOf(evaluator.advance(BEGIN + 5 * MINUTE_MS))).toEqual(['Triggered 300000 0'])
    expect(linesOf(evaluator.push(log(10 * MINUTE_MS)))).toEqual(['Recovered 600000 1'])
  })

  test('of a service that has never logged does not trigger, however long it lasts', () => {
    const other = monitorOf('.rollup("count").last("5m") < 1', { on_missing_data: 'default' }, '@evt:sweep')
    for (const options of [{ live: true }, EACH_MINUTE]) {
      const evaluator = new Evaluator([other], options)
      expect(evaluator.advance(BEGIN)).toEqual([])
      expect([log(0), log(HOUR_MS)].flatMap((each) => evaluator.push(each))).toEqual([])
      expect(evaluator.advance(BEGIN + 10 * HOUR_MS)).toEqual([])
    }
  })

  test('a monitor on low values waits for a whole window', () => {
    const three = monitorOf('.rollup("count").last("5m") < 3', { on_missing_data: 'default' })
    expect(both(three, [log(0), log(MINUTE_MS), log(2 * MINUTE_MS), log(4 * MINUTE_MS)])).toEqual([
      `Triggered ${6 * MINUTE_MS} 2`,
    ])
    expect(both(three, [log(0), log(MINUTE_MS)])).toEqual(['Triggered 300000 1'])
  })

  test('is not No Data before the first log', () => {
    const shown = monitorOf('.rollup("count").last("5m") > 5', { on_missing_data: 'show_and_notify_no_data' })
    const evaluator = new Evaluator([shown], EACH_MINUTE)
    expect(evaluator.advance(BEGIN + HOUR_MS)).toEqual([])
    evaluator.push(log(HOUR_MS))
    expect(linesOf(evaluator.advance(BEGIN + 2 * HOUR_MS))).toEqual([`No Data ${HOUR_MS + 6 * MINUTE_MS} 0`])
  })
})

describe('the end of a recording', () => {
  const recorded = (monitor: Monitor, logs: IndexedLog[], options: ReplayOptions = {}) =>
    linesOf(replayed(monitor, logs, options).transitions)

  test('triggers nothing, because entries then leave only for lack of further logs', () => {
    const heartbeat = monitorOf('.rollup("count").last("5m") < 1', { on_missing_data: 'default' })
    const beats = [0, 1, 2, 3].map((at) => log(at * 4 * MINUTE_MS))
    for (const options of [{ live: true }, EACH_MINUTE]) expect(recorded(heartbeat, beats, options)).toEqual([])
    expect(recorded(heartbeat, [log(0), log(6 * MINUTE_MS, { other: 1 })], {})).toEqual([
      'Triggered 300000 0',
      'Recovered 360000 1',
    ])
    const average = monitorOf('.rollup("avg","@ms").last("5m") > 5')
    expect(recorded(average, [log(0, { ms: 1 }), log(1, { ms: 8 })])).toEqual([])
    const shown = monitorOf('.rollup("count").by("@ip").last("5m") > 5', { on_missing_data: 'show_and_notify_no_data' })
    expect(recorded(shown, [log(0, { ip: 'a' })])).toEqual([])
  })

  test('does not prevent the evaluation that counts the newest log', () => {
    const average = monitorOf('.rollup("avg","@ms").last("5m") > 5')
    expect(recorded(average, [log(MINUTE_MS, { ms: 8 })], EACH_MINUTE)).toEqual([
      `Triggered ${2 * MINUTE_MS} 8`,
      `Recovered ${7 * MINUTE_MS} 0`,
    ])
    const delayed = monitorOf('.rollup("avg","@ms").by("@ip").last("5m") > 5', { new_group_delay: 60 })
    expect(recorded(delayed, [log(0, { ip: 'a', ms: 8 })])).toEqual([
      `Triggered a ${MINUTE_MS} 8`,
      'Recovered a 300000 0',
    ])
  })

  test('lets an alert recover, and sends no reminder', () => {
    const monitor = monitorOf('.rollup("count").by("@ip").last("5m") > 0', { renotify_interval: 1 })
    expect(recorded(monitor, [log(0, { ip: 'a' }), log(2 * MINUTE_MS)])).toEqual([
      'Triggered a 0 1',
      `Re-Triggered a ${MINUTE_MS} 1`,
      `Re-Triggered a ${2 * MINUTE_MS} 1`,
      'Recovered a 300000 0',
    ])
  })
})

describe('reminders', () => {
  const count = (options: object) => monitorOf('.rollup("count").by("@ip").last("5m") > 1', options)
  const ip = { ip: 'a' }

  test('are sent of alerts and missing data by default', () => {
    const warned = { thresholds: { critical: 1, warning: 0 }, renotify_interval: 2 }
    expect(both(count(warned), [log(0, ip)])).toEqual(['Warn a 0 1', 'Recovered a 300000 0'])
    expect(both(count({ ...warned, renotify_statuses: ['warn'] }), [log(0, ip)])).toEqual([
      'Warn a 0 1',
      `Re-Warn a ${2 * MINUTE_MS} 1`,
      `Re-Warn a ${4 * MINUTE_MS} 1`,
      'Recovered a 300000 0',
    ])
  })

  test('of missing data are sent only if missing data are notified, and stop when the group is dropped', () => {
    const silent = { renotify_interval: 20, group_retention_duration: '1h' }
    const shown = both(count({ ...silent, on_missing_data: 'show_and_notify_no_data' }), [log(0, ip)])
    expect(shown).toEqual([
      'No Data a 300000 0',
      `Re-No Data a ${25 * MINUTE_MS} 0`,
      `Re-No Data a ${45 * MINUTE_MS} 0`,
    ])
    const alerted = [log(0, ip), log(0, ip)]
    expect(both(count({ ...silent, on_missing_data: 'show_no_data' }), alerted)).toEqual(['Triggered a 0 2'])
  })

  test('stop after thirty hours without renotify_occurrences', () => {
    const kept = monitorOf('.rollup("cardinality","@d").last("5m") > 0', {
      on_missing_data: 'default',
      renotify_interval: 600,
    })
    expect(both(kept, [log(0, { d: 1 })])).toEqual([
      'Triggered 0 1',
      ...[10, 20, 30].map((at) => `Re-Triggered ${at * HOUR_MS} 0`),
    ])
  })

  test('keep the times of the first and the last change', () => {
    const monitor = count({ thresholds: { critical: 1, warning: 0 }, renotify_interval: 1, renotify_occurrences: 1 })
    const times = live(monitor, [log(0, ip), log(MINUTE_MS, ip)]).map(
      ({ transition, firstTriggeredAt, lastTriggeredAt }) => [
        transition,
        firstTriggeredAt - BEGIN,
        lastTriggeredAt - BEGIN,
      ],
    )
    expect(times).toEqual([
      ['Warn', 0, 0],
      ['Triggered', 0, MINUTE_MS],
      ['Re-Triggered', 0, MINUTE_MS],
      ['Warn', 0, 5 * MINUTE_MS],
      ['Recovered', 0, 5 * MINUTE_MS],
    ])
  })
})

test('evaluation_delay is ignored at each log, and shifts the window of each minute', () => {
  const delayed = monitorOf('.rollup("count").last("5m") > 0', { evaluation_delay: 90 })
  expect(both(delayed, [log(0)])).toEqual(['Triggered 0 1', 'Recovered 300000 0'])
  expect(both(delayed, [log(0)], EACH_MINUTE)).toEqual([`Triggered ${2 * MINUTE_MS} 1`, `Recovered ${7 * MINUTE_MS} 0`])
})

describe('group limits', () => {
  const one = monitorOf('.rollup("count").by("@ip").last("5m") > 1')
  /** Makes n groups; group i has `times(i)` logs. */
  const groups = (n: number, at: number, of: (i: number) => Record<string, unknown>, times = (i: number) => i + 1) =>
    Array.from({ length: n }, (_, i) => Array.from({ length: times(i) }, () => log(at, of(i)))).flat()
  const name = (i: number) => String(i).padStart(4, '0')

  test('are reported by monitor, time and number, and leave no group out by default', () => {
    const logs = groups(
      1003,
      0,
      (i) => ({ ip: name(i) }),
      (i) => (i === 0 ? 2 : 3),
    )
    const { transitions, limits } = replayed(one, [...logs, log(MINUTE_MS, { ip: '0000' })])
    expect(limits).toEqual([{ monitor: one, since: BEGIN, beyond: 3 }])
    expect(transitions.filter(({ transition }) => transition === 'Triggered')).toHaveLength(1003)
    expect(
      replayed(
        one,
        groups(
          1000,
          0,
          (i) => ({ ip: name(i) }),
          () => 1,
        ),
      ).limits,
    ).toEqual([])
    const evaluator = new Evaluator([one], { live: true })
    for (const each of groups(
      1001,
      0,
      (i) => ({ ip: name(i) }),
      () => 1,
    ))
      evaluator.push(each)
    expect(evaluator.exceededLimits).toEqual([{ monitor: one, since: BEGIN, beyond: 1 }])
  })

  test.each([
    ['at each log', {}],
    ['each minute', EACH_MINUTE],
  ])('enforced %s, keep the groups with the highest values', (_, options) => {
    const logs = groups(
      1002,
      0,
      (i) => ({ ip: name(i) }),
      (i) => (i < 4 ? 2 : 3),
    )
    const { transitions } = replayed(one, logs, { ...options, groupLimits: true })
    const fired = transitions.filter(({ transition }) => transition === 'Triggered').map(({ group }) => group['@ip'])
    // Of the four groups with the lowest value, the first two by name are kept.
    expect(fired).toHaveLength(1000)
    expect(fired).toEqual(expect.arrayContaining(['0000', '0001']))
    expect(fired).not.toContain('0002')
    expect(fired).not.toContain('0003')
  })

  test('enforced, end the alert of a group that others displace, and restore it when they are gone', () => {
    const first = [log(0, { ip: 'low' }), log(0, { ip: 'low' })]
    const flood = groups(
      1000,
      MINUTE_MS,
      (i) => ({ ip: name(i) }),
      () => 3,
    )
    const again = [log(5 * MINUTE_MS, { ip: 'low' }), log(5 * MINUTE_MS, { ip: 'low' })]
    const { transitions } = replayed(one, [...first, ...flood, ...again], { groupLimits: true })
    expect(linesOf(transitions.filter(({ group }) => group['@ip'] === 'low'))).toEqual([
      'Triggered low 0 2',
      `Recovered low ${MINUTE_MS} 0`,
      `Triggered low ${6 * MINUTE_MS} 2`,
      `Recovered low ${10 * MINUTE_MS} 0`,
    ])
  })

  test('enforced, evaluate a group that was left out as soon as there are few enough groups', () => {
    const few = monitorOf('.rollup("count").by("@ip").last("5m") < 2')
    const flood = groups(
      1000,
      MINUTE_MS,
      (i) => ({ ip: name(i) }),
      () => 3,
    )
    const logs = [...flood, log(2 * MINUTE_MS, { ip: 'low' })]
    expect(linesOf(replayed(few, logs, { silenceAfterEnd: true }).transitions)[0]).toBe(
      `Triggered low ${2 * MINUTE_MS} 1`,
    )
    expect(linesOf(replayed(few, logs, { silenceAfterEnd: true, groupLimits: true }).transitions)).toEqual([
      `Triggered low ${6 * MINUTE_MS} 1`,
      `Recovered low ${7 * MINUTE_MS} 0`,
    ])
  })

  test('of two facets keep thirty values of the first, by all of its logs, and thirty of the SECOND_MS for each', () => {
    const two = monitorOf('.rollup("count").by("@usr,@ip").last("5m") > 1')
    const users = groups(
      31,
      0,
      (i) => ({ usr: name(i), ip: 'x' }),
      () => 2,
    )
    // The first user by name has the most logs, spread over so many addresses that each has few.
    const spread = groups(
      40,
      0,
      (i) => ({ usr: '0000', ip: name(i) }),
      (i) => (i < 35 ? 3 : 1),
    )
    const { transitions, limits } = replayed(two, [...users, ...spread], { groupLimits: true })
    const fired = transitions.filter(({ transition }) => transition === 'Triggered').map(({ group }) => group)
    const of = (usr: string) => fired.filter((group) => group['@usr'] === usr).length
    expect([of('0000'), of('0001'), of('0029'), of('0030')]).toEqual([30, 1, 1, 0])
    // 31 + 40 groups: 30 of the first user are kept, and one of each of 29 others.
    expect(limits).toEqual([{ monitor: two, since: BEGIN, beyond: 71 - 59 }])
  })

  test.each([
    [3, 10],
    [4, 5],
  ])('of %i facets keep %i values', (facets, most) => {
    const names = ['@a', '@b', '@c', '@d'].slice(0, facets)
    const monitor = monitorOf(`.rollup("count").by("${names.join()}").last("5m") > 0`)
    const deepest = (n: number) =>
      groups(
        n,
        0,
        (i) => ({ a: 'a', b: 'b', c: 'c', d: 'd', [`${names.at(-1)?.slice(1)}`]: i }),
        () => 1,
      )
    expect(replayed(monitor, deepest(most)).limits).toEqual([])
    expect(replayed(monitor, deepest(most + 2)).limits).toEqual([{ monitor, since: BEGIN, beyond: 2 }])
  })

  test.each([
    ['cardinality', '@usr', [1, 2], [[1], [1], [1]], false],
    ['avg', '@usr', [6], [[10, 10, 10], [0]], true],
    ['max', '@usr', [6], [[5], [5]], false],
    ['sum', '@usr', [6], [[4], [4]], true],
  ] as const)(
    'the %s of %s over all groups with a value decides whether they are evaluated',
    (kind, of, others, its, isIn) => {
      const monitor = monitorOf(`.rollup("${kind}","${of}").by("@a,@b").last("5m") > -1`)
      const crowd = Array.from({ length: 30 }, (_, i) =>
        others.map((usr) => log(0, { a: name(i), b: 'b', usr })),
      ).flat()
      const last = its.flatMap((users, b) => users.map((usr) => log(0, { a: 'z', b, usr })))
      const { transitions } = replayed(monitor, [...crowd, ...last], { groupLimits: true })
      expect(transitions.some(({ group }) => group['@a'] === 'z')).toBe(isIn)
      expect(transitions.some(({ group }) => group['@a'] === '0029')).toBe(!isIn)
    },
  )

  test('are counted exactly at the end, and rarely before it', () => {
    const choose = vi.spyOn(GroupLimits.prototype, 'choose')
    onTestFinished(() => choose.mockRestore())
    const monitor = monitorOf('.rollup("cardinality","@usr").by("@a,@b").last("1d") > 3')
    const most = 5000
    const spread = Array.from({ length: most }, (_, i) => log(i * 10_000, { a: i % 40, b: i, usr: `u${i % 7}` }))
    expect(replayed(monitor, spread).limits).toEqual([{ monitor, since: BEGIN + 30 * 10_000, beyond: most - 30 * 30 }])
    expect(choose.mock.calls.length).toBeLessThan(2 + Math.log(most / 31) / Math.log(5 / 4))
  })
})

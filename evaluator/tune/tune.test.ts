import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMonitor, replay, tune } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import { type Monitor, MonitorError } from '../monitor/monitor.ts'
import { jsonOf } from '../mutate/mutants.ts'
import { BEGIN, randomLogs, randomMonitor } from '../testing/random-monitors.ts'
import { readThresholds, readWindows, TrialError, usualThresholds } from './texts.ts'

const THRESHOLDS = [0, 1, 2, 3, 5]
const WINDOWS = ['1m', '3m', '10m']

const eventsOf = (logs: readonly IndexedLog[]) =>
  logs.map(({ timestamp, attributes }) => ({ timestamp: new Date(timestamp).toISOString(), ...attributes }))

/** The monitor as a person would write it with another threshold and window; undefined if it is refused. */
function changed(monitor: Monitor, threshold: number, window: string): Monitor | undefined {
  const json = jsonOf(monitor)
  const query = monitor.query
    .replace(/\.last\("\w+"\)/, `.last("${window}")`)
    .replace(/(\.last\("\w+"\) [<>=!]+ ).*$/, `$1${threshold}`)
  const options = { ...json.options, thresholds: { ...json.options.thresholds, critical: threshold } }
  try {
    return readMonitor({ ...json, query, options })
  } catch (error) {
    if (error instanceof MonitorError) return undefined
    throw error
  }
}

async function alertsOf(monitor: Monitor, logs: readonly IndexedLog[], options: object) {
  const { changes } = await replay([monitor], eventsOf(logs), options)
  return changes.filter(({ transition }) => transition === 'Triggered').map(({ group }) => group)
}

const texts = (groups: readonly object[]) => [...new Set(groups.map((group) => JSON.stringify(group)))].sort()

test('each cell is what a replay says of a monitor with that threshold and window', { timeout: 120_000 }, async () => {
  const mode = fc.record({ live: fc.boolean(), silenceAfterEnd: fc.boolean(), groupLimits: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(randomMonitor, randomLogs, mode, async ({ monitor }, logs, options) => {
      const { cells } = await tune(monitor, eventsOf(logs), { ...options, thresholds: THRESHOLDS, windows: WINDOWS })
      expect(cells.map(({ window, threshold }) => [window, threshold])).toEqual(
        WINDOWS.flatMap((window) => THRESHOLDS.map((threshold) => [window, threshold])),
      )
      for (const { window, threshold, refused, alerts, groups } of cells) {
        const alone = changed(monitor, threshold, window)
        expect(refused === undefined).toBe(alone !== undefined)
        const found = alone ? await alertsOf(alone, logs, options) : []
        expect(alerts).toBe(found.length)
        expect(texts(groups)).toEqual(texts(found))
      }
    }),
    { numRuns: 60 },
  )
})

const failures = (options: object = {}, query = '> 3') =>
  readMonitor({
    ...{ name: 'failures', type: 'log alert', message: 'm' },
    query: `logs("@outcome:fail").index("*").rollup("count").by("@ip").last("2m") ${query}`,
    options: { thresholds: { critical: Number(query.split(' ')[1]) }, new_group_delay: 0, ...options },
  })

/** The highest value of each group at any full minute, and the first of these minutes. */
function peaksOf(logs: readonly IndexedLog[], windowMs: number) {
  const newest = Math.max(...logs.map(({ timestamp }) => timestamp))
  return ['a', 'b', 'c'].flatMap((ip) => {
    let best = { value: 0, at: 0 }
    for (let at = BEGIN; at < newest + 120_000; at += 60_000) {
      const value = logs.filter(
        ({ timestamp, attributes }) =>
          attributes.outcome === 'fail' &&
          [attributes.ip].flat().includes(ip) &&
          timestamp >= at - windowMs &&
          timestamp < at,
      ).length
      if (value > best.value) best = { value, at }
    }
    return best.value === 0 ? [] : [{ group: { '@ip': ip }, value: best.value, at: new Date(best.at).toISOString() }]
  })
}

test('the nearest miss is the highest value of the groups that never alerted', async () => {
  await fc.assert(
    fc.asyncProperty(randomLogs, async (logs) => {
      const { cells } = await tune(failures(), eventsOf(logs), { thresholds: THRESHOLDS, windows: WINDOWS })
      for (const { window, groups, nearestMiss } of cells) {
        const missed = peaksOf(logs, Number.parseInt(window, 10) * 60_000)
          .filter(({ group }) => !texts(groups).includes(JSON.stringify(group)))
          .sort((a, b) => b.value - a.value || Date.parse(a.at) - Date.parse(b.at))
        expect(nearestMiss).toEqual(missed[0] ?? null)
      }
    }),
    { numRuns: 100 },
  )
})

test('where low values alert, the nearest miss is the lowest, before the recording ends', async () => {
  const logs = [10, 20, 30, 70, 130, 190].map((second) => log(second, 'a'))
  const { cells } = await tune(failures({}, '< 1'), eventsOf(logs), { thresholds: [1], windows: ['2m'] })
  expect(cells[0]).toMatchObject({ alerts: 0, nearestMiss: { value: 2, at: new Date(BEGIN + 180_000).toISOString() } })
})

test('a range holds the thresholds that find what is expected and nothing else, and none beside it does', async () => {
  const group = fc.constantFrom('a', 'b', 'c')
  await fc.assert(
    fc.asyncProperty(randomLogs, fc.uniqueArray(group, { maxLength: 2 }), async (logs, ips) => {
      const expected = ips.map((ip) => ({ '@ip': ip }))
      const options = { thresholds: THRESHOLDS, windows: WINDOWS, expected }
      const { ranges = [], obstacles, cells } = await tune(failures(), eventsOf(logs), options)
      const holding: string[] = []
      for (const { window, threshold } of cells) {
        const alone = changed(failures(), threshold, window)
        const found = alone ? texts(await alertsOf(alone, logs, {})) : ['refused']
        if (JSON.stringify(found) === JSON.stringify(texts(expected))) holding.push(`${window} ${threshold}`)
      }
      expect(ranges.flatMap(({ window, thresholds }) => thresholds.map((each) => `${window} ${each}`))).toEqual(holding)
      for (const { from, to, thresholds } of ranges) expect([from, to]).toEqual([thresholds[0], thresholds.at(-1)])
      expect(obstacles === undefined).toBe(holding.length > 0)
    }),
    { numRuns: 60 },
  )
})

const log = (second: number, ip: string): IndexedLog => ({
  ...{ id: '', timestamp: BEGIN + second * 1000, attributes: { ip, outcome: 'fail' } },
})

describe('an attack of 4 in two minutes, and a user who mistypes 3 times', () => {
  const logs = [log(1, 'attack'), log(2, 'attack'), log(3, 'attack'), log(61, 'attack')]
  const all = [...logs, log(10, 'user'), log(11, 'user'), log(12, 'user')]
  const options = { thresholds: [1, 2, 3, 4, 5], windows: ['1m', '2m'] }

  test('one threshold of one window finds the attack and nothing else', async () => {
    const tuning = await tune(failures(), eventsOf(all), { ...options, expected: [{ '@ip': 'attack' }] })
    expect(tuning.ranges).toEqual([{ window: '2m', from: 3, to: 3, thresholds: [3] }])
    expect(tuning).not.toHaveProperty('obstacles')
    expect(tuning).toMatchObject({ monitor: 'failures', events: 7, days: 1, malformed: [] })
  })

  test('logs in any order give the same', async () => {
    const options = { expected: [{ '@ip': 'attack' }], latenessSeconds: 1 }
    expect(await tune(failures(), eventsOf(all), options)).toEqual(
      await tune(failures(), eventsOf(all).reverse(), options),
    )
  })

  test('without such a range it says what stands in the way', async () => {
    const tuning = await tune(failures(), eventsOf(all), {
      ...options,
      windows: ['1m'],
      expected: [{ '@ip': 'attack' }],
    })
    expect(tuning.ranges).toEqual([])
    expect(tuning.obstacles).toEqual([
      {
        window: '1m',
        findsAll: { threshold: 1, unexpected: [{ '@ip': 'user' }] },
        nothingElse: { threshold: 3, missing: [{ '@ip': 'attack' }] },
      },
    ])
  })

  test('a threshold that contradicts the others is refused as the API would', async () => {
    const monitor = failures({ thresholds: { critical: 3, critical_recovery: 2 } })
    const { cells } = await tune(monitor, eventsOf(all), { thresholds: [1, 3] })
    expect(cells[0]).toMatchObject({ threshold: 1, refused: expect.stringContaining('critical_recovery'), alerts: 0 })
    expect(cells[1]).not.toHaveProperty('refused')
  })

  test('a group is no miss when an alert of its notify_by spoke for it', async () => {
    const { cells } = await tune(failures({ notify_by: ['*'] }), eventsOf(all), { thresholds: [3], windows: ['2m'] })
    expect(cells[0]).toMatchObject({ alerts: 1, groups: [{}], nearestMiss: null })
  })

  test('alerts a day count the days of the log', async () => {
    const later = [0, 1, 2, 3].map((second) => log(4 * 86_400 + second, 'attack'))
    const { days, cells } = await tune(failures(), eventsOf([...all, ...later]), { thresholds: [3], windows: ['2m'] })
    expect(days).toBeCloseTo(4, 3)
    expect(cells[0]?.alerts).toBe(2)
    expect(cells[0]?.alertsPerDay).toBeCloseTo(0.5, 3)
  })
})

test('thresholds are numbers and ranges', () => {
  expect(readThresholds('5..8')).toEqual([5, 6, 7, 8])
  expect(readThresholds('3, 1,1..2')).toEqual([1, 2, 3])
  expect(readThresholds('0.1..0.5/0.2')).toEqual([0.1, 0.3, 0.5])
  expect(readThresholds('-2..0')).toEqual([-2, -1, 0])
  for (const text of ['', 'x', '5..', '9..5', '1..5/0', '1..99999', '1e3'])
    expect(() => readThresholds(text), text).toThrow(TrialError)
})

test('windows are those of a query', () => {
  expect(readWindows('1h, 5m,60m')).toEqual([300_000, 3_600_000])
  expect(readWindows('2d,1m')).toEqual([60_000, 172_800_000])
  for (const text of ['', '0m', '5', '3d', '5s', '2881m']) expect(() => readWindows(text), text).toThrow(TrialError)
})

test('the usual thresholds lie around the present one, which is one of them', () => {
  expect(usualThresholds(failures())).toEqual([2, 3, 4, 5, 6])
  expect(usualThresholds(failures({}, '> 0'))).toEqual([0])
  expect(usualThresholds(failures({}, '> 1000'))).toContain(1000)
  expect(usualThresholds(failures({}, '> 1000')).length).toBeLessThan(20)
})

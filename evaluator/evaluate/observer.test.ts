import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Replayer } from '../replay/replay.ts'
import type { ReplayOptions } from '../replay/replay-options.ts'
import { BEGIN, randomLogs, randomMonitor } from '../testing/random-monitors.ts'
import type { Observer, Pass } from './observer.ts'

function transitionsOf(monitor: Monitor, logs: readonly IndexedLog[], options: ReplayOptions): unknown[] {
  const found: unknown[] = []
  const replayer = new Replayer([monitor], options, ({ monitor: _, ...transition }) => found.push(transition))
  for (const log of logs) replayer.push(log, log.timestamp)
  replayer.finish()
  return found
}

function observed(monitor: Monitor, logs: readonly IndexedLog[], options: ReplayOptions = {}) {
  const passes: Pass[] = []
  const ended: unknown[] = []
  const observer: Observer = {
    pass: (_, pass) => passes.push(pass),
    ended: (_, key, at, cause) => ended.push({ key, at, cause }),
  }
  const transitions = transitionsOf(monitor, logs, { ...options, observer })
  return { passes, ended, transitions }
}

test('an observer changes no transition', () => {
  const mode = fc.record({ live: fc.boolean(), silenceAfterEnd: fc.boolean(), groupLimits: fc.boolean() })
  fc.assert(
    fc.property(randomMonitor, randomLogs, mode, ({ monitor }, logs, options) => {
      expect(observed(monitor, logs, options).transitions).toEqual(transitionsOf(monitor, logs, options))
    }),
    { numRuns: 600 },
  )
})

test('an observer sees the value of every window that differs from the one before', () => {
  fc.assert(
    fc.property(
      randomMonitor.filter(({ kind }) => kind === 'count'),
      randomLogs,
      ({ monitor, grouped, windowMs, evaluationDelayMs }, logs) => {
        const { passes } = observed(monitor, logs)
        const last = Math.max(...logs.map(({ timestamp }) => timestamp)) + windowMs + evaluationDelayMs + 60_000
        for (const key of grouped ? ['a', 'b', 'c'] : ['']) {
          const own = passes.filter((pass) => pass.key === key)
          for (let at = BEGIN; at <= last; at += 60_000) {
            const end = at - evaluationDelayMs
            const counted = logs.filter(
              ({ timestamp, attributes: { outcome, ip } }) =>
                outcome === 'fail' &&
                (!grouped || [ip].flat().includes(key)) &&
                timestamp >= end - windowMs &&
                timestamp < end,
            )
            expect(own.findLast((pass) => pass.at <= at)?.entries ?? 0).toBe(counted.length)
          }
        }
      },
    ),
    { numRuns: 200 },
  )
})

const login = (second: number, ip: string): IndexedLog => ({
  ...{ id: '', timestamp: BEGIN + second * 1000, attributes: { ip } },
})

test('a group under new_group_delay is seen with its value, and until when it is held back', () => {
  const monitor = readMonitor({
    ...{ name: 'n', type: 'log alert', message: 'm' },
    query: 'logs("*").index("*").rollup("count").by("@ip").last("5m") > 1',
    options: { thresholds: { critical: 1 }, new_group_delay: 120, timeout_h: 1, on_missing_data: 'default' },
  })
  const { passes } = observed(monitor, [login(10, 'a'), login(20, 'a')])
  const until = BEGIN + 180_000
  expect(passes.slice(0, 2)).toEqual([
    {
      ...{ at: BEGIN + 60_000, key: 'a', entries: 2, value: 2, parts: [] },
      ...{ before: 'OK', state: 'OK', hold: { kind: 'new-group-delay', until } },
    },
    { at: until, key: 'a', entries: 2, value: 2, parts: [], before: 'OK', state: 'Alert', hold: undefined },
  ])
})

test('an alert that ends without an evaluation is told with its cause', () => {
  const monitor = readMonitor({
    ...{ name: 'n', type: 'log alert', message: 'm' },
    query: 'logs("*").index("*").rollup("cardinality", "@ip").last("5m") > 0',
    options: { thresholds: { critical: 0 }, timeout_h: 1, on_missing_data: 'default' },
  })
  const { ended } = observed(monitor, [login(10, 'a')])
  expect(ended).toEqual([{ key: '', at: BEGIN + (6 + 60) * 60_000, cause: 'timeout_h' }])
})

test('each query of a formula is seen', () => {
  const variables = ['x', 'y'].map((name) => ({
    ...{ name, data_source: 'logs', search: { query: `@ip:${name}` }, compute: { aggregation: 'count' }, group_by: [] },
  }))
  const monitor = readMonitor({
    ...{ name: 'n', type: 'log alert', message: 'm' },
    query: 'formula("x / y").last("5m") > 2',
    options: { thresholds: { critical: 2 }, variables },
  })
  const { passes } = observed(monitor, [login(1, 'x'), login(2, 'x'), login(70, 'y')])
  expect(passes.slice(0, 2)).toMatchObject([
    { entries: 2, value: Number.NaN, parts: [2, Number.NaN] },
    { entries: 3, value: 2, parts: [2, 1], state: 'OK' },
  ])
})

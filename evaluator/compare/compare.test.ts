import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import { logOfEvent } from '../app-event.ts'
import { originOf, SITES } from './account.ts'
import { compareChanges } from './agreement.ts'
import type { StateChange } from './change.ts'
import { compareMonitor } from './compare.ts'
import { likelyDecisions } from './likely.ts'
import { readReported } from './reported.ts'

const START = Date.parse('2026-01-05T09:00:00Z')
const monitorOf = (by: string, options: object = {}, rollup = '"count"') =>
  readMonitor({
    name: 'm',
    type: 'log alert',
    query: `logs("@a:b").index("*").rollup(${rollup})${by === '' ? '' : `.by("${by}")`}.last("5m") > 1`,
    message: 'm',
    options: { ...(by !== '' && { new_group_delay: 0 }), ...options },
  })
const change = (at: number, ip = '1', transition: StateChange['transition'] = 'Triggered'): StateChange => ({
  ...{ transition, at: START + at * 1000, group: { '@ip': ip } },
})
const alertEvent = (monitor: object, more: object = {}, outer: object = {}) => ({
  id: 'e',
  type: 'event',
  attributes: {
    timestamp: '2026-01-05T09:03:10Z',
    attributes: { title: 't', monitor: { id: 7, ...monitor }, ...more },
    ...outer,
  },
})

test('only the sites of Datadog and this machine are given keys', () => {
  expect(SITES.map(originOf)).toContain('https://api.datadoghq.eu')
  expect(originOf('http://127.0.0.1:8080')).toBe('http://127.0.0.1:8080')
  expect(originOf('http://[::1]:80/x')).toBe('http://[::1]')
  for (const site of [
    '',
    'example.test',
    'https://api.datadoghq.com.example.test',
    'http://10.0.0.1',
    'http://u@localhost',
    'datadoghq.com/',
  ]) {
    expect(originOf(site), site).toBeUndefined()
  }
})

test.each([
  [{ transition: { transition_type: 'alert', destination_state: 'Alert' }, groups: ['@ip:1'] }, 'Triggered'],
  [{ transition: { transition_type: 'alert recovery', destination_state: 'OK' }, groups: ['@ip:1'] }, 'Recovered'],
  [{ transition: { transition_type: 'warning' }, groups: ['@ip:1'] }, 'Warn'],
  [{ transition: { transition_type: 'no data' }, groups: ['@ip:1'] }, 'No Data'],
  [{ transition: { transition_type: 'no data recovery' }, groups: ['@ip:1'] }, 'Recovered'],
])('an alert event is read: %j', (monitor, transition) => {
  const at = Date.parse('2026-01-05T09:03:10Z')
  expect(readReported([alertEvent(monitor)], monitorOf('@ip'), 7)).toEqual([{ at, transition, group: { '@ip': '1' } }])
})

test('groups of several facets, values with commas, titles, other monitors and reminders', () => {
  const moved = { transition: { transition_type: 'alert' } }
  const groupsOf = (event: object, by = '@ip,service') =>
    readReported([event], monitorOf(by), 7).map(({ group }) => group)
  const both = [{ '@ip': '1,2', service: 'web' }]
  expect(groupsOf(alertEvent({ ...moved, groups: ['service:web', '@ip:1,2'] }))).toEqual(both)
  expect(groupsOf(alertEvent({ ...moved, groups: ['@ip:1,2,service:web'] }))).toEqual(both)
  expect(groupsOf(alertEvent(moved, { monitor_groups: ['@ip:1,2', 'service:web'] }))).toEqual(both)
  expect(groupsOf(alertEvent({}, { title: '[P2] [Triggered on {@ip:1,2,service:web}] m' }))).toEqual(both)
  expect(groupsOf(alertEvent({}, { title: '[Triggered] m' }), '')).toEqual([{}])
  expect(groupsOf(alertEvent({ ...moved, id: 8 }))).toEqual([])
  expect(groupsOf(alertEvent({ transition: { transition_type: 'renotify' } }))).toEqual([])
  expect(groupsOf(alertEvent({}, { title: '[Re-Triggered on {@ip:1,service:web}] m' }))).toEqual([])
})

test.each([
  [5, 'is not an object'],
  [{ at: 'x', transition: 'Triggered' }, 'has no time'],
  [{ at: '2026-01-05T09:03:10Z', transition: 'Fired' }, 'has no transition'],
  [alertEvent({}), 'says no change of state'],
  [alertEvent({ transition: { transition_type: 'alert' } }), 'names no group by @ip'],
  [alertEvent({}, {}, { timestamp: null }), 'has no timestamp'],
])('a record that cannot be read is refused: %j', (record, reason) => {
  expect(() => readReported([record], monitorOf('@ip'), 7)).toThrow(`reported record 1 ${reason}`)
})

test('changes of a group agree within the tolerance, differ within an hour, and are others beyond it', () => {
  const here = [change(60), change(0, '2'), change(0, '3'), change(5000, '4')]
  const reported = [change(100), change(300, '2'), change(30, '9'), change(5000, '4', 'Recovered')]
  const kinds = compareChanges(here, reported, 60_000).map(({ kind, here, reported }) => [
    kind,
    (here ?? reported)?.group['@ip'],
  ])
  expect(kinds).toEqual([
    ['time', '2'],
    ['here', '3'],
    ['reported', '9'],
    ['agrees', '1'],
    ['here', '4'],
    ['reported', '4'],
  ])
})

test('the nearest report in time is taken, each once', () => {
  const matches = compareChanges([change(0), change(600)], [change(10), change(590), change(620)], 60_000)
  expect(matches.map(({ kind, reported }) => [kind, reported && (reported.at - START) / 1000])).toEqual([
    ['agrees', 10],
    ['agrees', 590],
    ['reported', 620],
  ])
})

test('the latency is taken off, and what is outside of the period is not compared', () => {
  const logs = [1, 2].map((second) =>
    logOfEvent({ timestamp: new Date(START + second * 1000).toISOString(), a: 'b', ip: '1' }),
  )
  const reported = [change(240), change(60 + 360 + 180, '1', 'Recovered')]
  const judged = (latency: number, period?: { from: number; to: number }) =>
    compareMonitor(monitorOf('@ip'), logs, reported, { latencyMs: latency * 1000, toleranceMs: 60_000 }, period)
  expect(judged(180).map(({ kind }) => kind)).toEqual(['agrees', 'agrees'])
  expect(judged(0).map(({ kind, likely }) => [kind, likely[0]])).toEqual([
    ['time', 'window-half-open'],
    ['time', 'recording-ends'],
  ])
  expect(judged(180, { from: START + 120_000, to: START + 600_000 }).map(({ kind }) => kind)).toEqual(['agrees'])
  expect(judged(180, { from: START + 3_600_000, to: START + 7_200_000 })).toEqual([])
})

test('each decision that may explain a disagreement is one that the code names', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const files = (await readdir(root, { recursive: true })).filter((file) => /^(?!dist|node_modules).*\.ts$/.test(file))
  const sources = await Promise.all(files.map((file) => readFile(join(root, file), 'utf8')))
  const known = new Set(
    sources.flatMap((text) => [...text.matchAll(/Decision `([a-z0-9-]+)`/g)].map(([, name]) => name)),
  )
  const monitors = [
    monitorOf('@ip', { new_group_delay: 60, evaluation_delay: 60, timeout_h: 1, notify_by: ['*'] }),
    monitorOf('@ip', { on_missing_data: 'show_no_data' }, '"cardinality", "@c"'),
    monitorOf('', {}, '"pc95", "@d"'),
  ]
  for (const monitor of monitors) {
    for (const kind of ['time', 'here', 'reported'] as const) {
      for (const transition of ['Triggered', 'Recovered'] as const) {
        for (const about of [true, false]) {
          const match = { kind, here: { ...change(0), transition }, reported: undefined }
          const likely = likelyDecisions(monitor, match, { exceedsLimits: about, late: Number(about), isAtEnd: about })
          expect(likely.length).toBeGreaterThan(0)
          expect(likely.filter((name) => !known.has(name))).toEqual([])
        }
      }
    }
  }
})

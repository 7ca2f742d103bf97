import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { explain, MonitorError, readMonitor, replay, SearchSyntaxError, search } from './index.ts'

const failures = {
  id: 7,
  name: 'Failed logins by address',
  type: 'log alert',
  query: 'logs("@evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
  message: 'Look at {{@ip.name}}',
  options: { thresholds: { critical: 2 }, new_group_delay: 0 },
}
const events = [0, 1, 2].map((second) => ({
  timestamp: `2026-01-05T09:00:0${second}Z`,
  ...{ evt: 'login', outcome: 'fail', ip: '203.0.113.9' },
}))
const triggered = {
  monitor: 'failed-logins-by-address',
  transition: 'Triggered',
  group: { '@ip': '203.0.113.9' },
  at: '2026-01-05T09:01:00.000Z',
  value: 3,
}

test('search keeps the events that match, objects and lines, unchanged and in order', () => {
  const all = [{ evt: 'login' }, '{"evt": "login"}', 'signed off', { evt: 'mfa' }]
  expect(search('@evt:login', all)).toEqual([{ evt: 'login' }, '{"evt": "login"}'])
  expect(search('signed', all)).toEqual(['signed off'])
  expect(() => search('@a:(', all)).toThrow(SearchSyntaxError)
})

test.each([
  ['the object', failures],
  ['its text', JSON.stringify(failures)],
  ['the wrapper of an integration', { definition: failures }],
])('readMonitor takes %s, as the UI exports it', (_, source) => {
  expect(readMonitor(source)).toMatchObject({ slug: 'failed-logins-by-address', name: failures.name })
  expect(readMonitor(source, 'monitors/failed-logins.json').slug).toBe('failed-logins')
})

test.each([
  ['{"a": 1', /^monitor: .*/],
  [{}, /^monitor: holds no monitor$/],
  [[failures, failures], /holds 2 monitors: give one/],
  [{ ...failures, type: 'query alert' }, /^monitor: type: "query alert" is not evaluated here/],
  [{ ...failures, query: 'logs("*")' }, /query/],
])('readMonitor refuses %j and says why', (source, reason) => {
  expect(() => readMonitor(source as string)).toThrow(MonitorError)
  expect(() => readMonitor(source as string)).toThrow(reason)
})

test('replay evaluates events each minute, or live, and tells what it could not read', async () => {
  const monitor = readMonitor(failures)
  expect((await replay([monitor], events)).changes[0]).toEqual(triggered)
  const { changes, ...rest } = await replay([monitor], [...events, 'no event'], { live: true })
  expect(changes[0]).toEqual({ ...triggered, at: '2026-01-05T09:00:02.000Z' })
  expect(rest).toEqual({ events: 3, malformed: [{ place: 'line 4', reason: 'is not JSON' }], leftOut: 0 })
})

test('replay reads a stream of bytes in any form that it recognizes', async () => {
  const stream = Readable.from([Buffer.from(JSON.stringify(events))])
  const stored = { timestamp: events[0]?.timestamp, service: 's', status: 'info', tags: [] }
  const page = events.map(({ timestamp, ...attributes }, id) => ({
    ...{ id: String(id), type: 'log' },
    attributes: { ...stored, timestamp, attributes },
  }))
  const exported = Readable.from([Buffer.from(JSON.stringify({ data: page }))])
  for (const log of [stream, exported]) {
    expect((await replay([readMonitor(failures)], log)).changes[0]).toEqual(triggered)
  }
})

test('replay reads a log with several threads to the same end, and says which number it takes', async () => {
  const monitor = readMonitor(failures)
  const log = [...events, 'no event']
  expect(await replay([monitor], log, { threads: 2 })).toEqual(await replay([monitor], log))
  for (const threads of [0, 65, 1.5, Number.NaN]) {
    await expect(replay([monitor], log, { threads })).rejects.toThrow(`threads is ${threads}: give a whole number`)
  }
})

test('replay sorts events by time; with follow it says how many came too late', async () => {
  const monitor = readMonitor(failures)
  const inOrder = await replay([monitor], events)
  const old = { ...events[0], timestamp: '2026-01-05T08:00:00Z' }
  expect(await replay([monitor], [...events, old])).toEqual({ ...inOrder, events: 4 })
  expect(await replay([monitor], [...events, old], { follow: true })).toMatchObject({ events: 4, leftOut: 1 })
})

test('explain says why a monitor did or did not fire, for lines, objects and a stream of bytes', async () => {
  const monitor = readMonitor(failures)
  const { verdict, group } = await explain(monitor, events)
  expect(verdict).toEqual({ fired: true, kind: 'triggered', at: triggered.at, value: 3 })
  expect(group).toMatchObject({ group: triggered.group, triggers: [{ at: triggered.at, value: 3, notified: true }] })
  const stream = Readable.from([Buffer.from(JSON.stringify(events.slice(0, 2)))])
  expect((await explain(monitor, stream, { group: { '@ip': '203.0.113.9' } })).verdict).toMatchObject({
    ...{ fired: false, kind: 'not-reached', value: 2 },
  })
  const others = [...events, '{"timestamp": "2026-01-05T09:00:03Z", "evt": "login", "outcome": "success"}']
  const { verdict: why, event } = await explain(monitor, others, { event: { line: 4 } })
  expect(why).toMatchObject({
    fired: false,
    kind: 'not-matched',
    failed: { term: '@outcome:fail', values: ['success'] },
  })
  expect(event).toMatchObject({ place: 'line 4', asked: true, groups: [] })
  await expect(explain(monitor, others, { event: { line: 5 } })).rejects.toThrow('line 5: there is no event.')
})

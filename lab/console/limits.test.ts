import { readImportable } from 'alertproof'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogTail, SessionView } from './api.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

const MONITOR = readImportable(
  JSON.stringify({
    ...{ name: 'Stuffing', type: 'log alert', message: 'm', tags: [] },
    query: 'logs("env:prod @evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
    options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
  }),
  'detections/stuffing/monitor.json',
)
const COPY = { sid: 's', secret: 'the secret', userAgent: 'Firefox', seenAt: 0 }

let lab: StandIn
beforeEach(async () => {
  lab = await startStandIn({ monitors: [MONITOR], copyOf: () => COPY })
})
afterEach(() => lab.close())

const ask = (path: string, init: RequestInit = {}) => fetch(`${lab.datadog.url}${path}`, init)

test('the stream has at most 200 readers, and a place is free again once one has left', async () => {
  const readers = Array.from({ length: 200 }, () => new AbortController())
  const read = ({ signal }: AbortController) => ask('/lab/stream?events=logs', { signal })
  const statuses = await Promise.all(readers.map(async (reader) => (await read(reader)).status))
  expect(new Set(statuses)).toEqual(new Set([200]))
  expect((await read(new AbortController())).status).toBe(503)
  for (const reader of readers) reader.abort()
  await expect.poll(async () => (await read(new AbortController())).status).toBe(200)
})

test('the copy of a session is only for who knows a key of the lab', async () => {
  const post = (headers: Record<string, string>) =>
    ask('/lab/copies', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', ...headers } })
  for (const headers of [{}, { 'dd-api-key': 'guess' }]) {
    const refused = await post(headers)
    expect([refused.status, await refused.text()]).toEqual([403, expect.not.stringContaining('the secret')])
  }
  expect(await (await post({ 'dd-api-key': 'lab-key' })).json()).toEqual(COPY)
})

test('a session that has ended is not copied, since there is nothing to steal', async () => {
  const post = async () => {
    const headers = { 'content-type': 'application/json', 'dd-api-key': 'lab-key' }
    return (await ask('/lab/copies', { method: 'POST', body: '{}', headers })).status
  }
  const event = { timestamp: new Date().toISOString(), evt: 'session', sid: COPY.sid, device_hash: 'd', ip: '::1' }
  await lab.submit({ ...event, outcome: 'seen' })
  expect(await post()).toBe(200)
  await lab.submit({ ...event, outcome: 'revoked', reason: 'contained' })
  expect(await post()).toBe(410)
})

test.each(['columns', 'by'])('a search takes at most 30 fields as %s', async (name) => {
  const fields = (count: number) => `/lab/search?${name}=${Array.from({ length: count }, (_, n) => `@f${n}`).join(',')}`
  expect((await ask(fields(30))).status).toBe(200)
  expect((await ask(fields(31))).status).toBe(400)
})

test('very long texts of an event are cut, and those that name a session or a user are ignored', async () => {
  const event = {
    timestamp: new Date().toISOString(),
    evt: 'session',
    outcome: 'seen',
    device_hash: 'd',
    ip: '192.0.2.1',
  }
  await lab.submit(
    { ...event, sid: 's1', user_agent: 'x'.repeat(100_000), usr: { id: 'u1' } },
    { ...event, sid: 's'.repeat(100_000) },
    { ...event, sid: 's2', device_hash: 'd'.repeat(100_000), usr: { id: 'u'.repeat(100_000) } },
  )
  const { sessions } = await lab.get<{ sessions: SessionView[] }>('/lab/sessions')
  expect(sessions.map(({ sid }) => sid).sort()).toEqual(['s1', 's2'])
  expect(JSON.stringify(sessions).length).toBeLessThan(5_000)
  const tail = await lab.get<LogTail>('/lab/tail')
  expect(tail.newest).toHaveLength(3)
  expect(JSON.stringify(tail).length).toBeLessThan(100_000)
})

import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { IndexedLog } from '../log.ts'
import { PAYLOAD_BYTES, readSubmission } from './intake.ts'
import { frameLine } from './logplex-frame-writer.ts'

const receivedAt = Date.UTC(2026, 10, 22, 12)
const hour = 3_600_000

interface Sent {
  type?: string
  encoding?: string
  query?: string
}

function submit(body: unknown, { type = 'application/json', encoding, query = '' }: Sent = {}) {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const headers = { 'content-type': type, ...(encoding && { 'content-encoding': encoding }) }
  return readSubmission({ headers, query: new URLSearchParams(query), body: bytes, receivedAt })
}

async function logsOf(body: unknown, sent: Sent = {}): Promise<IndexedLog[]> {
  const answer = await submit(body, sent)
  if (answer.kind !== 'accepted') throw new Error(answer.detail)
  return answer.logs
}

async function logOf(body: unknown, sent: Sent = {}): Promise<IndexedLog> {
  const [log] = await logsOf(body, sent)
  if (!log) throw new Error('no log')
  return log
}

const drained = (message: string) =>
  frameLine({ pri: 190, at: receivedAt - 1000, appname: 'app', procid: 'web.1', message })

describe('the intake accepts', () => {
  test('one object or an array, and no log from an empty array', async () => {
    expect(await logsOf({ message: 'a' })).toHaveLength(1)
    expect(await logsOf([{ message: 'a' }, { message: 'b' }])).toHaveLength(2)
    expect(await logsOf([])).toHaveLength(0)
  })

  test('plain text, one log per line', async () => {
    const logs = await logsOf('one\ntwo\r\n\n', { type: 'text/plain; charset=utf-8' })
    expect(logs.map(({ message }) => message)).toEqual(['one', 'two'])
  })

  test('gzip and deflate', async () => {
    expect((await logOf(gzipSync('{"message":"a"}'), { encoding: 'gzip' })).message).toBe('a')
    expect((await logOf(deflateSync('{"message":"a"}'), { encoding: 'deflate' })).message).toBe('a')
  })

  test('a thousand entries, and no more', async () => {
    expect(await logsOf(Array(1000).fill({ message: 'a' }))).toHaveLength(1000)
    expect(await submit(Array(1001).fill({ message: 'a' }))).toMatchObject({ kind: 'refused', status: 400 })
  })

  test('no body of more than 5 MB when uncompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(PAYLOAD_BYTES + 1, ' '))
    expect(await submit(bomb, { encoding: 'gzip' })).toMatchObject({ kind: 'refused', status: 413 })
  })

  test('a message above 1 MB, which it cuts to 1 MB', async () => {
    const log = await logOf({ message: 'ë'.repeat(1024 * 1024) })
    expect(Buffer.byteLength(log.message ?? '')).toBe(1024 * 1024)
  })

  test.each([
    ['not JSON', 'nonsense', {}, 'the body is not JSON'],
    ['an entry that is not an object', '[{"message":"a"},3]', {}, 'entry 1 is not an object'],
    ['null', 'null', {}, 'entry 0 is not an object'],
    ['deeply nested arrays', `${'['.repeat(1e6)}${']'.repeat(1e6)}`, {}, 'is not an object'],
    ['deeply nested objects', `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`, {}, 'nests deeper than 20 levels'],
    ['an unknown type', 'a', { type: 'application/xml' }, 'Content-Type "application/xml" is not'],
    ['an unknown encoding', 'a', { encoding: 'br' }, 'Content-Encoding "br" is not known'],
    ['a broken gzip', 'a', { encoding: 'gzip' }, 'the body is not gzip'],
    [
      'a bad frame',
      '9 nonsense',
      { type: 'application/logplex-1' },
      'frame at byte 0: has a length of 9 bytes, but 8 are left',
    ],
  ])('not %s, and gives the reason', async (_, body, sent, detail) => {
    expect(await submit(body, sent)).toMatchObject({
      kind: 'refused',
      status: 400,
      detail: expect.stringContaining(detail),
    })
  })

  test('a log of exactly 18 hours ago, and not one a millisecond older', async () => {
    const old = receivedAt - 18 * hour
    const answer = await submit([
      { message: 'a', timestamp: old },
      { message: 'b', timestamp: old - 1 },
    ])
    expect(answer).toMatchObject({ kind: 'accepted', tooOld: 1, logs: [{ message: 'a' }] })
  })
})

describe('a log after preprocessing', () => {
  test('has the JSON of its message at the attribute root, and no message', async () => {
    const log = await logOf({ message: '{"evt":"login","usr":{"id":"u_1"}}' })
    expect(log.attributes).toEqual({ evt: 'login', usr: { id: 'u_1' } })
    expect(log.message).toBeUndefined()
  })

  test('keeps the inner message of a JSON message', async () => {
    expect((await logOf({ message: '{"message":"hello","a":1}' })).message).toBe('hello')
  })

  test('keeps a message that only begins like JSON', async () => {
    expect((await logOf({ message: '{oops' })).message).toBe('{oops')
  })

  test('has the attribute of the message if the entry around it has the same one', async () => {
    expect((await logOf({ message: '{"a":"body"}', a: 'envelope' })).attributes).toEqual({ a: 'body' })
  })

  test('has the service, the source and the tags of the URL if several are given', async () => {
    const log = await logOf(
      {
        message: '{"service":"body","ddsource":"body"}',
        service: 'envelope',
        ddsource: 'envelope',
        ddtags: 'ENV:dev,a:b',
      },
      { query: 'service=url&ddsource=heroku&ddtags=env:prod,team:blue' },
    )
    expect(log).toMatchObject({ service: 'url', source: 'heroku', tags: ['env:prod', 'team:blue', 'a:b'] })
  })

  test('has syslog.appname as its service if no other is given', async () => {
    expect((await logOf(drained('hi'), { type: 'application/logplex-1' })).service).toBe('app')
  })

  test('has the fields of the frame as syslog attributes', async () => {
    const log = await logOf(drained('{"evt":"login"}'), { type: 'application/logplex-1', query: 'host=lab&team=blue' })
    expect(log).toMatchObject({ host: 'lab', status: 'info', timestamp: receivedAt - 1000 })
    expect(log.attributes).toMatchObject({
      evt: 'login',
      team: 'blue',
      syslog: { hostname: 'host', appname: 'app', procid: 'web.1', severity: 6 },
    })
  })

  test.each([
    ['ISO 8601 with an offset', '2026-11-22T12:30:00.250+01:00', Date.UTC(2026, 10, 22, 11, 30, 0, 250)],
    ['ISO 8601 without an offset, as UTC', '2026-11-22T11:30:00', Date.UTC(2026, 10, 22, 11, 30)],
    ['ISO 8601 with an offset without a colon', '2026-11-22T08:00:00-0330', Date.UTC(2026, 10, 22, 11, 30)],
    ['a leap second, which begins the next minute', '2026-11-22T11:29:60.250Z', Date.UTC(2026, 10, 22, 11, 30, 0, 250)],
    ['a leap second of RFC 3164', 'Nov 22 11:29:60', Date.UTC(2026, 10, 22, 11, 30)],
    ['arrival when there is no such second', '2026-11-22T11:29:61Z', receivedAt],
    ['arrival when there is no such offset', '2026-11-22T11:29:00+2400', receivedAt],
    ['microseconds', '2026-11-22T11:30:00.678901+00:00', Date.UTC(2026, 10, 22, 11, 30, 0, 678)],
    ['epoch milliseconds', receivedAt - 5, receivedAt - 5],
    ['epoch milliseconds in text', String(receivedAt - 5), receivedAt - 5],
    ['RFC 3164', 'Nov 22 11:30:00', Date.UTC(2026, 10, 22, 11, 30)],
    ['arrival when the date cannot be read', 'yesterday', receivedAt],
    ['arrival when the month has no such day', '2026-02-30T11:30:00Z', receivedAt],
    ['arrival when the year has no such day', '2026-02-29T11:30:00Z', receivedAt],
    ['arrival when the month of RFC 3164 has no such day', 'Feb 30 11:30:00', receivedAt],
    ['arrival when the date is an object', { a: 1 }, receivedAt],
    ['a date one minute ahead', receivedAt + 60_000, receivedAt + 60_000],
    ['arrival when the date is further ahead', receivedAt + 60_001, receivedAt],
  ])('is dated by %s', async (_, timestamp, expected) => {
    expect((await logOf({ message: 'a', timestamp })).timestamp).toBe(expected)
  })

  test('is dated by @timestamp before timestamp before date', async () => {
    const [a, b, c] = [receivedAt - 3, receivedAt - 2, receivedAt - 1]
    expect((await logOf({ date: c, timestamp: b, '@timestamp': a })).timestamp).toBe(a)
    expect((await logOf({ date: c, timestamp: b })).timestamp).toBe(b)
  })

  test.each([
    ['WARNING', 'warning'],
    ['fatal', 'emergency'],
    [3, 'error'],
    ['trace', 'debug'],
    ['success', 'ok'],
    [401, 'info'],
    [undefined, 'info'],
  ])('with level %s has status %s', async (level, status) => {
    expect((await logOf({ message: 'a', level })).status).toBe(status)
  })

  test('has an HTTP status named `status` as its level, so the event contract has no such field', async () => {
    expect((await logOf({ message: '{"status":"error","level":"info"}' })).status).toBe('error')
  })

  test('does not change the prototype of objects', async () => {
    const log = await logOf('{"message":"{\\"__proto__\\":{\\"x\\":1}}","__proto__":{"y":1},"constructor":{"z":1}}', {
      query: '__proto__=q',
    })
    expect({}).not.toHaveProperty('x')
    expect(Object.getPrototypeOf(log.attributes)).toBe(Object.prototype)
  })
})

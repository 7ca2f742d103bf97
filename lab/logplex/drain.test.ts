import { parseFrames } from 'alertproof/intake'
import { afterEach, expect, test } from 'vitest'
import { type Answer, type Receiver, startReceiver } from '../datadog/testing/receiver.ts'
import { createDrain, type Drain, type DrainOptions } from './drain.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(answers: Answer[], options: Partial<DrainOptions> = {}): Promise<{ drain: Drain; to: Receiver }> {
  const to = await startReceiver(...answers)
  const drain = createDrain({ url: `${to.url}/api/v2/logs?ddsource=heroku`, flushMs: 5, retryDelayMs: 1, ...options })
  closers.push(
    () => to.close(),
    () => drain.close(),
  )
  return { drain, to }
}

const messagesIn = (body: string) => parseFrames(Buffer.from(body)).map(({ message }) => message)

test('lines written together are sent as one request with Logplex’s headers', async () => {
  const { drain, to } = await start([])
  drain.app('{"evt":"login"}')
  drain.router('at=info method=POST')
  await drain.flush()
  expect(to.requests).toHaveLength(1)
  expect(to.requests[0]).toMatchObject({
    method: 'POST',
    url: '/api/v2/logs?ddsource=heroku',
    headers: {
      'content-type': 'application/logplex-1',
      'logplex-msg-count': '2',
      'logplex-frame-id': expect.stringMatching(/^[0-9A-F]{32}$/),
      'logplex-drain-token': expect.stringMatching(/^d\.[0-9a-f-]{36}$/),
      'user-agent': expect.stringMatching(/^Logplex\//),
    },
  })
  expect(parseFrames(Buffer.from(to.requests[0]?.body ?? ''))).toMatchObject([
    { facility: 23, severity: 6, appname: 'app', procid: 'web.1', message: '{"evt":"login"}' },
    { facility: 19, severity: 6, appname: 'heroku', procid: 'router', message: 'at=info method=POST' },
  ])
})

test('a line is sent without a call of flush', async () => {
  const { drain, to } = await start([])
  drain.app('a')
  expect(await to.received(1)).toHaveLength(1)
})

test('the user part of the drain URL becomes basic authentication', async () => {
  const to = await startReceiver()
  const drain = createDrain({ url: to.url.replace('//', '//ada:lovelace@') })
  closers.push(
    () => to.close(),
    () => drain.close(),
  )
  drain.app('a')
  await drain.flush()
  expect(to.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:lovelace').toString('base64')}`)
})

test.each<[Answer]>([[500], [503], [429], [302], ['drop']])('after %s the same frame is sent again', async (answer) => {
  const { drain, to } = await start([answer, answer])
  drain.app('a')
  await drain.flush()
  expect(to.requests).toHaveLength(3)
  expect(new Set(to.requests.map(({ headers }) => headers['logplex-frame-id'])).size).toBe(1)
})

test('a frame refused with 400 is dropped, and the next request begins with a report of the loss', async () => {
  const logged: string[] = []
  const { drain, to } = await start([400], { log: (line) => logged.push(line) })
  drain.app('a')
  drain.app('b')
  await drain.flush()
  drain.app('c')
  await drain.flush()
  drain.app('d')
  await drain.flush()
  expect(to.requests).toHaveLength(3)
  expect(to.requests[1]?.headers['logplex-msg-count']).toBe('2')
  expect(messagesIn(to.requests[1]?.body ?? '')).toEqual([
    expect.stringMatching(/^Error L10 \(output buffer overflow\): 2 messages dropped since \S+\+00:00\.$/),
    'c',
  ])
  expect(messagesIn(to.requests[2]?.body ?? '')).toEqual(['d'])
  expect(logged).toEqual(['logplex: 2 messages dropped after attempt 1: answered 400 answer 400'])
})

test('a frame is dropped after three attempts', async () => {
  const { drain, to } = await start([500, 500, 500])
  drain.app('a')
  await drain.flush()
  drain.app('b')
  await drain.flush()
  expect(to.requests).toHaveLength(4)
  expect(messagesIn(to.requests[3]?.body ?? '')[0]).toContain('1 messages dropped')
})

test('of 1030 waiting lines the six oldest are displaced and reported', async () => {
  const { drain, to } = await start([])
  for (let n = 0; n < 1030; n++) drain.app(`line ${n}`)
  await drain.flush()
  const messages = to.requests.flatMap(({ body }) => messagesIn(body))
  expect(messages[0]).toContain('6 messages dropped')
  expect(messages.slice(1)).toEqual(Array.from({ length: 1024 }, (_, n) => `line ${n + 6}`))
})

test('batches stay near 100 KiB and in order', async () => {
  const { drain, to } = await start([])
  for (let n = 0; n < 50; n++) drain.app(`${n} ${'x'.repeat(9000)}`)
  await drain.flush()
  expect(to.requests.every(({ body }) => body.length <= 100 * 1024)).toBe(true)
  expect(to.requests.length).toBeGreaterThan(3)
  expect(to.requests.flatMap(({ body }) => messagesIn(body).map((text) => Number.parseInt(text, 10)))).toEqual(
    Array.from({ length: 50 }, (_, n) => n),
  )
})

test('close does not wait for a receiver that hangs', async () => {
  const { drain, to } = await start(['hang'])
  drain.app('a')
  await to.received(1)
  const began = performance.now()
  await drain.close()
  expect(performance.now() - began).toBeLessThan(4000)
})

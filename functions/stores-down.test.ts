import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { addressIn, redisAnswer, startProxy, through } from '../lab/faults/proxy.ts'
import { startFunctions } from './testing.ts'

/** Takes connections and never says a word: a store that hangs is worse than one that is gone. */
const sockets = new Set<Socket>()
const silent: Server = createServer((socket) => sockets.add(socket.on('error', () => {})))
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  const address = silent.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  port = address.port
})
afterAll(() => {
  for (const socket of sockets) socket.destroy()
  silent.close()
})

it.each([
  ['DATABASE_URL', () => `postgres://lab:secret@127.0.0.1:${port}/none`],
  ['REDIS_URL', () => `redis://127.0.0.1:${port}`],
  [
    'TABLES_CONNECTION',
    () =>
      `DefaultEndpointsProtocol=http;AccountName=lab;AccountKey=bGFi;TableEndpoint=http://127.0.0.1:${port}/lab;QueueEndpoint=http://127.0.0.1:${port}/lab`,
  ],
])('%s that hangs denies within five seconds, and says that trying again may help', async (name, connection) => {
  const functions = await startFunctions({ env: { [name]: connection() } })
  const startedAt = performance.now()
  const asked = { email: 'somebody@example.com', password: 'long enough for a test' }
  const { status, headers, json } = await functions.call('login', { body: asked })
  const tookMs = performance.now() - startedAt
  await functions.close()
  expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
  expect(tookMs).toBeLessThan(5000)
  expect(functions.lines.join('')).not.toContain('secret')
})

it('Redis that is full denies as one that is away does', async () => {
  const proxy = await startProxy(addressIn(inject('redisUrl')))
  const functions = await startFunctions({ env: { REDIS_URL: through(inject('redisUrl'), proxy) } })
  await functions.call('health')
  // What Redis 7 answers to a script that would write.
  const full = "-OOM command not allowed when used memory > 'maxmemory'. script: c21b, on @user_script:9."
  await proxy.answer(redisAnswer(full))
  const body = { email: 'somebody@example.com', password: 'long enough for a test' }
  const { status, headers, json } = await functions.call('login', { body })
  await functions.close()
  await proxy.close()
  expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
})

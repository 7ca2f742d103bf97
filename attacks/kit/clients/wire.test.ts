import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { runIdOf } from '../../../shared/client/device.ts'
import { portOf } from '../../../test/port-of.ts'
import { firefoxOnLinux } from './devices.ts'
import { RequestFailed } from './request-failed.ts'
import { createCounter, type Line, send } from './wire.ts'

const FROM = { device: firefoxOnLinux(), address: '203.0.113.9' }
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(answer: RequestListener, atMost = 10): Promise<Line & { requests: () => number }> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const counter = createCounter(atMost)
  const port = portOf(server)
  const signal = new AbortController().signal
  return { ...counter, baseUrl: `http://127.0.0.1:${port}`, runId: 'v-1', signal }
}

test('a request carries its address and its run in the form that the lab reads', async () => {
  let seen: NodeJS.Dict<string | string[]> = {}
  const line = await serve((request, response) => {
    seen = request.headers
    response.end()
  })
  await send({ method: 'GET', path: '/' }, FROM, line)
  expect(seen['x-lab-client-ip']).toBe('203.0.113.9')
  expect(runIdOf(String(seen['user-agent']))).toBe('v-1')
})

test('a redirect within the target is returned and not followed', async () => {
  const paths: string[] = []
  const line = await serve((request, response) => {
    paths.push(request.url ?? '')
    response.writeHead(303, { location: '/dashboard' }).end()
  })
  expect((await send({ method: 'GET', path: '/' }, FROM, line)).status).toBe(303)
  expect(paths).toEqual(['/'])
})

test.each(['https://app.example.com/login', '//app.example.com/login'])(
  'a redirect to %s ends the run',
  async (location) => {
    const line = await serve((_request, response) => response.writeHead(303, { location }).end())
    await expect(send({ method: 'GET', path: '/' }, FROM, line)).rejects.toThrow('which is not the target')
  },
)

test('a request is repeated after a 503, and after no other failure', async () => {
  let asked = 0
  const line = await serve((request, response) => {
    asked++
    const busy = request.url === '/busy' && asked < 3
    response.writeHead(busy ? 503 : request.url === '/busy' ? 200 : 500, busy ? { 'retry-after': '0' } : {}).end()
  })
  expect((await send({ method: 'GET', path: '/busy' }, FROM, line)).status).toBe(200)
  expect(asked).toBe(3)
  await expect(send({ method: 'GET', path: '/broken' }, FROM, line)).rejects.toThrow('answered 500')
  expect(asked).toBe(4)
})

test('a run stops at its limit of requests, and a repetition counts', async () => {
  const line = await serve((_request, response) => response.writeHead(503, { 'retry-after': '0' }).end(), 3)
  await expect(send({ method: 'GET', path: '/' }, FROM, line)).rejects.toThrow('stopped after 3 requests')
  expect(line.requests()).toBe(3)
})

test('a server that cannot be reached gives a failed request with the reason', async () => {
  const line = await serve(() => {})
  servers.splice(0)[0]?.close()
  await expect(send({ method: 'GET', path: '/' }, FROM, line)).rejects.toThrow(RequestFailed)
  await expect(send({ method: 'GET', path: '/' }, FROM, line)).rejects.toThrow('ECONNREFUSED')
})

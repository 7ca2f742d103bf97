import { once } from 'node:events'
import http from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HttpProxy, startHttpProxy } from './http-proxy.ts'

let service: http.Server
let proxy: HttpProxy
let acted: string[] = []
let hosts: (string | undefined)[] = []

beforeEach(async () => {
  acted = []
  hosts = []
  service = http.createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    hosts.push(request.headers.host)
    acted.push(`${request.method} ${request.url} ${body}`)
    if (request.method === 'DELETE') response.writeHead(204).end()
    else response.writeHead(201, { 'x-own': 'yes', etag: 'W/"1"' }).end('{"whole":true}')
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  proxy = await startHttpProxy(() => (service.address() as { port: number }).port)
})
afterEach(async () => {
  await proxy.close()
  service.closeAllConnections()
  service.close()
})

const ask = (init: RequestInit = {}) => fetch(`${proxy.origin}/t(1)?a=b`, { signal: AbortSignal.timeout(400), ...init })

test('without a fault request and answer pass as they are', async () => {
  const answer = await ask({ method: 'POST', body: 'x' })
  expect(answer.status).toBe(201)
  expect(answer.headers.get('x-own')).toBe('yes')
  expect(await answer.text()).toBe('{"whole":true}')
  expect(acted).toEqual(['POST /t(1)?a=b x'])
  expect(hosts).toEqual([`127.0.0.1:${(service.address() as { port: number }).port}`])
})

test('an answer without a body passes too', async () => {
  expect((await ask({ method: 'DELETE' })).status).toBe(204)
})

test.each(['refuse', 'hang'] as const)('with "%s" nobody acts and nobody is answered', async (fault) => {
  proxy.set(() => fault)
  await expect(ask()).rejects.toThrow()
  expect(acted).toEqual([])
})

test.each(['act-then-cut', 'act-then-hang'] as const)(
  'with "%s" the service acts and nobody is answered',
  async (fault) => {
    proxy.set(() => fault)
    await expect(ask()).rejects.toThrow()
    expect(acted).toHaveLength(1)
  },
)

test('with "cut-body" the service acts and half of its answer arrives', async () => {
  proxy.set(() => 'cut-body')
  const answer = await ask()
  expect(answer.status).toBe(201)
  expect(await answer.text()).toBe('{"whole')
  expect(acted).toHaveLength(1)
})

test('an answer of its own is given without the service', async () => {
  proxy.set(() => ({ status: 503, headers: { 'retry-after': '30' }, body: 'busy' }))
  const answer = await ask()
  expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([503, '30', 'busy'])
  expect(acted).toEqual([])
})

test('a delay is added each way', async () => {
  proxy.set(() => ({ delayMs: 60 }))
  const began = performance.now()
  await ask()
  expect(performance.now() - began).toBeGreaterThanOrEqual(115)
})

test('the rule sees method, path and body, and only requests that it selects get a fault', async () => {
  proxy.set(({ method, path, body }) =>
    method === 'PUT' && path.startsWith('/t(') && body.length > 0 ? 'refuse' : 'none',
  )
  await expect(ask({ method: 'PUT', body: 'x' })).rejects.toThrow()
  expect((await ask()).status).toBe(201)
})

test('hanging requests end when the fault ends', async () => {
  proxy.set(() => 'hang')
  const asked = ask({ signal: AbortSignal.timeout(5000) }).catch((error: Error) => error.name)
  await new Promise((done) => setTimeout(done, 50))
  proxy.heal()
  expect(await asked).toBe('TypeError')
  expect((await ask()).status).toBe(201)
})

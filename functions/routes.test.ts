import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseRoute, routesOverlap } from '../lab/functions-host/route.ts'
import { routes } from './routes.ts'
import { type Functions, startFunctions } from './testing/functions.ts'

let functions: Functions
beforeAll(async () => {
  functions = await startFunctions()
})
afterAll(() => functions.close())

it('no two routes overlap: the host would match them in the order of the function names', () => {
  const table = Object.entries(routes(functions.deps)).map(([name, { method, route }]) => ({
    name,
    method,
    route: parseRoute(route),
  }))
  for (const a of table) {
    for (const b of table.filter((other) => other.name > a.name && other.method === a.method)) {
      expect([a.name, b.name, routesOverlap(a.route, b.route)]).toEqual([a.name, b.name, false])
    }
  }
})

it('asks Azure for a function key in front of the webhook, and nowhere else', () => {
  const keyed = Object.entries(routes(functions.deps)).filter(([, route]) => route.authLevel === 'function')
  expect(keyed.map(([name]) => name)).toEqual(['contain'])
})

it('health names the store that is down, without details', async () => {
  expect(await functions.call('health')).toMatchObject({ status: 200, json: { status: 'ok' } })
  const probes = { ...functions.deps.health.probes, redis: () => Promise.reject(new Error('redis://user:secret@host')) }
  const broken = await startFunctions({ parts: { probes } })
  const { status, json } = await broken.call('health')
  await broken.close()
  expect([status, json]).toEqual([
    503,
    {
      status: 'degraded',
      stores: { postgres: 'ok', redis: 'down', tables: 'ok' },
      since: { redis: expect.any(String) },
    },
  ])
})

it('publishes public keys only', async () => {
  const { json } = await functions.call('jwks')
  expect(json.keys).toEqual([
    { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: 'lab-1', alg: 'EdDSA', use: 'sig' },
  ])
})

it('denies when a store cannot be reached', async () => {
  const down = await startFunctions({ env: { ...functions.env, REDIS_URL: 'redis://127.0.0.1:1' } })
  const { token } = await functions.signIn()
  const answer = await down.call('session', { token })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '2'])
  expect(JSON.stringify(answer.json)).not.toContain('127.0.0.1')
  await down.close()
})

it('warns at every start if no store is verified', async () => {
  expect(functions.lines.join('')).not.toContain('TLS_INSECURE')
  const careless = await startFunctions({ env: { TLS_INSECURE: '1' } })
  expect(careless.lines[0]).toMatch(/"level":"warn".*TLS_INSECURE=1/)
  await careless.close()
})

import http from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Datadog, startDatadog } from '../server.ts'
import { type RumApplication, type RumEvent, readRumBatch } from './batch.ts'

const application: RumApplication = {
  id: 'b9a3a3a0-6f0e-4c8e-9a55-3d6f0f0f7a11',
  clientToken: 'pub0123456789abcdef',
  origin: 'http://localhost:8000',
}
const SESSION = 'a3c1f0de-5b7a-4c11-8f2e-0d9a6b7c8e1f'
const FORWARD = `/api/v2/rum?ddsource=browser&dd-api-key=${application.clientToken}&dd-request-id=1&batch_time=1&_dd.api=fetch`

const event = (change: Record<string, unknown> = {}) => ({
  type: 'view',
  date: 1_790_000_000_000,
  application: { id: application.id },
  session: { id: SESSION, type: 'user' },
  view: { id: '0e6cc1b6-7d9b-4f1b-8f1c-3f0f5f9f8a77', url: 'http://localhost:8000/login' },
  ...change,
})
const bodyOf = (...events: unknown[]) => events.map((entry) => JSON.stringify(entry)).join('\n')
const read = (body: string | Buffer, forward: string | null = FORWARD) =>
  readRumBatch(forward, Buffer.from(body), application)

describe('a batch', () => {
  test('is lines of events with any further fields', () => {
    const events = [event(), event({ type: 'action', action: { type: 'custom' }, context: { outcome: 'success' } })]
    expect(read(bodyOf(...events))).toEqual({ kind: 'accepted', events })
    expect(read(`${bodyOf(...events)}\n`)).toMatchObject({ kind: 'accepted' })
  })

  test.each([
    [null, 400, 'ddforward is missing'],
    ['', 400, 'ddforward is missing'],
    [FORWARD.replace('/rum?', '/replay?'), 400, 'session replay and profiles'],
    [`https://evil.example${FORWARD}`, 400, 'must be a path'],
    [`//evil.example${FORWARD}`, 400, 'must be a path'],
    [`/\\evil.example${FORWARD}`, 400, 'must be a path'],
    [`/x/..${FORWARD.replace('rum?', 'logs?')}`, 400, 'session replay and profiles'],
    [FORWARD.replace('=browser', '=curl'), 400, 'ddsource'],
    [FORWARD.replace(application.clientToken, 'pubother'), 403, 'client token'],
    [FORWARD.replace(/dd-api-key=\w+&/, ''), 403, 'client token'],
    [`${FORWARD}&dd-evp-encoding=deflate`, 400, 'compressed'],
  ])('made for %j is refused with %i', (forward, status, detail) => {
    const answer = read(bodyOf(event()), forward)
    expect(answer).toEqual({ kind: 'refused', status, detail: expect.stringContaining(detail) })
  })

  const { session: _, ...nameless } = event()
  test.each([
    ['nothing', '', 'empty'],
    ['line ends alone', '\n\n', 'empty'],
    ['no JSON', '{"type":"view"', 'line 0 is not JSON'],
    ['a list', bodyOf([event()]), 'line 0 is not a RUM event'],
    ['null', 'null', 'line 0 is not a RUM event'],
    ['a bad line among good ones', bodyOf(event(), { type: 'view' }, event()), 'line 1 is not a RUM event: date'],
    ['a type that the SDK does not know', bodyOf(event({ type: '<script>' })), 'line 0 is not a RUM event: type'],
    ['no session', bodyOf(nameless), 'line 0 is not a RUM event: session'],
    ['an invalid session', bodyOf(event({ session: { id: '../../x' } })), 'line 0 is not a RUM event: session.id'],
    [
      'nesting without end',
      bodyOf(event()).replace(/}$/, `,"context":${'['.repeat(5000)}${']'.repeat(5000)}}`),
      'deeper',
    ],
    ['too many events', bodyOf(...Array.from({ length: 1001 }, () => 1)), 'more than 1000'],
  ])('of %s is refused whole', (_name, body, detail) => {
    expect(read(body)).toEqual({ kind: 'refused', status: 400, detail: expect.stringContaining(detail) })
  })

  test('that is not UTF-8, or of another application, is refused', () => {
    expect(read(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject({ kind: 'refused', status: 400 })
    const other = event({ application: { id: '00000000-0000-4000-8000-000000000000' } })
    expect(read(bodyOf(event(), other))).toMatchObject({ kind: 'refused', status: 403 })
  })
})

describe('the intake', () => {
  let datadog: Datadog
  const said: string[] = []
  beforeAll(async () => {
    const rum = application
    datadog = await startDatadog({
      port: 0,
      apiKey: 'lab-key',
      monitors: [],
      webhooks: [],
      variables: {},
      rum,
      log: (line) => void said.push(line),
    })
  })
  afterAll(() => datadog.close())

  const post = (body: string, headers: Record<string, string> = { origin: application.origin }) =>
    fetch(`${datadog.rumUrl}?ddforward=${encodeURIComponent(FORWARD)}`, { method: 'POST', body, headers })
  const shown = async (query = '') => {
    const answer = await fetch(`${datadog.url}/lab/rum${query}`)
    return (await answer.json()) as { received: number; refused_requests: number; events: RumEvent[] }
  }

  test('accepts posts of web’s pages, allows only them to read the answer, and lists events newest first', async () => {
    const answer = await post(bodyOf(event(), event({ type: 'action' })))
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([202, application.origin])
    expect(answer.headers.get('vary')).toBe('Origin')
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
    const { received, events } = await shown()
    expect([received, events.map(({ type }) => type)]).toEqual([2, ['action', 'view']])
    expect((await shown('?type=action')).events).toHaveLength(1)
    expect((await shown(`?session=${SESSION}&limit=1`)).events).toHaveLength(1)
    expect((await shown('?session=x')).events).toEqual([])
  })

  test.each(['http://127.0.0.1:8000', 'http://[::1]:8000'])('accepts web under the name %s too', async (origin) => {
    const answer = await post(bodyOf(event()), { origin })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([202, origin])
  })

  test.each([
    'https://evil.example',
    'http://localhost:8001',
    'https://localhost:8000',
    'http://localhost:8000.evil.example',
    'http://localhost.evil.example:8000',
    'http://localhost:8000/',
    'null',
  ])('refuses a page of %s, and does not let it read the answer', async (origin) => {
    const { received } = await shown()
    const answer = await post(bodyOf(event()), { origin })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null])
    expect((await shown()).received).toBe(received)
  })

  test('answers a preflight for web’s pages only', async () => {
    const ask = (origin: string) =>
      fetch(datadog.rumUrl, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
    const answer = await ask(application.origin)
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([204, application.origin])
    expect(answer.headers.get('access-control-allow-methods')).toBe('POST')
    const foreign = await ask('https://evil.example')
    expect([foreign.status, foreign.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })

  test('allows web’s pages no other request', async () => {
    const headers = { origin: application.origin }
    for (const [method, path] of [
      ['GET', '/lab/rum'],
      ['GET', '/lab/logs'],
      ['POST', '/api/v2/logs'],
    ] as const) {
      expect((await fetch(datadog.url + path, { method, headers })).status).toBe(403)
    }
  })

  test('refuses a foreign Host, even for web’s page', async () => {
    const { port } = datadog
    const headers = { host: `evil.example:${port}`, origin: application.origin }
    const status = await new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port, path: '/rum', method: 'POST', headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      request.on('error', reject).end(bodyOf(event()))
    })
    expect(status).toBe(403)
  })

  test('refuses too large a body with a reason that does not repeat it', async () => {
    said.length = 0
    expect((await post('x'.repeat(1024 * 1024 + 1))).status).toBe(413)
    expect((await post('canary@example.com')).status).toBe(400)
    expect(said).toHaveLength(2)
    expect(said.join()).not.toContain('canary')
    expect((await shown()).refused_requests).toBe(2)
    expect((await fetch(`${datadog.url}/lab/rum?limit=0`)).status).toBe(400)
  })

  test('keeps the newest five thousand', async () => {
    const batch = bodyOf(...Array.from({ length: 1000 }, (_entry, date) => event({ date })))
    for (let sent = 0; sent < 6; sent++) expect((await post(batch)).status).toBe(202)
    expect((await post(bodyOf(event({ date: 7 })))).status).toBe(202)
    const { events } = await shown('?limit=5000')
    expect(events).toHaveLength(5000)
    expect(events[0]?.date).toBe(7)
  })

  test('does not exist for an account without a RUM application', async () => {
    const bare = await startDatadog({ port: 0, apiKey: 'lab-key', monitors: [], webhooks: [], variables: {} })
    try {
      expect((await fetch(bare.rumUrl, { method: 'POST', body: '' })).status).toBe(404)
      const answer = await fetch(bare.rumUrl, { method: 'POST', body: '', headers: { origin: application.origin } })
      expect(answer.status).toBe(403)
    } finally {
      await bare.close()
    }
  })
})

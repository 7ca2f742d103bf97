import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { Secret } from '../../shared/secret.ts'
import { sign, webKeys } from '../../shared/signature.ts'
import { sidOf, startWeb, type Web } from '../testing/harness.ts'

let web: Web
beforeAll(async () => {
  web = await startWeb()
})
beforeEach(() => {
  web.lines.length = 0
})
afterAll(() => web.close())

const bodyFor = (sid: string, more: Record<string, unknown> = {}) => ({
  id: randomUUID(),
  op: 'POST /contain/revoke',
  action: 'revoke',
  sid,
  reason: 'contained',
  detection: 'session-reuse',
  containment_id: randomBytes(16).toString('hex'),
  ...more,
})
const signed = (body: string | Buffer, at = web.clock.now()) => sign(body, [web.secrets.hmac], at)

const Answer = z.record(z.string(), z.unknown())

async function send(body: string | Buffer, headers: Record<string, string | undefined> = {}) {
  const all = { 'content-type': 'application/json', 'x-ato-signature': signed(body), ...headers }
  const given = Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
  const response = await fetch(`${web.origin}/contain/revoke`, { method: 'POST', headers: given, body })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    json: Answer.parse(await response.json()),
  }
}
const calls = () => web.events().filter((event) => event.evt === 'call')
const contained = () => web.events().filter((event) => event.evt === 'contain')
const isLive = (sid: string) => web.deps.sessions.read(sid, web.clock.now()).then(Boolean)

/** As DESIGN.md has it: a call of its own, behind which no containment stands. */
const bareBodyFor = (sid: string) => {
  const { containment_id: _, ...body } = bodyFor(sid)
  return body
}

/** Two sessions of one user, in two browsers. */
async function twoSessions() {
  const account = web.newAccount()
  const [a, b] = [await web.signIn(account), await web.signIn(account)]
  return { account, a, b, sidA: sidOf(a), sidB: sidOf(b) }
}

test('a revoke ends exactly the named session, closes its row, and leaves the other one alone', async () => {
  const { account, a, b, sidA, sidB } = await twoSessions()
  const body = bodyFor(sidA)
  expect(await send(JSON.stringify(body))).toMatchObject({ status: 200, json: { sid: sidA, result: 'success' } })

  expect((await a.get('/dashboard')).status).toBe(401)
  expect((await b.get('/dashboard')).status).toBe(200)
  const row = await web.deps.ledger.find(account.userId, sidA)
  expect(row).toMatchObject({ state: 'revoked', reason: 'contained', containmentId: body.containment_id })
  expect(await web.deps.ledger.find(account.userId, sidB)).toMatchObject({ state: 'active' })
  // Functions says it, from the row of the containment.
  expect(contained()).toEqual([])
  expect(calls()).toEqual([])
})

test('a call without a containment id is its own containment and emits its own event', async () => {
  const { account, sidA } = await twoSessions()
  const body = bareBodyFor(sidA)
  expect((await send(JSON.stringify(body))).status).toBe(200)
  expect(await web.deps.ledger.find(account.userId, sidA)).toMatchObject({ containmentId: body.id })
  expect(contained()).toMatchObject([
    {
      outcome: 'success',
      action: 'revoke',
      via: 'web',
      detection: 'session-reuse',
      containment_id: body.id,
      sid: sidA,
      usr: { id: account.userId },
    },
  ])
})

test('a signature from another implementation of the form is accepted', async () => {
  const { sidA } = await twoSessions()
  const body = JSON.stringify(bodyFor(sidA), null, 2)
  const t = Math.floor(web.clock.now() / 1000)
  const v1 = createHmac('sha256', web.secrets.hmac).update(`${t}.${body}`).digest('hex')
  const old = createHmac('sha256', 'some older secret').update(`${t}.${body}`).digest('hex')
  const signature = { 'x-ato-signature': `t=${t},v1=${old},v1=${v1},v0=ignored` }
  expect((await send(body, signature)).json).toEqual({ sid: sidA, result: 'success' })
})

test('a session that is already gone is a noop and not a fault', async () => {
  const { sidA } = await twoSessions()
  await send(JSON.stringify(bareBodyFor(sidA)))
  expect((await send(JSON.stringify(bareBodyFor(sidA)))).json).toEqual({ sid: sidA, result: 'noop' })
  expect(contained().map((event) => event.outcome)).toEqual(['success', 'noop'])
})

test('a repeated containment gives the same result', async () => {
  const { sidA } = await twoSessions()
  const body = bodyFor(sidA)
  await send(JSON.stringify(body))
  const again = bodyFor(sidA, { containment_id: body.containment_id })
  expect((await send(JSON.stringify(again))).json).toEqual({ sid: sidA, result: 'success' })
  expect((await send(JSON.stringify(bodyFor(sidA)))).json).toEqual({ sid: sidA, result: 'noop' })
})

test('a sid that never was a session is a noop without a user', async () => {
  const sid = randomBytes(16).toString('base64url')
  expect(await send(JSON.stringify(bareBodyFor(sid)))).toMatchObject({ status: 200, json: { sid, result: 'noop' } })
  expect(contained()).toMatchObject([{ outcome: 'noop', sid }])
  expect(contained()[0]).not.toHaveProperty('usr')
})

type Refusal = readonly [
  name: string,
  make: (sid: string) => { body: string | Buffer; headers?: Record<string, string | undefined> },
  status: number,
  reason: string,
]
const refusals: Refusal[] = [
  [
    'without a signature',
    (sid) => ({ body: JSON.stringify(bodyFor(sid)), headers: { 'x-ato-signature': undefined } }),
    401,
    'malformed',
  ],
  [
    'with a signature that is no signature',
    (sid) => ({ body: JSON.stringify(bodyFor(sid)), headers: { 'x-ato-signature': 'sha256=abc' } }),
    401,
    'malformed',
  ],
  [
    'under another secret',
    (sid) => {
      const body = JSON.stringify(bodyFor(sid))
      return {
        body,
        headers: { 'x-ato-signature': sign(body, ['another secret of 32 bytes, or so'], web.clock.now()) },
      }
    },
    401,
    'bad_signature',
  ],
  [
    'under the key of the other direction',
    (sid) => {
      const body = JSON.stringify(bodyFor(sid))
      return {
        body,
        headers: { 'x-ato-signature': sign(body, webKeys([new Secret(web.secrets.hmac)]), web.clock.now()) },
      }
    },
    401,
    'bad_signature',
  ],
  [
    'with one flipped byte',
    (sid) => {
      const body = Buffer.from(JSON.stringify(bodyFor(sid)))
      const flipped = Buffer.from(body)
      flipped[10] = (flipped[10] ?? 0) ^ 1
      return { body: flipped, headers: { 'x-ato-signature': signed(body) } }
    },
    401,
    'bad_signature',
  ],
  [
    'with the same body, serialised anew',
    (sid) => {
      const body = bodyFor(sid)
      return { body: JSON.stringify(body, null, 1), headers: { 'x-ato-signature': signed(JSON.stringify(body)) } }
    },
    401,
    'bad_signature',
  ],
  [
    'signed 301 seconds ago',
    (sid) => {
      const body = JSON.stringify(bodyFor(sid))
      return { body, headers: { 'x-ato-signature': signed(body, web.clock.now() - 301_000) } }
    },
    401,
    'stale',
  ],
  [
    'signed 301 seconds ahead',
    (sid) => {
      const body = JSON.stringify(bodyFor(sid))
      return { body, headers: { 'x-ato-signature': signed(body, web.clock.now() + 302_000) } }
    },
    401,
    'stale',
  ],
  [
    'for another route',
    (sid) => ({ body: JSON.stringify(bodyFor(sid, { op: 'POST /api/auth/login' })) }),
    401,
    'wrong_route',
  ],
  ['with a key too many', (sid) => ({ body: JSON.stringify(bodyFor(sid, { admin: true })) }), 400, 'malformed'],
  ['with another action', (sid) => ({ body: JSON.stringify(bodyFor(sid, { action: 'delete' })) }), 400, 'malformed'],
  ['with an invalid sid', () => ({ body: JSON.stringify(bodyFor('*')) }), 400, 'malformed'],
  [
    'with an invalid detection',
    (sid) => ({ body: JSON.stringify(bodyFor(sid, { detection: '../x' })) }),
    400,
    'malformed',
  ],
  ['without an id', (sid) => ({ body: JSON.stringify(bodyFor(sid, { id: undefined })) }), 400, 'malformed'],
  [
    'with a key that is repeated',
    (sid) => ({ body: JSON.stringify(bodyFor(sid)).replace('{', `{"sid":"${'A'.repeat(22)}",`) }),
    400,
    'malformed',
  ],
  [
    'with a repeated key in disguise',
    (sid) => ({ body: JSON.stringify(bodyFor(sid)).replace('{', '{"\\u006fp":"POST /contain/revoke",') }),
    400,
    'malformed',
  ],
  ['that is not JSON', () => ({ body: 'sid=1&op=2' }), 400, 'malformed'],
  ['that is not UTF-8', () => ({ body: Buffer.from([0x22, 0xff, 0xfe, 0x22]) }), 400, 'malformed'],
  ['that is empty', () => ({ body: '' }), 400, 'malformed'],
  [
    'as a form',
    (sid) => ({
      body: JSON.stringify(bodyFor(sid)),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    }),
    400,
    'malformed',
  ],
  [
    'compressed',
    (sid) => ({ body: JSON.stringify(bodyFor(sid)), headers: { 'content-encoding': 'gzip' } }),
    400,
    'malformed',
  ],
  [
    'of a megabyte',
    (sid) => ({ body: JSON.stringify(bodyFor(sid, { reason: 'x'.repeat(2 ** 20) })) }),
    413,
    'malformed',
  ],
]

test.each(refusals)(
  'a revoke %s is refused with one event, and ends no session',
  async (_name, make, status, reason) => {
    const { account, sidA } = await twoSessions()
    web.lines.length = 0
    const { body, headers } = make(sidA)
    const answer = await send(body, headers)
    expect(answer).toMatchObject({ status, type: expect.stringContaining('application/problem+json') })
    expect(web.events()).toMatchObject([
      {
        evt: 'call',
        outcome: 'refused',
        reason,
        route: 'POST /contain/revoke',
        via: 'web',
        request_id: answer.json.instance,
      },
    ])
    expect(await isLive(sidA)).toBe(true)
    expect(await web.deps.ledger.find(account.userId, sidA)).toMatchObject({ state: 'active' })
  },
)

test('a replayed call is refused', async () => {
  const { sidA, sidB } = await twoSessions()
  const body = JSON.stringify(bodyFor(sidA))
  expect((await send(body)).status).toBe(200)
  expect((await send(body)).status).toBe(401)
  expect(calls()).toMatchObject([{ reason: 'replayed' }])
  const again = bodyFor(sidB, { id: JSON.parse(body).id })
  expect((await send(JSON.stringify(again))).status).toBe(401)
  expect(await isLive(sidB)).toBe(true)
})

test('of ten equal calls at the same instant one is carried out', async () => {
  const { sidA } = await twoSessions()
  const body = JSON.stringify(bareBodyFor(sidA))
  const answers = await Promise.all(Array.from({ length: 10 }, () => send(body)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(contained()).toHaveLength(1)
  expect(calls().map((event) => event.reason)).toEqual(Array(9).fill('replayed'))
})

test('a refused call does not spend its id', async () => {
  const { sidA } = await twoSessions()
  const body = JSON.stringify(bodyFor(sidA))
  expect((await send(body, { 'content-type': 'text/plain' })).status).toBe(400)
  expect((await send(body)).json).toEqual({ sid: sidA, result: 'success' })
})

test('a chunked body is read like any other', async () => {
  const { sidA } = await twoSessions()
  const body = JSON.stringify(bodyFor(sidA))
  const answer = await new Promise<string>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'x-ato-signature': signed(body) }
    const request = httpRequest(`${web.origin}/contain/revoke`, { method: 'POST', headers }, (response) =>
      resolve(text(response)),
    )
    request.on('error', reject)
    request.write(body.slice(0, 20))
    request.end(body.slice(20))
  })
  expect(JSON.parse(answer)).toEqual({ sid: sidA, result: 'success' })
})

/** The answers of web to bytes that no client library sends. */
async function sendRaw(text: string, origin = web.origin): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(text)
  const answer: Buffer[] = []
  for await (const chunk of socket) answer.push(chunk)
  return Buffer.concat(answer).toString()
}

test.each(['/contain/revoke', 'http://localhost:8000/contain/revoke', 'HTTPS://ato.example/contain/revoke?a=b'])(
  'a request for %s is a call',
  async (target) => {
    const { sidA } = await twoSessions()
    const body = JSON.stringify(bodyFor(sidA))
    const headers = `Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nX-ATO-Signature: ${signed(body)}`
    const call = `POST ${target} HTTP/1.1\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    expect(await sendRaw(call)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await isLive(sidA)).toBe(false)
  },
)

test('a log that cannot be written stops neither the answers nor the process', async () => {
  const full = () => {
    throw new Error('ENOSPC')
  }
  const broken = await startWeb((deps) => ({ emit: full, log: { ...deps.log, error: full } }))
  try {
    const response = await fetch(`${broken.origin}/contain/revoke`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(401)
    const body = JSON.stringify(bareBodyFor(randomBytes(16).toString('base64url')))
    const headers = {
      'content-type': 'application/json',
      'x-ato-signature': sign(body, [broken.secrets.hmac], broken.clock.now()),
    }
    // Revoked, and neither the event nor the fault could be written: functions goes on without web.
    await expect(fetch(`${broken.origin}/contain/revoke`, { method: 'POST', headers, body })).rejects.toThrow()
    expect((await fetch(`${broken.origin}/__health`)).status).toBe(200)
  } finally {
    await broken.close()
  }
})

test('a cookie does not change what a signed call may do', async () => {
  const { sidA, a } = await twoSessions()
  web.lines.length = 0
  const headers = { cookie: `session=${a.jar.get('session')}` }
  expect((await send(JSON.stringify(bareBodyFor(sidA)), headers)).status).toBe(200)
  expect(web.events().map(({ evt }) => evt)).toEqual(['contain'])
})

test('a call that is cut short is refused with one event, and ends no session', async () => {
  const { sidA } = await twoSessions()
  web.lines.length = 0
  const body = JSON.stringify(bodyFor(sidA))
  const headers = { 'x-ato-signature': signed(body), 'content-length': body.length }
  const request = httpRequest(`${web.origin}/contain/revoke`, { method: 'POST', headers })
  request.on('error', () => {})
  request.write(body.slice(0, 20), () => request.destroy())
  await vi.waitFor(() => expect(calls()).toMatchObject([{ reason: 'malformed' }]))
  expect(await isLive(sidA)).toBe(true)
})

test('an answer is not cached and has a fixed type', async () => {
  const response = await fetch(`${web.origin}/contain/revoke?a=b`, { method: 'POST', body: '{}' })
  expect(response.status).toBe(401)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  })
})

const pages = [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]
test.each(pages)('a page of another site (%j) forges no call in the name of its visitor', async (marks) => {
  const { sidA } = await twoSessions()
  web.lines.length = 0
  const headers = { 'content-type': 'text/plain', 'x-ato-signature': undefined, ...marks }
  expect((await send('{}', headers)).json.code).toBe('request-forged')
  expect((await send(JSON.stringify(bodyFor(sidA)), marks)).status).toBe(403)
  expect(await isLive(sidA)).toBe(true)
  expect(web.events()).toEqual([])
})

test('the session ends although the ledger does not answer', async () => {
  const down = () => new Promise<never>(() => {})
  const broken = await startWeb((deps) => ({ ledger: { ...deps.ledger, locate: down, close: down } }))
  try {
    const visitor = await broken.signIn(broken.newAccount())
    const sid = sidOf(visitor)
    const body = JSON.stringify(bareBodyFor(sid))
    const startedAt = performance.now()
    const response = await fetch(`${broken.origin}/contain/revoke`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-ato-signature': sign(body, [broken.secrets.hmac], broken.clock.now()),
      },
      body,
    })
    expect(await response.json()).toEqual({ sid, result: 'success' })
    expect(performance.now() - startedAt).toBeLessThan(2_500)
    expect(await broken.deps.sessions.read(sid, broken.clock.now())).toBeUndefined()
    expect(broken.events().filter((event) => event.evt === 'contain')).toMatchObject([{ outcome: 'success', sid }])
    expect(broken.lines.join()).toContain('could not be closed in the ledger')
  } finally {
    await broken.close()
  }
})

test('a store that cannot check the id denies the call, with 503 and no event of a revoke', async () => {
  const broken = await startWeb(({ calls: { keys } }) => ({
    calls: { keys, replays: { accept: () => Promise.reject(new Error('no connection')) } },
  }))
  try {
    const sid = sidOf(await broken.signIn(broken.newAccount()))
    const body = JSON.stringify(bodyFor(sid))
    const headers = {
      'content-type': 'application/json',
      'x-ato-signature': sign(body, [broken.secrets.hmac], broken.clock.now()),
    }
    const response = await fetch(`${broken.origin}/contain/revoke`, { method: 'POST', headers, body })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await broken.deps.sessions.read(sid, broken.clock.now())).toBeDefined()
    expect(broken.events().filter((event) => event.evt === 'contain')).toEqual([])
  } finally {
    await broken.close()
  }
})

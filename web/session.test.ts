import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { deviceOf, observeClient } from '../shared/client/client.ts'
import { parseFunctionsConfig } from '../shared/config.ts'
import { createIssuer } from '../shared/session/token.ts'
import { labEnv } from '../test/env.ts'
import { FIREFOX, SAFARI } from './testing/browser.ts'
import { problemReply } from './testing/functions.ts'
import { sidOf, startWeb, type Web } from './testing/harness.ts'

let web: Web
beforeAll(async () => {
  web = await startWeb()
})
beforeEach(() => {
  web.lines.length = 0
  web.functions.overrides.clear()
})
afterAll(() => web.close())

const sessionEvents = () => web.events().filter((event) => event.evt === 'session')
const revoke = (sid: string, reason: 'contained' | 'forked' | 'ended_elsewhere' | 'password_changed') =>
  web.deps.sessions.revoke(sid, { reason, at: web.clock.now() })

test('a contained visitor sees the reason on the very next page, with a form to sign in, and only once', async () => {
  const visitor = await web.signIn(web.newAccount())
  const sid = sidOf(visitor)
  await revoke(sid, 'contained')
  const page = await visitor.get('/dashboard')
  expect(page.status).toBe(401)
  expect(page.text).toContain('used in a way that looked like theft')
  expect(page.text).toContain('Change your password')
  expect(page.text).toContain('action="/login"')
  expect(visitor.jar.has('session')).toBe(false)
  expect(sessionEvents().at(-1)).toMatchObject({ outcome: 'revoked', reason: 'contained', sid })
  expect(await visitor.get('/dashboard')).toMatchObject({ status: 303, location: '/login' })
  expect((await visitor.get('/login')).text).not.toContain('looked like theft')
})

test.each(['/', '/login', '/register', '/account', '/mfa'])('the next page may be %s', async (path) => {
  const visitor = await web.signIn(web.newAccount())
  await revoke(sidOf(visitor), 'contained')
  const page = await visitor.get(path)
  expect(page.status).toBe(401)
  expect(page.text).toContain('used in a way that looked like theft')
})

test('a form of a contained session has no effect and shows the reason', async () => {
  const visitor = await web.signIn(web.newAccount())
  await revoke(sidOf(visitor), 'contained')
  web.functions.calls.length = 0
  const page = await visitor.post('/account/password', { current_password: 'a', new_password: 'b' })
  expect(page.status).toBe(401)
  expect(page.text).toContain('used in a way that looked like theft')
  expect(web.functions.calls).toEqual([])
})

test.each([
  ['forked', 'two browsers held it at once'],
  ['ended_elsewhere', 'You ended this session'],
  ['password_changed', 'Your password was changed'],
] as const)('a session revoked as %s has words of its own', async (reason, words) => {
  const visitor = await web.signIn(web.newAccount())
  await revoke(sidOf(visitor), reason)
  expect((await visitor.get('/dashboard')).text).toContain(words)
})

test('an API client gets the same facts as problem+json', async () => {
  const visitor = await web.signIn(web.newAccount())
  await revoke(sidOf(visitor), 'contained')
  const page = await visitor.get('/dashboard', { accept: 'application/json' })
  expect(page.headers.get('content-type')).toBe('application/problem+json')
  const document = JSON.parse(page.text)
  expect(document).toMatchObject({ status: 401, code: 'session-revoked' })
  expect(document.detail).toContain('used in a way that looked like theft')
})

test('an idle session is expired, without alarm', async () => {
  const visitor = await web.signIn(web.newAccount())
  try {
    web.clock.offsetMs = 3_601_000
    const page = await visitor.get('/dashboard')
    expect(page.status).toBe(401)
    expect(page.text).toContain('has expired')
    expect(page.text).not.toContain('looked like theft')
    expect(sessionEvents().at(-1)).toMatchObject({ outcome: 'expired' })
  } finally {
    web.clock.offsetMs = 0
  }
})

test('the cookie of a session that was signed out is refused on every page', async () => {
  const visitor = await web.signIn(web.newAccount())
  const stolen = visitor.cookie('session')
  expect(await visitor.post('/logout')).toMatchObject({ status: 303, location: '/login?notice=signed-out' })
  expect([...visitor.jar.keys()]).toEqual(['device'])
  const thief = web.visitor({ userAgent: SAFARI, ip: '198.51.100.9' })
  thief.jar.set('session', stolen)
  expect((await thief.get('/dashboard')).status).toBe(401)
})

test('signing out works while functions does not', async () => {
  const visitor = await web.signIn(web.newAccount())
  const sid = sidOf(visitor)
  web.functions.overrides.set('auth/logout', { status: 503 })
  expect((await visitor.post('/logout')).location).toBe('/login?notice=signed-out')
  expect(await web.deps.sessions.read(sid, web.clock.now())).toBeUndefined()
  expect(sessionEvents()).toContainEqual(expect.objectContaining({ outcome: 'ended', sid }))
})

test('a token without our signature is refused without naming a user, and its cookie is dropped', async () => {
  const victim = await web.signIn(web.newAccount())
  const sid = sidOf(victim)
  const [header, payload = ''] = victim.cookie('session').split('.')
  const forger = web.visitor()
  const env = labEnv()
  const SESSION_SIGNING_KEYS = env.SESSION_SIGNING_KEYS.replace('"kid":"lab-1"', '"kid":"lab-unknown"')
  const forged = createIssuer(parseFunctionsConfig({ ...env, SESSION_SIGNING_KEYS }).SESSION_SIGNING_KEYS[0])
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  const tokens = [
    `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    await forged(claims),
    'no token at all',
  ]
  web.lines.length = 0
  for (const token of tokens) {
    forger.jar.set('session', encodeURI(token))
    expect((await forger.get('/dashboard')).status).toBe(401)
    expect(forger.jar.has('session')).toBe(false)
  }
  expect(sessionEvents().map((event) => event.outcome)).toEqual(['invalid', 'invalid', 'invalid'])
  expect(web.lines.join()).not.toContain(sid)
  expect((await victim.get('/dashboard')).status).toBe(200)
})

test('a replayed cookie from another device is seen, with the device and address that our platform saw', async () => {
  const visitor = await web.signIn(web.newAccount())
  const sid = sidOf(visitor)
  const thief = web.visitor({ userAgent: SAFARI, ip: '6.6.6.6, 198.51.100.9' })
  thief.jar.set('session', visitor.cookie('session'))
  web.lines.length = 0
  await visitor.get('/dashboard')
  expect((await thief.get('/dashboard')).status).toBe(200)
  const [own, other] = sessionEvents().filter((event) => event.outcome === 'seen')
  expect(own).toMatchObject({ sid, ip: '203.0.113.7', via: 'web', reason: 'accepted' })
  expect(other).toMatchObject({ sid, ip: '198.51.100.9', user_agent: SAFARI, reason: 'accepted' })
  expect(own?.device_hash).not.toBe(other?.device_hash)
})

test('an outage of functions, and of its keys, ends no session', async () => {
  const lonely = await startWeb()
  try {
    const visitor = await lonely.signIn(lonely.newAccount())
    expect((await visitor.get('/dashboard')).status).toBe(200)
    expect(lonely.functions.state.jwksAsked).toBe(1)
    lonely.functions.state.up = false
    lonely.clock.offsetMs = 120_000
    expect((await visitor.get('/dashboard')).status).toBe(200)
    await vi.waitFor(() => expect(lonely.lines.join()).toContain('session keys could not be refreshed'))
    expect((await visitor.get('/dashboard')).status).toBe(200)
    expect(visitor.jar.has('session')).toBe(true)
  } finally {
    await lonely.close()
  }
})

test('a session that is due is renewed on a page, and the old token is retired once the new one was used', async () => {
  const visitor = await web.signIn(web.newAccount())
  const old = visitor.cookie('session')
  try {
    web.clock.offsetMs = 301_000
    expect((await visitor.get('/dashboard')).status).toBe(200)
    expect(visitor.jar.get('session')).not.toBe(old)
    expect((await visitor.get('/dashboard')).status).toBe(200)

    web.clock.offsetMs += 31_000
    const thief = web.visitor()
    thief.jar.set('session', old)
    const page = await thief.get('/dashboard')
    expect(page.status).toBe(401)
    expect(page.text).toContain('two browsers held it at once')
    expect((await visitor.get('/dashboard')).status).toBe(401)
    expect(sessionEvents()).toContainEqual(expect.objectContaining({ outcome: 'fork' }))
  } finally {
    web.clock.offsetMs = 0
  }
})

test('a cookie that is due and sent many times costs one call of functions', async () => {
  const visitor = await web.signIn(web.newAccount())
  const renewals = () => web.functions.calls.filter(({ route }) => route === 'auth/session/renew').length
  const before = renewals()
  try {
    web.clock.offsetMs = 301_000
    const due = visitor.cookie('session')
    const sendDue = async () => {
      visitor.jar.set('session', due)
      expect((await visitor.get('/dashboard')).status).toBe(200)
    }
    for (let n = 0; n < 20; n++) await sendDue()
    expect(renewals() - before).toBe(1)
    // The answer was lost: it is asked for once more after the grace.
    web.clock.offsetMs += 31_000
    for (let n = 0; n < 20; n++) await sendDue()
    expect(renewals() - before).toBe(2)
  } finally {
    web.clock.offsetMs = 0
  }
})

test('a renewal that fails does not fail the page', async () => {
  const visitor = await web.signIn(web.newAccount())
  const old = visitor.jar.get('session')
  web.functions.overrides.set('auth/session/renew', problemReply('unavailable'))
  try {
    web.clock.offsetMs = 301_000
    expect((await visitor.get('/dashboard')).status).toBe(200)
    expect(visitor.jar.get('session')).toBe(old)
  } finally {
    web.clock.offsetMs = 0
  }
})

test('a failed lookup denies the page and keeps the cookie', async () => {
  const broken = await startWeb((deps) => ({
    sessions: { ...deps.sessions, present: () => Promise.reject(new Error('no connection')) },
  }))
  try {
    const visitor = broken.visitor()
    const account = broken.newAccount()
    await visitor.post('/login', { email: account.email, password: account.password })
    const page = await visitor.get('/dashboard')
    expect(page.status).toBe(503)
    expect(page.headers.get('retry-after')).toBe('5')
    expect(page.text).not.toContain('no connection')
    expect(visitor.jar.has('session')).toBe(true)
    expect((await broken.visitor().get('/login')).status).toBe(200)
  } finally {
    await broken.close()
  }
})

test('with binding `challenge` another device gets only a prompt for the password until it is right', async () => {
  const strict = await startWeb(undefined, { SESSION_DEVICE_BINDING: 'challenge' })
  try {
    const account = strict.newAccount()
    const visitor = await strict.signIn(account)
    const other = strict.visitor({ userAgent: SAFARI })
    other.jar.set('session', visitor.cookie('session'))
    const prompt = await other.get('/dashboard')
    expect(prompt.status).toBe(403)
    expect(prompt.text).toContain('action="/account/reauth"')
    expect(prompt.text).toContain('name="place" value="dashboard"')
    expect(prompt.text).not.toContain(sidOf(visitor))
    expect((await other.post('/account/totp')).status).toBe(403)
    expect((await other.post('/account/reauth', { password: 'wrong', place: 'dashboard' })).status).toBe(403)
    const proved = await other.post('/account/reauth', { password: account.password, place: 'dashboard' })
    expect(proved).toMatchObject({ status: 303, location: '/dashboard' })
    expect((await other.get('/dashboard')).status).toBe(200)
    expect((await visitor.get('/dashboard')).status).toBe(401)
  } finally {
    await strict.close()
  }
})

test('with binding `refuse` another device is refused, and the session continues on its own device', async () => {
  const strict = await startWeb(undefined, { SESSION_DEVICE_BINDING: 'refuse' })
  try {
    const visitor = await strict.signIn(strict.newAccount())
    const other = strict.visitor({ userAgent: SAFARI })
    other.jar.set('session', visitor.cookie('session'))
    const page = await other.get('/dashboard')
    expect(page.status).toBe(401)
    expect(page.text).toContain('belongs to another device')
    expect((await visitor.get('/dashboard')).status).toBe(200)
    const events = strict.events().filter((event) => event.evt === 'session' && event.outcome === 'seen')
    expect(events.map((event) => 'reason' in event && event.reason)).toContain('refused')
  } finally {
    await strict.close()
  }
})

test('a run id is read from the end of a user agent, and leaves the device as it is', async () => {
  const plain = await web.signIn(web.newAccount())
  const marked = web.visitor({ userAgent: `${FIREFOX} ato-lab/run-1` })
  marked.jar.set('session', plain.cookie('session'))
  web.lines.length = 0
  await plain.get('/dashboard')
  await marked.get('/account', { 'x-forwarded-for': '203.0.113.8' })
  const [first, second] = sessionEvents()
  expect(second).toMatchObject({ run_id: 'run-1', device_hash: first?.device_hash })
  expect(first).not.toHaveProperty('run_id')
  const client = observeClient({ ip: '203.0.113.7', userAgent: FIREFOX, hints: {}, via: 'web' }, web.deps)
  expect(first?.device_hash).toBe(deviceOf(client, web.deps))
})

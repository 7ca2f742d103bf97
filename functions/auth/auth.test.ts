import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { observeClient } from '../../shared/client/client.ts'
import { CHROME, FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { LIMITS, loginRules, mfaRules } from './limits.ts'
import { readLogin } from './submitted.ts'

let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock } })
})
afterAll(() => functions.close())
beforeEach(() => {
  clock = Date.now()
  functions.lines.length = 0
})

const anyone = () => `${randomUUID()}@example.com`
/** Every test attacks from an address of its own: throttles outlive a test. */
let last = 0
const freshIp = () => `198.51.100.${++last % 250}`
const observed = () =>
  observeClient({ ip: '203.0.113.9', userAgent: CHROME, hints: {}, via: 'api' }, functions.deps.auth)
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)

describe('registration', () => {
  it.each([
    ['fourteen characters', 'x4Ty-8pQ2!mNa7', 422],
    ['fifteen characters', 'x4Ty-8pQ2!mNa7b', 202],
    ['fifteen emoji', '😀😁😂🤣😃😄😅😆😉😊😋😎😍😘🥰', 202],
    ['a pattern', 'abcabcabcabcabcabc', 422],
    ['a common one', 'Correct Horse Battery Staple', 422],
    ['256 characters', 'a person walks over the bridge and buys seven lamps '.repeat(5).slice(0, 256), 202],
    ['257 characters', 'a person walks over the bridge and buys seven lamps '.repeat(5).slice(0, 257), 422],
  ])('judges %s', async (_, password, status) => {
    expect((await functions.call('register', { body: { email: anyone(), password } })).status).toBe(status)
  })

  it('keeps every character of a password, blanks included', async () => {
    const email = anyone()
    const password = '  blanks around it  '
    await functions.register({ email, password })
    expect((await functions.call('login', { body: { email, password } })).status).toBe(200)
    expect((await functions.call('login', { body: { email, password: password.trim() } })).status).toBe(401)
  })
})

describe('sign-in', () => {
  it('emits one login and one session for a success, with the device and no risk at first', async () => {
    const { email, sid } = await functions.signIn()
    const [login] = eventsOf('login')
    expect(login).toMatchObject({ outcome: 'success', email, sid, ip: '203.0.113.9', via: 'api', device_known: false })
    expect(login).not.toHaveProperty('risk')
    expect(eventsOf('session')).toMatchObject([{ outcome: 'new', sid }])
  })

  it('reports new_device for a second device once', async () => {
    const { email } = await functions.signIn()
    functions.lines.length = 0
    for (let n = 0; n < 2; n++)
      await functions.call('login', { userAgent: FIREFOX, body: { email, password: PASSWORD } })
    expect(eventsOf('login')).toMatchObject([{ risk: ['new_device'], device_known: false }, { device_known: true }])
  })

  it('answers a wrong password and an unknown account alike', async () => {
    const { email } = await functions.signIn()
    functions.lines.length = 0
    const wrong = await functions.call('login', { body: { email, password: 'not the right password' } })
    const unknown = await functions.call('login', { body: { email: anyone(), password: 'not the right password' } })
    const comparable = ({ status, headers, json }: typeof wrong) => ({
      status,
      headers: [...headers],
      json: { ...json, instance: '' },
    })
    expect(comparable(wrong)).toEqual(comparable(unknown))
    expect(wrong.json).toMatchObject({ code: 'login-refused', status: 401 })
    expect(eventsOf('login')).toMatchObject([
      { outcome: 'fail', reason: 'wrong_password', usr: { exists: true } },
      { outcome: 'fail', reason: 'unknown_user', usr: { exists: false } },
    ])
  })

  it.each([
    ['no password', { email: 'a@example.com' }],
    ['a key too many', { email: 'a@example.com', password: PASSWORD, client: { ip: '192.0.2.1' } }],
    ['an array', []],
    ['a number for an email', { email: 7, password: PASSWORD }],
  ])('refuses %s as malformed, in one event', async (_, body) => {
    expect((await functions.call('login', { body })).status).toBe(400)
    expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason: 'malformed' }])
  })

  it.each([
    ['what is not JSON', { raw: 'email=a@example.com' }, 400],
    ['an empty body', { raw: '' }, 400],
    ['a repeated key', { raw: '{"email":"a@example.com","password":"x","email":"b@example.com"}' }, 400],
    [
      'a repeated key in disguise',
      { raw: '{"email":"a@example.com","password":"x","\\u0065mail":"b@example.com"}' },
      400,
    ],
    ['a repeated key of an object inside', { raw: '{"email":{"a":1,"a":2},"password":"x"}' }, 400],
    ['another content type', { raw: '{}', headers: { 'content-type': 'text/plain' } }, 400],
    ['a body of 1 MB', { raw: `{"email":"${'a'.repeat(1024 * 1024)}"}` }, 413],
    [
      'a long body that claims to be short',
      { raw: `{"email":"${'a'.repeat(20_000)}"}`, headers: { 'content-length': '5' } },
      413,
    ],
  ])('refuses %s, in one event', async (_, asked, status) => {
    expect((await functions.call('login', asked)).status).toBe(status)
    expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason: 'malformed' }])
  })

  const pages: [string, Record<string, string>][] = [
    ['login', { 'sec-fetch-site': 'cross-site' }],
    ['register', { 'sec-fetch-site': 'cross-site' }],
    ['login', { 'sec-fetch-site': 'same-site' }],
    ['mfaVerify', { 'sec-fetch-site': 'cross-site' }],
    ['contain', { 'sec-fetch-site': 'cross-site' }],
    ['login', { origin: 'https://evil.example' }],
    ['login', { origin: 'null' }],
    ['register', { origin: 'https://evil.example' }],
    ['mfaVerify', { origin: 'https://evil.example' }],
    ['contain', { origin: 'https://evil.example' }],
  ]
  it.each(pages)('from a page is refused without any event: %s with %j', async (name, marks) => {
    const headers = { 'content-type': 'text/plain', ...marks }
    const { status, json } = await functions.call(name, {
      raw: '{"email":"a@example.com","password":"guess"}',
      headers,
    })
    expect([status, json.code]).toEqual([403, 'request-forged'])
    expect(functions.events()).toEqual([])
  })

  it('is accepted from a client that is not a browser, and from a typed address', async () => {
    for (const site of [undefined, 'none', 'same-origin']) {
      const headers: Record<string, string> = site === undefined ? {} : { 'sec-fetch-site': site }
      const { status } = await functions.call('login', { body: { email: anyone(), password: PASSWORD }, headers })
      expect(status).toBe(401)
    }
  })

  it('logs no free text: a password typed into the login field stays out', async () => {
    await functions.call('login', { body: { email: 'canary-my-password!', password: 'canary-other-password' } })
    expect(functions.lines.join('')).not.toContain('canary')
    expect(eventsOf('login')).toMatchObject([{ reason: 'unknown_user', login_hash: expect.any(String) }])
  })

  it('trusts only the hop that the platform appended', async () => {
    await functions.call('login', {
      body: { email: anyone(), password: PASSWORD },
      headers: { 'x-forwarded-for': '192.0.2.66, 203.0.113.77:1234' },
    })
    expect(eventsOf('login')).toMatchObject([{ ip: '203.0.113.77' }])
  })

  it('accepts exactly the limit of parallel guesses, and counts each of them', async () => {
    const { email } = await functions.signIn()
    functions.lines.length = 0
    const guess = () =>
      functions.call('login', { ip: freshIp(), userAgent: FIREFOX, body: { email, password: 'a wrong password!!' } })
    const answers = await Promise.all(Array.from({ length: 25 }, guess))
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([401]))
    const reasons = eventsOf('login').map((event) => 'reason' in event && event.reason)
    const { limit } = LIMITS.accountFailures
    expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(limit)
    expect(reasons.filter((reason) => reason === 'throttled')).toHaveLength(25 - limit)
  })

  it('stops guessing for the day, also by a device with a token', async () => {
    const right = { email: anyone(), password: `${randomUUID()} of mine` }
    const { email } = right
    await functions.register(right)
    const { device_token } = (await functions.call('login', { body: { ...right, remember_device: true } })).json
    const { loginHash } = readLogin(email, observed(), functions.deps.auth)
    const trusted = loginRules('203.0.113.9', loginHash, 'any')
    const stranger = loginRules('203.0.113.9', loginHash, undefined)
    const daily = [...trusted, ...stranger].filter(({ windowSeconds }) => windowSeconds === 86_400)
    expect(daily.map(({ limit }) => limit).reduce((sum, limit) => sum + limit, 0)).toBeLessThan(100)
    for (const rule of daily)
      for (let spent = 0; spent < rule.limit; spent++) await functions.deps.stores.throttle.reserve([rule])
    const byStranger = await functions.call('login', { ip: freshIp(), body: right })
    expect([byStranger.status, byStranger.headers.get('retry-after')]).toEqual([401, null])
    const byOwner = await functions.call('login', { ip: freshIp(), body: { ...right, device_token } })
    expect(byOwner.status).toBe(429)
    expect(Number(byOwner.headers.get('retry-after'))).toBeGreaterThan(86_000)
  })

  it('answers 503 when the password queue is full, and still logs the attempt', async () => {
    const busy = await startFunctions({ env: { HASH_QUEUE: '1' } })
    const { passwords } = await import('../parts.ts').then(({ openParts }) =>
      openParts(busy.config, { hashWorker: new URL('../../dist/hash-worker.cjs', import.meta.url).pathname }),
    )
    busy.replace({ passwords })
    const attempts = Array.from({ length: 12 }, () =>
      busy.call('login', { ip: freshIp(), body: { email: anyone(), password: PASSWORD } }),
    )
    const answers = await Promise.all(attempts)
    const refused = answers.filter((answer) => answer.status === 503)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.headers.get('retry-after')).toBe('2')
    expect(busy.events().filter((event) => event.evt === 'login')).toHaveLength(12)
    await busy.close()
  })
})

describe('a session', () => {
  it('names its user, and ends at logout', async () => {
    const { email, sid, token } = await functions.signIn()
    const who = await functions.call('session', { token })
    expect(who).toMatchObject({ status: 200, json: { sid, user: { email, mfa_enabled: false }, amr: ['pwd'] } })
    expect((await functions.call('logout', { token })).status).toBe(204)
    expect(await functions.call('session', { token })).toMatchObject({ status: 401, json: { code: 'session-expired' } })
    expect(eventsOf('session').map((event) => event.outcome)).toEqual(['new', 'seen', 'ended', 'expired'])
  })

  it('is required', async () => {
    const bare = ['session', 'sessions', 'account', 'logout', 'sessionRenew', 'mfaEnrol', 'mfaDisable', 'sessionEnd']
    for (const name of bare) {
      const answer = await functions.call(name)
      expect(answer.json).toMatchObject({ code: 'session-required', status: 401 })
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    const bodies = {
      mfaConfirm: { code: '123456' },
      reauth: { password: PASSWORD },
      password: { current_password: PASSWORD, new_password: PASSWORD },
    }
    for (const [name, body] of Object.entries(bodies)) {
      expect((await functions.call(name, { body })).json).toMatchObject({ code: 'session-required', status: 401 })
    }
  })

  it('returns its account to a script, and to web for a browser', async () => {
    const { email, token } = await functions.signIn()
    const { user } = (await functions.call('session', { token })).json
    const direct = await functions.call('account', { token })
    expect(direct).toMatchObject({ status: 200, json: { id: user.id, email, mfa_enabled: false } })
    const cookie = (await functions.callFromWeb('login', { email, password: PASSWORD })).json.token
    const forWeb = await functions.callFromWeb('account', {}, {}, { token: cookie })
    expect(forWeb).toMatchObject({ status: 200, json: { id: user.id, email, mfa_enabled: false } })
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'seen', via: 'web', ip: '198.51.100.7' })
  })

  it('that has ended is refused with a 401 and the challenge that HTTP requires', async () => {
    const { token } = await functions.signIn()
    await functions.call('logout', { token })
    for (const dead of [token, 'x.y.z']) {
      const answer = await functions.call('session', { token: dead })
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
    }
  })

  it('is not taken from a cookie', async () => {
    const { token } = await functions.signIn()
    expect((await functions.call('session', { headers: { cookie: `session=${token}` } })).status).toBe(401)
  })

  it('expires at the very instant, idle and absolute', async () => {
    const idle = await functions.signIn()
    const start = clock
    clock = start + 3600_000 - 1
    expect((await functions.call('session', { token: idle.token })).status).toBe(200)
    clock += 3600_000
    expect((await functions.call('session', { token: idle.token })).json).toMatchObject({ code: 'session-expired' })
  })

  it('is logged from a second device, once a minute per device', async () => {
    const { token, sid } = await functions.signIn()
    for (let n = 0; n < 3; n++) await functions.call('session', { token })
    await functions.call('session', { token, userAgent: FIREFOX, ip: '198.51.100.77' })
    clock += 60_000
    await functions.call('session', { token })
    const seen = eventsOf('session').filter((event) => event.outcome === 'seen')
    expect(seen).toHaveLength(3)
    expect(new Set(seen.map((event) => 'device_hash' in event && event.device_hash)).size).toBe(2)
    expect(seen.every((event) => 'sid' in event && event.sid === sid)).toBe(true)
  })

  it('is not logged for a forged token: neither sid nor user', async () => {
    const { token, sid } = await functions.signIn()
    functions.lines.length = 0
    const [header = '', payload = '', signature = ''] = token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const forged = Buffer.from(JSON.stringify({ ...claims, gen: 2 })).toString('base64url')
    const otherKey = Buffer.from(
      JSON.stringify({ ...JSON.parse(Buffer.from(header, 'base64url').toString()), kid: 'lab-2' }),
    ).toString('base64url')
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'ato-session+jwt' })).toString('base64url')
    for (const [bad, reason] of [
      [`${header}.${forged}.${signature}`, 'bad_signature'],
      [`${otherKey}.${payload}.${signature}`, 'unknown_key'],
      [`${none}.${payload}.`, 'malformed'],
      ['x.y.z', 'malformed'],
    ]) {
      expect((await functions.call('session', { token: bad })).json).toMatchObject({ code: 'session-invalid' })
      expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'invalid', reason })
    }
    expect(functions.lines.join('')).not.toContain(sid)
    expect((await functions.call('session', { token })).status).toBe(200)
  })

  it('lists the sessions of its user and ends another one, whose holder learns the reason', async () => {
    const mine = await functions.signIn()
    const other = await functions.signIn({ email: mine.email, userAgent: FIREFOX })
    const stranger = await functions.signIn()
    const { json } = await functions.call('sessions', { token: mine.token })
    expect(json.sessions.map((s: { sid: string; current: boolean }) => [s.sid, s.current])).toEqual(
      expect.arrayContaining([
        [mine.sid, true],
        [other.sid, false],
      ]),
    )
    expect(json.sessions).toHaveLength(2)
    const foreign = await functions.call('sessionEnd', { token: mine.token, params: { sid: stranger.sid } })
    expect(foreign.json).toMatchObject({ code: 'not-found' })
    expect((await functions.call('session', { token: stranger.token })).status).toBe(200)
    expect((await functions.call('sessionEnd', { token: mine.token, params: { sid: other.sid } })).status).toBe(204)
    expect((await functions.call('session', { token: other.token })).json).toMatchObject({ code: 'session-revoked' })
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'revoked', reason: 'ended_elsewhere' })
    expect((await functions.call('session', { token: mine.token })).status).toBe(200)
  })
})

describe('renewal', () => {
  const renew = async (token: string) => (await functions.call('sessionRenew', { token })).json
  const genOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).gen

  it('issues a successor after 300 s of use; an earlier request is refused with the time to wait, and logged', async () => {
    const { token, sid } = await functions.signIn()
    clock += 298_500
    const early = await functions.call('sessionRenew', { token })
    expect(early).toMatchObject({ status: 409, json: { code: 'renewal-early' } })
    expect(early.headers.get('retry-after')).toBe('2')
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'seen', reason: 'refused', sid })
    clock += 1_500
    expect(genOf((await renew(token)).token)).toBe(2)
    expect(eventsOf('session').filter((event) => event.outcome === 'renewed')).toHaveLength(1)
  })

  it('is refused when it is repeated, each time with an event, and too many successors are a fork', async () => {
    const { token, sid } = await functions.signIn()
    clock += 300_000
    await renew(token)
    functions.lines.length = 0
    for (let n = 0; n < 3; n++) expect(await renew(token)).toMatchObject({ code: 'renewal-early' })
    const refused = { outcome: 'seen', reason: 'refused', sid }
    expect(eventsOf('session').filter((event) => 'reason' in event && event.reason === 'refused')).toMatchObject([
      refused,
      refused,
      refused,
    ])
    for (let n = 1; n < 7; n++) {
      clock += 30_001
      expect(genOf((await renew(token)).token)).toBe(2 + n)
    }
    clock += 30_001
    expect(await renew(token)).toMatchObject({ code: 'session-forked', status: 401 })
    expect(eventsOf('session').slice(-2)).toMatchObject([refused, { outcome: 'fork', sid }])
    expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-revoked' })
  })

  it('gives each of two holders a successor of its own, and is a fork when both are used', async () => {
    const { token } = await functions.signIn()
    clock += 300_000
    const { token: thiefs } = (await functions.call('sessionRenew', { token, ip: freshIp() })).json
    const { token: owners } = await renew(token)
    expect([genOf(thiefs), genOf(owners)]).toEqual([2, 3])
    expect((await functions.call('session', { token: thiefs })).status).toBe(200)
    expect((await functions.call('session', { token: owners })).status).toBe(200)
    clock += 30_001
    expect((await functions.call('session', { token: owners })).status).toBe(200)
    expect((await functions.call('session', { token: thiefs })).json).toMatchObject({ code: 'session-forked' })
  })

  it('retires a token when its successor is presented; a copy of it is a fork after the grace', async () => {
    const { token, sid } = await functions.signIn()
    clock += 300_000
    const { token: next } = await renew(token)
    expect((await functions.call('session', { token: next })).status).toBe(200)
    clock += 30_000
    expect((await functions.call('session', { token })).status).toBe(200)
    expect((await functions.call('sessionRenew', { token })).json).toMatchObject({ code: 'renewal-stale' })
    clock += 1
    expect((await functions.call('session', { token, userAgent: FIREFOX })).json).toMatchObject({
      code: 'session-forked',
    })
    expect((await functions.call('session', { token: next })).json).toMatchObject({ code: 'session-revoked' })
    const outcomes = eventsOf('session').map((event) => event.outcome)
    expect(outcomes.slice(-3)).toEqual(['seen', 'fork', 'revoked'])
    expect(eventsOf('session').at(-1)).toMatchObject({ sid, reason: 'forked' })
  })

  it('is due, and its grace ends, at the configured times', async () => {
    const quick = await startFunctions({
      env: { ...functions.env, SESSION_RENEW_SECONDS: '15', SESSION_GRACE_SECONDS: '10' },
      parts: { now: () => clock },
    })
    const { token } = await quick.signIn()
    const renewed = async () => (await quick.call('sessionRenew', { token })).json.token
    clock += 14_999
    expect((await quick.call('sessionRenew', { token })).json).toMatchObject({ code: 'renewal-early' })
    clock += 1
    const next = await renewed()
    expect(genOf(next)).toBe(2)
    await quick.call('session', { token: next })
    clock += 10_000
    expect((await quick.call('session', { token })).status).toBe(200)
    clock += 1
    expect((await quick.call('session', { token })).json).toMatchObject({ code: 'session-forked' })
    await quick.close()
  })

  it('keeps a successor valid for a person who reads before the next click', async () => {
    const { token } = await functions.signIn()
    clock += 300_000
    const { token: next } = await renew(token)
    clock += 1_200_000
    expect((await functions.call('session', { token: next })).status).toBe(200)
  })
})

describe('a change of credentials', () => {
  it('ends every other session, and continues under a new sid', async () => {
    const mine = await functions.signIn()
    const other = await functions.signIn({ email: mine.email, userAgent: FIREFOX })
    const body = { current_password: PASSWORD, new_password: 'a brand new password, long enough' }
    const { status, json } = await functions.call('password', { token: mine.token, body })
    expect(status).toBe(200)
    expect(json.sid).not.toBe(mine.sid)
    expect((await functions.call('session', { token: json.token })).status).toBe(200)
    expect((await functions.call('session', { token: mine.token })).status).toBe(401)
    expect((await functions.call('session', { token: other.token })).json).toMatchObject({ code: 'session-revoked' })
    expect((await functions.call('login', { body: { email: mine.email, password: PASSWORD } })).status).toBe(401)
    expect(
      (await functions.call('login', { body: { email: mine.email, password: 'a brand new password, long enough' } }))
        .status,
    ).toBe(200)
  })

  it('refuses the present password as the new one: nothing would change', async () => {
    const { token } = await functions.signIn()
    const body = { current_password: PASSWORD, new_password: PASSWORD }
    expect(await functions.call('password', { token, body })).toMatchObject({
      status: 422,
      json: { code: 'password-weak', detail: 'This is your present password. Choose another one.' },
    })
    expect(eventsOf('credential').at(-1)).toMatchObject({ outcome: 'fail', reason: 'weak_password' })
  })

  it('needs the current password, and changes nothing without it', async () => {
    const mine = await functions.signIn()
    const body = { current_password: 'not my password at all', new_password: 'a brand new password, long enough' }
    expect((await functions.call('password', { token: mine.token, body })).status).toBe(401)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'fail', action: 'password_changed' }])
    expect((await functions.call('session', { token: mine.token })).status).toBe(200)
    expect((await functions.call('login', { body: { email: mine.email, password: PASSWORD } })).status).toBe(200)
  })

  it('of the second factor needs a fresh authentication, which issues a new session', async () => {
    const { sid, token } = await functions.signIn()
    const needsMore = { code: 'reauthentication-required', status: 403 }
    // A fresh sign-in does not suffice: a stolen session is as old as the sign-in that was stolen.
    expect((await functions.call('mfaEnrol', { token })).json).toMatchObject(needsMore)
    const fresh = await functions.stepUp(token)
    clock += 5 * 60_000 - 1
    expect((await functions.call('mfaEnrol', { token: fresh.token })).status).toBe(200)
    expect((await functions.call('session', { token })).status).toBe(401)
    clock += 1
    expect((await functions.call('mfaEnrol', { token: fresh.token })).json).toMatchObject(needsMore)
    const confirm = { token: fresh.token, body: { code: '123456' } }
    expect((await functions.call('mfaConfirm', confirm)).json).toMatchObject(needsMore)
    const asked = { outcome: 'fail', reason: 'step_up', sid: fresh.sid }
    expect(eventsOf('mfa')).toMatchObject([{ ...asked, sid }, asked, asked])
  })

  it('of the second factor is refused from another network than the re-authentication: the session may have been stolen since', async () => {
    const { token } = await functions.stepUp((await functions.signIn()).token, { ip: '203.0.113.20' })
    const needsMore = { code: 'reauthentication-required', status: 403 }
    const [there, elsewhere] = [
      { token, ip: '203.0.113.20' },
      { token, ip: '198.51.100.20' },
    ]
    expect((await functions.call('mfaEnrol', elsewhere)).json).toMatchObject(needsMore)
    const { secret } = (await functions.call('mfaEnrol', there)).json
    const body = { code: await generate({ secret, epoch: Math.floor(clock / 1000) }) }
    expect((await functions.call('mfaConfirm', { ...elsewhere, body })).json).toMatchObject(needsMore)
    expect((await functions.call('mfaConfirm', { ...there, body })).status).toBe(204)
    expect((await functions.call('mfaDisable', elsewhere)).json).toMatchObject(needsMore)
  })
})

it('guesses by the holder of a session are logged, and limited to five', async () => {
  const { token, sid } = await functions.signIn()
  functions.lines.length = 0
  const guess = () => functions.call('reauth', { token, body: { password: 'canary of a guess' } })
  for (let n = 0; n < LIMITS.reauthFailures.limit; n++) expect((await guess()).status).toBe(401)
  expect((await guess()).status).toBe(429)
  const failed = { outcome: 'fail', action: 'reauthenticated', sid }
  expect(eventsOf('credential')).toMatchObject(Array.from({ length: LIMITS.reauthFailures.limit + 1 }, () => failed))
  expect(functions.lines.join('')).not.toContain('canary')
})

describe('the second factor', () => {
  const enrolled = async () => {
    const { email, token } = await functions.signIn()
    const signedIn = { email, ...(await functions.stepUp(token)) }
    const { secret, otpauth_uri } = (await functions.call('mfaEnrol', { token: signedIn.token })).json
    const codeAt = (ms: number) => generate({ secret, epoch: Math.floor(ms / 1000) })
    const confirmed = await functions.call('mfaConfirm', { token: signedIn.token, body: { code: await codeAt(clock) } })
    expect(confirmed.status).toBe(204)
    clock += 30_000
    return { ...signedIn, secret, otpauth_uri, codeAt }
  }
  const challenge = async (email: string) =>
    (await functions.call('login', { body: { email, password: PASSWORD } })).json.mfa_token

  it('guessed inside a session has another event than one that is being set up', async () => {
    const { token } = await enrolled()
    functions.lines.length = 0
    const asked = { token, body: { password: PASSWORD, code: '000000' } }
    expect((await functions.call('reauth', asked)).json).toMatchObject({ code: 'code-refused' })
    expect(eventsOf('mfa')).toMatchObject([{ outcome: 'fail', action: 'reauthenticated', reason: 'wrong_code' }])
    const fresh = await functions.stepUp((await functions.signIn()).token)
    await functions.call('mfaEnrol', { token: fresh.token })
    functions.lines.length = 0
    await functions.call('mfaConfirm', { token: fresh.token, body: { code: '000000' } })
    expect(eventsOf('mfa')).toMatchObject([{ outcome: 'fail', reason: 'wrong_code' }])
    expect(eventsOf('mfa')[0]).not.toHaveProperty('action')
  })

  it('is disabled until a code confirms it, and is then required after the password', async () => {
    const { email, token: first } = await functions.signIn()
    const { token } = await functions.stepUp(first)
    const { otpauth_uri } = (await functions.call('mfaEnrol', { token })).json
    expect(otpauth_uri).toMatch(/^otpauth:\/\/totp\/.*secret=[A-Z2-7]+.*issuer=/)
    expect((await functions.call('mfaConfirm', { token, body: { code: '000000' } })).status).toBe(401)
    expect((await functions.call('login', { body: { email, password: PASSWORD } })).json).toHaveProperty('token')
    const { email: other, codeAt } = await enrolled()
    const login = await functions.call('login', { body: { email: other, password: PASSWORD } })
    expect(login.json).toEqual({ mfa_token: expect.any(String) })
    const verified = await functions.call('mfaVerify', {
      body: { mfa_token: login.json.mfa_token, code: await codeAt(clock) },
    })
    expect(verified.status).toBe(200)
    expect((await functions.call('session', { token: verified.json.token })).json.amr).toEqual(['pwd', 'otp'])
  })

  it('accepts a code once, also if it is sent twice at the same instant', async () => {
    const { email, codeAt } = await enrolled()
    const code = await codeAt(clock)
    const tokens = [await challenge(email), await challenge(email)]
    const answers = await Promise.all(
      tokens.map((mfa_token) => functions.call('mfaVerify', { body: { mfa_token, code } })),
    )
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 401])
    expect(eventsOf('mfa').filter((event) => 'reason' in event && event.reason === 'replayed_code')).toHaveLength(1)
  })

  it.each([
    ['this step', 0, 200],
    ['one step late', -30_000, 401], // the confirmation used it
    ['one step early', 30_000, 200],
    ['two steps early', 60_000, 401],
  ])('takes a code of %s', async (_, offset, status) => {
    const { email, codeAt } = await enrolled()
    const body = { mfa_token: await challenge(email), code: await codeAt(clock + offset) }
    expect((await functions.call('mfaVerify', { body })).status).toBe(status)
  })

  it('ends a pending sign-in after five wrong codes, even for the right one', async () => {
    const { email, codeAt } = await enrolled()
    const mfa_token = await challenge(email)
    for (let n = 0; n < 5; n++) await functions.call('mfaVerify', { body: { mfa_token, code: '000000' } })
    const code = await codeAt(clock)
    expect((await functions.call('mfaVerify', { body: { mfa_token, code } })).status).toBe(401)
    expect(eventsOf('mfa').at(-1)).toMatchObject({ outcome: 'fail', reason: 'too_many' })
  })

  it.each(['', '12345', '1234567', 'abcdef', '１２３４５６'])('refuses a text that is not a code: %s', async (code) => {
    const { email } = await enrolled()
    expect((await functions.call('mfaVerify', { body: { mfa_token: await challenge(email), code } })).status).toBe(401)
  })

  it('allows at most fifty guesses a day', async () => {
    const { email, secret } = await enrolled()
    const user = await functions.deps.stores.users.findByEmail(email)
    const daily = mfaRules(user?.id ?? '').filter(({ windowSeconds }) => windowSeconds === 86_400)
    for (let spent = 0; spent < 50; spent++) expect(await functions.deps.stores.throttle.reserve(daily)).toBeUndefined()
    const { json } = await functions.call('login', { body: { email, password: PASSWORD } })
    clock += 30_000
    const code = await generate({ secret, epoch: Math.floor(clock / 1000) })
    const answer = await functions.call('mfaVerify', { body: { mfa_token: json.mfa_token, code } })
    expect(answer.status).toBe(401)
    expect(eventsOf('mfa').at(-1)).toMatchObject({ outcome: 'fail', reason: 'too_many' })
  })

  it('cannot be disabled with a session and the password by setting a new password', async () => {
    const { email, codeAt } = await enrolled()
    const mfaVerify = { mfa_token: await challenge(email), code: await codeAt(clock) }
    const { token } = (await functions.call('mfaVerify', { body: mfaVerify })).json
    const needsMore = { status: 403, json: { code: 'reauthentication-required' } }
    clock += 14 * 60_000
    const body = { current_password: PASSWORD, new_password: 'another long enough one' }
    const changed = await functions.call('password', { token, body })
    expect(changed.status).toBe(200)
    expect(await functions.call('mfaDisable', { token: changed.json.token })).toMatchObject(needsMore)
    clock += 2 * 60_000
    const next = { current_password: body.new_password, new_password: PASSWORD }
    expect(await functions.call('password', { token: changed.json.token, body: next })).toMatchObject(needsMore)
    const again = await functions.stepUp(changed.json.token, { password: body.new_password, code: await codeAt(clock) })
    expect((await functions.call('mfaDisable', { token: again.token })).status).toBe(204)
  })

  it('allows nothing else with the half session', async () => {
    const { email } = await enrolled()
    const mfa_token = await challenge(email)
    for (const name of ['session', 'sessions', 'mfaDisable']) {
      expect((await functions.call(name, { token: mfa_token })).status).toBe(401)
    }
  })

  it('cannot be enrolled over one that is enabled, and can be disabled', async () => {
    const { token, email, codeAt } = await enrolled()
    const needsMore = { status: 403, json: { code: 'reauthentication-required' } }
    // It was on before it was asked for: this session has never given a code.
    expect(await functions.call('mfaEnrol', { token })).toMatchObject(needsMore)
    expect(await functions.call('mfaDisable', { token })).toMatchObject(needsMore)
    const strong = await functions.stepUp(token, { code: await codeAt(clock) })
    expect((await functions.call('mfaEnrol', { token: strong.token })).json).toMatchObject({ code: 'mfa-state' })
    expect((await functions.call('mfaDisable', { token: strong.token })).status).toBe(204)
    expect((await functions.call('login', { body: { email, password: PASSWORD } })).json).toHaveProperty('token')
  })

  it('is encrypted where it is kept', async () => {
    const { email, secret } = await enrolled()
    const user = await functions.deps.stores.users.findByEmail(email)
    expect(user?.totp?.secret).toMatch(/^t1\./)
    expect(user?.totp?.secret).not.toContain(secret)
  })
})

describe('a call that web signs', () => {
  it('is about the browser behind web', async () => {
    const { status } = await functions.callFromWeb('login', { email: anyone(), password: PASSWORD })
    expect(status).toBe(401)
    expect(eventsOf('login')).toMatchObject([{ ip: '198.51.100.7', via: 'web' }])
  })

  it.each([
    ['bad_signature', { key: 'revoke' as const }, {}],
    ['stale', { now: Date.now() - 301_000 }, {}],
    ['wrong_route', { op: 'POST /api/auth/login' }, {}],
    ['malformed', {}, { headers: { 'x-ato-signature': 'garbage' } }],
    ['malformed', { id: 'short' }, {}],
    ['bad_signature', {}, { raw: '{"id":"something-else"}' }],
  ])('is refused as %s, in one event and without an effect', async (reason, change, asked) => {
    const email = anyone()
    const answer = await functions.callFromWeb('register', { email, password: PASSWORD }, change, asked)
    expect(answer).toMatchObject({ status: 401, json: { code: 'call-refused' } })
    expect(functions.events()).toMatchObject([{ evt: 'call', outcome: 'refused', reason }])
    expect(await functions.deps.stores.users.findByEmail(email)).toBeUndefined()
  })

  it('does not log its path before the signature is verified', async () => {
    const params = { sid: `canary\n${'x'.repeat(3000)}` }
    const { status } = await functions.call('sessionEnd', {
      params,
      raw: '{}',
      headers: { 'x-ato-signature': 'garbage' },
    })
    expect(status).toBe(401)
    expect(functions.events()).toMatchObject([{ evt: 'call', route: 'POST /api/auth/sessions/{sid}/end' }])
    expect(functions.lines.join('')).not.toContain('canary')
  })

  it('is accepted once, also if it is sent twice at the same instant', async () => {
    const id = randomUUID()
    const data = { email: anyone(), password: PASSWORD }
    const answers = await Promise.all([1, 2].map(() => functions.callFromWeb('register', data, { id })))
    expect(answers.map((answer) => answer.status).sort()).toEqual([202, 401])
    expect(eventsOf('call')).toMatchObject([{ reason: 'replayed' }])
  })
})

it('never logs a password, a code or a token', async () => {
  const password = 'canary-password-of-a-person'
  const email = anyone()
  await functions.register({ email, password })
  const link = functions.tokenTo(email) ?? ''
  await functions.call('confirm', { body: { token: link } })
  await functions.call('confirm', { raw: `{"token":"${link}"` })
  const { json } = await functions.call('login', { body: { email, password } })
  const strong = await functions.stepUp(json.token, { password })
  const enrol = await functions.call('mfaEnrol', { token: strong.token })
  const code = await generate({ secret: enrol.json.secret })
  expect((await functions.call('mfaConfirm', { token: strong.token, body: { code } })).status).toBe(204)
  await functions.call('login', { raw: `{"email":"${email}","password":"${password}"` })
  await functions.call('session', { token: `${json.token}x` })
  const log = functions.lines.join('')
  for (const secret of [password, link, json.token, enrol.json.secret, `"${code}"`]) expect(log).not.toContain(secret)
  for (const line of functions.lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(4096)
})

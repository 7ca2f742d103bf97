import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { newSid } from '../../shared/session/issue.ts'
import { MOST_SESSIONS } from '../../shared/session/policy.ts'
import { connectRedis } from '../../shared/stores/connect.ts'
import type { NewSession } from '../../shared/stores/port.ts'
import { sweep } from '../sweep/sweep.ts'
import { FIREFOX, type Functions, PASSWORD, settled, startFunctions } from '../testing/functions.ts'
import { LIMITS } from './limits.ts'

const NEXT = 'seven violet mules in a harbour'
const CHANGE = { current_password: PASSWORD, new_password: NEXT }

const { redis, close } = connectRedis(inject('redisUrl'))
let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock } })
})
beforeEach(() => {
  clock = Date.now()
  functions.lines.length = 0
})
afterEach(() => void functions.restore())
afterAll(async () => {
  await functions.close()
  await close()
})

const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const idOf = async (email: string) => (await functions.deps.stores.users.findByEmail(email))?.id ?? ''
const statusOf = async (token: string) => (await functions.call('session', { token })).status
const down = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))

/** As many live sessions as an account had before there was a limit: written as the store writes one. */
async function crowd(userId: string, count: number): Promise<string[]> {
  const sids = Array.from({ length: count }, newSid)
  const facts = {
    userId,
    deviceHash: 'd'.repeat(32),
    amr: ['pwd'],
    acr: 'signed-in',
    authTime: clock,
    createdAt: clock,
  }
  const rest = { absoluteExpiry: clock + 86_400_000, epoch: 1, via: 'api', ip: '192.0.2.9', device: 'curl' }
  const { id: inc } = JSON.parse((await redis.get('incarnation')) ?? '')
  const state = {
    inc,
    absolute: rest.absoluteExpiry,
    seen: clock,
    deadline: clock + 3_600_000,
    since: clock,
    met: clock,
  }
  for (let from = 0; from < count; from += 50) {
    // Each with its TTL in one step: other tests look for keys without one.
    const writing = redis.multi()
    for (const sid of sids.slice(from, from + 50)) {
      const gens = { gen: 1, base: 0, settle: 0, top: 1, facts: JSON.stringify({ sid, ...facts, ...rest }) }
      const key = `session:{${userId}}:${sid}`
      writing
        .hset(key, { ...state, ...gens })
        .pexpire(key, 3_600_000)
        .set(`sid:${sid}`, userId, 'PX', 3_600_000)
      writing.zadd(`user:{${userId}}:sessions`, rest.absoluteExpiry, sid)
    }
    await writing.exec()
  }
  expect(await functions.deps.stores.sessions.read(sids[0] ?? '', clock)).toMatchObject({ userId })
  return sids
}

describe('a change of the password', () => {
  it('ends 1,300 sessions in one step, and logs it', async () => {
    const { email, sid, token } = await functions.signIn()
    const many = await crowd(await idOf(email), 1_300)
    const changed = await functions.call('password', { token, body: CHANGE })
    expect(changed.status).toBe(200)
    expect(eventsOf('credential')).toMatchObject([
      { outcome: 'success', action: 'password_changed', sid, login_hash: expect.any(String) },
    ])
    const left = await functions.deps.stores.sessions.readMany(many, clock)
    expect(left.filter(Boolean)).toEqual([])
    expect(await statusOf(changed.json.token)).toBe(200)
  })

  it('is logged, and ends the other sessions, while Tables are down; the sweeper closes what is left', async () => {
    const { email, token } = await functions.signIn()
    const thief = await functions.signIn({ email, userAgent: FIREFOX })
    const { ledger } = functions.deps.stores
    functions.replace({ ledger: { ...ledger, open: down, close: down, find: down } })
    const { status } = await functions.call('password', { token, body: CHANGE })
    functions.replace({ ledger })
    expect(status).toBe(503)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'success', action: 'password_changed' }])
    expect((await functions.call('session', { token: thief.token })).json).toMatchObject({ code: 'session-revoked' })
    expect((await functions.call('login', { body: { email, password: NEXT } })).status).toBe(200)
    clock += 61_000
    await sweep({ ...functions.deps.sweep, ledger: settled(ledger) })
    const row = await ledger.find(await idOf(email), thief.sid)
    expect(row).toMatchObject({ state: 'revoked', reason: 'password_changed' })
  })

  it('is logged while Redis fails, and ends the other sessions after the next sweep', async () => {
    const { email, token } = await functions.signIn()
    const thief = await functions.signIn({ email, userAgent: FIREFOX })
    const { sessions } = functions.deps.stores
    functions.replace({ sessions: { ...sessions, raiseEpoch: down } })
    expect((await functions.call('password', { token, body: CHANGE })).status).toBe(503)
    functions.replace({ sessions })
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'success', action: 'password_changed' }])
    await sweep(functions.deps.sweep)
    expect((await functions.call('session', { token: thief.token })).json).toMatchObject({ code: 'session-revoked' })
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'revoked', reason: 'password_changed', sid: thief.sid })
  })
})

describe('an epoch that Redis has lost', () => {
  it('spares sessions opened after the alert when the sweeper writes it again', async () => {
    const { email, token } = await functions.signIn()
    const userId = await idOf(email)
    clock += 1000
    const openedBefore = clock
    const later = await functions.signIn({ email })
    const why = { reason: 'contained', containmentId: 'c-10', openedBefore } as const
    clock += 60_000
    await functions.deps.stores.users.bumpEpoch(userId, why, new Date(clock))
    await sweep(functions.deps.sweep)
    expect(await statusOf(token)).toBe(401)
    expect(await statusOf(later.token)).toBe(200)
    expect((await functions.call('password', { token: later.token, body: CHANGE })).status).toBe(200)
  })

  it('is written to it again by the sweeper', async () => {
    const { email, sid, token } = await functions.signIn()
    const userId = await idOf(email)
    const facts = await functions.deps.stores.sessions.read(sid, clock)
    await functions.deps.stores.users.bumpEpoch(userId, { reason: 'contained', containmentId: 'c-9' }, new Date(clock))
    expect(facts?.epoch).toBe(1)
    expect(await statusOf(token)).toBe(200)
    await sweep(functions.deps.sweep)
    expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-revoked' })
    expect(await functions.deps.stores.sessions.revocationOf(userId)).toMatchObject({
      epoch: 2,
      reason: 'contained',
      containmentId: 'c-9',
    })
  })
})

describe('a change of the second factor', () => {
  it('ends the other sessions, and the session that made it continues', async () => {
    const { generate } = await import('otplib')
    const { email, token } = await functions.signIn()
    const other = await functions.signIn({ email, userAgent: FIREFOX })
    const strong = await functions.stepUp(token)
    const { secret } = (await functions.call('mfaEnrol', { token: strong.token })).json
    const codeNow = () => generate({ secret, epoch: clock / 1000 })
    const body = { code: await codeNow() }
    expect((await functions.call('mfaConfirm', { token: strong.token, body })).status).toBe(204)
    expect(await statusOf(strong.token)).toBe(200)
    expect(await statusOf(other.token)).toBe(401)
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'revoked', reason: 'factor_changed', sid: other.sid })

    clock += 30_000
    const again = await functions.stepUp(strong.token, { code: await codeNow() })
    clock += 30_000
    const { mfa_token } = (await functions.call('login', { userAgent: FIREFOX, body: { email, password: PASSWORD } }))
      .json
    const second = (
      await functions.call('mfaVerify', { userAgent: FIREFOX, body: { mfa_token, code: await codeNow() } })
    ).json
    expect((await functions.call('mfaDisable', { token: again.token })).status).toBe(204)
    expect([await statusOf(again.token), await statusOf(second.token)]).toEqual([200, 401])
  })

  it('is offered ten times an hour', async () => {
    const { token } = await functions.signIn()
    const strong = await functions.stepUp(token)
    const enrol = () => functions.call('mfaEnrol', { token: strong.token })
    for (let n = 0; n < LIMITS.enrolments.limit; n++) expect((await enrol()).status).toBe(200)
    const refused = await enrol()
    expect(refused).toMatchObject({ status: 429, json: { code: 'throttled' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('the sessions of an account', () => {
  it('are at most twenty-five: a further one ends the oldest, whose holder learns the reason', async () => {
    const { email, sid, token } = await functions.signIn()
    clock += 1
    await crowd(await idOf(email), MOST_SESSIONS - 1)
    clock += 1
    const newest = await functions.signIn({ email })
    expect(eventsOf('session').filter(({ outcome }) => outcome === 'ended')).toMatchObject([{ sid }])
    expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-revoked' })
    expect(eventsOf('session').at(-1)).toMatchObject({ outcome: 'revoked', reason: 'too_many_sessions', sid })
    const { json } = await functions.call('sessions', { token: newest.token })
    expect(json.sessions).toHaveLength(MOST_SESSIONS)
  })

  it('that replaced another one end with it', async () => {
    const { sid, token } = await functions.signIn()
    const first = await functions.stepUp(token)
    const second = await functions.stepUp(first.token)
    const at = clock
    expect(await functions.deps.stores.sessions.revoke(sid, { reason: 'contained', at })).toBe('success')
    expect((await functions.call('session', { token: second.token })).json).toMatchObject({ code: 'session-revoked' })
  })
})

describe('a token', () => {
  it('of the API is refused by web, and the reverse', async () => {
    const { email, token } = await functions.signIn()
    const { token: cookie } = (await functions.callFromWeb('login', { email, password: PASSWORD })).json
    functions.lines.length = 0
    expect((await functions.callFromWeb('account', {}, {}, { token })).json).toMatchObject({ code: 'session-invalid' })
    expect((await functions.call('session', { token: cookie })).json).toMatchObject({ code: 'session-invalid' })
    expect(eventsOf('session')).toMatchObject([
      { outcome: 'invalid', reason: 'wrong_audience', via: 'web' },
      { outcome: 'invalid', reason: 'wrong_audience', via: 'api' },
    ])
    expect((await functions.callFromWeb('account', {}, {}, { token: cookie })).status).toBe(200)
  })

  it.each([
    ['somebody else', (session: NewSession): NewSession => ({ ...session, userId: randomUUID() })],
    ['a second factor', (session: NewSession): NewSession => ({ ...session, amr: ['pwd', 'otp'] })],
    ['a fresh authentication', (session: NewSession): NewSession => ({ ...session, authTime: clock + 60_000 })],
    ['a step up', (session: NewSession): NewSession => ({ ...session, acr: 're-authenticated' })],
    ['the other host', (session: NewSession): NewSession => ({ ...session, via: 'web' })],
  ])('is refused when a writer of the store gives it %s', async (_, forge) => {
    const { sid, token } = await functions.signIn()
    const key = `session:{${await redis.get(`sid:${sid}`)}}:${sid}`
    await redis.hset(key, 'facts', JSON.stringify(forge(JSON.parse((await redis.hget(key, 'facts')) ?? ''))))
    functions.lines.length = 0
    expect((await functions.call('session', { token })).json).toMatchObject({ code: 'session-invalid' })
    expect(eventsOf('session')).toMatchObject([{ outcome: 'invalid', reason: 'mismatch' }])
    expect(functions.lines.join('')).not.toContain(sid)
  })
})

describe('guesses inside a session', () => {
  it('are guesses at the account: logged with its login, limited over all of its sessions, and judged with the others', async () => {
    const { email, token } = await functions.signIn()
    const others = [await functions.signIn({ email }), await functions.signIn({ email })]
    clock += 15 * 60_000
    functions.lines.length = 0
    const guess = (held: string) => functions.call('reauth', { token: held, body: { password: 'not the right one' } })
    for (let n = 0; n < 5; n++) expect((await guess(token)).status).toBe(401)
    expect((await guess(token)).status).toBe(429)
    for (let n = 0; n < 5; n++) expect((await guess(others[0]?.token ?? '')).status).toBe(401)
    expect((await guess(others[1]?.token ?? '')).status).toBe(429)
    const reasons = eventsOf('credential').map((event) => 'reason' in event && event.reason)
    expect(reasons.filter((reason) => reason === 'wrong_password')).toHaveLength(10)
    const hashes = new Set(eventsOf('credential').map((event) => 'login_hash' in event && event.login_hash))
    await functions.call('login', { body: { email, password: PASSWORD } })
    expect(eventsOf('login').at(-1)).toMatchObject({ outcome: 'success', login_hash: [...hashes][0] })
    expect(hashes.size).toBe(1)
    expect(eventsOf('session').findLast(({ outcome }) => outcome === 'new')).toMatchObject({ risk: ['after_failures'] })
    // Whoever spends the account's guesses does not keep its owner from signing in anew and changing the password.
    const fresh = (await functions.call('login', { ip: '198.51.100.99', body: { email, password: PASSWORD } })).json
    expect((await functions.call('password', { token: fresh.token, body: CHANGE })).status).toBe(200)
  })
})

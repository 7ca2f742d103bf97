import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createHashPool } from '../passwords/hash-pool.ts'
import { createPasswords, type Passwords } from '../passwords/passwords.ts'
import { FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'

const HASH_WORKER = fileURLToPath(new URL('../../dist/hash-worker.cjs', import.meta.url))
/** More than any limit of attempts in a quarter of an hour. */
const TIMES = 15

let functions: Functions
let idle: Passwords
let full: Passwords
beforeAll(async () => {
  functions = await startFunctions()
  idle = functions.deps.auth.passwords
  // A pool that is closed takes no more work, as one whose queue is full.
  const pool = createHashPool(HASH_WORKER, { size: 1, queueLimit: 1 })
  await pool.close()
  full = createPasswords(pool, functions.config.PASSWORD_PEPPER, 4)
})
afterAll(() => functions.close())
beforeEach(() => {
  functions.replace({ passwords: idle })
  functions.lines.length = 0
})

const anyone = () => `${randomUUID()}@example.com`
const anywhere = () => `2001:db8:${randomUUID().slice(0, 4)}:${randomUUID().slice(0, 4)}::1`
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const block = (ip: string) =>
  functions.deps.stores.blocks.block(ip, { containmentId: randomUUID(), until: Date.now() + 60_000 })

describe('a full queue of passwords', () => {
  it('does not count against the person who signs in: no throttle, no verdict, and the next attempt succeeds', async () => {
    const { email } = await functions.signIn()
    functions.lines.length = 0
    const attempt = () => functions.call('login', { userAgent: FIREFOX, body: { email, password: PASSWORD } })
    functions.replace({ passwords: full })
    for (let n = 0; n < TIMES; n++) {
      const { status, headers, json } = await attempt()
      expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
    }
    const busy = eventsOf('login')
    expect(busy).toHaveLength(TIMES)
    for (const event of busy) {
      expect(event).toMatchObject({ outcome: 'fail', reason: 'busy' })
      expect(event).not.toHaveProperty('risk')
    }
    functions.replace({ passwords: idle })
    expect((await attempt()).status).toBe(200)
    expect(eventsOf('session').at(-1)).not.toHaveProperty('risk')
  })

  it('does not count against the person who registers', async () => {
    const [email, ip] = [anyone(), anywhere()]
    const register = () => functions.call('register', { ip, body: { email, password: PASSWORD } })
    functions.replace({ passwords: full })
    for (let n = 0; n < 2; n++) expect((await register()).status).toBe(503)
    expect(eventsOf('register')).toMatchObject(Array(2).fill({ outcome: 'fail', reason: 'busy' }))
    functions.replace({ passwords: idle })
    expect((await register()).status).toBe(202)
  })

  it.each([
    ['reauth', 'reauthenticated', { password: PASSWORD }],
    ['password', 'password_changed', { current_password: PASSWORD, new_password: 'another password, long enough' }],
  ])('does not count as a guess in a session: %s', async (name, action, body) => {
    const { token } = await functions.signIn()
    functions.lines.length = 0
    functions.replace({ passwords: full })
    for (let n = 0; n < TIMES; n++) expect((await functions.call(name, { token, body })).status).toBe(503)
    expect(eventsOf('credential')).toMatchObject(Array(TIMES).fill({ outcome: 'fail', action, reason: 'busy' }))
    functions.replace({ passwords: idle })
    expect((await functions.call(name, { token, body })).status).toBe(200)
  })

  it('that fills up between the old password and the new one changes nothing, and is logged', async () => {
    const { email, token } = await functions.signIn()
    functions.lines.length = 0
    functions.replace({ passwords: { ...idle, hash: full.hash } })
    const body = { current_password: PASSWORD, new_password: 'another password, long enough' }
    expect((await functions.call('password', { token, body })).status).toBe(503)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'fail', action: 'password_changed', reason: 'busy' }])
    functions.replace({ passwords: idle })
    expect((await functions.call('login', { body: { email, password: PASSWORD } })).status).toBe(200)
  })

  it('does not stop a sign-in whose password hash is due for an upgrade', async () => {
    const { email } = await functions.signIn()
    const pool = createHashPool(HASH_WORKER, { size: 1, queueLimit: 8 })
    const outdated = createPasswords(pool, functions.config.PASSWORD_PEPPER, 5)
    functions.replace({ passwords: { ...outdated, hash: full.hash } })
    expect((await functions.call('login', { body: { email, password: PASSWORD } })).status).toBe(200)
    await pool.close()
  })
})

it('a store that fails after the right password does not count against the person, and the attempt is still logged', async () => {
  const { email } = await functions.signIn()
  functions.lines.length = 0
  const { ledger } = functions.deps.stores
  const open = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
  functions.replace({ ledger: { ...ledger, open } })
  const attempt = () => functions.call('login', { body: { email, password: PASSWORD, remember_device: true } })
  expect((await attempt()).status).toBe(503)
  functions.replace({ ledger })
  expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason: 'busy' }])
  expect(eventsOf('session')).toEqual([])
  expect((await attempt()).status).toBe(200)
})

describe('an attempt from a blocked network', () => {
  it.each(['login', 'register'])('is blocked, also when it cannot be read: %s', async (name) => {
    const ip = '203.0.113.240'
    const send = (raw: string) => functions.call(name, { ip, raw })
    const free = await send('{"email":7}')
    await block(ip)
    const blocked = await send('{"email":7}')
    expect({ ...blocked.json, instance: '' }).toEqual({ ...free.json, instance: '' })
    await send('not JSON')
    const reasons = eventsOf(name).map((event) => 'reason' in event && event.reason)
    expect(reasons).toEqual(['malformed', 'blocked', 'blocked'])
    await functions.deps.stores.blocks.block(ip, { containmentId: 'over', until: 0 })
  })

  it('is blocked also when the queue is full', async () => {
    const ip = '203.0.113.241'
    await block(ip)
    functions.replace({ passwords: full })
    for (const name of ['login', 'register']) {
      expect((await functions.call(name, { ip, body: { email: anyone(), password: PASSWORD } })).status).toBe(503)
      expect(eventsOf(name)).toMatchObject([{ outcome: 'fail', reason: 'blocked' }])
    }
  })

  it.each([
    ['no address', 'not an address', PASSWORD, 400],
    ['a weak password', anyone(), 'short', 422],
  ])('is blocked, and answered as ever, when it registers with %s', async (_, email, password, status) => {
    const ip = '203.0.113.242'
    await block(ip)
    expect((await functions.call('register', { ip, body: { email, password } })).status).toBe(status)
    expect(eventsOf('register')).toMatchObject([{ outcome: 'fail', reason: 'blocked' }])
  })

  it('opens no account when the block comes while the password is hashed', async () => {
    const [ip, email] = ['203.0.113.243', anyone()]
    const hash: Passwords['hash'] = async (password) => {
      await block(ip)
      return idle.hash(password)
    }
    functions.replace({ passwords: { ...idle, hash } })
    const { status } = await functions.call('register', { ip, body: { email, password: PASSWORD } })
    expect(status).toBe(202)
    expect(eventsOf('register')).toMatchObject([{ outcome: 'fail', reason: 'blocked' }])
    expect(await functions.deps.stores.users.findByEmail(email)).toBeUndefined()
  })

  it('is malformed while the block list cannot be read: an attempt is always one event', async () => {
    const blockedBy = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
    const { blocks } = functions.deps.stores
    functions.replace({ blocks: { ...blocks, blockedBy } })
    expect((await functions.call('login', { raw: 'not JSON' })).status).toBe(400)
    functions.replace({ blocks })
    expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason: 'malformed' }])
  })
})

import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterAll, afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { networkOf, normalizeAddress } from '../../shared/client/address.ts'
import { observeClient } from '../../shared/client/client.ts'
import { connectRedis } from '../../shared/stores/connect.ts'
import { hashedKey } from '../../shared/stores/redis/key.ts'
import { type Asked, FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { LIMITS } from './limits.ts'
import { readLogin } from './submitted.ts'

const CANARY = 'nobody.at.all@example.com'
const WRONG = 'not the right password'
const HOUR_MS = 3_600_000

let functions: Functions
let clock: number
beforeEach(async () => {
  clock = Date.now()
  functions = await startFunctions({ env: { CANARY_ADDRESSES: CANARY }, parts: { now: () => clock } })
})
afterEach(() => functions.close())
const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)

const anyone = () => `${randomUUID()}@example.com`
/** An address of its own for everybody: throttles and failures outlive a test. */
const anywhere = () => {
  const [a, b] = randomUUID().split('-').slice(1)
  return normalizeAddress(`2001:db8:${a}:${b}::1`) ?? ''
}
const attempt = (email: string, password: string, asked: Asked = {}) =>
  functions.call('login', { ip: anywhere(), userAgent: FIREFOX, ...asked, body: { email, password } })
const observed = () => observeClient({ ip: anywhere(), userAgent: FIREFOX, hints: {}, via: 'api' }, functions.deps.auth)
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const risksOf = (evt: string) => eventsOf(evt).map((event) => ('risk' in event ? event.risk : undefined))
const lastOf = (evt: string) => eventsOf(evt).at(-1)

/** Somebody who signs in with Chrome, by a password of their own. */
async function person() {
  const [email, password] = [anyone(), `${randomUUID()} of mine`]
  await functions.register({ email, password })
  const { json } = await functions.call('login', { ip: anywhere(), body: { email, password } })
  functions.lines.length = 0
  return { email, password, token: json.token }
}

async function enrolled() {
  const { email, password, token: first } = await person()
  const { token } = await functions.stepUp(first, { password })
  const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token })).json
  const codeNow = () => generate({ secret, epoch: clock / 1000 })
  await functions.call('mfaConfirm', { token, body: { code: await codeNow() } })
  clock += 30_000
  functions.lines.length = 0
  return { email, password, codeNow }
}

describe('a password that is tried at one login after another', () => {
  const spray = async (count: number, password: string) => {
    for (let n = 0; n < count; n++) await attempt(anyone(), password)
  }

  it('is a spray from the fifth login on, not from the fourth, also where there are accounts', async () => {
    const password = randomUUID()
    const { email } = await person()
    await spray(3, password)
    await attempt(email, password)
    expect(risksOf('login')).toEqual(Array(4).fill(undefined))
    await spray(1, password)
    await attempt(email, password)
    expect(risksOf('login').slice(4)).toEqual([['spray'], ['spray']])
  })

  it('is not a spray at one login, however often it is tried there', async () => {
    const [email, password] = [anyone(), randomUUID()]
    for (let n = 0; n < LIMITS.accountFailures.limit; n++) await attempt(email, password)
    expect(new Set(risksOf('login'))).toEqual(new Set([undefined]))
  })

  it('is another password in another spelling, and the same from another keyboard', async () => {
    const password = `${randomUUID()} é`
    await spray(4, password)
    await attempt(anyone(), password.toUpperCase())
    expect(lastOf('login')).not.toHaveProperty('risk')
    await attempt(anyone(), password.normalize('NFD'))
    expect(lastOf('login')).toMatchObject({ risk: ['spray'] })
  })

  it('is forgotten an hour later', async () => {
    const password = randomUUID()
    await spray(5, password)
    clock += HOUR_MS
    await attempt(anyone(), password)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })

  it('is reported in the login and in the session if it opens an account', async () => {
    const { email, password } = await person()
    await spray(5, password)
    expect((await attempt(email, password)).status).toBe(200)
    expect(lastOf('login')).toMatchObject({ outcome: 'success', risk: ['new_device', 'spray'] })
    expect(lastOf('session')).toMatchObject({ outcome: 'new', risk: ['spray'] })
  })

  it('is not a spray when five people sign in with it: a right password leaves no entry', async () => {
    const people = Array.from({ length: 6 }, anyone)
    for (const email of people) {
      await functions.register({ email, password: PASSWORD })
      await attempt(email, PASSWORD)
    }
    expect(new Set(risksOf('login'))).toEqual(new Set([undefined]))
    await attempt(anyone(), PASSWORD)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })

  it.each(['throttled', 'blocked'])('is a spray also for a client that is %s', async (reason) => {
    const [password, ip, email] = [randomUUID(), anywhere(), anyone()]
    await spray(5, password)
    if (reason === 'blocked') {
      const network = networkOf(ip)
      await functions.deps.stores.blocks.block(network, { containmentId: 'c', until: clock + 60_000 })
    } else {
      for (let n = 0; n < LIMITS.accountFailures.limit; n++) await attempt(email, WRONG)
    }
    await attempt(email, password, { ip })
    expect(lastOf('login')).toMatchObject({ outcome: 'fail', reason, risk: ['spray'] })
  })

  it.each(['throttled', 'blocked'])(
    'leaves no key behind when it is %s, and counts where there is one',
    async (reason) => {
      const [ip, email] = [anywhere(), anyone()]
      const network = networkOf(ip)
      if (reason === 'blocked') {
        await functions.deps.stores.blocks.block(network, { containmentId: 'c', until: clock + 60_000 })
      } else {
        for (let n = 0; n < LIMITS.accountFailures.limit; n++) await attempt(email, WRONG)
      }
      const password = randomUUID()
      await attempt(email, password, { ip })
      expect(lastOf('login')).toMatchObject({ reason })
      const { loginHash } = readLogin(email, observed(), functions.deps.auth)
      const fingerprint = functions.deps.auth.passwords.fingerprint(password)
      expect(await redis.exists(hashedKey('{attempts}:password', fingerprint))).toBe(0)
      expect(await redis.exists(hashedKey('{attempts}:from', `${loginHash} network ${network}`))).toBe(0)

      const elsewhere = anyone()
      await attempt(elsewhere, password, { ip: '2001:db8:a:b::1' })
      const other = `${readLogin(elsewhere, observed(), functions.deps.auth).loginHash} network 2001:db8:a:b::/64`
      expect(await redis.exists(hashedKey('{attempts}:password', fingerprint))).toBe(1)
      expect(await redis.exists(hashedKey('{attempts}:from', other))).toBe(1)

      await spray(3, password)
      await attempt(email, password, { ip })
      expect(lastOf('login')).toMatchObject({ reason, risk: ['spray'] })
    },
  )
})

describe('a right password after wrong ones', () => {
  const fail = async (times: number, email: string, asked: Asked) => {
    for (let n = 0; n < times; n++) await attempt(email, WRONG, asked)
  }

  it.each([
    [4, undefined],
    [5, ['after_failures']],
  ])(
    'of which there were %i has the risks %j, in its session and beside new_device in its login',
    async (times, risk) => {
      const { email, password } = await person()
      const ip = anywhere()
      await fail(times, email, { ip })
      const { status, json } = await attempt(email, password, { ip })
      expect(status).toBe(200)
      expect(lastOf('session')).toMatchObject({ outcome: 'new', sid: json.sid })
      expect(risksOf('session').at(-1)).toEqual(risk)
      expect(risksOf('login').at(-1)).toEqual(['new_device', ...(risk ?? [])])
    },
  )

  it.each([
    [
      'another address of its /64',
      { ip: '2001:db8:5:1::9' },
      { ip: '2001:db8:5:1:ffff::1', userAgent: 'curl/8' },
      true,
    ],
    ['the same kind of device elsewhere', { ip: '2001:db8:5:2::9' }, { ip: '2001:db8:5:3::9' }, false],
  ])('from %s: %j then %j', async (_, from, then, counts) => {
    const { email, password } = await person()
    await fail(5, email, from)
    await attempt(email, password, then)
    expect(risksOf('session').at(-1)).toEqual(counts ? ['after_failures'] : undefined)
  })

  it.each([
    ['the very browser, by its hints', '1920x1080 Europe/Zurich', true],
    ['a browser of the same kind, with other hints', '390x844 America/Lima', false],
  ])('from %s elsewhere', async (_, hints, counts) => {
    const { email, password } = await person()
    for (let n = 0; n < 5; n++) {
      const from = { ip: anywhere(), hints: '1920x1080 Europe/Zurich' }
      await functions.callFromWeb('login', { email, password: WRONG }, from)
    }
    await functions.callFromWeb('login', { email, password }, { ip: anywhere(), hints })
    expect(lastOf('session')).toMatchObject({ outcome: 'new' })
    expect(risksOf('session').at(-1)).toEqual(counts ? ['after_failures'] : undefined)
  })

  it('has no verdict when they were tried at another login', async () => {
    const { email, password } = await person()
    const ip = anywhere()
    await fail(5, anyone(), { ip })
    await attempt(email, password, { ip })
    expect(lastOf('session')).not.toHaveProperty('risk')
  })

  it('has no verdict an hour later', async () => {
    const { email, password } = await person()
    const ip = anywhere()
    await fail(5, email, { ip })
    clock += HOUR_MS
    await attempt(email, password, { ip })
    expect(lastOf('session')).not.toHaveProperty('risk')
  })

  it('has no verdict for an owner who mistypes on a device with a token', async () => {
    const { email, password } = await person()
    const ip = anywhere()
    const remember = { email, password, remember_device: true }
    const { device_token } = (await functions.call('login', { ip: anywhere(), body: remember })).json
    for (let n = 0; n < 9; n++) await functions.call('login', { ip, body: { email, password: WRONG, device_token } })
    expect((await functions.call('login', { ip, body: { email, password, device_token } })).status).toBe(200)
    expect(lastOf('login')).toMatchObject({ outcome: 'success', device_known: true })
    for (const evt of ['login', 'session']) expect(lastOf(evt)).not.toHaveProperty('risk')
    // Nor of the phone they turn to in the end, at the same place.
    expect((await attempt(email, password, { ip })).status).toBe(200)
    expect(lastOf('session')).not.toHaveProperty('risk')
  })

  it('has no verdict for an owner at home while an attacker guesses elsewhere', async () => {
    const { email, password } = await person()
    await fail(9, email, { userAgent: 'curl/8' })
    await functions.call('login', { ip: anywhere(), body: { email, password } })
    for (const evt of ['login', 'session']) expect(lastOf(evt)).not.toHaveProperty('risk')
  })

  it('is in the challenge, and in the session that the code opens', async () => {
    const { email, password, codeNow } = await enrolled()
    const ip = anywhere()
    await fail(5, email, { ip })
    const { mfa_token }: { mfa_token: string } = (await attempt(email, password, { ip })).json
    expect(lastOf('login')).toMatchObject({ outcome: 'challenge', risk: ['after_failures'] })
    const body = { mfa_token, code: await codeNow() }
    const { json } = await functions.call('mfaVerify', { ip: anywhere(), userAgent: FIREFOX, body })
    expect(lastOf('session')).toMatchObject({ outcome: 'new', sid: json.sid, risk: ['after_failures'] })
  })

  it.each([
    ['reauth', (password: string) => ({ password })],
    ['password', (password: string) => ({ current_password: password, new_password: 'another password, long enough' })],
  ])('stays with the thief through %s: each of their sessions has it', async (name, body) => {
    const { email, password } = await person()
    const ip = anywhere()
    await fail(5, email, { ip })
    const { sid, token }: { sid: string; token: string } = (await attempt(email, password, { ip })).json
    const again = await functions.call(name, { ip, userAgent: FIREFOX, token, body: body(password) })
    expect(again.status).toBe(200)
    expect(eventsOf('session').filter(({ outcome }) => outcome === 'new')).toMatchObject([
      { sid, risk: ['after_failures'] },
      { sid: again.json.sid, risk: ['after_failures'] },
    ])
  })
})

it('eleven bad passwords sign nobody out, and change no verdict on the sessions of the owner', async () => {
  const { email, token } = await person()
  const ip = anywhere()
  for (let n = 0; n < 11; n++) await attempt(email, WRONG, { ip })
  expect((await functions.call('session', { token })).status).toBe(200)
  for (const event of functions.events()) {
    expect(event.evt === 'session' && event.outcome !== 'seen').toBe(false)
    expect(event).not.toHaveProperty('risk')
  }
})

describe('a canary', () => {
  it('is answered as any other login that is refused, byte for byte', async () => {
    const answerOf = async (email: string) => {
      const { status, headers, json } = await attempt(email, WRONG)
      const { instance, ...rest } = json
      expect(instance).toEqual(expect.any(String))
      return { status, headers: [...headers], body: JSON.stringify(rest) }
    }
    const { email } = await person()
    const canary = await answerOf(CANARY)
    expect(canary).toEqual(await answerOf(anyone()))
    expect(canary).toEqual(await answerOf(email))
  })

  it('differs from other logins in the log only, however it is typed', async () => {
    for (const typed of [CANARY, ` ${CANARY.toUpperCase()} `]) {
      await attempt(typed, WRONG)
      expect(lastOf('login')).toMatchObject({
        outcome: 'fail',
        reason: 'unknown_user',
        email: CANARY,
        risk: ['canary'],
      })
    }
    await attempt(`x${CANARY}`, WRONG)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })

  it('is reported when it is registered and confirmed, and at a sign-in with it', async () => {
    const free = anyone()
    const own = await startFunctions({ env: { ...functions.env, CANARY_ADDRESSES: `${CANARY}, ${free}` } })
    const body = { email: free, password: PASSWORD }
    await own.register(body)
    await own.call('register', { ip: anywhere(), body })
    await own.call('register', { ip: anywhere(), body: { ...body, password: 'short' } })
    expect((await own.call('login', { ip: anywhere(), body })).status).toBe(200)
    await own.close()
    const told = own.events().map((event) => [event.evt, event.outcome, 'risk' in event ? event.risk : undefined])
    expect(told).toEqual([
      ['register', 'pending', ['canary']],
      ['register', 'success', ['canary']],
      ['register', 'fail', ['canary']],
      ['register', 'fail', ['canary']],
      ['session', 'new', ['canary']],
      ['login', 'success', ['canary']],
    ])
  })

  it('is reported for a throttled attempt too', async () => {
    for (let n = 0; n < LIMITS.accountFailures.limit; n++) await attempt(CANARY, WRONG)
    await attempt(CANARY, WRONG)
    expect(lastOf('login')).toMatchObject({ reason: 'throttled', risk: ['canary'] })
  })
})

it('an attempt that cannot be counted is refused', async () => {
  const { email, password } = await person()
  const note = () => Promise.reject(Object.assign(new Error('canary'), { code: 'ECONNREFUSED' }))
  functions.replace({ attempts: { note } })
  for (const typed of [password, WRONG]) {
    const { status, json } = await attempt(email, typed)
    expect(status).toBeGreaterThanOrEqual(500)
    expect(json).not.toHaveProperty('token')
  }
  expect(eventsOf('session')).toEqual([])
})

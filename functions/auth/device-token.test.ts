import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deviceTokenKeys, newDeviceId, writeDeviceToken } from '../../shared/auth/device-token.ts'
import { networkOf, normalizeAddress } from '../../shared/client/address.ts'
import { Secret } from '../../shared/secret.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { type Answer, type Asked, CHROME, FIREFOX, type Functions, startFunctions } from '../testing/functions.ts'
import { holdStep } from '../testing/hold.ts'
import { LIMITS } from './limits.ts'
import { NEW_DEVICE_MS } from './new-device.ts'

/** No other test fails with it: a password that is sprayed makes the sign-in odd. */
const PASSWORD = `${randomUUID()} of these tests`
const WRONG = `${randomUUID()} is wrong`
const MINUTE_MS = 60_000

let functions: Functions
let clock: number
beforeEach(async () => {
  clock = Date.now()
  // Without a map, so that no sign-in from anywhere is a journey.
  functions = await startFunctions({ parts: { now: () => clock, locate: () => undefined } })
})
afterEach(() => functions.close())

const anyone = () => `${randomUUID()}@example.com`
const anywhere = () => {
  const [a, b] = randomUUID().split('-').slice(1)
  return normalizeAddress(`2001:db8:${a}:${b}::1`) ?? ''
}
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const lastOf = (evt: string) => eventsOf(evt).at(-1)
const login = (body: Record<string, unknown>, asked: Asked = {}) =>
  functions.call('login', { ip: anywhere(), ...asked, body })
const block = (ip: string) =>
  functions.deps.stores.blocks.block(networkOf(ip), { containmentId: randomUUID(), until: clock + 15 * MINUTE_MS })

async function register(email = anyone()): Promise<string> {
  await functions.register({ email, password: PASSWORD })
  return email
}
/** A sign-in that asks for a token. */
async function remembered(email: string, asked: Asked = {}) {
  const { status, json } = await login({ email, password: PASSWORD, remember_device: true }, asked)
  expect(status).toBe(200)
  const answered: { sid: string; token: string; device_token: string } = json
  return answered
}
/** All that a client can tell one answer from another by. */
const telling = ({ status, headers, json }: Answer) =>
  JSON.stringify({ status, headers: [...headers], json: { ...json, instance: '' } })
/** Whether a token is one: only that lets an attempt from a blocked network through. */
async function isToken(email: string, device_token: string): Promise<boolean> {
  const ip = anywhere()
  await block(ip)
  return (await login({ email, password: PASSWORD, device_token }, { ip })).status === 200
}

describe('a stranger', () => {
  const LOOKS: readonly Asked[] = [
    { userAgent: CHROME, headers: { 'sec-ch-ua-platform': '"Windows"', 'sec-ch-ua-mobile': '?0' } },
    { userAgent: CHROME },
    { userAgent: FIREFOX },
    { userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1' },
  ]

  it('learns from no number of attempts which devices or accounts exist', async () => {
    const [none, one, three] = [await register(), await register(), await register()]
    await remembered(one, LOOKS[2])
    for (const look of LOOKS.slice(1)) await remembered(three, look)
    const storyOf = async (email: string) => {
      const answers: string[] = []
      const attempt = async (look: Asked | undefined, body = {}) => {
        answers.push(telling(await login({ email, password: WRONG, ...body }, look)))
      }
      for (let tries = 0; tries < LIMITS.accountFailures.limit; tries++) await attempt({ userAgent: 'strange/1' })
      for (const look of LOOKS) for (let tries = 0; tries < 3; tries++) await attempt(look)
      await attempt(LOOKS[2], { device_token: 'garbage', remember_device: true })
      return answers
    }
    const [first, ...others] = await Promise.all([none, one, three, anyone(), 'no address'].map(storyOf))
    expect(new Set(first).size).toBe(1)
    for (const story of others) expect(story).toEqual(first)
  })

  it('is answered alike, for the same work, whatever the reason', async () => {
    const [email, throttled, ip] = [await register(), await register(), anywhere()]
    for (let n = 0; n < LIMITS.accountFailures.limit; n++) await login({ email: throttled, password: WRONG })
    await block(ip)
    functions.lines.length = 0
    let checks = 0
    const { passwords } = functions.deps.auth
    const check: Passwords['check'] = (...typed) => {
      checks++
      return passwords.check(...typed)
    }
    functions.replace({ passwords: { ...passwords, check } })
    const answers = [
      await login({ email, password: WRONG }),
      await login({ email: anyone(), password: WRONG }),
      await login({ email: throttled, password: WRONG }),
      await login({ email: throttled, password: PASSWORD }),
      await login({ email, password: WRONG }, { ip }),
      await login({ email, password: PASSWORD }, { ip }),
    ]
    expect(checks).toBe(answers.length)
    expect(new Set(answers.map(telling)).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, json: { code: 'login-refused' } })
    const reasons = ['wrong_password', 'unknown_user', 'throttled', 'throttled', 'blocked', 'blocked']
    expect(eventsOf('login').map((event) => 'reason' in event && event.reason)).toEqual(reasons)
  })

  it('with the right password may sign in thirty times in a quarter of an hour, and is then refused as with a wrong one', async () => {
    const email = await register()
    const { device_token } = await remembered(email)
    for (let n = 1; n < LIMITS.rightSignIns.limit; n++) {
      expect((await login({ email, password: PASSWORD })).status).toBe(200)
    }
    const refused = await login({ email, password: PASSWORD })
    expect(lastOf('login')).toMatchObject({ outcome: 'fail', reason: 'throttled' })
    expect(telling(refused)).toBe(telling(await login({ email, password: WRONG })))
    expect((await login({ email, password: PASSWORD, device_token })).status).toBe(200)
  })
})

describe('a device with a token', () => {
  it('gets one only if it asks', async () => {
    const email = await register()
    for (const body of [{}, { remember_device: false }]) {
      expect((await login({ email, password: PASSWORD, ...body })).json).not.toHaveProperty('device_token')
    }
    expect((await remembered(email)).device_token).toMatch(/^d1\.[0-9a-f]{32}\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$/)
  })

  it('may sign in while strangers are throttled and its network is blocked; a device of the same kind may not', async () => {
    const [email, ip] = [await register(), anywhere()]
    const { device_token } = await remembered(email)
    for (let n = 0; n < LIMITS.accountFailures.limit; n++) await login({ email, password: WRONG })
    await block(ip)
    expect((await login({ email, password: PASSWORD })).status).toBe(401)
    expect((await login({ email, password: PASSWORD }, { ip })).status).toBe(401)
    expect((await login({ email, password: PASSWORD, device_token }, { ip })).status).toBe(200)
  })

  it('may sign in from an address whose failures others have used up', async () => {
    const [email, ip] = [await register(), anywhere()]
    const { device_token } = await remembered(email)
    const spent = { key: `addressFailures:${networkOf(ip)}`, ...LIMITS.addressFailures }
    for (let n = 0; n < spent.limit; n++) await functions.deps.stores.throttle.reserve([spent])
    expect((await login({ email, password: PASSWORD }, { ip })).status).toBe(401)
    expect((await login({ email, password: PASSWORD, device_token }, { ip })).status).toBe(200)
  })

  it('learns how long to wait after ten failures of its own, which do not affect other devices', async () => {
    const email = await register()
    const [mine, other] = [await remembered(email), await remembered(email)]
    const attempt = (password: string, { device_token }: { device_token: string }) =>
      login({ email, password, device_token })
    for (let n = 0; n < LIMITS.trustedDeviceFailures.limit; n++) expect((await attempt(WRONG, mine)).status).toBe(401)
    const { status, headers, json } = await attempt(PASSWORD, mine)
    expect([status, json.code]).toEqual([429, 'throttled'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(800)
    expect((await attempt(PASSWORD, other)).status).toBe(200)
    expect((await login({ email, password: PASSWORD })).status).toBe(200)
  })

  it('keeps its limit when its token is replaced', async () => {
    const email = await register()
    const first = (await remembered(email)).device_token
    for (let n = 1; n < LIMITS.trustedDeviceFailures.limit; n++) {
      await login({ email, password: WRONG, device_token: first })
    }
    const next = (await login({ email, password: PASSWORD, device_token: first })).json.device_token
    expect((await login({ email, password: WRONG, device_token: next })).status).toBe(401)
    expect((await login({ email, password: WRONG, device_token: next })).status).toBe(429)
  })

  it('gets a successor at each sign-in; the old one is good for ten minutes, because answers get lost', async () => {
    const email = await register()
    const first = (await remembered(email)).device_token
    const { json } = await login({ email, password: PASSWORD, device_token: first })
    expect(json.device_token).not.toBe(first)
    clock += 10 * MINUTE_MS - 1
    const again = (await login({ email, password: PASSWORD, device_token: first })).json.device_token
    expect(new Set([first, json.device_token, again]).size).toBe(3)
    clock += 1
    expect(await isToken(email, first)).toBe(false)
    for (const token of [json.device_token, again]) expect(await isToken(email, token)).toBe(true)
  })

  it('is forgotten when it has not signed in for half a year', async () => {
    const email = await register()
    const { device_token } = await remembered(email)
    clock += 180 * 24 * 60 * MINUTE_MS
    expect(await isToken(email, device_token)).toBe(false)
  })

  it.each([
    ['forged', (userId: string) => writeDeviceToken({ userId, id: newDeviceId() }, otherKeys)],
    ['signed, but never issued', (userId: string) => writeDeviceToken({ userId, id: newDeviceId() }, ownKeys())],
    ['of another account', async () => (await remembered(await register())).device_token],
    ['garbage', () => '~~d1..~'],
  ])('is not identified by a token that is %s', async (_, forge) => {
    const email = await register()
    await remembered(email)
    const user = await functions.deps.stores.users.findByEmail(email)
    expect(await isToken(email, await forge(user?.id ?? ''))).toBe(false)
  })
  const otherKeys = deviceTokenKeys([new Secret('a key that is not ours, long enough')])
  const ownKeys = () => functions.deps.auth.deviceTokenKeys

  it('loses it when the password is changed elsewhere, keeps it when it changes that itself, and when it signs out', async () => {
    const email = await register()
    const [mine, other] = [await remembered(email), await remembered(email)]
    await functions.call('logout', { token: other.token })
    expect(await isToken(email, other.device_token)).toBe(true)
    const { device_token, token } = mine
    const body = { current_password: PASSWORD, new_password: 'another password, long enough', device_token }
    expect((await functions.call('password', { token, body })).status).toBe(200)
    const ip = anywhere()
    await block(ip)
    const signIn = (held: string) => login({ email, password: body.new_password, device_token: held }, { ip })
    expect((await signIn(other.device_token)).status).toBe(401)
    expect((await signIn(device_token)).status).toBe(200)
  })

  it('is kept for the twenty devices of an account that are most in use', async () => {
    const email = await register()
    const mine = (await remembered(email)).device_token
    const current = (await login({ email, password: PASSWORD, device_token: mine })).json.device_token
    for (let n = 0; n < 25; n++) await remembered(email)
    expect(await isToken(email, current)).toBe(true)
    expect(await isToken(email, mine)).toBe(false)
  })

  it('gets no token from a sign-in with a verdict', async () => {
    const [email, ip] = [await register(), anywhere()]
    for (let n = 0; n < 5; n++) await login({ email, password: WRONG }, { ip })
    const { status, json } = await login({ email, password: PASSWORD, remember_device: true }, { ip })
    expect(status).toBe(200)
    expect(lastOf('session')).toMatchObject({ risk: ['after_failures'] })
    expect(json).not.toHaveProperty('device_token')
  })

  it('gets no token from an impossible journey, and keeps the one it has', async () => {
    const email = await register()
    const places = [
      { latitude: 38.7, longitude: -9.1 },
      { latitude: -33.9, longitude: 151.2 },
    ]
    let at = 0
    functions.replace({ locate: () => places[at] })
    const { device_token } = await remembered(email)
    for (let n = 0; n < 10; n++) await login({ email, password: PASSWORD })
    at = 1
    const stranger = await login({ email, password: PASSWORD, remember_device: true })
    expect(lastOf('session')).toMatchObject({ outcome: 'new', risk: ['travel'] })
    expect(stranger.json).not.toHaveProperty('device_token')
    const owner = await login({ email, password: PASSWORD, device_token })
    expect(lastOf('session')).toMatchObject({ outcome: 'new', risk: ['travel'] })
    expect(await isToken(email, owner.json.device_token)).toBe(true)
  })

  it('is spared at both steps where a code is asked for, and gets its token after the second', async () => {
    const email = await register()
    const { token: weak } = await remembered(email)
    const { token } = await functions.stepUp(weak, { password: PASSWORD })
    const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token })).json
    const codeNow = () => generate({ secret, epoch: clock / 1000 })
    await functions.call('mfaConfirm', { token, body: { code: await codeNow() } })
    const signIn = async (body: object, asked: Asked = {}) => {
      clock += 30_000
      const { json } = await login({ email, password: PASSWORD, ...body }, asked)
      expect(json).not.toHaveProperty('device_token')
      const { mfa_token } = json
      return functions.call('mfaVerify', {
        ip: anywhere(),
        ...asked,
        body: { mfa_token, code: await codeNow(), ...body },
      })
    }
    expect((await signIn({})).json).not.toHaveProperty('device_token')
    const { device_token } = (await signIn({ remember_device: true })).json
    const ip = anywhere()
    await block(ip)
    const spared = await signIn({ device_token }, { ip })
    expect(spared.status).toBe(200)
    expect(spared.json.device_token).not.toBe(device_token)
    expect(lastOf('login')).toMatchObject({ outcome: 'challenge', device_known: true })
  })
})

describe('guesses at codes by a person who knows the password', () => {
  it('lock out strangers for a while, but no device with a token', async () => {
    const email = await register()
    const { token: weak, device_token } = await remembered(email)
    const { token } = await functions.stepUp(weak, { password: PASSWORD })
    const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token })).json
    const codeNow = () => generate({ secret, epoch: clock / 1000 })
    expect((await functions.call('mfaConfirm', { token, body: { code: await codeNow() } })).status).toBe(204)
    clock += 30_000
    const enter = async (code: string, body: object = {}) => {
      const { mfa_token } = (await login({ email, password: PASSWORD, ...body })).json
      return functions.call('mfaVerify', { ip: anywhere(), body: { mfa_token, code, ...body } })
    }
    for (let n = 0; n < LIMITS.mfaFailures.limit; n++) expect((await enter('000000')).status).toBe(401)
    expect((await enter(await codeNow())).status).toBe(401)
    expect(lastOf('mfa')).toMatchObject({ outcome: 'fail', reason: 'too_many' })
    expect((await enter(await codeNow(), { device_token })).status).toBe(200)
  })
})

describe('an account that has issued a token', () => {
  const signIn = async (body: Record<string, unknown>, asked: Asked = {}) => {
    const { json } = await login(body, { userAgent: CHROME, ...asked })
    const answered: { sid: string; token: string; device_token: string } = json
    return answered
  }
  const change = (token: string, from: string, to: string) =>
    functions.call('password', { token, body: { current_password: from, new_password: to } })
  const NEXT = 'another password, long enough'

  async function settled() {
    const email = await register()
    const { device_token } = await remembered(email, { userAgent: CHROME })
    clock += 24 * 60 * MINUTE_MS
    functions.lines.length = 0
    return { email, password: PASSWORD, device_token }
  }

  it('knows a device by its token alone: the owner’s kind of device without one is new', async () => {
    const { email, password, device_token } = await settled()
    await signIn({ email, password, device_token })
    expect(lastOf('login')).toMatchObject({ outcome: 'success', device_known: true })
    expect(lastOf('login')).not.toHaveProperty('risk')
    for (let times = 0; times < 2; times++) {
      await signIn({ email, password })
      expect(lastOf('login')).toMatchObject({ outcome: 'success', device_known: false, risk: ['new_device'] })
    }
  })

  it.each([
    ['issue', 'before'],
    ['issue', 'after'],
    ['withdraw', 'before'],
    ['withdraw', 'after'],
  ] as const)('has issued it whatever a sign-in with a verdict does meanwhile: %s, %s', async (method, when) => {
    const [email, ip] = [await register(), anywhere()]
    const asking = { email, password: PASSWORD, remember_device: true }
    await signIn({ email, password: PASSWORD })
    for (let n = 0; n < 5; n++) await login({ email, password: WRONG }, { ip })
    holdStep(functions, ['deviceTokens', method], when, () => signIn(asking))
    expect(await signIn(asking, { ip })).not.toHaveProperty('device_token')
    await signIn({ email, password: PASSWORD })
    expect(lastOf('login')).toMatchObject({ outcome: 'success', device_known: false, risk: ['new_device'] })
  })

  it.each([
    ['passwords', 'check'],
    ['attempts', 'note'],
  ] as const)(
    'does not know a kind of device that was about to sign in when it issued its first: %s.%s',
    async (...step) => {
      const email = await register()
      await signIn({ email, password: PASSWORD })
      clock += NEW_DEVICE_MS
      holdStep(functions, step, 'after', () => remembered(email, { userAgent: CHROME }))
      await signIn({ email, password: PASSWORD })
      expect(lastOf('login')).toMatchObject({ outcome: 'success', device_known: false, risk: ['new_device'] })
    },
  )

  it.each(['confirm', 'retire'])('signs the device in without a token when the store fails at %s', async (method) => {
    const { email, password, device_token } = await settled()
    const known = method === 'retire' ? { email, device_token } : { email: await register() }
    holdStep(functions, ['deviceTokens', method], 'before', () => Promise.reject(new Error('The store hung up.')))
    const { status, json } = await login({ ...known, password, remember_device: true })
    expect(status).toBe(200)
    expect(json).not.toHaveProperty('device_token')
    expect(lastOf('login')).toMatchObject({ outcome: 'success', sid: json.sid })
    if (method === 'retire') expect(await isToken(email, device_token)).toBe(true)
  })

  it('reports a password change by a thief on the owner’s kind of device, also after re-authentication', async () => {
    const { email, password } = await settled()
    const { token } = await signIn({ email, password, remember_device: true })
    clock += NEW_DEVICE_MS - 1
    const again = await functions.call('reauth', { token, body: { password } })
    expect((await change(again.json.token, password, NEXT)).status).toBe(200)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'success', risk: ['new_device'] }])
  })

  it('calls a device new for a quarter of an hour after its first sign-in, however often it signs in', async () => {
    const { email, password } = await settled()
    const first = await signIn({ email, password, remember_device: true })
    clock += NEW_DEVICE_MS - 1
    const second = await signIn({ email, password, device_token: first.device_token })
    expect(lastOf('login')).not.toHaveProperty('risk')
    await change(second.token, WRONG, NEXT)
    clock += 1
    await change(second.token, password, NEXT)
    expect(eventsOf('credential').map((event) => ('risk' in event ? event.risk : undefined))).toEqual([
      ['new_device'],
      undefined,
    ])
  })

  it('never calls its first device new', async () => {
    const email = await register()
    const { token } = await remembered(email, { userAgent: CHROME })
    await change(token, PASSWORD, NEXT)
    expect(lastOf('credential')).not.toHaveProperty('risk')
  })
})

import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LEARNING } from '../../shared/geo/travel.ts'
import { LAB_VPN_RANGES } from '../../shared/lab.ts'
import { type Asked, FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'

const LISBON = '192.0.2.7'
const PORTO = '198.51.100.7'
const SYDNEY = '203.0.113.200'
const VPN = '203.0.113.230'
const HOUR_MS = 3_600_000

let functions: Functions
let clock: number
beforeEach(async () => {
  clock = Date.now()
  functions = await startFunctions({
    env: { TRAVEL_VPN_RANGES: LAB_VPN_RANGES.join(',') },
    parts: { now: () => clock },
  })
})
afterEach(() => functions.close())

const signIn = (email: string, ip: string, more: Asked = {}) =>
  functions.call('login', { ip, body: { email, password: PASSWORD }, ...more })
const lastOf = (evt: string) => functions.events().findLast((event) => event.evt === evt)

/** An account whose learning period is over, used last in Lisbon, a minute ago. */
async function settled(): Promise<string> {
  const { email } = await functions.signIn({ ip: LISBON })
  for (let n = 1; n < LEARNING.logins; n++) await signIn(email, LISBON)
  clock += 60_000
  return email
}

describe('a sign-in from the other side of the world, a minute later', () => {
  it('is accepted; its session and its login have the verdict travel beside others', async () => {
    const email = await settled()
    const { status, json } = await signIn(email, SYDNEY, { userAgent: FIREFOX })
    expect(status).toBe(200)
    expect(lastOf('session')).toMatchObject({ outcome: 'new', sid: json.sid, risk: ['travel'] })
    expect(lastOf('login')).toMatchObject({ outcome: 'success', sid: json.sid, risk: ['new_device', 'travel'] })
  })

  it('is travel again when it is tried again, and the owner at home has not travelled', async () => {
    const email = await settled()
    for (let n = 0; n < 2; n++) {
      await signIn(email, SYDNEY)
      expect(lastOf('login')).toMatchObject({ risk: ['travel'] })
    }
    await signIn(email, LISBON)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })

  it('is not travel if an airliner could have made it', async () => {
    const email = await settled()
    clock += 18 * HOUR_MS
    await signIn(email, SYDNEY)
    expect(lastOf('login')).toMatchObject({ risk: ['travel'] })
    clock += HOUR_MS
    await signIn(email, SYDNEY)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })

  it('that fails has no verdict and learns no place: the password was wrong', async () => {
    const email = await settled()
    await signIn(email, SYDNEY, { body: { email, password: 'not the right password' } })
    expect(lastOf('login')).toMatchObject({ outcome: 'fail' })
    await signIn(email, LISBON)
    expect(lastOf('login')).not.toHaveProperty('risk')
  })
})

describe('there is no verdict', () => {
  it.each([
    ['of a town nearby', PORTO],
    ['of a listed VPN range', VPN],
    ['of an address that is nowhere on the map', '127.0.0.1'],
  ])('%s, nor on the way home', async (_, ip) => {
    const email = await settled()
    for (const from of [ip, LISBON]) {
      await signIn(email, from)
      expect(lastOf('login')).toMatchObject({ outcome: 'success', ip: from })
      for (const evt of ['login', 'session']) expect(lastOf(evt)).not.toHaveProperty('risk')
    }
  })

  it('of that VPN range only because it is listed', async () => {
    await functions.close()
    functions = await startFunctions({ parts: { now: () => clock } })
    await signIn(await settled(), VPN)
    expect(lastOf('login')).toMatchObject({ ip: VPN, risk: ['travel'] })
  })

  it('during the learning period of an account', async () => {
    const { email } = await functions.signIn({ ip: LISBON })
    for (let n = 1; n < LEARNING.logins; n++) {
      await signIn(email, n % 2 ? SYDNEY : LISBON)
      expect(lastOf('login')).not.toHaveProperty('risk')
    }
    await signIn(email, LISBON)
    expect(lastOf('login')).toMatchObject({ risk: ['travel'] })
  })
})

describe('with a second factor', () => {
  it('the session that the code opens has the verdict; a password alone learns no place', async () => {
    const email = await settled()
    const token = (await signIn(email, LISBON)).json.token
    const { token: strong } = await functions.stepUp(token, { ip: LISBON })
    const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token: strong, ip: LISBON })).json
    const codeNow = () => generate({ secret, epoch: clock / 1000 })
    const confirmed = await functions.call('mfaConfirm', { token: strong, ip: LISBON, body: { code: await codeNow() } })
    expect(confirmed.status).toBe(204)

    clock += 60_000
    functions.lines.length = 0
    const { mfa_token }: { mfa_token: string } = (await signIn(email, SYDNEY)).json
    expect(lastOf('login')).toMatchObject({ outcome: 'challenge' })
    expect(lastOf('session')).toBeUndefined()
    const verified = await functions.call('mfaVerify', { ip: SYDNEY, body: { mfa_token, code: await codeNow() } })
    expect(verified.status).toBe(200)
    expect(lastOf('session')).toMatchObject({ outcome: 'new', sid: verified.json.sid, risk: ['travel'] })

    clock += 60_000
    const home: { mfa_token: string } = (await signIn(email, LISBON)).json
    await functions.call('mfaVerify', { ip: LISBON, body: { mfa_token: home.mfa_token, code: await codeNow() } })
    expect(lastOf('mfa')).toMatchObject({ outcome: 'success' })
    expect(lastOf('session')).toMatchObject({ outcome: 'new', ip: LISBON })
    expect(lastOf('session')).not.toHaveProperty('risk')
  })
})

describe('a thief who knows the password', () => {
  const opened = () => functions.events().filter((event) => event.evt === 'session' && event.outcome === 'new')

  it.each([
    ['giving it again', 'reauth', { password: PASSWORD }],
    ['changing it', 'password', { current_password: PASSWORD, new_password: 'another password, long enough' }],
  ])('gets the verdict in every session by %s', async (_, name, body) => {
    const email = await settled()
    functions.lines.length = 0
    const { sid, token }: { sid: string; token: string } = (await signIn(email, SYDNEY)).json
    const again = await functions.call(name, { ip: SYDNEY, token, body })
    expect(again.status).toBe(200)
    expect(again.json.sid).not.toBe(sid)
    expect(opened()).toMatchObject([
      { sid, risk: ['travel'] },
      { sid: again.json.sid, risk: ['travel'] },
    ])
  })
})

describe('a sign-in is accepted when travel cannot be judged', () => {
  const broken = () => Promise.reject(Object.assign(new Error(`canary ${randomUUID()}`), { code: 'ECONNREFUSED' }))
  it.each([
    ['the table does not answer', { places: { revise: broken } }, 'ECONNREFUSED'],
    [
      'the map is broken',
      {
        locate: () => {
          throw new RangeError('canary')
        },
      },
      'RangeError',
    ],
  ])('%s: a warning, and in', async (_, deps, error) => {
    functions.replace(deps)
    const { email } = await functions.signIn({ ip: LISBON })
    expect((await signIn(email, SYDNEY)).status).toBe(200)
    const warnings = functions.lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 'warn')
    expect(warnings.at(-1)).toMatchObject({ message: 'travel was not judged', error, request_id: expect.any(String) })
    expect(functions.lines.join('')).not.toContain('canary')
  })
})

import { generate } from 'otplib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Asked, CHROME, FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { LIMITS } from './limits.ts'
import { NEW_DEVICE_MS } from './new-device.ts'

let functions: Functions
let clock: number
beforeEach(async () => {
  clock = Date.now()
  functions = await startFunctions({ parts: { now: () => clock } })
})
afterEach(() => functions.close())

const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const risksOf = (evt: string) => eventsOf(evt).map((event) => ('risk' in event ? event.risk : undefined))
const NEXT = 'another password, long enough'

/** An account that was opened with Chrome a day ago. */
async function settled() {
  const { email, token } = await functions.signIn({ userAgent: CHROME })
  clock += 24 * 3_600_000
  return { email, token }
}
async function signIn(email: string, userAgent: string, password = PASSWORD) {
  const { json } = await functions.call('login', { userAgent, body: { email, password } })
  functions.lines.length = 0
  const answered: { sid: string; token: string; mfa_token: string } = json
  return answered
}
const changePassword = (token: string, asked: Asked = {}, current = PASSWORD, next = NEXT) =>
  functions.call('password', { token, ...asked, body: { current_password: current, new_password: next } })

async function enable(weak: string, asked: Asked) {
  const { sid, token } = await functions.stepUp(weak, asked)
  const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token, ...asked })).json
  const codeNow = () => generate({ secret, epoch: clock / 1000 })
  const confirmed = await functions.call('mfaConfirm', { token, ...asked, body: { code: await codeNow() } })
  expect(confirmed.status).toBe(204)
  clock += 30_000
  return { sid, token, codeNow }
}
/** Turns it off again, with a code. */
async function disable({ token, codeNow }: Awaited<ReturnType<typeof enable>>, asked: Asked) {
  const strong = await functions.stepUp(token, { ...asked, code: await codeNow() })
  expect((await functions.call('mfaDisable', { token: strong.token, ...asked })).status).toBe(204)
  return strong.sid
}

describe('a change of the password', () => {
  it.each([
    ['a moment', 0, ['new_device']],
    ['the last millisecond of a quarter of an hour', NEW_DEVICE_MS - 1, ['new_device']],
    ['a quarter of an hour', NEW_DEVICE_MS, undefined],
  ])('%s after the first sign-in of the device has the expected risk', async (_, laterMs, risk) => {
    const { email } = await settled()
    const { token } = await signIn(email, FIREFOX)
    clock += laterMs
    expect((await changePassword(token, { userAgent: FIREFOX })).status).toBe(200)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'success', action: 'password_changed' }])
    expect(risksOf('credential')).toEqual([risk])
  })

  it('is logged with the session that requested it: revoking that session ends its successors too', async () => {
    const { email } = await settled()
    const { sid, token } = await signIn(email, FIREFOX)
    const { json } = await changePassword(token, { userAgent: FIREFOX })
    expect(json.sid).not.toBe(sid)
    expect(eventsOf('credential')).toMatchObject([{ outcome: 'success', sid, risk: ['new_device'] }])
    let last = json.token
    const reauthenticate = () => functions.call('reauth', { token: last, userAgent: FIREFOX, body: { password: NEXT } })
    for (let n = 1; n < LIMITS.rightProofs.limit; n++) last = (await reauthenticate()).json.token
    expect(await reauthenticate()).toMatchObject({ status: 429, json: { code: 'throttled' } })
    expect((await functions.call('session', { token: last, userAgent: FIREFOX })).status).toBe(200)
    await functions.deps.stores.sessions.revoke(sid, { reason: 'contained', at: clock })
    expect((await functions.call('session', { token: last, userAgent: FIREFOX })).json).toMatchObject({
      code: 'session-revoked',
    })
  })

  it('that is contained before its answer yields no session', async () => {
    const { email } = await settled()
    const { sid, token } = await signIn(email, FIREFOX)
    const { adopt } = functions.deps.stores.sessions
    functions.deps.stores.sessions.adopt = async (...asked) => {
      await functions.deps.stores.sessions.revoke(sid, { reason: 'contained', at: clock })
      return adopt(...asked)
    }
    try {
      expect((await changePassword(token, { userAgent: FIREFOX })).status).toBe(401)
    } finally {
      functions.deps.stores.sessions.adopt = adopt
    }
    expect(eventsOf('session').filter(({ outcome }) => outcome === 'new')).toEqual([])
  })

  it('from the device that the account was opened with has no risk, however young the account is', async () => {
    const { token } = await functions.signIn({ userAgent: FIREFOX })
    await changePassword(token, { userAgent: FIREFOX })
    expect(risksOf('credential')).toEqual([undefined])
  })

  it('from a device that the account has known for a day has no risk', async () => {
    const { email } = await settled()
    await signIn(email, FIREFOX)
    clock += 24 * 3_600_000
    const { token } = await signIn(email, FIREFOX)
    await changePassword(token, { userAgent: FIREFOX })
    expect(risksOf('credential')).toEqual([undefined])
  })

  it('by a copied session on a device that never signed in counts as from a new device', async () => {
    const { email } = await settled()
    const { token } = await signIn(email, CHROME)
    await changePassword(token, { userAgent: FIREFOX })
    expect(risksOf('credential')).toEqual([['new_device']])
  })

  it('that fails has the risk as well', async () => {
    const { email } = await settled()
    const { token } = await signIn(email, FIREFOX)
    await changePassword(token, { userAgent: FIREFOX }, 'not the right password')
    await functions.call('reauth', { token, userAgent: FIREFOX, body: { password: 'not the right password' } })
    expect(eventsOf('credential')).toMatchObject([
      { outcome: 'fail', action: 'password_changed', risk: ['new_device'] },
      { outcome: 'fail', action: 'reauthenticated', risk: ['new_device'] },
    ])
  })

  it('is not older after a re-authentication or in a new session of the same device', async () => {
    const { email } = await settled()
    const { sid, token } = await signIn(email, FIREFOX)
    clock += NEW_DEVICE_MS - 1
    const again = await functions.call('reauth', { token, userAgent: FIREFOX, body: { password: PASSWORD } })
    expect(again.json.sid).not.toBe(sid)
    await changePassword(again.json.token, { userAgent: FIREFOX })
    const second = await signIn(email, FIREFOX, NEXT)
    await changePassword(second.token, { userAgent: FIREFOX }, NEXT, PASSWORD)
    expect(risksOf('credential')).toEqual([['new_device']])
  })

  it('is refused while the devices cannot be read', async () => {
    const { email, token } = await functions.signIn()
    const find = () => Promise.reject(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
    const { devices } = functions.deps.stores
    functions.replace({ devices: { ...devices, find } })
    expect((await changePassword(token)).status).toBeGreaterThanOrEqual(500)
    functions.replace({ devices })
    expect((await functions.call('login', { body: { email, password: PASSWORD } })).status).toBe(200)
  })
})

describe('a second factor', () => {
  it('that is turned on and off by a device of long standing has no risk', async () => {
    const { email } = await settled()
    const { token } = await signIn(email, CHROME)
    await disable(await enable(token, { userAgent: CHROME }), { userAgent: CHROME })
    expect(eventsOf('mfa').map(({ outcome }) => outcome)).toEqual(['enabled', 'success', 'disabled'])
    expect(risksOf('mfa')).toEqual([undefined, undefined, undefined])
  })

  it('that a new device enables or disables has the risk', async () => {
    const { email } = await settled()
    const { token } = await signIn(email, FIREFOX)
    const owner = await signIn(email, CHROME)
    const enabled = await enable(token, { userAgent: FIREFOX })
    // Whoever it was: the owner is not thrown out of an account that asks for somebody else's codes from now on.
    expect((await functions.call('session', { token: owner.token })).status).toBe(200)
    const strongSid = await disable(enabled, { userAgent: FIREFOX })
    expect(eventsOf('mfa')).toMatchObject([
      { outcome: 'enabled', sid: enabled.sid, risk: ['new_device'] },
      { outcome: 'success', sid: enabled.sid, risk: ['new_device'] },
      { outcome: 'disabled', sid: strongSid, risk: ['new_device'] },
    ])
  })

  it('that a new device turned on is removed by a session from before, with the password alone', async () => {
    const { email } = await settled()
    const owner = await signIn(email, CHROME)
    clock += 1
    const thief = await signIn(email, FIREFOX)
    clock += 1
    const enabled = await enable(thief.token, { userAgent: FIREFOX })
    clock += NEW_DEVICE_MS
    functions.lines.length = 0
    const next = { userAgent: FIREFOX, body: { current_password: PASSWORD, new_password: NEXT } }
    expect((await functions.call('password', { token: enabled.token, ...next })).status).toBe(403)
    const changed = await changePassword(owner.token, { userAgent: CHROME })
    expect(changed.status).toBe(200)
    expect(eventsOf('mfa')).toMatchObject([{ outcome: 'disabled', sid: owner.sid }])
    expect((await functions.call('session', { token: enabled.token })).status).toBe(401)
    expect((await functions.call('login', { userAgent: CHROME, body: { email, password: NEXT } })).json).toHaveProperty(
      'token',
    )
  })

  it('on a new device is marked for a quarter of an hour, and on the first device never', async () => {
    const { email, token } = await functions.signIn({ userAgent: CHROME })
    const { codeNow } = await enable(token, { userAgent: CHROME })
    const verify = async (userAgent: string) => {
      const { mfa_token } = await signIn(email, userAgent)
      const { status } = await functions.call('mfaVerify', { userAgent, body: { mfa_token, code: await codeNow() } })
      expect(status).toBe(200)
      clock += 30_000
      return risksOf('mfa').at(-1)
    }
    expect(await verify(CHROME)).toBeUndefined()
    expect(await verify(FIREFOX)).toEqual(['new_device'])
    expect(await verify(FIREFOX)).toEqual(['new_device'])
    clock += NEW_DEVICE_MS
    expect(await verify(FIREFOX)).toBeUndefined()
  })
})

import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { networkOf, normalizeAddress } from '../../shared/client/address.ts'
import { FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { holdStep, type Step } from '../testing/hold.ts'
import { LIMITS } from './limits.ts'

const LISBON = { latitude: 38.7, longitude: -9.1 }

let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock, locate: () => LISBON } })
})
afterEach(() => void functions.restore())
afterAll(() => functions.close())

const anywhere = () => {
  const [a, b] = randomUUID().split('-').slice(1)
  return normalizeAddress(`2001:db8:${a}:${b}::1`) ?? ''
}
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)

/** What may come while a sign-in is under way, and why it is refused then. */
const ACTS = {
  block: (_userId: string, ip: string) =>
    functions.deps.stores.blocks.block(networkOf(ip), { containmentId: randomUUID(), until: clock + 60_000 }),
  revoke: (userId: string) => functions.deps.stores.users.bumpEpoch(userId, { reason: 'contained' }, new Date(clock)),
}
type Act = keyof typeof ACTS

/** Every slow thing between the password and the answer, held still for as long as the act takes. */
const STEPS = [
  ['passwords', 'check'],
  ['throttle', 'exchange'],
  ['attempts', 'note'],
  ['deviceTokens', 'hasIssued'],
  ['devices', 'remember'],
  ['users', 'expectDeviceTokens'],
  ['deviceTokens', 'issue'],
  ['ledger', 'open'],
  ['sessions', 'create'],
  ['users', 'readEpoch'],
  ['issueToken', undefined],
  ['places', 'revise'],
] as const
const WITH_CODE = [
  ['pendingMfas', 'attempt'],
  ['users', 'findById'],
  ['throttle', 'reserve'],
  ['users', 'acceptTotpStep'],
  ['throttle', 'clear'],
  ['pendingMfas', 'consume'],
  ...STEPS.slice(3),
] as const
const hold = (step: Step, when: 'before' | 'after', act: () => Promise<unknown>) => holdStep(functions, step, when, act)

/** @param step the one that is held, if it is taken only by an account that may have issued device tokens */
async function newAccount([, method]: Step | [] = []) {
  const email = `${randomUUID()}@example.com`
  await functions.register({ email, password: PASSWORD })
  const user = await functions.deps.stores.users.findByEmail(email)
  if (user && method === 'hasIssued') await functions.deps.stores.users.expectDeviceTokens(user.id)
  return { email, userId: user?.id ?? '' }
}

/** Nothing is left of a sign-in that was refused, wherever one could look. */
async function expectNothingOf(userId: string): Promise<void> {
  const rows = await functions.deps.stores.ledger.listByUser(userId)
  const sids = rows.map(({ sid }) => sid)
  expect((await functions.deps.stores.sessions.readMany(sids, clock)).filter(Boolean)).toEqual([])
  expect(rows.filter(({ state }) => state === 'active')).toEqual([])
  expect(eventsOf('session')).toEqual([])
  expect(await functions.deps.stores.deviceTokens.hasIssued(userId)).toBe(false)
  const event = functions.events().at(-1)
  const deviceHash = event && 'device_hash' in event ? event.device_hash : ''
  expect(await functions.deps.stores.devices.find(userId, deviceHash)).toBeUndefined()
}

describe('a sign-in that is under way', () => {
  const cases = STEPS.flatMap((step) =>
    (['block', 'revoke'] as const).flatMap((act) =>
      (['before', 'after'] as const).map((when) => [act, when, step] as const),
    ),
  )
  it.each(cases)('yields no session when there is a %s %s %j', async (act: Act, when, step) => {
    const { email, userId } = await newAccount(step)
    const ip = anywhere()
    hold(step, when, () => ACTS[act](userId, ip))
    functions.lines.length = 0
    const body = { email, password: PASSWORD, remember_device: true }
    const { status, json } = await functions.call('login', { ip, userAgent: FIREFOX, body })
    expect([status, json.code]).toEqual([401, 'login-refused'])
    const reason = act === 'block' ? 'blocked' : 'wrong_password'
    expect(eventsOf('login')).toMatchObject([{ outcome: 'fail', reason, usr: { id: userId } }])
    await expectNothingOf(userId)
  })

  it.each(['block', 'revoke'] as const)(
    'learns no place when a %s comes while the password is checked',
    async (act) => {
      const { email, userId } = await newAccount()
      const ip = anywhere()
      hold(['passwords', 'check'], 'after', () => ACTS[act](userId, ip))
      await functions.call('login', { ip, body: { email, password: PASSWORD } })
      let kept: unknown
      await functions.deps.stores.places.revise(userId, (before) => {
        kept = before
        return undefined
      })
      expect(kept).toBeUndefined()
    },
  )

  it.each(['block', 'revoke'] as const)('asks for no code when a %s comes meanwhile', async (act) => {
    const steps: readonly Step[] = [...STEPS.slice(0, 3), ['pendingMfas', 'create']]
    for (const step of steps) {
      const { email, userId } = await enrolled()
      const ip = anywhere()
      hold(step, 'after', () => ACTS[act](userId, ip))
      functions.lines.length = 0
      const { status, json } = await functions.call('login', { ip, body: { email, password: PASSWORD } })
      expect([status, json.code]).toEqual([401, 'login-refused'])
      expect(eventsOf('login')).toMatchObject([
        { outcome: 'fail', reason: act === 'block' ? 'blocked' : 'wrong_password' },
      ])
      functions.restore()
    }
  })

  it('is let in no more often than the limit allows, of fifty right and wrong ones at once', async () => {
    const { email } = await newAccount()
    const attempt = (password: string) => functions.call('login', { ip: anywhere(), body: { email, password } })
    for (let n = 0; n < LIMITS.accountFailures.limit; n++) await attempt('not the right password')
    const tries = Array.from({ length: 50 }, (_, n) => attempt(n % 2 ? PASSWORD : 'not the right password'))
    expect(new Set((await Promise.all(tries)).map(({ status }) => status))).toEqual(new Set([401]))
  })

  it('is let in no more often than right passwords are, of fifty at once', async () => {
    const { email } = await newAccount()
    // Without the reservations of failures, which would refuse most of fifty parallel ones before.
    const { throttle } = functions.deps.stores
    const reserve: typeof throttle.reserve = async () => undefined
    functions.replace({ throttle: { ...throttle, reserve } })
    const tries = Array.from({ length: 50 }, () =>
      functions.call('login', { ip: anywhere(), body: { email, password: PASSWORD } }),
    )
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMITS.rightSignIns.limit)
    expect(statuses.filter((status) => status === 401)).toHaveLength(50 - LIMITS.rightSignIns.limit)
  })
})

async function enrolled(step?: Step) {
  const { email, userId } = await newAccount(step)
  const { json } = await functions.call('login', { ip: anywhere(), body: { email, password: PASSWORD } })
  const { token } = await functions.stepUp(json.token)
  const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token })).json
  const codeNow = () => generate({ secret, epoch: clock / 1000 })
  await functions.call('mfaConfirm', { token, body: { code: await codeNow() } })
  await functions.call('logout', { token })
  clock += 30_000
  return { email, userId, codeNow }
}

describe('a second factor that is under way', () => {
  const cases = WITH_CODE.flatMap((step) =>
    (['block', 'revoke'] as const).flatMap((act) =>
      (['before', 'after'] as const).map((when) => [act, when, step] as const),
    ),
  )
  it.each(cases)('yields no session when there is a %s %s %j', async (act: Act, when, step) => {
    const { email, userId, codeNow } = await enrolled(step)
    const ip = anywhere()
    const { json } = await functions.call('login', { ip, body: { email, password: PASSWORD } })
    hold(step, when, () => ACTS[act](userId, ip))
    functions.lines.length = 0
    const body = { mfa_token: json.mfa_token, code: await codeNow(), remember_device: true }
    const answer = await functions.call('mfaVerify', { ip, userAgent: FIREFOX, body })
    expect([answer.status, answer.json.code]).toEqual([401, 'code-refused'])
    const reason = act === 'block' ? 'blocked' : 'expired'
    expect(eventsOf('mfa')).toMatchObject([{ outcome: 'fail', reason }])
    await expectNothingOf(userId)
  })

  it('is refused from a network that is blocked, and uses up no code', async () => {
    const { email, codeNow } = await enrolled()
    const [ip, elsewhere] = [anywhere(), anywhere()]
    const { json } = await functions.call('login', { ip, body: { email, password: PASSWORD } })
    await ACTS.block('', ip)
    const body = { mfa_token: json.mfa_token, code: await codeNow() }
    expect((await functions.call('mfaVerify', { ip, body })).status).toBe(401)
    expect((await functions.call('mfaVerify', { ip: elsewhere, body })).status).toBe(200)
  })

  const fault = () => Promise.reject(new Error('The store hung up.'))
  // Neither keeps a sign-in of these accounts from its session.
  const needless: readonly unknown[] = ['hasIssued', 'revise']
  const afterCode = WITH_CODE.slice(4).filter(([, method]) => !needless.includes(method))
  it.each(afterCode)('uses up no code when a store fails at %s.%s: its second try is no replay', async (...step) => {
    const { email, codeNow } = await enrolled()
    const [ip, code] = [anywhere(), await codeNow()]
    const enter = async (meanwhile = () => {}) => {
      const { json } = await functions.call('login', { ip, body: { email, password: PASSWORD } })
      meanwhile()
      return functions.call('mfaVerify', { ip, body: { mfa_token: json.mfa_token, code, remember_device: true } })
    }
    functions.lines.length = 0
    expect((await enter(() => hold(step, 'before', fault))).status).toBeGreaterThanOrEqual(500)
    functions.restore()
    expect([(await enter()).status, (await enter()).status]).toEqual([200, 401])
    const reasons = [{ reason: 'busy' }, { outcome: 'success' }, { reason: 'replayed_code' }]
    expect(eventsOf('mfa')).toMatchObject(reasons)
  })

  it('uses up no code of a re-authentication whose session could not be written', async () => {
    const { email, codeNow } = await enrolled()
    const { json } = await functions.call('login', { body: { email, password: PASSWORD } })
    const { token } = (await functions.call('mfaVerify', { body: { ...json, code: await codeNow() } })).json
    clock += 30_000
    const body = { password: PASSWORD, code: await codeNow() }
    hold(['sessions', 'create'], 'before', fault)
    expect((await functions.call('reauth', { token, body })).status).toBeGreaterThanOrEqual(500)
    functions.restore()
    expect((await functions.call('reauth', { token, body })).status).toBe(200)
  })
})

import { randomUUID } from 'node:crypto'
import { generate } from 'otplib'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { endAll } from '../../shared/session/end.ts'
import { type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { holdStep } from '../testing/hold.ts'

const NEXT = 'seven violet mules in a harbour'
const OTHER_PASSWORD = 'nine amber kettles in a tower'

let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock } })
})
afterEach(() => void functions.restore())
afterAll(() => functions.close())

const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)

/** An account with a session that has stepped up, and another session of its own. */
async function someone({ factor = false } = {}) {
  const { email, token: weak } = await functions.signIn()
  const other = await functions.signIn({ email })
  let strong = await functions.stepUp(weak)
  const userId = (await functions.deps.stores.users.findByEmail(email))?.id ?? ''
  const { secret }: { secret: string } = (await functions.call('mfaEnrol', { token: strong.token })).json
  const codeNow = () => generate({ secret, epoch: clock / 1000 })
  if (factor) {
    await functions.call('mfaConfirm', { token: strong.token, body: { code: await codeNow() } })
    clock += 30_000
    strong = await functions.stepUp(strong.token, { code: await codeNow() })
    clock += 30_000
  }
  return { email, userId, ...strong, other, codeNow }
}
type Someone = Awaited<ReturnType<typeof someone>>

/** What may come while something slow is under way. */
const ACTS = {
  'the session is revoked': ({ sid }: Someone) =>
    functions.deps.stores.sessions.revoke(sid, { reason: 'contained', at: clock, containmentId: randomUUID() }),
  'the user is revoked': async ({ userId }: Someone) => {
    const why = { reason: 'contained', containmentId: randomUUID() } as const
    const epoch = (await functions.deps.stores.users.bumpEpoch(userId, why, new Date(clock))) ?? 0
    await endAll(userId, { ...why, epoch, at: clock }, functions.deps.auth)
  },
  'the password is changed': async ({ userId }: Someone) => {
    const user = await functions.deps.stores.users.findById(userId)
    const from = { hash: user?.passwordHash ?? '', epoch: user?.epoch ?? 0 }
    const epoch =
      (await functions.deps.stores.users.changePassword(
        userId,
        from,
        await functions.deps.auth.passwords.hash(OTHER_PASSWORD, SENDER),
        at(),
      )) ?? 0
    await endAll(userId, { epoch, reason: 'password_changed', at: clock }, functions.deps.auth)
  },
}
const ACT_NAMES = ['the session is revoked', 'the user is revoked', 'the password is changed'] as const
const at = () => new Date(clock)
const SENDER = { ip: '198.51.100.250', trusted: false }

/** Every slow thing of each change, held still for as long as the act takes. */
const CHANGES = [
  [
    'reauth',
    () => ({ password: PASSWORD }),
    false,
    [
      ['passwords', 'check'],
      ['throttle', 'release'],
      ['ledger', 'open'],
      ['sessions', 'create'],
      ['users', 'readEpoch'],
      ['places', 'revise'],
    ],
  ],
  [
    'reauth',
    async ({ codeNow }: Someone) => ({ password: PASSWORD, code: await codeNow() }),
    true,
    [
      ['passwords', 'check'],
      ['users', 'acceptTotpStep'],
      ['throttle', 'clear'],
    ],
  ],
  [
    'password',
    () => ({ current_password: PASSWORD, new_password: NEXT }),
    false,
    [
      ['passwords', 'check'],
      ['passwords', 'weakness'],
      ['passwords', 'hash'],
    ],
  ],
  [
    'password',
    () => ({ current_password: PASSWORD, new_password: NEXT }),
    true,
    [
      ['passwords', 'check'],
      ['passwords', 'weakness'],
      ['passwords', 'hash'],
    ],
  ],
  [
    'mfaConfirm',
    async ({ codeNow }: Someone) => ({ code: await codeNow() }),
    false,
    [
      ['users', 'findById'],
      ['throttle', 'reserve'],
      ['devices', 'find'],
    ],
  ],
  [
    'mfaDisable',
    () => undefined,
    true,
    [
      ['users', 'findById'],
      ['devices', 'find'],
    ],
  ],
  [
    'sessionRenew',
    () => undefined,
    false,
    [
      ['sessions', 'renew'],
      ['issueToken', undefined],
    ],
  ],
] as const
const cases = CHANGES.flatMap(([route, bodyOf, factor, steps]) =>
  steps.flatMap(([name, method]) => ACT_NAMES.map((act) => ({ route, bodyOf, factor, name, method, act }))),
)

describe('a change whose session ends meanwhile has no effect', () => {
  it.each(cases)('$route, when $act during $name $method (second factor: $factor)', async (given) => {
    const { route, bodyOf, factor, name, method, act } = given
    const person = await someone({ factor })
    if (route === 'sessionRenew') clock += 300_000
    const body = await bodyOf(person)
    const before = await functions.deps.stores.users.findById(person.userId)
    holdStep(functions, [name, method], 'after', () => ACTS[act](person))
    functions.lines.length = 0
    const { status, json } = await functions.call(route, { token: person.token, ...(body && { body }) })
    expect([status, json.code]).toEqual([401, 'session-revoked'])

    const after = await functions.deps.stores.users.findById(person.userId)
    const isTheirs = act === 'the password is changed'
    expect(after?.totp?.enabled).toBe(before?.totp?.enabled)
    if (!isTheirs) expect(after?.passwordHash).toBe(before?.passwordHash)
    expect(await functions.deps.auth.passwords.check(NEXT, after?.passwordHash, SENDER)).toMatchObject({
      matches: false,
    })
    const left = await functions.deps.stores.sessions.listByUser(person.userId, clock)
    expect(left.map(({ sid }) => sid)).toEqual(act === 'the session is revoked' && !factor ? [person.other.sid] : [])
    expect(eventsOf('credential').filter(({ outcome }) => outcome === 'success')).toEqual([])
    expect(eventsOf('mfa').filter(({ outcome }) => outcome === 'enabled' || outcome === 'disabled')).toEqual([])
    expect(eventsOf('session').filter(({ outcome }) => outcome === 'new' || outcome === 'renewed')).toEqual([])
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { connectTables } from '../../shared/stores/connect.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { CHROME, FIREFOX, type Functions, PASSWORD, startFunctions } from '../testing/functions.ts'
import { LIMITS } from './limits.ts'

const NEXT = 'seven violet mules in a harbour'
const MINUTE = 60_000

let functions: Functions
let clock = Date.now()
beforeAll(async () => {
  functions = await startFunctions({ parts: { now: () => clock } })
})
beforeEach(() => {
  clock = Date.now()
  functions.lines.length = 0
})
afterAll(() => functions.close())

const CHROME_DEVICE = { device: 'Chrome on Windows', ip: '203.0.113.9', country: 'PT' }
const FIREFOX_DEVICE = { device: 'Firefox on Linux', ip: '203.0.113.200', country: 'AU' }
const FROM_FIREFOX = { userAgent: FIREFOX, ip: FIREFOX_DEVICE.ip }

interface Entry {
  at: string
  event: string
}
const history = async (token: string) => {
  const { status, json } = await functions.call('history', { token })
  expect(status).toBe(200)
  const entries: Entry[] = json.entries
  const complete: boolean = json.complete
  return { complete, events: entries.map(({ event }) => event), entries }
}

describe('the history of an account', () => {
  it('tells sign-ins, proofs, changes and ends, newest first, each with its device, address and country', async () => {
    const first = await functions.signIn()
    clock += MINUTE
    const other = await functions.signIn({ email: first.email, ...FROM_FIREFOX })
    clock += MINUTE
    const { token } = await functions.stepUp(first.token)
    clock += MINUTE
    await functions.call('sessionEnd', { token, params: { sid: other.sid } })
    clock += MINUTE
    const third = await functions.signIn({ email: first.email, ...FROM_FIREFOX })
    clock += MINUTE
    await functions.call('logout', { token: third.token, ...FROM_FIREFOX })
    clock += MINUTE
    const changed = await functions.call('password', {
      token,
      body: { current_password: PASSWORD, new_password: NEXT },
    })
    const { entries, complete } = await history(changed.json.token)
    expect(complete).toBe(true)
    expect(entries).toMatchObject([
      { event: 'password_changed', ...CHROME_DEVICE },
      { event: 'signed_out', sid: third.sid, ...FIREFOX_DEVICE },
      { event: 'signed_in', sid: third.sid, ...FIREFOX_DEVICE },
      { event: 'session_ended', reason: 'ended_elsewhere', sid: other.sid, ...FIREFOX_DEVICE },
      { event: 'confirmed', ...CHROME_DEVICE },
      { event: 'signed_in', sid: other.sid, ...FIREFOX_DEVICE },
      { event: 'signed_in', sid: first.sid, ...CHROME_DEVICE },
      { event: 'registered' },
    ])
    expect(entries.map(({ at }) => at)).toEqual(
      entries
        .map(({ at }) => at)
        .toSorted()
        .toReversed(),
    )
    expect(JSON.stringify(entries)).not.toMatch(/eyJ|bearer|hash/i)
  })

  it('tells which sessions the service ended, and once that it ended all of them', async () => {
    const { email, sid, token } = await functions.signIn()
    const stolen = await functions.signIn({ email, ...FROM_FIREFOX })
    const user = await functions.deps.stores.users.findByEmail(email)
    const userId = user?.id ?? ''
    const { sessions, ledger, users } = functions.deps.stores
    clock += MINUTE
    await sessions.revoke(stolen.sid, { reason: 'contained', at: clock, containmentId: 'c1' }, userId)
    const ending = { state: 'revoked', reason: 'contained', at: new Date(clock) } as const
    await ledger.close(userId, stolen.sid, { ...ending, containmentId: 'c1' })
    const before = await history(token)
    expect(before.entries[0]).toMatchObject({ event: 'session_ended', reason: 'contained', ...FIREFOX_DEVICE })

    clock += MINUTE
    const containmentId = `c-${userId}`
    await users.bumpEpoch(userId, { reason: 'contained', containmentId }, new Date(clock))
    await ledger.close(userId, sid, { ...ending, at: new Date(clock), containmentId })
    clock += MINUTE
    const again = await functions.signIn({ email })
    const { events } = await history(again.token)
    expect(events.slice(0, 3)).toEqual(['signed_in', 'all_sessions_ended', 'session_ended'])
    expect(events.filter((event) => event.endsWith('_ended'))).toHaveLength(2)
  })

  it('is of the account alone, and of no session that has not proved its password lately', async () => {
    const [one, other] = [await functions.signIn(), await functions.signIn()]
    const { entries } = await history(one.token)
    expect(JSON.stringify(entries)).not.toContain(other.sid)
    expect((await functions.call('history', { token: 'nonsense' })).status).toBe(401)
    clock += 16 * MINUTE
    const late = await functions.call('history', { token: one.token })
    expect([late.status, late.json.code]).toEqual([403, 'reauthentication-required'])
    const { token } = await functions.stepUp(one.token)
    expect((await functions.call('history', { token })).status).toBe(200)
  })

  it('ends after 30 days, and after 30 sign-ins, which hide no change', async () => {
    const account = await functions.signIn()
    const user = await functions.deps.stores.users.findByEmail(account.email)
    const row = (n: number) => ({
      userId: user?.id ?? '',
      sid: randomUUID().replaceAll('-', '').slice(0, 22),
      state: 'active' as const,
      issuedAt: new Date(clock + n * MINUTE),
      absoluteExpiry: new Date(clock + 86_400_000),
      deviceHash: 'd'.repeat(32),
      device: 'curl',
      ip: '192.0.2.9',
      via: 'api' as const,
    })
    await Promise.all(Array.from({ length: 40 }, (_, n) => functions.deps.stores.ledger.open(row(n + 1))))
    const { entries, events, complete } = await history(account.token)
    expect([entries.length, complete, events.at(-1)]).toEqual([31, false, 'registered'])
    expect(new Set(events.slice(0, 30))).toEqual(new Set(['signed_in']))

    clock += 31 * 86_400_000
    const later = await functions.signIn({ email: account.email })
    expect((await history(later.token)).events).toEqual(['signed_in'])
  })

  it('is read a limited number of times', async () => {
    const { token } = await functions.signIn()
    const { limit } = LIMITS.historyReadings
    const answers = []
    for (let n = 0; n <= limit; n++) answers.push(await functions.call('history', { token }))
    expect(answers.slice(0, -1).every(({ status }) => status === 200)).toBe(true)
    expect([answers.at(-1)?.status, answers.at(-1)?.headers.get('retry-after')]).toEqual([429, expect.any(String)])
  })
})

it('of a flooded account a limited number of rows is read, and the list says so', async () => {
  const { tables, close } = connectTables(inject('tablesConnection'), { prefix: `t${randomUUID().slice(0, 8)}` })
  try {
    const ledger = createSessionLedger(tables, { pageRows: 2 })
    const userId = randomUUID()
    const now = new Date()
    const open = (n: number) =>
      ledger.open({
        userId,
        sid: `sid-${n}`,
        state: 'active',
        issuedAt: now,
        absoluteExpiry: now,
        deviceHash: '',
        device: 'curl',
        ip: '192.0.2.9',
        via: 'api',
      })
    for (let n = 0; n < 6; n++) await open(n)
    expect((await ledger.listRecent(userId, now)).sessions).toHaveLength(6)
    await open(6)
    const { sessions, complete } = await ledger.listRecent(userId, now)
    expect([sessions.length, complete]).toEqual([6, false])
  } finally {
    await close()
  }
})

describe('ending every other session', () => {
  it('ends them on both hosts, spares the asking one, and is one entry of the history', async () => {
    const { email, token } = await functions.signIn()
    const others = [await functions.signIn({ email, ...FROM_FIREFOX }), await functions.signIn({ email })]
    const stranger = await functions.signIn()
    clock += MINUTE
    functions.lines.length = 0
    expect((await functions.call('sessionsEnd', { token })).status).toBe(204)
    for (const other of others) {
      expect((await functions.call('session', { token: other.token })).json.code).toBe('session-revoked')
    }
    expect((await functions.call('session', { token })).status).toBe(200)
    expect((await functions.call('session', { token: stranger.token })).status).toBe(200)
    const ended = functions.events().filter(({ evt, outcome }) => evt === 'session' && outcome === 'ended')
    expect(ended.map((event) => ('sid' in event ? event.sid : '')).sort()).toEqual(others.map(({ sid }) => sid).sort())
    const { entries, events } = await history(token)
    expect(entries[0]).toMatchObject({ event: 'other_sessions_ended', ...CHROME_DEVICE })
    expect(events).not.toContain('session_ended')
  })

  it('needs a recent proof, and does nothing in a session that was ended meanwhile', async () => {
    const { email, token } = await functions.signIn()
    const other = await functions.signIn({ email })
    clock += 16 * MINUTE
    const late = await functions.call('sessionsEnd', { token })
    expect([late.status, late.json.code]).toEqual([403, 'reauthentication-required'])
    const user = await functions.deps.stores.users.findByEmail(email)
    const fresh = await functions.signIn({ email, userAgent: CHROME })
    // A containment raised the epoch, and Redis has not heard of it yet.
    await functions.deps.stores.users.bumpEpoch(user?.id ?? '', { reason: 'contained' }, new Date(clock))
    const refused = await functions.call('sessionsEnd', { token: fresh.token })
    expect([refused.status, refused.json.code]).toEqual([401, 'session-revoked'])
    expect((await functions.call('session', { token: other.token })).status).toBe(200)
  })
})

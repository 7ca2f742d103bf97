import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { undo } from '../../ops/contain/operate.ts'
import { networkOf } from '../../shared/client/address.ts'
import { createMemoryContainmentCap } from '../../shared/stores/memory/containment-cap.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { pullAlerts } from '../sweep/pull.ts'
import { newRun } from '../sweep/run.ts'
import { type Functions, startFunctions } from '../testing/functions.ts'
import { proceed } from './attempt.ts'
import { contain } from './contain.ts'

const MINUTE_MS = 60_000

let functions: Functions
beforeAll(async () => {
  const fetch = () => Promise.reject(new Error('web is away'))
  const cap = createMemoryContainmentCap()
  functions = await startFunctions({ env: { CONTAIN_CAP: '1000' }, stores: { cap }, parts: { fetch } })
})
afterAll(() => functions.close())
beforeEach(() => {
  functions.lines.length = 0
})

const REUSE = 'Session reuse: one session on two devices'
const STUFFING = 'Credential stuffing: many failed sign-ins from one network'
const signalOf = (rule_name: string, group_by: object, over: object = {}) => ({
  ...{ signal_id: randomUUID(), rule_id: 'abc-def-ghi', rule_name, group_by },
  date: String(Date.now()),
  ...over,
})
const alertOf = (detection: string, contain: string, scope: string, over: object = {}) => ({
  ...{ id: randomUUID(), alert_id: '1001', cycle_key: randomUUID(), transition: 'Triggered', scope },
  tags: `detection:${detection},contain:${contain}`,
  date: String(Date.now()),
  ...over,
})
const reuse = (sid: string, over?: object) => signalOf(REUSE, { '@sid': sid }, over)
const reuseAlert = (sid: string, over?: object) => alertOf('session-reuse', 'session', `@sid:${sid}`, over)
const stuffing = (network: string, over?: object) => signalOf(STUFFING, { '@network': network }, over)
const stuffingAlert = (network: string, over?: object) =>
  alertOf('credential-stuffing', 'ip', `@network:${network}`, over)

const headers = () => ({ 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET })
const deliver = (body: unknown) => functions.call('contain', { body, headers: headers() })
/** A delivery to functions whose clock is ahead by this. */
const deliverLater = (ms: number, body: object, over: object = {}) => {
  const { contain: deps } = functions.deps
  const request = { requestId: randomUUID(), ip: '203.0.113.9' }
  return contain(JSON.stringify(body), request, { ...deps, now: () => Date.now() + ms, ...over })
}
/** A ledger that shows no other row yet, as to calls that claim at the same instant. */
const unseen = () => ({ containments: { ...functions.deps.contain.containments, listOf: async () => [] } })
/** Redis of whose restarts nothing is known, so earlier containments are not counted again. */
const sameRedis = ({ sessions }: Functions['deps']['contain']) => ({ ...sessions, incarnation: async () => undefined })
const inMs = (ms: number) => ({ date: String(Date.now() + ms) })
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
const rowsOf = (detection: string, scope: string) => functions.deps.stores.containments.listOf(detection, scope)
const blocked = (network: string) => functions.deps.stores.blocks.blockedBy(network, Date.now())
let last = 0x6000
const freshNetwork = () => networkOf(`2001:db8:${(++last).toString(16)}:2::7`)

describe('a signal', () => {
  it('about a session ends it', async () => {
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    expect((await deliver(reuse(sid))).json).toMatchObject({ state: 'done', action: 'revoke', result: 'success' })
    expect((await functions.call('session', { token })).status).toBe(401)
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', detection: 'session-reuse', sid }])
    expect(eventsOf('webhook')).toMatchObject([{ outcome: 'accepted', detection: 'session-reuse' }])
  })

  it('about a network blocks it, for fifteen minutes from its date', async () => {
    const network = freshNetwork()
    const date = Date.now() - MINUTE_MS
    await deliver(stuffing(network, { date: String(date) }))
    expect(await blocked(network)).toMatchObject({ until: date + 15 * MINUTE_MS })
  })

  it('that is delivered twice is contained once', async () => {
    const network = freshNetwork()
    const signal = stuffing(network)
    await deliver(signal)
    expect((await deliver(signal)).json).toEqual({ ignored: 'duplicate' })
    expect(await rowsOf('credential-stuffing', `@network:${network}`)).toHaveLength(1)
  })

  it('without a date is as old as its arrival', async () => {
    expect((await deliver(stuffing(freshNetwork(), { date: '' }))).json).toMatchObject({ state: 'done' })
  })

  it('that is old is recorded for a person, and not acted on', async () => {
    const network = freshNetwork()
    expect((await deliver(stuffing(network, inMs(-16 * MINUTE_MS)))).status).toBe(422)
    expect(await rowsOf('credential-stuffing', `@network:${network}`)).toMatchObject([
      { state: 'held', reason: 'stale' },
    ])
    expect(await blocked(network)).toBeUndefined()
  })

  it('about a session that is not ours is refused', async () => {
    expect((await deliver(reuse('B'.repeat(22)))).status).toBe(422)
    expect(eventsOf('webhook')).toMatchObject([{ outcome: 'refused', reason: 'unknown_subject' }])
  })
})

describe('a payload that is not quite that of a signal', () => {
  const signal = () => stuffing('2001:db8:66::/64')
  const text = (change: (json: string) => string) => change(JSON.stringify(signal()))
  it.each<[string, () => unknown, number, string]>([
    ['has another field', () => ({ ...signal(), title: 'x' }), 400, 'malformed'],
    ['lacks a field', () => ({ ...signal(), rule_id: undefined }), 400, 'malformed'],
    [
      'has also the fields of an alert',
      () => ({ ...stuffingAlert('2001:db8:66::/64'), ...signal() }),
      400,
      'malformed',
    ],
    ['has a subject as text', () => ({ ...signal(), group_by: '{"@network":"2001:db8:66::/64"}' }), 400, 'malformed'],
    [
      'has a list of subjects',
      () => ({ ...signal(), group_by: { '@network': ['2001:db8:66::/64'] } }),
      400,
      'malformed',
    ],
    ['has an empty id, as an alert of a monitor gives', () => ({ ...signal(), signal_id: '' }), 400, 'malformed'],
    ['has the name of a variable', () => ({ ...signal(), signal_id: '$SECURITY_SIGNAL_ID' }), 400, 'malformed'],
    ['has a date of another form', () => ({ ...signal(), date: '2026-01-01' }), 400, 'malformed'],
    ['is of a rule that is not ours', () => ({ ...signal(), rule_name: 'Guessed' }), 422, 'unknown_detection'],
    [
      'names a property that every object has',
      () => ({ ...signal(), rule_name: 'constructor' }),
      422,
      'unknown_detection',
    ],
    ['has no subject', () => ({ ...signal(), group_by: {} }), 422, 'no_subject'],
    ['has another field as subject', () => ({ ...signal(), group_by: { '@sid': 'A'.repeat(22) } }), 422, 'no_subject'],
    [
      'has two subjects',
      () => ({ ...signal(), group_by: { '@network': '2001:db8:66::/64', '@sid': 'x' } }),
      422,
      'no_subject',
    ],
    [
      'hides two subjects in one',
      () => ({ ...signal(), group_by: { '@network': '192.0.2.1,@network:192.0.2.2' } }),
      422,
      'no_subject',
    ],
    [
      'has a network of another form',
      () => ({ ...signal(), group_by: { '@network': '0.0.0.0/0' } }),
      422,
      'no_subject',
    ],
  ])('because it %s is refused', async (_, body, status, reason) => {
    expect((await deliver(body())).status).toBe(status)
    expect(eventsOf('webhook')).toMatchObject([{ outcome: 'refused', reason }])
    expect(eventsOf('contain')).toEqual([])
  })

  it.each([
    ['repeats a key', (json: string) => json.replace('"rule_id"', '"rule_id":"x","rule_id"')],
    [
      'repeats the field of its subject',
      (json: string) => json.replace('"@network"', '"@network":"192.0.2.1","@network"'),
    ],
    ['is cut off', (json: string) => json.slice(0, -1)],
  ])('because it %s is refused', async (_, change) => {
    const { contain: deps } = functions.deps
    const outcome = await contain(text(change), { requestId: randomUUID(), ip: '203.0.113.9' }, deps)
    expect(outcome).toMatchObject({ kind: 'refused', reason: 'malformed' })
  })
})

describe('the rule and the monitor of a detection, for one subject,', () => {
  const bothAbout = (network: string) => ({ alert: stuffingAlert(network), signal: stuffing(network) })
  const sharedRow = async (network: string): Promise<Containment> => {
    const rows = await rowsOf('credential-stuffing', `@network:${network}`)
    const lasting = rows.filter(({ reason }) => reason !== 'duplicate')
    expect(lasting).toHaveLength(1)
    return lasting[0] as Containment
  }

  it.each(['alert', 'signal'] as const)('contain once, where the %s is first', async (first) => {
    const network = freshNetwork()
    const both = bothAbout(network)
    const [one, other] = first === 'alert' ? [both.alert, both.signal] : [both.signal, both.alert]
    expect((await deliver(one)).json).toMatchObject({ state: 'done', result: 'success' })
    expect((await deliver(other)).json).toEqual({ ignored: 'duplicate' })
    const { id } = await sharedRow(network)
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', containment_id: id }])
    expect(eventsOf('webhook')).toMatchObject([
      { outcome: 'accepted', containment_id: id },
      { outcome: 'ignored', reason: 'duplicate', containment_id: id },
    ])
  })

  it('contain once at the same time', async () => {
    for (let round = 0; round < 20; round++) {
      functions.lines.length = 0
      const network = freshNetwork()
      const { alert, signal } = bothAbout(network)
      const order = round % 2 === 0 ? [alert, signal] : [signal, alert]
      const answers = await Promise.all(order.map(deliver))
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect(eventsOf('contain')).toMatchObject([{ outcome: 'success' }])
      await sharedRow(network)
    }
  })

  it('contain once where the monitor alerts minutes later, and the pull finds its alert', async () => {
    const network = freshNetwork()
    await deliver(stuffing(network, inMs(-5 * MINUTE_MS)))
    const triggeredAt = Math.floor(Date.now() / 1000 - 60) * 1000
    const tags = ['detection:credential-stuffing', 'contain:ip']
    const open = { monitorId: '1001', scope: `@network:${network}`, tags, triggeredAt }
    const openAlerts = {
      async *pages() {
        yield [open]
      },
    }
    const run = newRun(30_000, undefined)
    await pullAlerts({ ...functions.deps.sweep, openAlerts }, run)
    expect(run.swept.pulled).toBe(0)
    expect((await deliver(stuffingAlert(network))).json).toEqual({ ignored: 'duplicate' })
    await sharedRow(network)
  })

  it('ask the cap once', async () => {
    const { contain: deps } = functions.deps
    let asked = 0
    const admit: typeof deps.cap.admit = async (...about) => {
      asked++
      return deps.cap.admit(...about)
    }
    for (const signalFirst of [true, false]) {
      asked = 0
      const { alert, signal } = bothAbout(freshNetwork())
      for (const body of signalFirst ? [signal, alert] : [alert, signal]) {
        const request = { requestId: randomUUID(), ip: '203.0.113.9' }
        await contain(JSON.stringify(body), request, {
          ...deps,
          cap: { ...deps.cap, admit },
          sessions: sameRedis(deps),
        })
      }
      expect(asked).toBe(1)
    }
  })

  it('close their row when the alert recovers; a later signal is contained anew', async () => {
    const network = freshNetwork()
    const { alert, signal } = bothAbout(network)
    await deliver(signal)
    await deliver(alert)
    await deliver({ ...alert, transition: 'Recovered', ...inMs(1) })
    expect(await sharedRow(network)).toMatchObject({ state: 'closed', reason: 'recovered' })
    expect((await deliver(signal)).json).toEqual({ ignored: 'duplicate' })
    expect(await deliverLater(MINUTE_MS, stuffing(network, inMs(MINUTE_MS)))).toMatchObject({ kind: 'accepted' })
    expect(await rowsOf('credential-stuffing', `@network:${network}`)).toHaveLength(2)
  })

  it('renew the block by a reminder of the alert, although the signal made the row', async () => {
    const network = freshNetwork()
    const { alert, signal } = bothAbout(network)
    await deliver(signal)
    await deliver(alert)
    const reminder = { ...alert, transition: 'Re-Triggered', ...inMs(10 * MINUTE_MS) }
    await deliverLater(10 * MINUTE_MS, reminder)
    expect((await blocked(network))?.until).toBe(Number(reminder.date) + 15 * MINUTE_MS)
    await sharedRow(network)
  })

  it('renew the block by a later signal while it lasts', async () => {
    const network = freshNetwork()
    await deliver(stuffingAlert(network))
    const later = stuffing(network, inMs(11 * MINUTE_MS))
    expect(await deliverLater(11 * MINUTE_MS, later)).toMatchObject({ kind: 'accepted' })
    expect((await blocked(network))?.until).toBe(Number(later.date) + 15 * MINUTE_MS)
    await sharedRow(network)
  })

  it('release a row that was held for its age, once the other is timely', async () => {
    const network = freshNetwork()
    expect((await deliver(stuffingAlert(network, inMs(-16 * MINUTE_MS)))).status).toBe(422)
    expect((await deliver(stuffing(network, inMs(-10 * MINUTE_MS)))).json).toMatchObject({ state: 'done' })
    await sharedRow(network)
  })

  it.each([20, -20])('contain once when a clock that was %i minutes off is right again', async (minutes) => {
    for (let round = 0; round < 4; round++) {
      const network = freshNetwork()
      const { alert, signal } = bothAbout(network)
      const bodies = round % 2 === 0 ? [alert, signal] : [signal, alert]
      for (const body of bodies) {
        expect(await deliverLater(minutes * MINUTE_MS, body, unseen())).toMatchObject({ reason: 'stale' })
      }
      functions.lines.length = 0
      const held = await rowsOf('credential-stuffing', `@network:${network}`)
      expect(held).toHaveLength(2)
      const deps = { ...functions.deps.contain, sessions: sameRedis(functions.deps.contain) }
      await Promise.all(held.map((row) => proceed(row, randomUUID(), deps, { eager: true })))
      expect(eventsOf('contain')).toMatchObject([{ outcome: 'success' }])
      await sharedRow(network)
    }
  })

  it('stay undone for as long as either goes on, and an hour', async () => {
    const network = freshNetwork()
    const { alert, signal } = bothAbout(network)
    await deliver(signal)
    const { id } = await sharedRow(network)
    await undo({ detection: 'credential-stuffing', id } as Containment, randomUUID(), functions.deps.contain)
    expect(await blocked(network)).toBeUndefined()
    await deliver(alert)
    for (const minutes of [10, 20, 70, 80]) {
      const date = inMs(minutes * MINUTE_MS)
      await deliverLater(minutes * MINUTE_MS, { ...alert, transition: 'Re-Triggered', ...date })
      await deliverLater(minutes * MINUTE_MS, stuffing(network, date))
    }
    expect(await blocked(network)).toBeUndefined()
    expect(await sharedRow(network)).toMatchObject({ state: 'undone' })
    await deliverLater(141 * MINUTE_MS, stuffing(network, inMs(141 * MINUTE_MS)))
    expect(await blocked(network)).toBeDefined()
  })

  it('of two sessions contain both', async () => {
    const [one, other] = [await functions.signIn(), await functions.signIn()]
    await Promise.all([deliver(reuse(one.sid)), deliver(reuseAlert(other.sid))])
    for (const { token } of [one, other]) expect((await functions.call('session', { token })).status).toBe(401)
  })
})

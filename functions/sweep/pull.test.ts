import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it, vi } from 'vitest'
import { networkOf } from '../../shared/client/address.ts'
import { connectTables } from '../../shared/stores/connect.ts'
import { createMemoryContainmentCap } from '../../shared/stores/memory/containment-cap.ts'
import { pulledAlert } from '../contain/alert.ts'
import { contain, handleAlert } from '../contain/contain.ts'
import { createContainmentLedger } from '../stores/tables/containment-ledger.ts'
import { type Functions, startFunctions } from '../testing/functions.ts'
import { AlertsUnavailable, type OpenAlert, type OpenAlerts } from './alerts.ts'
import { pullAlerts } from './pull.ts'
import { newRun } from './run.ts'

let functions: Functions
beforeAll(async () => {
  const prefix = `p${randomUUID().slice(0, 13).replaceAll('-', '')}`
  const { tables } = connectTables(inject('tablesConnection'), { prefix })
  const containments = createContainmentLedger(tables)
  const fetch = () => Promise.reject(new Error('web is away'))
  // A cap of its own: what other tests contain at the same time is not to be counted, nor ours by them.
  const cap = createMemoryContainmentCap()
  functions = await startFunctions({ env: { CONTAIN_CAP: '1000' }, stores: { containments, cap }, parts: { fetch } })
})
afterAll(() => functions.close())
beforeEach(() => {
  functions.lines.length = 0
})

const secondsAgo = (seconds: number) => Math.floor(Date.now() / 1000 - seconds) * 1000
const alertOn = (detection: string, contain: string, scope: string, triggeredAt = secondsAgo(60)): OpenAlert => ({
  monitorId: '1001',
  scope,
  triggeredAt,
  tags: [`detection:${detection}`, `contain:${contain}`, 'managed-by:mini-ato-saas', 'env:prod'],
})
const reuseOf = (sid: string, triggeredAt?: number) => alertOn('session-reuse', 'session', `@sid:${sid}`, triggeredAt)
const stuffingFrom = (network: string, triggeredAt?: number) =>
  alertOn('credential-stuffing', 'ip', `@network:${network}`, triggeredAt)
const datadogSays = (...pages: OpenAlert[][]): OpenAlerts => ({
  async *pages() {
    yield* pages
  },
})
async function pull(openAlerts: OpenAlerts, over: Partial<Functions['deps']['sweep']> = {}) {
  const run = newRun(30_000, undefined)
  await pullAlerts({ ...functions.deps.sweep, ...over, openAlerts }, run)
  return run.swept
}
/** The webhook of the same alert, as Datadog would have sent it. */
const deliver = ({ monitorId, scope, tags, triggeredAt }: OpenAlert, over: Record<string, string> = {}) =>
  functions.call('contain', {
    headers: { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET },
    body: {
      id: randomUUID(),
      alert_id: monitorId,
      cycle_key: randomUUID(),
      transition: 'Triggered',
      scope,
      tags: tags.join(','),
      date: String(triggeredAt + 421),
      ...over,
    },
  })
const rowsOf = ({ scope, tags }: OpenAlert) =>
  functions.deps.stores.containments.listOf((tags[0] ?? '').replace('detection:', ''), scope)
const statusOf = async (token: string) => (await functions.call('session', { token })).status
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)
let last = 0x5000
/** Of a customer whom no other test has. */
const freshNetwork = () => networkOf(`2001:db8:${(++last).toString(16)}:1::7`)

describe('an open alert without a webhook', () => {
  it('is contained, once, with the events of a containment and none of a webhook', async () => {
    const { sid, token } = await functions.signIn()
    const bystander = await functions.signIn()
    functions.lines.length = 0
    const open = reuseOf(sid)
    expect(await pull(datadogSays([open]))).toMatchObject({ pulled: 1, failed: 0 })
    expect(await statusOf(token)).toBe(401)
    expect(await statusOf(bystander.token)).toBe(200)
    expect(await rowsOf(open)).toMatchObject([
      { state: 'done', result: 'success', cycle: `pull-${open.triggeredAt / 1000}`, alertId: '1001' },
    ])
    expect(await pull(datadogSays([open]))).toMatchObject({ pulled: 0, failed: 0 })
    expect(eventsOf('contain')).toMatchObject([{ outcome: 'success', sid }])
    expect(eventsOf('webhook')).toEqual([])
  })

  it('whose webhook still comes is repeated: one row, one effect, one event', async () => {
    const { sid } = await functions.signIn()
    functions.lines.length = 0
    const open = reuseOf(sid)
    await pull(datadogSays([open]))
    expect((await deliver(open)).json).toEqual({ ignored: 'duplicate' })
    expect(await rowsOf(open)).toHaveLength(1)
    expect(eventsOf('contain')).toHaveLength(1)
  })

  it('is left alone if the webhook has delivered it', async () => {
    const open = stuffingFrom(freshNetwork())
    expect((await deliver(open)).json).toMatchObject({ state: 'done' })
    expect(await pull(datadogSays([open]))).toMatchObject({ pulled: 0 })
    expect(await rowsOf(open)).toHaveLength(1)
  })

  it('stays undone where an operator has undone it', async () => {
    const open = stuffingFrom(freshNetwork())
    await deliver(open)
    const [row] = await rowsOf(open)
    await functions.deps.stores.containments.revise('credential-stuffing', row?.id ?? '', (found) => ({
      ...found,
      state: 'undone',
    }))
    expect(await pull(datadogSays([open]))).toMatchObject({ pulled: 0 })
    expect(await rowsOf(open)).toMatchObject([{ state: 'undone' }])
  })

  it('is taken from fifteen seconds after it began, for as long as a session may live', async () => {
    const opened = [14, 17, 86_395, 86_405].map((seconds) => stuffingFrom(freshNetwork(), secondsAgo(seconds)))
    expect(await pull(datadogSays(opened))).toMatchObject({ pulled: 2 })
    const rows = await Promise.all(opened.map(rowsOf))
    expect(rows.map((found) => found.length)).toEqual([0, 1, 1, 0])
  })

  it('is carried out although it is older than a webhook may be: Datadog reports it now', async () => {
    const { sid, token } = await functions.signIn()
    expect(await pull(datadogSays([reuseOf(sid, secondsAgo(40 * 60))]))).toMatchObject({ pulled: 1 })
    expect(await statusOf(token)).toBe(401)
  })

  it('releases the row that a late webhook left held for its age', async () => {
    const { sid, token } = await functions.signIn()
    const open = reuseOf(sid, secondsAgo(40 * 60))
    expect((await deliver(open)).status).toBe(422)
    expect(await rowsOf(open)).toMatchObject([{ state: 'held', reason: 'stale' }])
    expect(await statusOf(token)).toBe(200)
    expect(await pull(datadogSays([open]))).toMatchObject({ pulled: 1 })
    expect(await rowsOf(open)).toMatchObject([{ state: 'done', result: 'success' }])
    expect(await statusOf(token)).toBe(401)
  })

  it('of a next cycle is contained although the one before was, and has recovered', async () => {
    const network = freshNetwork()
    const before = stuffingFrom(network, secondsAgo(200))
    const cycle_key = randomUUID()
    const now = () => before.triggeredAt + 30_000
    const at = await startFunctions({ env: functions.env, stores: functions.deps.stores, parts: { now } })
    const headers = { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET }
    const body = { alert_id: '1001', cycle_key, scope: before.scope, tags: before.tags.join(','), date: String(now()) }
    await at.call('contain', { headers, body: { ...body, id: randomUUID(), transition: 'Triggered' } })
    await at.call('contain', { headers, body: { ...body, id: randomUUID(), transition: 'Recovered' } })
    await at.close()
    expect(await rowsOf(before)).toMatchObject([{ state: 'closed', reason: 'recovered' }])
    expect(await pull(datadogSays([before]))).toMatchObject({ pulled: 0 })
    expect(await pull(datadogSays([stuffingFrom(network, secondsAgo(60))]))).toMatchObject({ pulled: 1 })
  })

  it.each([
    ['the same one', 100, 0],
    ['another one', 140, 1],
  ])('is %s if it began %d s after one of which nobody heard that it recovered', async (_, seconds, pulled) => {
    const session = await functions.deps.stores.ledger.locate((await functions.signIn()).sid)
    const first = alertOn('otp-replay', 'user', `@usr.id:${session?.userId}`, secondsAgo(300))
    expect((await deliver(first)).json).toMatchObject({ state: 'done' })
    const second = { ...first, triggeredAt: first.triggeredAt + seconds * 1000 }
    expect(await pull(datadogSays([second]))).toMatchObject({ pulled })
    expect(await rowsOf(first)).toHaveLength(1 + pulled)
  })

  it('is ignored if its monitor, its tag or its subject is unknown', async () => {
    const { sid, token } = await functions.signIn()
    const strange = [
      alertOn('not-a-detection', 'session', `@sid:${sid}`),
      alertOn('session-reuse', 'user', `@sid:${sid}`),
      alertOn('session-reuse', 'session', `@sid:${sid},@network:203.0.113.9`),
      alertOn('session-reuse', 'session', '*'),
      reuseOf('A'.repeat(22)),
    ]
    expect(await pull(datadogSays(strange))).toMatchObject({ pulled: 0, failed: 0 })
    expect(await statusOf(token)).toBe(200)
  })

  it('asks the cap like any other', async () => {
    const { containments } = functions.deps.stores
    const opened = Array.from({ length: 8 }, () => alertOn('canary-account', 'ip', `@network:${freshNetwork()}`))
    await pull(datadogSays(opened.slice(0, 4), opened.slice(4)), { capLimit: 5 })
    const rows = await containments.list({ detection: 'canary-account' })
    expect(rows.map(({ state, reason }) => reason ?? state).sort()).toEqual([
      'cap',
      'cap',
      'cap',
      'done',
      'done',
      'done',
      'done',
      'done',
    ])
  })

  it('that fails does not stop the others, and is contained by the next sweep', async () => {
    const opened = [freshNetwork(), freshNetwork(), freshNetwork()].map((network) => stuffingFrom(network))
    const { listOf } = functions.deps.stores.containments
    const failing: typeof listOf = (detection, scope) =>
      scope === opened[0]?.scope ? Promise.reject(new Error('away')) : listOf(detection, scope)
    const containments = { ...functions.deps.stores.containments, listOf: failing }
    expect(await pull(datadogSays(opened), { containments })).toMatchObject({ pulled: 2, failed: 1 })
    expect(await pull(datadogSays(opened))).toMatchObject({ pulled: 1, failed: 0 })
  })
})

describe('Datadog', () => {
  it('that is unavailable, also in the middle of its answer, is logged and fails no sweep', async () => {
    const open = stuffingFrom(freshNetwork(), secondsAgo(5 * 60))
    const openAlerts: OpenAlerts = {
      async *pages() {
        yield [open]
        throw new AlertsUnavailable('Datadog’s monitor API answered 503')
      },
    }
    expect(await pull(openAlerts)).toMatchObject({ pulled: 1, failed: 0 })
    expect(functions.lines.join('\n')).toContain('open alerts could not be read from Datadog')
  })

  it('is asked no longer than a part of the sweep', async () => {
    const silent: OpenAlerts = {
      async *pages(signal) {
        await new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new AlertsUnavailable('silent'))),
        )
        yield []
      },
    }
    const run = newRun(300, undefined)
    const began = performance.now()
    await pullAlerts({ ...functions.deps.sweep, openAlerts: silent }, run)
    expect(performance.now() - began).toBeLessThan(5_000)
  })
})

describe('the pull and a webhook that was long under way, each of which did not see the other', () => {
  /** The ledger to somebody whose first look at the rows of a subject came too early. */
  const early = () => {
    const { containments } = functions.deps.stores
    let looks = 0
    const listOf: typeof containments.listOf = async (detection, scope) =>
      looks++ === 0 ? [] : containments.listOf(detection, scope)
    return { containments: { ...containments, listOf } }
  }
  const deliverEarly = (open: OpenAlert, cycle = randomUUID()) => {
    const { monitorId, scope, tags, triggeredAt } = open
    const told = { id: randomUUID(), alert_id: monitorId, cycle_key: cycle, transition: 'Triggered', scope }
    const body = JSON.stringify({ ...told, tags: tags.join(','), date: String(triggeredAt + 421) })
    return contain(body, { requestId: randomUUID(), ip: '203.0.113.1' }, { ...functions.deps.contain, ...early() })
  }
  const saidOf = (sid: string) =>
    eventsOf('contain').flatMap((event) => ('sid' in event && event.sid === sid ? [event.outcome] : []))

  it('leave one effect and one event: the webhook was first', async () => {
    const { sid } = await functions.signIn()
    const open = reuseOf(sid)
    expect(await deliverEarly(open)).toMatchObject({ kind: 'accepted', containment: { result: 'success' } })
    await pull(datadogSays([open]), early())
    expect(saidOf(sid)).toEqual(['success'])
    expect((await rowsOf(open)).map(({ state, reason }) => [state, reason]).sort()).toEqual([
      ['closed', 'duplicate'],
      ['done', undefined],
    ])
  })

  it('leave one effect and one event: the pull was first', async () => {
    const { sid } = await functions.signIn()
    const open = reuseOf(sid)
    expect(await pull(datadogSays([open]), early())).toMatchObject({ pulled: 1 })
    expect(await deliverEarly(open)).toEqual({ kind: 'ignored', reason: 'duplicate', of: expect.any(String) })
    expect(saidOf(sid)).toEqual(['success'])
  })

  it('leave one effect and one event: the pull had only claimed, and its process died', async () => {
    const { sid, token } = await functions.signIn()
    const open = reuseOf(sid)
    const alert = pulledAlert(open)
    if ('fault' in alert) throw new Error(alert.why)
    const { containments } = functions.deps.stores
    const dead = { ...containments, listOf: () => new Promise<never>(() => {}) }
    void handleAlert(alert, randomUUID(), { ...functions.deps.contain, containments: dead })
    await vi.waitFor(async () => expect(await rowsOf(open)).toHaveLength(1))
    expect(await deliverEarly(open)).toMatchObject({ kind: 'accepted', containment: { result: 'success' } })
    expect(await statusOf(token)).toBe(401)
    const [claimed] = (await rowsOf(open)).filter(({ cycle }) => cycle.startsWith('pull-'))
    expect(claimed).toMatchObject({ state: 'closed', reason: 'duplicate' })
    expect(saidOf(sid)).toEqual(['success'])
  })

  it('leave one effect and one event when both are at it at once', async () => {
    const sessions = await Promise.all(Array.from({ length: 8 }, () => functions.signIn()))
    const opened = sessions.map(({ sid }) => reuseOf(sid))
    await Promise.all(opened.flatMap((open) => [deliverEarly(open), pull(datadogSays([open]), early())]))
    for (const { sid, token } of sessions) {
      expect(await statusOf(token)).toBe(401)
      expect(saidOf(sid)).toEqual(['success'])
    }
  })

  it('leave a block that the reminders of the webhook renew', async () => {
    const network = freshNetwork()
    const open = stuffingFrom(network)
    await pull(datadogSays([open]), early())
    const cycle = randomUUID()
    expect(await deliverEarly(open, cycle)).toEqual({ kind: 'ignored', reason: 'duplicate', of: expect.any(String) })
    const before = await functions.deps.stores.blocks.blockedBy(network, Date.now())
    await deliver(open, { cycle_key: cycle, transition: 'Re-Triggered', date: String(Date.now()) })
    const after = await functions.deps.stores.blocks.blockedBy(network, Date.now())
    expect(after?.until).toBeGreaterThan(before?.until ?? Number.POSITIVE_INFINITY)
  })
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { retry } from '../../ops/contain/operate.ts'
import { networkOf } from '../../shared/client/address.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { type Functions, startFunctions } from '../testing/functions.ts'
import { proceed } from './attempt.ts'
import { contain } from './contain.ts'

let functions: Functions
beforeAll(async () => {
  const fetch = () => Promise.reject(new Error('web is away'))
  functions = await startFunctions({
    env: { CONTAIN_MODE: 'session-reuse=observe, credential-stuffing=observe', CONTAIN_CAP: '1' },
    parts: { fetch },
  })
})
afterAll(() => functions.close())
beforeEach(() => {
  functions.lines.length = 0
})

const alertOf = (detection: string, contain: string, scope: string, over: object = {}) => ({
  ...{ id: randomUUID(), alert_id: '1001', cycle_key: randomUUID(), transition: 'Triggered', scope },
  tags: `detection:${detection},contain:${contain}`,
  date: String(Date.now()),
  ...over,
})
const about = (sid: string, detection = 'session-reuse') => alertOf(detection, 'session', `@sid:${sid}`)
const signalOf = (sid: string) => ({
  ...{ signal_id: randomUUID(), rule_id: 'abc-def-ghi', rule_name: 'Session reuse: one session on two devices' },
  group_by: { '@sid': sid },
  date: String(Date.now()),
})
const deliver = (body: unknown) =>
  functions.call('contain', { body, headers: { 'x-ato-webhook-secret': functions.env.ATO_WEBHOOK_SECRET } })
const outcomes = () => functions.events().flatMap((event) => (event.evt === 'contain' ? [event.outcome] : []))
const isIn = async (token: string) => (await functions.call('session', { token })).status === 200
const rowsOf = (sid: string) => functions.deps.stores.containments.listOf('session-reuse', `@sid:${sid}`)
const rowOf = async (sid: string): Promise<Containment> => {
  const [row] = await rowsOf(sid)
  if (!row) throw new Error('no row')
  return row
}

describe('a detection that only observes', () => {
  it('records what it would do to a session, and leaves it alone at every reminder', async () => {
    const { sid, token } = await functions.signIn()
    functions.lines.length = 0
    const alert = about(sid)
    expect((await deliver(alert)).json).toMatchObject({ action: 'revoke', state: 'closed', result: 'observed' })
    expect((await deliver({ ...alert, transition: 'Re-Triggered' })).json).toEqual({ ignored: 'duplicate' })
    await proceed(await rowOf(sid), randomUUID(), functions.deps.contain, { eager: true })
    expect(outcomes()).toEqual(['observed'])
    expect(await isIn(token)).toBe(true)
  })

  it('blocks no network, not at a reminder either', async () => {
    const network = networkOf('2001:db8:ab5e:1::7')
    const alert = alertOf('credential-stuffing', 'ip', `@network:${network}`)
    await deliver(alert)
    await deliver({ ...alert, transition: 'Re-Triggered', date: String(Date.now() + 1) })
    expect(await functions.deps.stores.blocks.blockedBy(network, Date.now())).toBeUndefined()
    expect(outcomes()).toEqual(['observed'])
  })

  it('takes no place in the cap', async () => {
    for (let count = 0; count < 3; count++) {
      expect((await deliver(about((await functions.signIn()).sid))).json).toMatchObject({ result: 'observed' })
    }
  })

  it('has one row where its monitor and its rule report at the same instant', async () => {
    const { sid } = await functions.signIn()
    functions.lines.length = 0
    await Promise.all([deliver(about(sid)), deliver(signalOf(sid))])
    expect(outcomes()).toEqual(['observed'])
    expect((await rowsOf(sid)).filter(({ reason }) => reason !== 'duplicate')).toHaveLength(1)
  })

  it('is carried out after all when a person approves it', async () => {
    const { sid, token } = await functions.signIn()
    await deliver(about(sid))
    functions.lines.length = 0
    const decision = { operator: 'ann', why: 'CASE-17: a theft' }
    const row = await retry(await rowOf(sid), randomUUID(), functions.deps.contain, decision)
    expect(row).toMatchObject({ state: 'done', result: 'success', ...decision })
    expect(outcomes()).toEqual(['success'])
    expect(await isIn(token)).toBe(false)
  })

  it('still holds for a person what is too old', async () => {
    const { sid } = await functions.signIn()
    const old = { ...about(sid), date: String(Date.now() - 3_600_000) }
    const request = { requestId: randomUUID(), ip: '203.0.113.9' }
    await contain(JSON.stringify(old), request, functions.deps.contain)
    expect(await rowOf(sid)).toMatchObject({ state: 'held', reason: 'stale' })
  })

  it('leaves the others as they are', async () => {
    const { sid, token } = await functions.signIn()
    expect((await deliver(about(sid, 'session-fork'))).json).toMatchObject({ state: 'done', result: 'success' })
    expect(await isIn(token)).toBe(false)
  })
})

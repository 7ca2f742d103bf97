import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { undo } from '../../ops/contain/operate.ts'
import { networkOf } from '../../shared/client/address.ts'
import { connectTables } from '../../shared/stores/connect.ts'
import { createMemoryContainmentCap } from '../../shared/stores/memory/containment-cap.ts'
import type { Containment, Lease, Leases } from '../../shared/stores/port.ts'
import type { Tables } from '../../shared/stores/tables/client.ts'
import { createSessionLedger } from '../../shared/stores/tables/session-ledger.ts'
import { containmentId } from '../contain/alert.ts'
import { proceed } from '../contain/attempt.ts'
import { createContainmentLedger } from '../stores/tables/containment-ledger.ts'
import { type Functions, settled, startFunctions } from '../testing/functions.ts'
import { LIMITS, type SweepDeps, sweep } from './sweep.ts'

let functions: Functions
let tables: Tables
beforeAll(async () => {
  const prefix = `w${randomUUID().slice(0, 13).replaceAll('-', '')}`
  tables = connectTables(inject('tablesConnection'), { prefix }).tables
  const [containments, ledger] = [createContainmentLedger(tables), createSessionLedger(tables)]
  // A cap of its own: what other tests contain at the same time is not to be counted, nor ours by them.
  const cap = createMemoryContainmentCap()
  functions = await startFunctions({ env: { CONTAIN_CAP: '1000' }, stores: { containments, ledger, cap } })
})
afterAll(() => functions.close())
beforeEach(() => {
  functions.lines.length = 0
})
afterEach(async () => {
  for (const row of await functions.deps.stores.containments.list({ states: ['pending'] })) await close(row)
})
const close = ({ detection, id }: Containment) =>
  functions.deps.stores.containments.revise(detection, id, (row) => ({ ...row, state: 'undone' }))

/** Granted to everybody: as for two sweepers of which each believes that it has the lease. */
const everybodys: Leases = {
  acquire: async () => ({ fence: Date.now(), renew: async () => true, release: async () => {} }),
}
const away = () => Promise.reject(new Error('away'))
const sweeping = (over: Partial<SweepDeps> = {}, limits = LIMITS) =>
  sweep({ ...functions.deps.sweep, leases: everybodys, fetch: away, ...over }, limits)

let last = 0
/** Of a customer whom no other test has. */
const freshNetwork = () => networkOf(`2001:db8:${(0x6000 + ++last).toString(16)}:1::7`)
/** A row that somebody claimed and left, and whose turn it is. */
async function abandoned(over: Partial<Containment> = {}): Promise<Containment> {
  const detection = over.detection ?? 'credential-stuffing'
  const [cycle, scope] = [randomUUID(), over.scope ?? `@network:${freshNetwork()}`]
  const at = new Date(Date.now() - 60_000 + ++last)
  const row: Containment = {
    id: containmentId(detection, cycle, scope),
    detection,
    cycle,
    scope,
    action: 'block_ip',
    state: 'pending',
    alertId: '1001',
    alertedAt: at,
    createdAt: at,
    updatedAt: at,
    nextAt: at,
    attempts: 0,
    ...over,
  }
  expect(await functions.deps.stores.containments.claim(row)).toBe(true)
  return row
}
const stateOf = async ({ detection, id }: Containment) =>
  (await functions.deps.stores.containments.find(detection, id))?.state
const eventsOf = (evt: string) => functions.events().filter((event) => event.evt === evt)

describe('a sweep', () => {
  it('continues with containments while the index of sessions cannot be read, and logs its failure', async () => {
    const row = await abandoned()
    async function* openPages(): AsyncGenerator<never> {
      yield await away()
    }
    const swept = await sweeping({ ledger: { ...functions.deps.stores.ledger, openPages } })
    expect(swept).toMatchObject({ contained: 1, complete: false })
    expect(await stateOf(row)).toBe('done')
    expect(eventsOf('sweep')).toMatchObject([{ outcome: 'fail', contained: 1, level: 'error' }])
  })

  it('reads sessions and cleans up while the containments cannot be read', async () => {
    const { sid } = await functions.signIn()
    await functions.deps.stores.sessions.end(sid)
    async function* openPages(): AsyncGenerator<never> {
      yield await away()
    }
    const containments = { ...functions.deps.stores.containments, openPages }
    expect(await sweeping({ containments, ledger: settled(functions.deps.stores.ledger) })).toMatchObject({
      complete: true,
    })
    expect((await functions.deps.stores.ledger.locate(sid))?.state).toBe('expired')
    expect(eventsOf('sweep')).toMatchObject([{ outcome: 'fail' }])
  })

  it('continues with containments, and nothing else, while Redis gives no lease', async () => {
    const row = await abandoned({ detection: 'telemetry-silence', scope: '*', action: 'notify' })
    const swept = await sweeping({ leases: { acquire: away } })
    expect(swept).toMatchObject({ contained: 1, sessions: 0, complete: false })
    expect(await stateOf(row)).toBe('done')
    expect(eventsOf('sweep')).toMatchObject([{ outcome: 'fail' }])
  })

  it('is left to the holder of the lease', async () => {
    const row = await abandoned()
    expect(await sweeping({ leases: { acquire: async () => undefined } })).toBeUndefined()
    expect(await stateOf(row)).toBe('pending')
    expect(eventsOf('sweep')).toEqual([])
  })

  it('stops when its time is over, with room for the next one before the minute is', async () => {
    expect(LIMITS.deadlineMs).toBeLessThanOrEqual(50_000)
    async function* openPages() {
      for (let page = 1; ; page++) {
        await delay(20)
        yield { sessions: [], settled: [], next: String(page) }
      }
    }
    const began = performance.now()
    const ledger = { ...functions.deps.stores.ledger, openPages }
    expect(await sweeping({ ledger }, { ...LIMITS, deadlineMs: 1_000 })).toMatchObject({ complete: false })
    expect(performance.now() - began).toBeLessThan(5_000)
    expect(await functions.deps.stores.ledger.progress()).toMatchObject({ after: expect.any(String) })
    expect(eventsOf('sweep')).toMatchObject([{ outcome: 'success', complete: false }])
    await sweeping()
  })

  it('leaves time for the steps after the open sessions', () => {
    expect(LIMITS.sessionsMs).toBeLessThanOrEqual(LIMITS.deadlineMs * 0.7)
  })
})

describe('the lease of a sweeper that was killed', () => {
  it('ends well before the next minute', () => {
    expect(LIMITS.leaseMs).toBeLessThan(20_000)
    expect(LIMITS.renewMs * 2).toBeLessThan(LIMITS.leaseMs)
  })

  it('keeps the next one only until its time is over', async () => {
    const name = `sweep-${randomUUID()}`
    const { leases } = functions.deps.stores
    const ours: Leases = { acquire: (_, ttlMs) => leases.acquire(name, ttlMs) }
    const limits = { ...LIMITS, leaseMs: 500, renewMs: 100 }
    // Of whoever is killed nothing renews it any more.
    const dead: Lease | undefined = await ours.acquire('sweep', limits.leaseMs)
    expect(dead).toBeDefined()
    const row = await abandoned()
    expect(await sweeping({ leases: ours }, limits)).toBeUndefined()
    await delay(limits.leaseMs)
    expect(await sweeping({ leases: ours }, limits)).toMatchObject({ contained: 1 })
    expect(await stateOf(row)).toBe('done')
  })
})

describe('containments that wait', () => {
  it('are continued sixteen at a time, oldest first, though web hangs for each', async () => {
    const rows: Containment[] = []
    for (let n = 0; n < 60; n++) {
      const { sid } = await openedSession(n)
      rows.push(await abandoned({ detection: 'session-reuse', scope: `@sid:${sid}`, action: 'revoke' }))
    }
    let [under, most] = [0, 0]
    const order: string[] = []
    let letThemGo = () => {}
    const sixteen = new Promise<void>((resolve) => {
      letThemGo = resolve
    })
    const hanging: typeof fetch = async (_, init) => {
      order.push(JSON.parse(String(init?.body)).sid)
      most = Math.max(most, ++under)
      if (under === 16) letThemGo()
      // One at a time, or fifteen, would wait here for ever.
      await sixteen
      await delay(20)
      under--
      throw new Error('web hangs')
    }
    const swept = await sweeping({ fetch: hanging })
    expect(swept).toMatchObject({ contained: 60, failed: 0 })
    expect(most).toBe(16)
    expect(order).toHaveLength(60)
    const oldest = new Set(rows.slice(0, 16).map(({ scope }) => scope.replace('@sid:', '')))
    expect(order.slice(0, 16).every((sid) => oldest.has(sid))).toBe(true)
  })

  it('do not hold up others if one can never be carried out: it fails at once, with a page', async () => {
    const gone = await abandoned({ detection: 'not-a-detection-any-more' })
    const changed = await abandoned({ detection: 'session-reuse' })
    const row = await abandoned()
    expect(await sweeping()).toMatchObject({ contained: 1, failed: 0 })
    expect(await stateOf(gone)).toBe('failed')
    expect(await stateOf(changed)).toBe('failed')
    expect(await stateOf(row)).toBe('done')
    const fails = eventsOf('contain').filter((event) => 'outcome' in event && event.outcome === 'fail')
    expect(fails).toMatchObject([{ level: 'error' }, { level: 'error' }])
    functions.lines.length = 0
    await sweeping()
    expect(eventsOf('contain')).toEqual([])
  })

  it('wait longer after each failure, and hold up no others', async () => {
    const [first, second] = [await abandoned(), await abandoned()]
    const { blocks } = functions.deps.stores
    const network = first.scope.replace('@network:', '')
    const broken = {
      ...blocks,
      block: (...of: Parameters<typeof blocks.block>) => (of[0] === network ? away() : blocks.block(...of)),
    }
    const at = Date.now()
    expect(await sweeping({ blocks: broken, now: () => at })).toMatchObject({ contained: 1, failed: 1 })
    expect(await stateOf(second)).toBe('done')
    const waiting = await functions.deps.stores.containments.find(first.detection, first.id)
    const turn = waiting?.nextAt.getTime() ?? 0
    expect(turn).toBeGreaterThan(at + 1_000)
    expect(await sweeping({ now: () => turn - 1 })).toMatchObject({ contained: 0, failed: 0 })
    expect(await sweeping({ now: () => turn })).toMatchObject({ contained: 1 })
    expect(await stateOf(first)).toBe('done')
  })

  it('have one effect and one event each under two sweepers at once', async () => {
    const rows = await Promise.all(Array.from({ length: 8 }, () => abandoned()))
    await Promise.all([sweeping(), sweeping()])
    expect(await Promise.all(rows.map(stateOf))).toEqual(rows.map(() => 'done'))
    const ids = eventsOf('contain').flatMap((event) => ('containment_id' in event ? [event.containment_id] : []))
    expect(ids.sort()).toEqual(rows.map(({ id }) => id).sort())
  })

  it('ask the cap like any other', async () => {
    const rows = []
    for (let n = 0; n < 7; n++) rows.push(await abandoned({ detection: 'password-spraying' }))
    await sweeping({ capLimit: 3 })
    const states = await Promise.all(rows.map(stateOf))
    expect(states.filter((state) => state === 'done')).toHaveLength(3)
    expect(states.filter((state) => state === 'held')).toHaveLength(4)
  })
})

describe('a row that was held because of a wrong clock', () => {
  it('is carried out when the clock is right again, and stays held while the alert is old', async () => {
    const held = { state: 'held', reason: 'stale' } as const
    const young = await abandoned({ ...held, createdAt: new Date(Date.now() - 120_000), alertedAt: new Date() })
    const old = await abandoned({ ...held, alertedAt: new Date(Date.now() - 16 * 60_000) })
    await sweeping()
    expect(await stateOf(young)).toBe('done')
    expect(await stateOf(old)).toBe('held')
  })
})

describe('a finished containment', () => {
  it('has its block put back when Redis has lost it, until it ends', async () => {
    const row = await abandoned()
    await sweeping()
    const network = row.scope.replace('@network:', '')
    const { blocks, containments } = functions.deps.stores
    expect(await blocks.unblock(network, row.id)).toBe(true)
    await sweeping()
    const done = await containments.find(row.detection, row.id)
    expect(await blocks.blockedBy(network, Date.now())).toEqual({
      containmentId: row.id,
      until: done?.expiresAt?.getTime(),
    })
    await sweeping({ now: () => Date.now() + 15 * 60_000 })
    expect(await containments.find(row.detection, row.id)).toMatchObject({ state: 'closed', reason: 'expired' })
  })

  it('is announced by the sweeper if its process died before', async () => {
    const owed = { outcome: 'success' as const, requestId: randomUUID() }
    const row = await abandoned({ state: 'done', result: 'success', via: 'direct', announce: owed })
    await sweeping()
    expect(eventsOf('contain')).toMatchObject([
      { outcome: 'success', containment_id: row.id, request_id: owed.requestId },
    ])
    await sweeping()
    expect(eventsOf('contain')).toHaveLength(1)
  })
})

/** A session of nobody in particular, in the ledger alone. */
async function openedSession(n: number) {
  const session = {
    userId: randomUUID(),
    sid: `sweep${randomUUID().replaceAll('-', '').slice(0, 17)}`,
    state: 'active' as const,
    issuedAt: new Date(Date.now() - 1000 + n),
    absoluteExpiry: new Date(Date.now() + 86_400_000),
    deviceHash: '0'.repeat(32),
    device: 'x',
    ip: '203.0.113.1',
    via: 'api' as const,
  }
  await functions.deps.stores.ledger.open(session)
  return session
}

describe('a block that an operator undid during an attempt', () => {
  it('stays undone although its process died between the block and the look at the row', async () => {
    const row = await abandoned()
    const network = row.scope.replace('@network:', '')
    const { blocks } = functions.deps.stores
    const blockedBy = () => blocks.blockedBy(network, Date.now())
    let hasBlocked = () => {}
    const blocked = new Promise<void>((resolve) => {
      hasBlocked = resolve
    })
    const dying: typeof blocks = {
      ...blocks,
      async block(...how) {
        await undo(row, randomUUID(), functions.deps.contain)
        await blocks.block(...how)
        hasBlocked()
        await new Promise(() => {})
      },
    }
    void proceed(row, randomUUID(), { ...functions.deps.contain, blocks: dying })
    await blocked
    expect(await blockedBy()).toBeDefined()
    await sweeping()
    expect(await blockedBy()).toBeUndefined()
    expect(await stateOf(row)).toBe('undone')
    await blocks.block(network, { containmentId: 'another', until: Date.now() + 60_000 })
    await sweeping()
    expect(await blockedBy()).toMatchObject({ containmentId: 'another' })
  })
})

describe('a row of the containment ledger that this release cannot read', () => {
  /** Writes into a row what no release writes; undefined takes the property away. */
  async function spoil({ detection, id }: Containment, change: Record<string, unknown>): Promise<void> {
    const table = await tables.open('containments')
    const entity = await table.getEntity(detection, id)
    const kept = Object.fromEntries(Object.entries({ ...entity, ...change }).filter(([, value]) => value !== undefined))
    await table.updateEntity({ ...kept, partitionKey: detection, rowKey: id }, 'Replace')
  }

  const sixMinutesAgo = () => new Date(Date.now() - 6 * 60_000)

  it.each<[string, Record<string, unknown>]>([
    ['has no scope', { scope: undefined }],
    ['has a number for its scope', { scope: 7 }],
    ['asks for an action that nobody knows', { action: 'format_disk' }],
    ['is in a state that nobody knows', { state: 'lost' }],
    ['has no date of its alert', { alertedAt: undefined }],
    ['has a text for the date of its alert', { alertedAt: 'yesterday' }],
  ])('because it %s, fails at once with a page, and delays no other row', async (_, change) => {
    const poison = await abandoned()
    await spoil(poison, change)
    const sound = await abandoned()
    expect(await sweeping()).toMatchObject({ contained: 1, failed: 0 })
    expect(await stateOf(sound)).toBe('done')
    expect(await functions.deps.stores.containments.find(poison.detection, poison.id)).toMatchObject({
      state: 'failed',
      reason: 'unreadable',
      attempts: 0,
    })
    expect(
      eventsOf('contain').filter((event) => 'containment_id' in event && event.containment_id === poison.id),
    ).toMatchObject([{ outcome: 'fail', reason: 'unreadable', level: 'error' }])
    expect(eventsOf('sweep')).toMatchObject([{ outcome: 'success' }])
    expect((await functions.deps.stores.containments.list({})).map(({ id }) => id)).toContain(poison.id)
  })

  it.each<[string, Record<string, unknown>]>([
    ['when it was made', { createdAt: undefined }],
    ['when it was made, save as a text', { createdAt: '2026' }],
    ['any time of its own', { createdAt: undefined, updatedAt: undefined, nextAt: undefined }],
    ['how often it was tried', { attempts: undefined }],
    ['how often it was tried, save as a text', { attempts: 'twice' }],
    ['the event that it owes, save as half of its JSON', { announce: '{"outcome":' }],
    ['which cycle it is of', { cycle: undefined, alertId: undefined }],
    ['its own keys', { id: 'another', detection: 'session-reuse' }],
  ])('but that lacks only %s, is carried out', async (_, change) => {
    const row = await abandoned()
    await spoil(row, change)
    expect(await sweeping()).toMatchObject({ contained: 1, failed: 0 })
    expect(await stateOf(row)).toBe('done')
  })

  it.each<[string, Record<string, unknown>]>([
    ['names nothing', { detection: undefined, id: undefined }],
    ['names a number', { detection: 7, id: 7 }],
  ])('does not hide the others where its index row %s; it is found by going through the rows', async (_, change) => {
    const [row, sound] = [await abandoned({ updatedAt: sixMinutesAgo() }), await abandoned()]
    const index = await tables.open('containmentindex')
    for await (const { rowKey = '', id } of index.listEntities<{ id: string }>()) {
      if (id !== row.id) continue
      await index.updateEntity({ partitionKey: 'open', rowKey, ...change }, 'Replace').catch(() => undefined)
    }
    await sweeping()
    expect(await stateOf(sound)).toBe('done')
    await sweeping()
    expect(await stateOf(row)).toBe('done')
  })

  it('is found within minutes without the index', async () => {
    const row = await abandoned({ updatedAt: sixMinutesAgo() })
    const index = await tables.open('containmentindex')
    for await (const { partitionKey = '', rowKey = '' } of index.listEntities()) {
      await index.deleteEntity(partitionKey, rowKey)
    }
    await sweeping()
    expect(await stateOf(row)).toBe('done')
  })
})

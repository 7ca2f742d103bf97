import { randomUUID } from 'node:crypto'
import { describe, expect, inject, test, vi } from 'vitest'
import { connectTables } from '../../../shared/stores/connect.ts'
import { containmentLedgerContract } from '../../../shared/stores/contract/containment-ledger.ts'
import { deviceTokensContract } from '../../../shared/stores/contract/device-tokens.ts'
import { knownDevicesContract } from '../../../shared/stores/contract/known-devices.ts'
import { lastPlacesContract } from '../../../shared/stores/contract/last-places.ts'
import { sessionLedgerContract } from '../../../shared/stores/contract/session-ledger.ts'
import type { LastPlace, LastPlaces } from '../../../shared/stores/port.ts'
import { createTablesClient, type Tables } from '../../../shared/stores/tables/client.ts'
import { createSessionLedger } from '../../../shared/stores/tables/session-ledger.ts'
import { createContainmentLedger } from './containment-ledger.ts'
import { createDeviceTokens } from './device-tokens.ts'
import { createKnownDevices } from './known-devices.ts'
import { createLastPlaces } from './last-places.ts'

const freshTables = (): Tables =>
  connectTables(inject('tablesConnection'), { prefix: `t${randomUUID().slice(0, 13).replaceAll('-', '')}` }).tables

sessionLedgerContract(() => createSessionLedger(freshTables(), { pageRows: 40 }))
knownDevicesContract(createKnownDevices(freshTables()))
deviceTokensContract(createDeviceTokens(freshTables()))
lastPlacesContract(createLastPlaces(freshTables()))
containmentLedgerContract(() => createContainmentLedger(freshTables()))

const NOW = new Date('2026-03-01T12:00:00Z')
const session = () => ({
  userId: randomUUID(),
  sid: randomUUID(),
  state: 'active' as const,
  issuedAt: NOW,
  absoluteExpiry: NOW,
  deviceHash: 'd',
  device: 'firefox on linux',
  ip: '203.0.113.7',
  via: 'web' as const,
})

test('a session whose row could not be written leaves only an index row, which the sweeper removes', async () => {
  const tables = freshTables()
  const ledger = createSessionLedger(tables)
  const { deviceHash, ...lost } = session()
  // More than a row's property takes: the index is written, the row is refused.
  await expect(ledger.open({ ...lost, deviceHash: 'd'.repeat(70_000) })).rejects.toMatchObject({ statusCode: 400 })
  const page = (await ledger.openPages()[Symbol.asyncIterator]().next()).value?.sessions ?? []
  expect(page).toMatchObject([{ sid: lost.sid }])
  expect(await ledger.locate(lost.sid)).toBeUndefined()
  expect(await ledger.expire(page, NOW)).toBe(0)
  expect((await ledger.openPages()[Symbol.asyncIterator]().next()).done).toBe(true)
})

test('a session whose ending was cut short before the index is among the ended ones once the sweeper has seen it', async () => {
  const tables = freshTables()
  const ledger = createSessionLedger(tables)
  const cut = session()
  await ledger.open(cut)
  const rows = await tables.open('sessions')
  const { value: row } = await rows.listEntities<{ partitionKey: string; rowKey: string }>().next()
  const { partitionKey, rowKey } = row ?? { partitionKey: '', rowKey: '' }
  await rows.updateEntity({ partitionKey, rowKey, state: 'revoked', endedAt: NOW, reason: 'contained' }, 'Merge')
  expect(await ledger.expire([cut], NOW)).toBe(0)
  const ended = []
  for await (const page of ledger.endedPages(NOW)) ended.push(...page)
  expect(ended).toMatchObject([{ sid: cut.sid, state: 'revoked', reason: 'contained' }])
  expect((await ledger.openPages()[Symbol.asyncIterator]().next()).done).toBe(true)
  expect(await ledger.purge(new Date(NOW.getTime() + 1), 10)).toBe(1)
})

test.each<[string, Record<string, unknown>]>([
  ['has no dates', { issuedAt: undefined, absoluteExpiry: undefined, endedAt: undefined }],
  ['has texts for its dates', { issuedAt: '2026', absoluteExpiry: 'tomorrow', endedAt: 'today' }],
  ['names nobody', { userId: undefined, sid: undefined }],
])('a row of a session that a hand has written hides no other: it %s', async (_, change) => {
  const tables = freshTables()
  const ledger = createSessionLedger(tables)
  const [spoiled, ended, open] = [session(), session(), session()]
  for (const one of [spoiled, ended, open]) await ledger.open(one)
  const close = ({ userId, sid }: typeof open) =>
    ledger.close(userId, sid, { state: 'revoked', at: NOW, reason: 'contained' })
  await close(ended)
  const spoil = async (name: string) => {
    const table = await tables.open(name)
    for await (const entity of table.listEntities<Record<string, unknown>>()) {
      const { partitionKey = '', rowKey = '', sid } = entity
      if (sid !== spoiled.sid || partitionKey.length === 64) continue
      const kept = Object.entries({ ...entity, ...change }).filter(([, value]) => value !== undefined)
      await table.updateEntity({ ...Object.fromEntries(kept), partitionKey, rowKey }, 'Replace')
    }
  }
  await spoil('sessionindex')
  const pages = []
  for await (const { sessions } of ledger.openPages()) pages.push(...sessions)
  expect(pages.map(({ sid }) => sid)).toContain(open.sid)
  for (const { issuedAt, absoluteExpiry } of pages) {
    expect([issuedAt.getTime(), absoluteExpiry.getTime()]).not.toContain(Number.NaN)
  }
  await close(spoiled)
  await spoil('sessionindex')
  await spoil('sessions')
  for (const { issuedAt, absoluteExpiry } of await ledger.listByUser(spoiled.userId)) {
    expect([issuedAt.getTime(), absoluteExpiry.getTime()]).not.toContain(Number.NaN)
  }
  const over = []
  for await (const page of ledger.endedPages(NOW)) over.push(...page)
  expect(over.map(({ sid }) => sid)).toContain(ended.sid)
  for (const { userId, sid, endedAt } of over) {
    expect([typeof userId, typeof sid, endedAt.getTime()]).toEqual(['string', 'string', expect.any(Number)])
  }
})

test('the keys of the ledger are the user and the SHA-256 of the sid', async () => {
  const tables = freshTables()
  const opened = session()
  await createSessionLedger(tables).open(opened)
  const { value: row } = await (await tables.open('sessions')).listEntities().next()
  expect(row).toMatchObject({ partitionKey: opened.userId, rowKey: expect.stringMatching(/^[0-9a-f]{64}$/) })
})

test('a containment that an older release or a hand wrote is found by going through the rows', async () => {
  const tables = freshTables()
  const containments = createContainmentLedger(tables)
  const subject = { detection: 'session-reuse', cycle: 'c', scope: '@sid:x', action: 'revoke', alertId: '1' }
  const dates = { alertedAt: NOW, createdAt: NOW, updatedAt: NOW }
  const table = await tables.open('containments')
  for (const [id, state] of Object.entries({ one: 'pending', two: 'done', three: 'pending' })) {
    const row = { id, ...subject, ...dates, state, attempts: 0 }
    await table.createEntity({ partitionKey: row.detection, rowKey: id, ...row })
  }
  const open = async () => {
    const found = []
    for await (const page of containments.openPages(NOW)) found.push(...page)
    return found
  }
  expect(await open()).toEqual([])
  expect(await containments.reindex(NOW)).toBeUndefined()
  expect(await containments.reindex(NOW)).toBeUndefined()
  expect(await open()).toMatchObject([
    { id: 'one', nextAt: NOW },
    { id: 'three', nextAt: NOW },
  ])
  const rest = { ...subject, ...dates, id: 'four', attempts: 0, nextAt: NOW, action: 'revoke' } as const
  await containments.claim({ ...rest, state: 'closed' })
  await table.updateEntity({ partitionKey: rest.detection, rowKey: rest.id, state: 'pending' }, 'Merge')
  expect(await open()).toHaveLength(2)
  expect(await containments.reindex(NOW)).toBeUndefined()
  expect(await open()).toHaveLength(3)
})

test('a claim that never wrote its row is cleaned up, but not while it may be under way', async () => {
  const tables = freshTables()
  const containments = createContainmentLedger(tables)
  const index = await tables.open('containmentindex')
  const id = 'f'.repeat(32)
  const entry = { partitionKey: 'open', rowKey: `2026-${id}`, detection: 'session-reuse', id }
  await index.createEntity(entry)
  const entries = async (now: Date) => {
    for await (const page of containments.openPages(now)) expect(page).toEqual([])
    return (await index.listEntities().next()).value?.rowKey
  }
  expect(await entries(NOW)).toBe(entry.rowKey) // its age counts from here, whatever the clock of the claim said
  expect(await entries(new Date(NOW.getTime() + 899_999))).toBe(entry.rowKey)
  expect(await entries(new Date(NOW.getTime() + 900_000))).toBeUndefined()
})

test('an account whose devices are older than the claim of the first one has had its first', async () => {
  const tables = freshTables()
  const [userId, later] = [randomUUID(), new Date(NOW.getTime() + 1)]
  await (await tables.open('devices')).createEntity({ partitionKey: userId, rowKey: 'a'.repeat(32), since: NOW })
  const devices = createKnownDevices(tables)
  expect(await devices.remember(userId, 'b'.repeat(32), later)).toEqual({ since: later, isFirst: false, isNew: true })
  expect(await devices.find(userId, 'b'.repeat(32))).toMatchObject({ isFirst: false })
})

test('a table is created once, however many ask for it first', async () => {
  const tables = freshTables()
  const opened = await Promise.all(Array.from({ length: 5 }, () => tables.open('once')))
  expect(new Set(opened).size).toBe(1)
})

test('a table service that does not answer is asked again at the next use', async () => {
  const unreachable = inject('tablesConnection').replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1')
  const tables = createTablesClient(unreachable)
  await expect(tables.open('sessions')).rejects.toMatchObject({ store: 'tables', cause: { code: 'ECONNREFUSED' } })
  await expect(tables.open('sessions')).rejects.toMatchObject({ store: 'tables', cause: { code: 'ECONNREFUSED' } })
})

test('plain http is refused for an endpoint that is not on this machine', async () => {
  const elsewhere = inject('tablesConnection').replace('127.0.0.1', 'tables.example.com')
  const cause = { message: expect.stringContaining('allowInsecureConnection is false') }
  await expect(createTablesClient(elsewhere).ping()).rejects.toMatchObject({ cause })
})

/** @returns what a sign-in is judged by in the end */
async function judgedBy(places: LastPlaces, userId: string, learnt?: LastPlace): Promise<LastPlace | undefined> {
  let judged: LastPlace | undefined
  await places.revise(userId, (before) => {
    judged = before
    return learnt
  })
  return judged
}

describe('a last place that this process has written', () => {
  const place = (logins: number): LastPlace => ({ latitude: 38.7, longitude: -9.1, at: NOW, since: NOW, logins })

  test('is used without reading it again until another process changes it', async () => {
    const [tables, userId, reads] = [freshTables(), randomUUID(), vi.fn()]
    const table = await tables.open('places')
    const get = table.getEntity.bind(table)
    const counted: typeof table.getEntity = (...of) => {
      reads()
      return get(...of)
    }
    const open = async () => Object.assign(table, { getEntity: counted })
    const places = createLastPlaces({ ...tables, open })
    for (let logins = 1; logins <= 3; logins++) {
      expect((await judgedBy(places, userId, place(logins)))?.logins ?? 0).toBe(logins - 1)
    }
    expect(reads).toHaveBeenCalledTimes(1)
    expect(await judgedBy(createLastPlaces(tables), userId)).toEqual(place(3))
  })

  test.each([['learnt', place(9)] as const, ['not learnt', undefined] as const])(
    'and another has changed is judged by the change, when the new place is %s',
    async (_, learnt) => {
      const [tables, userId] = [freshTables(), randomUUID()]
      const [here, there] = [createLastPlaces(tables), createLastPlaces(tables)]
      await judgedBy(here, userId, place(1))
      await judgedBy(there, userId, place(5))
      expect(await judgedBy(here, userId, learnt)).toEqual(place(5))
      expect(await judgedBy(there, userId)).toEqual(learnt ?? place(5))
    },
  )

  test('is undefined after it was deleted', async () => {
    const [tables, userId] = [freshTables(), randomUUID()]
    const places = createLastPlaces(tables)
    await judgedBy(places, userId, place(1))
    await (await tables.open('places')).deleteEntity(userId, 'last')
    expect(await judgedBy(places, userId, place(1))).toBeUndefined()
    expect(await judgedBy(places, userId)).toEqual(place(1))
  })
})

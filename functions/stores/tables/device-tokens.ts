import { createHash } from 'node:crypto'
import { odata, type TableClient } from '@azure/data-tables'
import type { DeviceTokens, TrustedDevice } from '../../../shared/stores/port.ts'
import type { Tables } from '../../../shared/stores/tables/client.ts'
import { CONFLICT, findEntity, NOT_FOUND, unless } from '../../../shared/stores/tables/entity.ts'

/** The most tokens of one account. */
const MAX_DEVICES = 20
/** The lifetime of a token since the last sign-in of its device. */
const TOKEN_LIFE_MS = 180 * 24 * 3_600_000
/** How long the old token stays valid, in case the answer with its successor was lost. */
const REPLACED_LIFE_MS = 10 * 60_000

/**
 * The row that records that a token of the account was confirmed. It outlives the tokens, and nothing removes it: a
 * sign-in that withdraws its own token must not undo what another one confirmed. A device hash or a token is never a
 * word.
 */
const ISSUED = 'issued'
const PREFIX = 'token-'

interface Row extends TrustedDevice {
  issuedAt: Date
  expiresAt: Date
  /** Whether its device has returned with a token. */
  returned: boolean
  replaced: boolean
}
type Ranked = Pick<Row, 'lineage' | 'issuedAt' | 'expiresAt' | 'returned' | 'replaced'> & { rowKey: string }

/** Device tokens beside the known devices: partition user id, row the hash of the token's id. */
export function createDeviceTokens(tables: Tables): DeviceTokens {
  const open = () => tables.open('devices')
  const remove = (table: TableClient, userId: string, rowKey: string) =>
    unless([NOT_FOUND], table.deleteEntity(userId, rowKey))

  return {
    async find(userId, id, now) {
      const row = await findEntity<Row>(await open(), userId, keyOf(id))
      if (!row || now >= row.expiresAt) return undefined
      return { lineage: row.lineage, since: row.since, isFirst: row.isFirst, givenAt: row.givenAt }
    },

    async hasIssued(userId) {
      return (await findEntity(await open(), userId, ISSUED)) !== undefined
    },

    async issue(userId, id, device, now, replaces) {
      const table = await open()
      const { lineage, since, givenAt } = device
      const expiresAt = new Date(now.getTime() + TOKEN_LIFE_MS)
      const life = { issuedAt: now, expiresAt, returned: replaces !== undefined, replaced: false }
      const row: Row = { lineage, since, givenAt, isFirst: device.isFirst, ...life }
      await table.createEntity({ partitionKey: userId, rowKey: keyOf(id), ...row })
      const kept = [keyOf(id), ...(replaces === undefined ? [] : [keyOf(replaces)])]
      for (const { rowKey } of excess(await rowsOf(table, userId), kept, now)) await remove(table, userId, rowKey)
    },

    async confirm(userId) {
      await unless([CONFLICT], (await open()).createEntity({ partitionKey: userId, rowKey: ISSUED }))
    },

    async retire(userId, id, now) {
      const table = await open()
      const row = await findEntity<Row>(table, userId, keyOf(id))
      if (!row) return
      const until = Math.min(row.expiresAt.getTime(), now.getTime() + REPLACED_LIFE_MS)
      const change = { partitionKey: userId, rowKey: keyOf(id), expiresAt: new Date(until), replaced: true }
      await unless([NOT_FOUND], table.updateEntity(change, 'Merge'))
    },

    async withdraw(userId, id) {
      await remove(await open(), userId, keyOf(id))
    },

    async revokeLineage(userId, lineage) {
      const table = await open()
      const rows = (await rowsOf(table, userId)).filter((row) => row.lineage === lineage)
      await Promise.all(rows.map(({ rowKey }) => remove(table, userId, rowKey)))
    },

    async revokeAll(userId, except) {
      const table = await open()
      const kept = except === undefined ? undefined : keyOf(except)
      const rows = (await rowsOf(table, userId)).filter(({ rowKey }) => rowKey !== kept)
      await Promise.all(rows.map(({ rowKey }) => remove(table, userId, rowKey)))
    },
  }
}

const keyOf = (id: string): string => PREFIX + createHash('sha256').update(id).digest('hex')

async function rowsOf(table: TableClient, userId: string): Promise<Ranked[]> {
  // '.' follows '-', so this range holds every key with the prefix.
  const filter = odata`PartitionKey eq ${userId} and RowKey ge ${PREFIX} and RowKey lt ${PREFIX.replace('-', '.')}`
  const select = ['RowKey', 'lineage', 'issuedAt', 'expiresAt', 'returned', 'replaced']
  const rows: Ranked[] = []
  for await (const row of table.listEntities<Ranked>({ queryOptions: { filter, select } })) rows.push(row)
  return rows
}

/** The expired tokens, and those beyond the limit of the account: a flood of new tokens removes these first. */
function excess(rows: readonly Ranked[], kept: readonly string[], now: Date): Ranked[] {
  const over = rows.filter(({ expiresAt }) => now >= expiresAt)
  const live = rows.filter(({ expiresAt }) => now < expiresAt)
  const worth = ({ replaced, returned }: Ranked) => (replaced ? 0 : returned ? 2 : 1)
  const cheapest = live
    .filter(({ rowKey }) => !kept.includes(rowKey))
    .sort((a, b) => worth(a) - worth(b) || a.issuedAt.getTime() - b.issuedAt.getTime())
  return [...over, ...cheapest.slice(0, Math.max(0, live.length - MAX_DEVICES))]
}

import { odata, type TableClient, type TransactionAction } from '@azure/data-tables'
import type { KnownDevice, KnownDevices } from '../../../shared/stores/port.ts'
import type { Tables } from '../../../shared/stores/tables/client.ts'
import { CONFLICT, findEntity, NOT_FOUND, unless } from '../../../shared/stores/tables/entity.ts'

/** The row that the first device claims, in one transaction with its own row. A device hash is never a word. */
const FIRST = 'first'

/** Devices by user: partition user id, row device hash. */
export function createKnownDevices(tables: Tables): KnownDevices {
  const find: KnownDevices['find'] = async (userId, deviceHash) => {
    const row = await findEntity<Partial<KnownDevice> & Pick<KnownDevice, 'since'>>(
      await tables.open('devices'),
      userId,
      deviceHash,
    )
    return row && { since: row.since, isFirst: row.isFirst ?? false }
  }

  return {
    find,
    async remember(userId, deviceHash, since) {
      const known = await find(userId, deviceHash)
      if (known) return { ...known, isNew: false }
      const table = await tables.open('devices')
      const device = { partitionKey: userId, rowKey: deviceHash, since }
      const first = { partitionKey: userId, rowKey: FIRST, deviceHash, since }
      const both: TransactionAction[] = [
        ['create', first],
        ['create', { ...device, isFirst: true }],
      ]
      const isFirst = (await isEmpty(table, userId)) && (await unless([CONFLICT], table.submitTransaction(both)))
      if (isFirst) return { since, isFirst, isNew: true }
      if (await unless([CONFLICT], table.createEntity(device))) return { since, isFirst: false, isNew: true }
      // Another request of the same device was faster; its row stays.
      return { ...((await find(userId, deviceHash)) ?? { since, isFirst: false }), isNew: false }
    },

    async forget(userId, deviceHash) {
      const table = await tables.open('devices')
      const first = await findEntity<{ deviceHash: string }>(table, userId, FIRST)
      const rows = [deviceHash, ...(first?.deviceHash === deviceHash ? [FIRST] : [])]
      await Promise.all(rows.map((row) => unless([NOT_FOUND], table.deleteEntity(userId, row))))
    },
  }
}

/** An account may be older than {@link FIRST}. If it has any device, it has had its first one. */
async function isEmpty(table: TableClient, partitionKey: string): Promise<boolean> {
  const filter = odata`PartitionKey eq ${partitionKey}`
  const { done } = await table.listEntities({ queryOptions: { filter, select: ['RowKey'] } }).next()
  return done === true
}

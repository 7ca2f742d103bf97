import type { KnownDevices } from '../port.ts'
import type { Tables } from './client.ts'
import { CONFLICT, findEntity, unless } from './entity.ts'

/** The row that whichever device comes first claims, in one transaction with its own. No device hash is a word. */
const FIRST = 'first'

/** Devices by user: partition user id, row device hash. */
export function createKnownDevices(tables: Tables): KnownDevices {
  const isKnown: KnownDevices['isKnown'] = async (userId, deviceHash) =>
    (await findEntity(await tables.open('devices'), userId, deviceHash)) !== undefined

  return {
    isKnown,
    async remember(userId, deviceHash, now) {
      if (await isKnown(userId, deviceHash)) return 'known'
      const table = await tables.open('devices')
      const device = { partitionKey: userId, rowKey: deviceHash, since: now }
      const first = { partitionKey: userId, rowKey: FIRST, deviceHash, since: now }
      const both = table.submitTransaction([
        ['create', first],
        ['create', device],
      ])
      if (await unless([CONFLICT], both)) return 'first'
      return (await unless([CONFLICT], table.createEntity(device))) ? 'new' : 'known'
    },
  }
}

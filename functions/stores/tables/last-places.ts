import type { TableEntityResult } from '@azure/data-tables'
import type { LastPlace, LastPlaces } from '../../../shared/stores/port.ts'
import type { Tables } from '../../../shared/stores/tables/client.ts'
import { CONFLICT, findEntity, PRECONDITION_FAILED, unless } from '../../../shared/stores/tables/entity.ts'

const LAST = 'last'

function placeOf({ latitude, longitude, at, since, logins }: TableEntityResult<LastPlace>): LastPlace {
  return { latitude, longitude, at, since, logins }
}

/**
 * Last places by user: partition user id, row `last`. One row for each, overwritten, so that no trail of anybody's
 * places comes about. Tables have no TTL: whoever deletes an account deletes its partition.
 */
export function createLastPlaces(tables: Tables): LastPlaces {
  return {
    async revise(userId, revise) {
      const table = await tables.open('places')
      for (;;) {
        const row = await findEntity<LastPlace>(table, userId, LAST)
        const next = revise(row && placeOf(row))
        if (!next) return
        const entity = { partitionKey: userId, rowKey: LAST, ...next }
        // Refused only when another sign-in was faster: this one is judged by that.
        const written = row
          ? unless([PRECONDITION_FAILED], table.updateEntity(entity, 'Replace', { etag: row.etag }))
          : unless([CONFLICT], table.createEntity(entity))
        if (await written) return
      }
    },
  }
}

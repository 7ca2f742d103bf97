import type { TableClient, TableEntityResult } from '@azure/data-tables'
import type { LastPlace, LastPlaces } from '../../../shared/stores/port.ts'
import type { Tables } from '../../../shared/stores/tables/client.ts'
import { CONFLICT, findEntity, NOT_FOUND, PRECONDITION_FAILED, unless } from '../../../shared/stores/tables/entity.ts'

const LAST = 'last'
/** Of one process, in memory. */
const MOST_RECENT = 10_000

/** A row as this process has left it. */
interface Written {
  place: LastPlace
  etag: string
}

function placeOf({ latitude, longitude, at, since, logins }: TableEntityResult<LastPlace>): LastPlace {
  return { latitude, longitude, at, since, logins }
}

/**
 * Last places by user: partition user id, row `last`. The one row of a user is overwritten, so no trail of places
 * exists. Tables have no TTL: deleting an account must delete its partition.
 */
export function createLastPlaces(tables: Tables): LastPlaces {
  const recent = new Map<string, Written>()

  function keep(userId: string, written: Written): void {
    recent.delete(userId)
    recent.set(userId, written)
    const [oldest] = recent.keys()
    if (recent.size > MOST_RECENT && oldest !== undefined) recent.delete(oldest)
  }

  /** @param etag of the row that `place` was made from; undefined if there was none @returns false if there is another by now */
  async function write(table: TableClient, userId: string, place: LastPlace, etag: string | undefined) {
    const entity = { partitionKey: userId, rowKey: LAST, ...place }
    const writing = etag === undefined ? table.createEntity(entity) : table.updateEntity(entity, 'Replace', { etag })
    recent.delete(userId)
    if (!(await unless([CONFLICT, NOT_FOUND, PRECONDITION_FAILED], writing))) return false
    const answer = await writing
    if (answer.etag !== undefined) keep(userId, { place, etag: answer.etag })
    return true
  }

  return {
    async revise(userId, revise) {
      const table = await tables.open('places')
      const written = recent.get(userId)
      const likely = written && revise(written.place)
      // What leads to no write, and so to no condition, is judged by the row itself.
      if (likely && (await write(table, userId, likely, written.etag))) return
      for (;;) {
        const row = await findEntity<LastPlace>(table, userId, LAST)
        const next = revise(row && placeOf(row))
        // Refused only if another sign-in was faster; judge this one by it.
        if (!next || (await write(table, userId, next, row?.etag))) return
      }
    },
  }
}

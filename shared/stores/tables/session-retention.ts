import { odata } from '@azure/data-tables'
import type { LedgerSession, SessionLedger } from '../port.ts'
import { mapLimited, NOT_FOUND, unless } from './entity.ts'
import { dropOpen, endSession, keepEnded, keepExpired } from './session-ending.ts'
import {
  ageOf,
  ENDED,
  EXPIRED,
  hashOf,
  namesSomebody,
  OPEN,
  OWNER,
  openKey,
  openPartition,
  PARALLEL,
  type SessionTables,
} from './session-rows.ts'

/** The most operations in one table transaction. */
const BATCH = 100

/** An index row that names a session. */
interface IndexRow extends Pick<LedgerSession, 'userId' | 'sid'> {
  rowKey: string
}

/** Closes expired sessions, in batches of rows with their index, so that a later failure keeps the batches before. */
export const expireIn =
  (tables: SessionTables): SessionLedger['expire'] =>
  async (expired, at) => {
    let closed = 0
    for (let from = 0; from < expired.length; from += BATCH) {
      const batch = expired.slice(from, from + BATCH)
      const ended = await mapLimited(batch, PARALLEL, (session) =>
        endSession(tables, session, { state: 'expired', at }),
      )
      // A session that a crash left open may have ended in another way.
      const before = ended.flatMap(({ session }) => (session && session.state !== 'expired' ? [session] : []))
      const others = new Set(before.map(openKey))
      await mapLimited(before, PARALLEL, (session) => keepEnded(tables, session))
      await keepExpired(
        tables,
        batch.filter((session) => !others.has(openKey(session))),
      )
      await dropOpen(tables, [...new Set(batch.map(openKey))])
      closed += ended.filter(({ isClosed }) => isClosed).length
    }
    return closed
  }

/** Removes sessions of an age, oldest first, in all partitions of the index where a crash may have left them. */
export const purgeIn =
  (tables: SessionTables): SessionLedger['purge'] =>
  async (issuedBefore, atMost) => {
    const [table, lookup] = await Promise.all([tables.sessions(), tables.index()])
    const age = ageOf(issuedBefore)
    const found = await Promise.all(
      [
        odata`PartitionKey ge ${OPEN} and PartitionKey le ${openPartition(age)}`,
        odata`PartitionKey eq ${ENDED}`,
        odata`PartitionKey eq ${EXPIRED}`,
      ].map(async (within) => {
        const filter = `${within} and ${odata`RowKey lt ${age}`}`
        const first: IndexRow[] = []
        for await (const row of lookup.listEntities<IndexRow>({ queryOptions: { filter } })) {
          if (first.push(row) >= atMost) break
        }
        return first
      }),
    )
    // A crash may leave one session in two partitions; it counts once.
    const sessionByKey = new Map(found.flat().map((row) => [row.rowKey, row]))
    const old = [...sessionByKey.values()].sort((a, b) => (a.rowKey < b.rowKey ? -1 : 1)).slice(0, atMost)
    // The index is removed last, so a later run finds and removes what a crash leaves behind.
    await mapLimited(old, PARALLEL, async ({ rowKey, userId, sid }) => {
      const isOfOne = namesSomebody({ userId, sid })
      const rows = isOfOne ? [table.deleteEntity(userId, hashOf(sid)), lookup.deleteEntity(hashOf(sid), OWNER)] : []
      await Promise.all(rows.map((row) => unless([NOT_FOUND], row)))
      await Promise.all(
        [openPartition(rowKey), ENDED, EXPIRED].map((partition) =>
          unless([NOT_FOUND], lookup.deleteEntity(partition, rowKey)),
        ),
      )
    })
    return old.length
  }

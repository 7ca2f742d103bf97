import { odata } from '@azure/data-tables'
import type { LedgerSession, SessionLedger } from '../port.ts'
import type { Tables } from './client.ts'
import { findEntity } from './entity.ts'
import { dropOpen, endSession, keepEnded } from './session-ending.ts'
import { expireIn, purgeIn } from './session-retention.ts'
import { hashOf, OWNER, openKey, openPartition, sessionOf } from './session-rows.ts'
import { sweepOf } from './session-sweep.ts'

/** The most rows in one answer of the table service, and so in a page of open rows. */
const PAGE = 1000
/** Of the sessions of one user: an account with more in the time that is asked for is flooded. */
const MOST_PAGES = 3

/**
 * Every session ever issued, in two tables:
 *   sessions      partition user id, row SHA-256 of the sid: the ledger itself
 *   sessionindex  partition SHA-256 of the sid, row `owner`: the user of the session
 *                 partitions `open-` and the second of the age, row age and SHA-256: open sessions, oldest first, for the
 *                 sweeper. With a single partition every sign-in would write there: the service limits the writes of
 *                 one partition, and the emulator goes through all of its rows
 *                 partition `ended`, row age and SHA-256: sessions that were ended before their time, and how
 *                 partition `expired`, row age and SHA-256: the other sessions that are over, for the end of their retention
 *                 partition `sweep`, row `progress`: how far the sweeper has come with the open sessions; row `clock`:
 *                 written to read the time by the clock of the service
 * Tables have no transactions across partitions, so the index is written before the row and cleaned up after it: a crash
 * leaves behind an open index row without an active session, and the sweeper moves that row to its right partition. A
 * session is open, ended or expired at any time, or two of these, so that the end of its retention finds it.
 */
export function createSessionLedger(store: Tables, { pageRows = PAGE } = {}): SessionLedger {
  const sessions = () => store.open('sessions')
  const index = () => store.open('sessionindex')
  const tables = { sessions, index }

  const find: SessionLedger['find'] = async (userId, sid) => {
    const row = await findEntity<LedgerSession>(await sessions(), userId, hashOf(sid))
    return row && sessionOf(row)
  }

  return {
    find,

    async open(session) {
      const { userId, sid, issuedAt, absoluteExpiry } = session
      const [table, lookup] = await Promise.all([sessions(), index()])
      const rowKey = hashOf(sid)
      const key = openKey(session)
      const open = { partitionKey: openPartition(key), rowKey: key, userId, sid, issuedAt, absoluteExpiry }
      await Promise.all([
        lookup.upsertEntity({ partitionKey: rowKey, rowKey: OWNER, userId }, 'Replace'),
        lookup.upsertEntity(open, 'Replace'),
      ])
      await table.createEntity({ partitionKey: userId, rowKey, ...session })
    },

    async locate(sid) {
      const owner = await findEntity<{ userId: string }>(await index(), hashOf(sid), OWNER)
      return owner && find(owner.userId, sid)
    },

    async listByUser(userId) {
      const found: LedgerSession[] = []
      const filter = odata`PartitionKey eq ${userId}`
      const rows = (await sessions()).listEntities<LedgerSession>({ queryOptions: { filter } })
      for await (const row of rows) found.push(sessionOf(row))
      return found
    },

    async listRecent(userId, since) {
      const filter = odata`PartitionKey eq ${userId} and issuedAt ge ${since}`
      const rows = (await sessions()).listEntities<LedgerSession>({ queryOptions: { filter } })
      const found: LedgerSession[] = []
      let pages = 0
      for await (const page of rows.byPage({ maxPageSize: pageRows })) {
        found.push(...page.map(sessionOf))
        pages++
        if (pages === MOST_PAGES) return { sessions: found, complete: page.continuationToken === undefined }
      }
      return { sessions: found, complete: true }
    },

    async close(userId, sid, ending) {
      const { session, isClosed } = await endSession(tables, { userId, sid }, ending)
      if (!session || !isClosed) return false
      const key = openKey(session)
      await keepEnded(tables, session, key)
      await dropOpen(tables, [key])
      return true
    },

    ...sweepOf(tables, pageRows),
    expire: expireIn(tables),
    purge: purgeIn(tables),
  }
}

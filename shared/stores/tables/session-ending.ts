import type { TransactionAction } from '@azure/data-tables'
import type { LedgerSession, OpenSession, SessionLedger } from '../port.ts'
import { findEntity, mapLimited, NOT_FOUND, PRECONDITION_FAILED, unless } from './entity.ts'
import {
  ENDED,
  EXPIRED,
  hashOf,
  openKey,
  openPartition,
  PARALLEL,
  type SessionTables,
  sessionOf,
} from './session-rows.ts'

type Ending = Parameters<SessionLedger['close']>[2]

/** Closes the row of a session. @returns the session as it is now, and whether this call closed it */
export async function endSession(
  tables: SessionTables,
  { userId, sid }: Pick<OpenSession, 'userId' | 'sid'>,
  { state, at, reason, containmentId }: Ending,
) {
  const table = await tables.sessions()
  const rowKey = hashOf(sid)
  const change = { state, endedAt: at, reason, containmentId }
  for (;;) {
    const row = await findEntity<LedgerSession>(table, userId, rowKey)
    if (row?.state !== 'active') return { session: row && sessionOf(row), isClosed: false }
    // Refused only if another writer changed the row since; read it again.
    const written = table.updateEntity({ partitionKey: userId, rowKey, ...change }, 'Merge', { etag: row.etag })
    if (await unless([PRECONDITION_FAILED], written)) {
      return { session: { ...sessionOf(row), ...change }, isClosed: true }
    }
  }
}

/** Adds the index row of a session that is over. The session's own row is written before, and readers of the index check it. */
export async function keepEnded(
  tables: SessionTables,
  session: LedgerSession,
  rowKey = openKey(session),
): Promise<void> {
  const { userId, sid, state, endedAt, reason, containmentId } = session
  const entity = { userId, sid, state, endedAt, reason, containmentId }
  const partitionKey = state === 'expired' ? EXPIRED : ENDED
  await (await tables.index()).upsertEntity({ partitionKey, rowKey, ...entity }, 'Replace')
}

/** Adds index rows of sessions that expired, in one transaction. */
export async function keepExpired(tables: SessionTables, expired: readonly OpenSession[]): Promise<void> {
  const rows = new Map(expired.map((session) => [openKey(session), session]))
  const all = [...rows].map(([rowKey, { userId, sid }]): TransactionAction => {
    return ['upsert', { partitionKey: EXPIRED, rowKey, userId, sid }, 'Replace']
  })
  if (all.length > 0) await (await tables.index()).submitTransaction(all)
}

/** Removes index rows of open sessions. */
export async function dropOpen(tables: SessionTables, rowKeys: readonly string[]): Promise<void> {
  const table = await tables.index()
  const drop = (rowKey: string) => unless([NOT_FOUND], table.deleteEntity(openPartition(rowKey), rowKey))
  const rowsByPartition = new Map<string, string[]>()
  for (const rowKey of rowKeys) {
    const partition = openPartition(rowKey)
    rowsByPartition.set(partition, [...(rowsByPartition.get(partition) ?? []), rowKey])
  }
  await mapLimited([...rowsByPartition], PARALLEL, async ([partitionKey, rows]) => {
    const [only] = rows
    if (only !== undefined && rows.length === 1) return void (await drop(only))
    const all = rows.map((rowKey): TransactionAction => ['delete', { partitionKey, rowKey }])
    // One row that another sweeper has already removed refuses the whole transaction.
    if (!(await unless([NOT_FOUND], table.submitTransaction(all)))) await mapLimited(rows, PARALLEL, drop)
  })
}

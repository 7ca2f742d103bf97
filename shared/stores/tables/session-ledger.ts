import { hash } from 'node:crypto'
import { odata, type TableEntityResult, type TransactionAction } from '@azure/data-tables'
import type { EndedSession, LedgerSession, OpenSession, SessionLedger, SweepProgress } from '../port.ts'
import type { Tables } from './client.ts'
import { CONFLICT, dateIn, findEntity, mapLimited, NOT_FOUND, PRECONDITION_FAILED, unless } from './entity.ts'

type Ending = Parameters<SessionLedger['close']>[2]

/** The most rows in one answer of the table service, and so in a page of open rows. */
const PAGE = 1000
/** The most operations in one table transaction. */
const BATCH = 100
const PARALLEL = 10
const OPEN = 'open-'
/** '.' follows '-', so this range holds every key that begins with {@link OPEN}. */
const AFTER_OPEN = 'open.'
/** The length of an age down to its second. */
const SECOND = '2026-03-01T120000'.length
const ENDED = 'ended'
const EXPIRED = 'expired'
const OWNER = 'owner'
/** A row is written before its session: one as young as this may be of a session that is being opened. */
const OPENING_MS = 60_000
const CLOCK = { partitionKey: 'sweep', rowKey: 'clock' } as const
const PROGRESS = { partitionKey: 'sweep', rowKey: 'progress' } as const

/** An index row that names a session. */
interface IndexRow extends Pick<LedgerSession, 'userId' | 'sid'> {
  rowKey: string
}
type KeptProgress = Omit<SweepProgress, 'fence'> & { fence: string }

const hashOf = (sid: string) => hash('sha256', sid)
/** Rows are returned in key order, so this key sorts them by age. */
const openKey = ({ sid, issuedAt }: Pick<OpenSession, 'sid' | 'issuedAt'>) => `${ageOf(issuedAt)}-${hashOf(sid)}`
/** @param key of an open row, or an age */
const openPartition = (key: string) => `${OPEN}${key.slice(0, SECOND)}`
const ageOf = (issuedAt: Date) => issuedAt.toISOString().replaceAll(':', '')

/** Reads dates from any column value, so that one broken row cannot hide the others. */
function datesOf(row: TableEntityResult<Pick<OpenSession, 'issuedAt' | 'absoluteExpiry'>>) {
  const issuedAt = dateIn(row.issuedAt) ?? new Date(row.timestamp ?? 0)
  return { issuedAt, absoluteExpiry: dateIn(row.absoluteExpiry) ?? issuedAt }
}

/** An index row without a user or sid cannot be used; it is removed at the end of its retention. */
const namesSomebody = ({ userId, sid }: Pick<LedgerSession, 'userId' | 'sid'>): boolean =>
  typeof userId === 'string' && typeof sid === 'string'

function sessionOf(row: TableEntityResult<LedgerSession>): LedgerSession {
  const { userId, sid, state, deviceHash, device, ip, via } = row
  const { reason, containmentId } = row
  const endedAt = dateIn(row.endedAt)
  return {
    userId,
    sid,
    state,
    ...datesOf(row),
    deviceHash,
    device,
    ip,
    via,
    ...(endedAt && { endedAt }),
    ...(reason && { reason }),
    ...(containmentId && { containmentId }),
  }
}

/**
 * Every session ever issued, in two tables:
 *   sessions      partition user id, row SHA-256 of the sid: the ledger itself
 *   sessionindex  partition SHA-256 of the sid, row `owner`: whose it is
 *                 partitions `open-` and the second of its age, row age and SHA-256: the open ones, oldest first, for
 *                 the sweeper. One partition for all would be where every sign-in writes: the service limits what one
 *                 takes in, and the emulator goes through all of its rows
 *                 partition `ended`, row age and SHA-256: those that were ended before their time, and how
 *                 partition `expired`, row age and SHA-256: the others that are over, for the end of their retention
 *                 partition `sweep`, row `progress`: how far the sweeper has come with the open ones; row `clock`: written
 *                 to read what time it is by the clock of the service
 * Tables have no transactions across partitions, so the index is written before the row and tidied up after it: what a
 * crash leaves behind is an open index row without an active session, and the sweeper moves that to where it belongs. A
 * session is open, ended or expired at any time, or two of these, so that the end of its retention finds it.
 */
export function createSessionLedger(tables: Tables, { pageRows = PAGE } = {}): SessionLedger {
  const sessions = () => tables.open('sessions')
  const index = () => tables.open('sessionindex')

  const find: SessionLedger['find'] = async (userId, sid) => {
    const row = await findEntity<LedgerSession>(await sessions(), userId, hashOf(sid))
    return row && sessionOf(row)
  }

  /** @returns the session as it is now, and whether this call closed it */
  async function end(userId: string, sid: string, { state, at, reason, containmentId }: Ending) {
    const table = await sessions()
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

  /** Written after the row, so a reader of an older index entry still checks the row. */
  async function keepEnded(session: LedgerSession, rowKey = openKey(session)): Promise<void> {
    const { userId, sid, state, endedAt, reason, containmentId } = session
    const entity = { userId, sid, state, endedAt, reason, containmentId }
    const partitionKey = state === 'expired' ? EXPIRED : ENDED
    await (await index()).upsertEntity({ partitionKey, rowKey, ...entity }, 'Replace')
  }

  async function keepExpired(expired: readonly OpenSession[]): Promise<void> {
    const rows = new Map(expired.map((session) => [openKey(session), session]))
    const all = [...rows].map(([rowKey, { userId, sid }]): TransactionAction => {
      return ['upsert', { partitionKey: EXPIRED, rowKey, userId, sid }, 'Replace']
    })
    if (all.length > 0) await (await index()).submitTransaction(all)
  }

  async function dropOpen(rowKeys: readonly string[]): Promise<void> {
    const table = await index()
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

  /** By the clock that dates the rows. @returns epoch ms */
  async function serviceTime(): Promise<number> {
    const table = await index()
    await table.upsertEntity(CLOCK, 'Replace')
    const { timestamp = '' } = await table.getEntity(CLOCK.partitionKey, CLOCK.rowKey)
    return Date.parse(timestamp)
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

    async close(userId, sid, ending) {
      const { session, isClosed } = await end(userId, sid, ending)
      if (!session || !isClosed) return false
      const key = openKey(session)
      await keepEnded(session, key)
      await dropOpen([key])
      return true
    },

    async *openPages(after) {
      const openedBefore = (await serviceTime()) - OPENING_MS
      const isSettled = ({ timestamp = '' }: { timestamp?: string }) => Date.parse(timestamp) <= openedBefore
      const sessionIn = (row: TableEntityResult<OpenSession>) => ({ userId: row.userId, sid: row.sid, ...datesOf(row) })
      const from = after === undefined ? OPEN : openPartition(after)
      const filter = odata`PartitionKey ge ${from} and PartitionKey lt ${AFTER_OPEN} and RowKey gt ${after ?? ''}`
      const rows = (await index()).listEntities<OpenSession & { rowKey: string }>({ queryOptions: { filter } })
      for await (const page of rows.byPage({ maxPageSize: pageRows })) {
        const next = page.at(-1)?.rowKey
        const named = page.filter(namesSomebody)
        const sessions = named.map(sessionIn)
        if (next !== undefined) yield { sessions, settled: sessions.filter((_, n) => isSettled(named[n] ?? {})), next }
      }
    },

    async *endedPages(issuedSince) {
      const filter = odata`PartitionKey eq ${ENDED} and RowKey ge ${ageOf(issuedSince)}`
      const rows = (await index()).listEntities<EndedSession>({ queryOptions: { filter } })
      for await (const page of rows.byPage({ maxPageSize: pageRows })) {
        yield page
          .filter(namesSomebody)
          .map(({ userId, sid, state, endedAt, timestamp = 0, reason, containmentId }) => ({
            userId,
            sid,
            state,
            endedAt: dateIn(endedAt) ?? new Date(timestamp),
            ...(reason && { reason }),
            ...(containmentId && { containmentId }),
          }))
      }
    },

    async progress() {
      const row = await findEntity<KeptProgress>(await index(), PROGRESS.partitionKey, PROGRESS.rowKey)
      if (!row) return undefined
      const { fence, startedAt, seen, after } = row
      return { fence: Number(fence), startedAt, seen, ...(after && { after }) }
    },

    async keepProgress({ fence, startedAt, seen, after = '' }) {
      const table = await index()
      // A fence needs more than the 32 bits of a plain number in a table.
      const entity = { ...PROGRESS, fence: String(fence), startedAt, seen, after }
      for (;;) {
        const row = await findEntity<KeptProgress>(table, PROGRESS.partitionKey, PROGRESS.rowKey)
        if (row && Number(row.fence) > fence) return false
        const written = row ? table.updateEntity(entity, 'Replace', { etag: row.etag }) : table.createEntity(entity)
        if (await unless([CONFLICT, PRECONDITION_FAILED, NOT_FOUND], written)) return true
      }
    },

    async purge(issuedBefore, atMost) {
      const [table, lookup] = await Promise.all([sessions(), index()])
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
    },

    async expire(expired, at) {
      let closed = 0
      // Works in batches of rows with their index, so that a later failure keeps the batches before.
      for (let from = 0; from < expired.length; from += BATCH) {
        const batch = expired.slice(from, from + BATCH)
        const ended = await mapLimited(batch, PARALLEL, ({ userId, sid }) => end(userId, sid, { state: 'expired', at }))
        // A session that a crash left open may have ended in another way.
        const before = ended.flatMap(({ session }) => (session && session.state !== 'expired' ? [session] : []))
        const others = new Set(before.map(openKey))
        await mapLimited(before, PARALLEL, keepEnded)
        await keepExpired(batch.filter((session) => !others.has(openKey(session))))
        await dropOpen([...new Set(batch.map(openKey))])
        closed += ended.filter(({ isClosed }) => isClosed).length
      }
      return closed
    },
  }
}

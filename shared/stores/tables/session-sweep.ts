import { odata, type TableEntityResult } from '@azure/data-tables'
import type { EndedSession, OpenSession, SessionLedger, SweepProgress } from '../port.ts'
import { CONFLICT, dateIn, findEntity, NOT_FOUND, PRECONDITION_FAILED, unless } from './entity.ts'
import {
  AFTER_OPEN,
  ageOf,
  datesOf,
  ENDED,
  namesSomebody,
  OPEN,
  openPartition,
  type SessionTables,
} from './session-rows.ts'

/** A row is written before its session, so a row younger than this may belong to a session that is being opened. */
const OPENING_MS = 60_000
const CLOCK = { partitionKey: 'sweep', rowKey: 'clock' } as const
const PROGRESS = { partitionKey: 'sweep', rowKey: 'progress' } as const

type KeptProgress = Omit<SweepProgress, 'fence'> & { fence: string }

/** What the sweeper reads of the ledger, page by page, and its progress. */
export function sweepOf(
  { index }: Pick<SessionTables, 'index'>,
  pageRows: number,
): Pick<SessionLedger, 'openPages' | 'endedPages' | 'progress' | 'keepProgress'> {
  /** By the clock that dates the rows. @returns epoch ms */
  async function serviceTime(): Promise<number> {
    const table = await index()
    await table.upsertEntity(CLOCK, 'Replace')
    const { timestamp = '' } = await table.getEntity(CLOCK.partitionKey, CLOCK.rowKey)
    return Date.parse(timestamp)
  }

  return {
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
  }
}

import { hash } from 'node:crypto'
import type { TableClient, TableEntityResult } from '@azure/data-tables'
import type { LedgerSession, OpenSession } from '../port.ts'
import { dateIn } from './entity.ts'

/** The two tables of the session ledger. */
export interface SessionTables {
  readonly sessions: () => Promise<TableClient>
  readonly index: () => Promise<TableClient>
}

/** How many rows or sessions are written or read at once. */
export const PARALLEL = 10
/** Prefix of the partitions of open sessions. */
export const OPEN = 'open-'
/** '.' follows '-', so this range holds every key that begins with {@link OPEN}. */
export const AFTER_OPEN = 'open.'
export const ENDED = 'ended'
export const EXPIRED = 'expired'
export const OWNER = 'owner'
/** The length of an age down to its second. */
const SECOND = '2026-03-01T120000'.length

export const hashOf = (sid: string) => hash('sha256', sid)
/** Rows are returned in key order, so this key sorts them by age. */
export const openKey = ({ sid, issuedAt }: Pick<OpenSession, 'sid' | 'issuedAt'>) => `${ageOf(issuedAt)}-${hashOf(sid)}`
/** @param key of an open row, or an age */
export const openPartition = (key: string) => `${OPEN}${key.slice(0, SECOND)}`
export const ageOf = (issuedAt: Date) => issuedAt.toISOString().replaceAll(':', '')

/** Reads dates from any column value, so that one broken row cannot hide the others. */
export function datesOf(row: TableEntityResult<Pick<OpenSession, 'issuedAt' | 'absoluteExpiry'>>) {
  const issuedAt = dateIn(row.issuedAt) ?? new Date(row.timestamp ?? 0)
  return { issuedAt, absoluteExpiry: dateIn(row.absoluteExpiry) ?? issuedAt }
}

/** An index row without a user or sid cannot be used; it is removed at the end of its retention. */
export const namesSomebody = ({ userId, sid }: Pick<LedgerSession, 'userId' | 'sid'>): boolean =>
  typeof userId === 'string' && typeof sid === 'string'

export function sessionOf(row: TableEntityResult<LedgerSession>): LedgerSession {
  const { userId, sid, state, deviceHash, device, ip, via } = row
  const { reason, containmentId, continues, begunBy } = row
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
    ...(continues && { continues }),
    ...(begunBy && { begunBy }),
  }
}

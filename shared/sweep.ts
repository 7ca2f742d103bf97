import { randomUUID } from 'node:crypto'
import { type CarryOutDeps, carryOut } from './containment/carry-out.ts'
import { ABANDONED_MS } from './containment/policy.ts'
import { tombstoneOf } from './session/revocation.ts'
import type {
  Containment,
  Leases,
  LiveSessions,
  OpenSession,
  Registrations,
  RevokedUser,
  Tombstone,
  Users,
} from './stores/port.ts'
import { mapLimited } from './stores/tables/entity.ts'

const LEASE_MS = 120_000
/** A ledger row is written before its session: one as young as this may still be on its way into Redis. */
const ISSUING_MS = 60_000
const PURGE_BATCH = 1000
const PURGE_BATCHES = 10

/** Users whose epoch is told to Redis again: so many at a time, and so many in one sweep at most, the latest first. */
const EPOCHS = { page: 500, pages: 20, atOnce: 16 } as const

export interface SweepDeps extends CarryOutDeps {
  users: Pick<Users, 'bumpEpoch' | 'listRevoked' | 'purgeAudit'>
  sessions: LiveSessions
  leases: Leases
  registrations: Pick<Registrations, 'purge'>
  /** How long ledgers and audit are kept. */
  retentionMs: number
  error: (error: unknown, message: string) => void
}

export interface Swept {
  expired: number
  contained: number
  failed: number
}

/**
 * Brings the ledgers up to date with what has happened since: sessions that ran out are closed, a hundred at a time,
 * and containments that were claimed and never finished are carried out. Safe to run twice at once.
 * @returns undefined if another sweeper holds the lease
 */
export async function sweep(deps: SweepDeps): Promise<Swept | undefined> {
  const lease = await deps.leases.acquire('sweep', LEASE_MS)
  if (!lease) return undefined
  const startedAt = deps.now()
  const swept: Swept = { expired: 0, contained: 0, failed: 0 }
  try {
    await raiseEpochs(deps)
    for await (const page of deps.ledger.openPages()) swept.expired += await expirePage(page, deps)
    await finishContainments(swept, deps)
    await purgeRegistrations(deps)
    await purgeLedgers(deps)
    const duration_ms = Math.max(0, Math.round(deps.now() - startedAt))
    deps.emit({ evt: 'sweep', outcome: 'success', ...swept, duration_ms })
    return swept
  } catch (error) {
    const duration_ms = Math.max(0, Math.round(deps.now() - startedAt))
    deps.emit({ evt: 'sweep', outcome: 'fail', ...swept, duration_ms, level: 'error' })
    throw error
  } finally {
    await lease.release().catch((error: unknown) => deps.error(error, 'the sweep lease could not be released'))
  }
}

/** Removes registrations whose link has expired: at most {@link PURGE_BATCHES} batches in one sweep. */
async function purgeRegistrations(deps: SweepDeps): Promise<void> {
  for (let batch = 0; batch < PURGE_BATCHES; batch++) {
    if ((await deps.registrations.purge(new Date(deps.now()), PURGE_BATCH)) < PURGE_BATCH) return
  }
}

/**
 * Writes to Redis every epoch that rose while an older session may still be live: Redis may have failed at the time, or
 * have lost it since.
 */
async function raiseEpochs(deps: SweepDeps): Promise<void> {
  const since = deps.now() - deps.absoluteSeconds * 1000
  let last: RevokedUser | undefined
  for (let pages = 0; pages < EPOCHS.pages; pages++) {
    const page: RevokedUser[] = await deps.users.listRevoked(new Date(since), EPOCHS.page, last)
    await mapLimited(page, EPOCHS.atOnce, ({ id, ...revocation }) =>
      deps.sessions.raiseEpoch(id, revocation, revocation.at + deps.absoluteSeconds * 1000),
    )
    last = page.at(-1)
    if (page.length < EPOCHS.page) return
  }
}

/** Removes rows past their retention: at most {@link PURGE_BATCH} of each kind in one sweep. */
async function purgeLedgers(deps: SweepDeps): Promise<void> {
  const before = new Date(deps.now() - deps.retentionMs)
  await deps.ledger.purge(before, PURGE_BATCH)
  await deps.containments.purge(before, PURGE_BATCH)
  await deps.users.purgeAudit(before, PURGE_BATCH)
}

async function expirePage(page: readonly OpenSession[], deps: SweepDeps): Promise<number> {
  const now = deps.now()
  const live = await deps.sessions.readMany(
    page.map((session) => session.sid),
    now,
  )
  const gone = page.filter((session, index) => !live[index] && now - session.issuedAt.getTime() >= ISSUING_MS)
  const expired: OpenSession[] = []
  for (const session of gone) {
    // A revoked session whose ledger row could not be written at the time is not merely expired.
    const tombstone = (await deps.sessions.tombstone(session.sid)) ?? (await revokedSince(session, deps))
    if (!tombstone) expired.push(session)
    else
      await deps.ledger.close(session.userId, session.sid, {
        state: 'revoked',
        ...tombstone,
        at: new Date(tombstone.at),
      })
  }
  return expired.length === 0 ? 0 : deps.ledger.expire(expired, new Date(now))
}

/** The revocation of the user's sessions that ended this one, if it was issued before that. */
async function revokedSince({ userId, issuedAt }: OpenSession, deps: SweepDeps): Promise<Tombstone | undefined> {
  const revocation = await deps.sessions.revocationOf(userId)
  for (const one of [revocation?.earlier, revocation]) {
    if (one && issuedAt.getTime() <= Math.min(one.at, (one.openedBefore ?? Number.POSITIVE_INFINITY) - 1))
      return tombstoneOf(one)
  }
  return undefined
}

async function finishContainments(swept: Swept, deps: SweepDeps): Promise<void> {
  const now = deps.now()
  for await (const page of deps.containments.openPages(new Date(now))) {
    for (const row of page) await finishContainment(row, swept, deps)
  }
}

async function finishContainment(row: Containment, swept: Swept, deps: SweepDeps): Promise<void> {
  const now = deps.now()
  if (row.state === 'done' && row.expiresAt && row.expiresAt.getTime() <= now) {
    const closed: Containment = { ...row, state: 'closed', reason: 'expired', updatedAt: new Date(now) }
    await deps.containments.revise(row.detection, row.id, ({ state }) => (state === 'done' ? closed : undefined))
  }
  if (row.state !== 'pending' || now - row.updatedAt.getTime() < ABANDONED_MS) return
  try {
    await carryOut(row, randomUUID(), deps)
    swept.contained++
  } catch (error) {
    swept.failed++
    deps.error(error, 'a pending containment could not be carried out')
  }
}

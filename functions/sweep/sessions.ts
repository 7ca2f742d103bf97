import { tombstoneOf } from '../../shared/session/revocation.ts'
import type { LiveSessions, OpenSession, SessionLedger, SweepProgress, Tombstone } from '../../shared/stores/port.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import { type Run, readAhead } from './run.ts'

const PARALLEL = 32
/** A killed run repeats at most this much. */
const KEPT_EVERY_PAGES = 10
/** After this many failing pages in a row a store counts as unavailable. */
const FAILED_PAGES = 3

export interface SweepSessionsDeps {
  sessions: LiveSessions
  ledger: SessionLedger
  now: () => number
}

/**
 * Closes the ledger rows of sessions that are gone from Redis, page by page, oldest first. An unfinished run stores
 * its position, and the next run continues there.
 * @throws the last failure, at the end: a failing page does not stop the others
 */
export async function sweepSessions(deps: SweepSessionsDeps, run: Run): Promise<void> {
  const { swept, fence = 0 } = run
  const before = await deps.ledger.progress()
  const resumes = before?.after !== undefined
  let progress: SweepProgress = resumes ? { ...before, fence } : { fence, startedAt: new Date(deps.now()), seen: 0 }
  // The position of the next run; the failing pages at the end are read again.
  let reached = progress
  let [pages, failedInARow, stopped] = [0, 0, false]
  let fault: unknown
  for await (const { sessions, settled, next } of readAhead(deps.ledger.openPages(progress.after))) {
    stopped = run.over() || failedInARow >= FAILED_PAGES
    if (stopped) break
    try {
      swept.expired += await sweepPage(settled, deps)
      failedInARow = 0
    } catch (error) {
      fault = error
      failedInARow++
    }
    swept.sessions += sessions.length
    progress = { ...progress, after: next, seen: progress.seen + sessions.length }
    if (failedInARow === 0) reached = progress
    if (++pages % KEPT_EVERY_PAGES === 0 && !(await deps.ledger.keepProgress(reached))) return
  }
  swept.complete = !stopped && failedInARow === 0
  const { after, ...over } = reached
  if (!swept.complete && after !== undefined) await deps.ledger.keepProgress(reached)
  // A pass of a few pages has stored no position that must be removed.
  if (swept.complete && (resumes || pages >= KEPT_EVERY_PAGES)) await deps.ledger.keepProgress(over)
  if (fault !== undefined) throw fault
}

/** @returns how many sessions had expired */
async function sweepPage(settled: readonly OpenSession[], deps: SweepSessionsDeps): Promise<number> {
  const now = deps.now()
  const sids = settled.map(({ sid }) => sid)
  const live = await deps.sessions.readMany(sids, now)
  const gone = settled.filter((_, index) => !live[index])
  const expired: OpenSession[] = []
  await mapLimited(gone, PARALLEL, async (session) => {
    // The ledger row of a revoked session may not have been written; it must not become expired.
    const tombstone = (await deps.sessions.tombstone(session.sid)) ?? (await revokedSince(session, deps))
    if (!tombstone) return void expired.push(session)
    const end = { state: 'revoked' as const, ...tombstone, at: new Date(tombstone.at) }
    await deps.ledger.close(session.userId, session.sid, end)
  })
  return expired.length === 0 ? 0 : deps.ledger.expire(expired, new Date(now))
}

/** The revocation that ended this session with all others of the user, if it was issued before. */
async function revokedSince(
  { userId, issuedAt }: OpenSession,
  deps: Pick<SweepSessionsDeps, 'sessions'>,
): Promise<Tombstone | undefined> {
  const revocation = await deps.sessions.revocationOf(userId)
  for (const one of [revocation?.earlier, revocation]) {
    if (one && issuedAt.getTime() <= Math.min(one.at, (one.openedBefore ?? Number.POSITIVE_INFINITY) - 1))
      return tombstoneOf(one)
  }
  return undefined
}

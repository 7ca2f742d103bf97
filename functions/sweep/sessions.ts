import { tombstoneOf } from '../../shared/session/revocation.ts'
import type { LiveSessions, OpenSession, SessionLedger, SweepProgress, Tombstone } from '../../shared/stores/port.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import { type Run, readAhead } from './run.ts'

/** A ledger row is written before its session: one as young as this may still be on its way into Redis. */
const ISSUING_MS = 60_000
const PARALLEL = 32
/** A run that is killed repeats no more than this. */
const KEPT_EVERY_PAGES = 10
/** Pages that fail one after the other, until a store is taken to be away. */
const FAILED_PAGES = 3

export interface SweepSessionsDeps {
  sessions: LiveSessions
  ledger: SessionLedger
  now: () => number
}

/**
 * Closes ledger rows of sessions that are gone from Redis, a page at a time and oldest first. A run that cannot finish keeps
 * where it stopped, and the next one goes on from there.
 * @throws the last failure, at the end: one page that fails keeps none of the others
 */
export async function sweepSessions(deps: SweepSessionsDeps, run: Run): Promise<void> {
  const { swept, fence = 0 } = run
  const before = await deps.ledger.progress()
  const resumes = before?.after !== undefined
  let progress: SweepProgress = resumes ? { ...before, fence } : { fence, startedAt: new Date(deps.now()), seen: 0 }
  // Where the next run goes on: pages that failed up to the end are looked at again.
  let reached = progress
  let [pages, failedInARow, stopped] = [0, 0, false]
  let fault: unknown
  for await (const { sessions, next } of readAhead(deps.ledger.openPages(progress.after))) {
    stopped = run.over() || failedInARow >= FAILED_PAGES
    if (stopped) break
    try {
      swept.expired += await sweepPage(sessions, deps)
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
  // A pass that began and ended within a few pages has left nothing to be taken back.
  if (swept.complete && (resumes || pages >= KEPT_EVERY_PAGES)) await deps.ledger.keepProgress(over)
  if (fault !== undefined) throw fault
}

/** @returns how many sessions had run out */
async function sweepPage(page: readonly OpenSession[], deps: SweepSessionsDeps): Promise<number> {
  const now = deps.now()
  const settled = page.filter(({ issuedAt }) => now - issuedAt.getTime() >= ISSUING_MS)
  const sids = settled.map(({ sid }) => sid)
  const live = await deps.sessions.readMany(sids, now)
  const gone = settled.filter((_, index) => !live[index])
  const expired: OpenSession[] = []
  await mapLimited(gone, PARALLEL, async (session) => {
    // A revoked session whose ledger row could not be written at the time is not merely expired.
    const tombstone = (await deps.sessions.tombstone(session.sid)) ?? (await revokedSince(session, deps))
    if (!tombstone) return void expired.push(session)
    const end = { state: 'revoked' as const, ...tombstone, at: new Date(tombstone.at) }
    await deps.ledger.close(session.userId, session.sid, end)
  })
  return expired.length === 0 ? 0 : deps.ledger.expire(expired, new Date(now))
}

/** The revocation of the user's sessions that ended this one, if it was issued before that. */
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

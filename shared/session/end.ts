import { within } from '../bounded.ts'
import type { Actor } from '../client/client.ts'
import { actorFields } from '../client/event.ts'
import { nameOf } from '../error.ts'
import type { Emit } from '../event.ts'
import type { ServiceLog } from '../log.ts'
import type { LiveSession, LiveSessions, Revocation, RevocationReason, SessionLedger } from '../stores/port.ts'
import { mapLimited } from '../stores/tables/entity.ts'
import type { Asking } from './present.ts'
import { endedBy, tombstoneOf } from './revocation.ts'

export interface EndDeps {
  sessions: Pick<LiveSessions, 'end' | 'revoke'>
  ledger: Pick<SessionLedger, 'close' | 'find'>
  emit: Emit
  now: () => number
}

/**
 * The user's own logout. Idempotent: ending an ended session changes nothing and says nothing.
 * @param successor the session that goes on instead: whatever revokes the one that ends revokes it too
 * @returns false if the session was over already
 */
export async function logout(
  session: Pick<LiveSession, 'sid' | 'userId'>,
  actor: Actor,
  deps: EndDeps,
  successor?: { sid: string; until: number },
): Promise<boolean> {
  const { sid, userId } = session
  const ended = await deps.sessions.end(sid, successor)
  if (ended) {
    deps.emit({ ...actorFields(actor), evt: 'session', outcome: 'ended', usr: { id: userId }, sid })
  }
  await deps.ledger.close(userId, sid, { state: 'ended', at: new Date(deps.now()) })
  return ended
}

/**
 * Ends another session of the same user. Its holder is told so at the next request.
 * @returns false if the sid is none of this user's: the caller learns no more than that
 */
export async function endOther(asking: Asking, sid: string, deps: EndDeps): Promise<boolean> {
  const row = await deps.ledger.find(asking.session.userId, sid)
  if (!row) return false
  const ended = await deps.sessions.revoke(sid, { reason: 'ended_elsewhere', at: deps.now() }, row.userId)
  await deps.ledger.close(row.userId, sid, { state: 'revoked', at: new Date(deps.now()), reason: 'ended_elsewhere' })
  if (ended === 'success') {
    deps.emit({ ...actorFields(asking), evt: 'session', outcome: 'ended', usr: { id: row.userId }, sid })
  }
  return true
}

export interface EndAllDeps {
  sessions: Pick<LiveSessions, 'adopt' | 'listByUser' | 'raiseEpoch' | 'revoke'>
  ledger: Pick<SessionLedger, 'close'>
  absoluteSeconds: number
  warn: ServiceLog['warn']
  now: () => number
}

/** Bounds of the inline clean-up: its time, its number of sessions, and its concurrency. The sweeper does the rest. */
const TIDY = { milliseconds: 2_000, sessions: 100, atOnce: 10 } as const

/**
 * Ends every session of a user of an epoch before, save those that the revocation spares. The epoch in the system of record has risen already; here it is told
 * to both hosts, in one step however many sessions there are. What each of them leaves behind is tidied up for a bounded
 * time, and by the sweeper.
 * @param except the session that has adopted the new epoch
 * @returns how many of the live sessions that are looked at died
 */
export async function endAll(
  userId: string,
  revocation: Revocation,
  deps: EndAllDeps,
  except?: string,
): Promise<number> {
  const now = deps.now()
  const listed = await deps.sessions.listByUser(userId, now)
  const live = listed.filter((session) => session.sid !== except && endedBy(session, revocation))
  await deps.sessions.raiseEpoch(userId, revocation, now + deps.absoluteSeconds * 1000)
  const tombstone = tombstoneOf(revocation)
  const tidying = mapLimited(live.slice(0, TIDY.sessions), TIDY.atOnce, async ({ sid }) => {
    await deps.sessions.revoke(sid, tombstone, userId)
    await deps.ledger.close(userId, sid, { state: 'revoked', ...tombstone, at: new Date(tombstone.at) })
  })
  await within(TIDY.milliseconds, tidying).catch((error: unknown) => {
    deps.warn('revoked sessions are left for the sweeper to close', { error: nameOf(error) })
  })
  return live.length
}

/**
 * Ends every session of a user but the one whose holder has just changed what opens the account.
 * @param epoch as the change has made it: one above that of the session
 * @returns false if that session was ended meanwhile: then it is over as the others are
 */
export async function endOthers(
  session: LiveSession,
  { epoch, reason }: { epoch: number; reason: RevocationReason },
  deps: EndAllDeps,
): Promise<boolean> {
  const now = deps.now()
  const goesOn = await deps.sessions.adopt(session.sid, { from: session.epoch, to: epoch }, now)
  await endAll(session.userId, { epoch, reason, at: now }, deps, goesOn ? session.sid : undefined)
  return goesOn
}

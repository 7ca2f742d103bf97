import { within } from '../bounded.ts'
import { type Actor, originOf } from '../client/client.ts'
import { actorFields } from '../client/event.ts'
import { nameOf } from '../error.ts'
import type { Emit } from '../event.ts'
import type { ServiceLog } from '../log.ts'
import type { LiveSession, LiveSessions, Revocation, RevocationReason, SessionLedger, Users } from '../stores/port.ts'
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
 * The logout of the user. Idempotent: a second call changes nothing and emits nothing.
 * @param successor the session that replaces this one: a later revocation of the ended session revokes the successor
 * too
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
 * Ends another session of the same user. Its holder learns the reason at the next request.
 * @returns false if the session is not of this user; the caller learns nothing else
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

export interface EndOthersDeps extends EndAllDeps {
  users: Pick<Users, 'endSessions'>
  emit: Emit
}

/**
 * The owner ends every other session. The epoch of the account rises, so a sign-in that is under way at this moment is
 * withdrawn too.
 * @returns false if the asking session was ended meanwhile
 */
export async function endOtherSessions(asking: Asking, deps: EndOthersDeps): Promise<boolean> {
  const { session } = asking
  const { sid, userId } = session
  const at = deps.now()
  const live = await deps.sessions.listByUser(userId, at)
  const epoch = await deps.users.endSessions(userId, session.epoch, new Date(at), originOf(asking))
  if (epoch === undefined) return false
  const goesOn = await endOthers(session, { epoch, reason: 'ended_elsewhere', at }, deps)
  for (const other of live) {
    if (other.sid === sid) continue
    deps.emit({ ...actorFields(asking), evt: 'session', outcome: 'ended', usr: { id: userId }, sid: other.sid })
  }
  return goesOn
}

export interface EndAllDeps {
  sessions: Pick<LiveSessions, 'adopt' | 'listByUser' | 'raiseEpoch' | 'revoke'>
  ledger: Pick<SessionLedger, 'close'>
  absoluteSeconds: number
  warn: ServiceLog['warn']
  now: () => number
}

/** Limits of the inline clean-up: time, sessions, concurrency. The sweeper does the rest. */
const TIDY = { milliseconds: 2_000, sessions: 100, atOnce: 10 } as const

/**
 * Ends every session of a user from an earlier epoch, except those that the revocation spares. The epoch in Postgres
 * has risen already. This writes it to Redis in one step, which ends all of them on both hosts. The clean-up of each
 * session is limited in time; the sweeper finishes it.
 * @param except the session that has adopted the new epoch
 * @returns how many of the listed live sessions ended
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
 * Ends every session of a user except the one whose holder has just changed the credentials.
 * @param change its reason, its time, and the epoch after it: one above that of the session
 * @returns false if that session was ended meanwhile
 */
export async function endOthers(
  session: LiveSession,
  change: { epoch: number; reason: RevocationReason; at?: number },
  deps: EndAllDeps,
): Promise<boolean> {
  const { epoch, reason, at = deps.now() } = change
  const goesOn = await deps.sessions.adopt(session.sid, { from: session.epoch, to: epoch }, at)
  await endAll(session.userId, { epoch, reason, at }, deps, goesOn ? session.sid : undefined)
  return goesOn
}

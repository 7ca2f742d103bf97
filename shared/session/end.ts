import type { Client } from '../client/client.ts'
import { requestFields } from '../client/event.ts'
import type { Emit } from '../event.ts'
import type { LiveSession, LiveSessions, RevocationReason, SessionLedger } from '../stores/port.ts'

export interface EndDeps {
  sessions: Pick<LiveSessions, 'end' | 'revoke'>
  ledger: Pick<SessionLedger, 'close' | 'find' | 'listByUser'>
  emit: Emit
  now: () => number
}

/** The user's own logout. Idempotent: ending an ended session changes nothing and says nothing. */
export async function logout(session: LiveSession, client: Client, deviceHash: string, deps: EndDeps): Promise<void> {
  const { sid, userId } = session
  if (await deps.sessions.end(sid)) {
    deps.emit({ ...requestFields(client, deviceHash), evt: 'session', outcome: 'ended', usr: { id: userId }, sid })
  }
  await deps.ledger.close(userId, sid, { state: 'ended', at: new Date(deps.now()) })
}

/**
 * Ends another session of the same user. Its holder is told so at the next request.
 * @returns false if the sid is none of this user's: the caller learns no more than that
 */
export async function endOther(
  session: LiveSession,
  sid: string,
  client: Client,
  deviceHash: string,
  deps: EndDeps,
): Promise<boolean> {
  const row = await deps.ledger.find(session.userId, sid)
  if (!row) return false
  const ended = await deps.sessions.revoke(sid, { reason: 'ended_elsewhere', at: deps.now() })
  await deps.ledger.close(row.userId, sid, { state: 'revoked', at: new Date(deps.now()), reason: 'ended_elsewhere' })
  if (ended === 'success') {
    deps.emit({ ...requestFields(client, deviceHash), evt: 'session', outcome: 'ended', usr: { id: row.userId }, sid })
  }
  return true
}

/**
 * Revokes every session of a user but one. The epoch was raised before, so that a login under way cannot add one that
 * this loop does not see.
 * @returns how many live sessions died
 */
export async function revokeAll(
  userId: string,
  revocation: { reason: RevocationReason; containmentId?: string; except?: string },
  deps: Omit<EndDeps, 'emit'>,
): Promise<number> {
  const { except, ...tombstone } = revocation
  const at = deps.now()
  const rows = (await deps.ledger.listByUser(userId)).filter((row) => row.state === 'active' && row.sid !== except)
  const results = await Promise.all(rows.map((row) => deps.sessions.revoke(row.sid, { ...tombstone, at })))
  const end = { state: 'revoked' as const, at: new Date(at), ...tombstone }
  await Promise.all(rows.map((row) => deps.ledger.close(userId, row.sid, end)))
  return results.filter((result) => result === 'success').length
}

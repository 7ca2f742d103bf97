import { within } from '../../shared/bounded.ts'
import type { RevokeCall } from '../../shared/containment/revoke-call.ts'
import type { Emit } from '../../shared/event.ts'
import type { ServiceLog } from '../../shared/log.ts'
import type { LiveSessions, SessionLedger } from '../../shared/stores/port.ts'

/** The time limit for the ledger. The caller waits three seconds in all. */
const LEDGER_MS = 1_000

export interface RevokeDeps {
  sessions: Pick<LiveSessions, 'ownerOf' | 'revoke'>
  ledger: Pick<SessionLedger, 'locate' | 'close'>
  emit: Emit
  log: Pick<ServiceLog, 'error'>
  now: () => number
}

/**
 * Carries out a revoke: first the session ends in one step on both hosts, then the ledger records it. A failing
 * ledger is logged and does not keep a stolen session alive. If the call names a containment, functions emits the
 * event from its row.
 * @param requestId of the request, called only if needed
 * @returns `success` also if this containment ended the session earlier; `noop` if it was over otherwise
 * @throws if Redis fails: nothing is revoked, and functions carries it out
 */
export async function revoke(call: RevokeCall, requestId: () => string, deps: RevokeDeps): Promise<'success' | 'noop'> {
  const { sid, id, detection, containment_id } = call
  const containmentId = containment_id ?? id
  const at = deps.now()
  let userId = await deps.sessions.ownerOf(sid)
  const result = await deps.sessions.revoke(sid, { reason: 'contained', at, containmentId, by: 'web' }, userId)
  try {
    userId = await within(LEDGER_MS, closeInLedger(sid, userId, { at, containmentId }, deps))
  } catch (error) {
    deps.log.error(error, 'a revoked session could not be closed in the ledger', { containment_id: containmentId })
  }
  if (containment_id !== undefined) return result
  deps.emit({
    evt: 'contain',
    outcome: result,
    action: 'revoke',
    detection,
    containment_id: containmentId,
    sid,
    ...(userId !== undefined && { usr: { id: userId } }),
    via: 'web',
    request_id: requestId(),
  })
  return result
}

/** @returns the owner of the session, if the session ever existed */
async function closeInLedger(
  sid: string,
  ownerId: string | undefined,
  { at, containmentId }: { at: number; containmentId: string },
  deps: Pick<RevokeDeps, 'ledger'>,
): Promise<string | undefined> {
  const userId = ownerId ?? (await deps.ledger.locate(sid))?.userId
  if (userId === undefined) return undefined
  await deps.ledger.close(userId, sid, { state: 'revoked', at: new Date(at), reason: 'contained', containmentId })
  return userId
}

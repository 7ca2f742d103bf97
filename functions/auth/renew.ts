import { networkOf } from '../../shared/client/address.ts'
import { actorFields } from '../../shared/client/event.ts'
import type { Emit } from '../../shared/event.ts'
import { type IssuedToken, type TokenDeps, tokenFor } from '../../shared/session/issue.ts'
import { endForked, type SessionCheck } from '../../shared/session/present.ts'
import type { LiveSessions, SessionLedger } from '../../shared/stores/port.ts'

export interface RenewDeps extends TokenDeps {
  sessions: Pick<LiveSessions, 'read' | 'renew'>
  ledger: Pick<SessionLedger, 'close'>
  emit: Emit
}

export type Renewed =
  | { kind: 'renewed'; token: IssuedToken }
  /** Requested too soon, or again from the same network. */
  | { kind: 'early' | 'repeated'; retryAfterSeconds: number }
  | { kind: 'stale' | 'expired' | 'revoked' | 'fork' }

/**
 * Issues a successor of the presented token, for this call only. Two holders get two successors, and the one
 * presented later retires the other. Each refusal is an event, because an honest client does not repeat a refused
 * renewal.
 */
export async function renewSession(
  check: Extract<SessionCheck, { kind: 'accepted' }>,
  deps: RenewDeps,
): Promise<Renewed> {
  const { session, presentedGen, client } = check
  const { sid, userId } = session
  const use = { sid, userId, gen: presentedGen, network: networkOf(client.ip) }
  const renewal = await deps.sessions.renew(use, deps.now())
  if (renewal.kind === 'absent') return { kind: 'expired' }
  if (renewal.kind === 'revoked') return { kind: 'revoked' }
  const fields = { ...actorFields(check), evt: 'session' as const, usr: { id: userId }, sid }
  if (renewal.kind === 'offered') {
    const token = await tokenFor({ ...renewal.session, gen: renewal.gen }, deps)
    // A session that ended while its token was being signed gets no token.
    if (!(await deps.sessions.read(sid, deps.now()))) return { kind: 'revoked' }
    deps.emit({ ...fields, outcome: 'renewed' })
    return { kind: 'renewed', token }
  }
  deps.emit({ ...fields, outcome: 'seen', reason: 'refused' })
  if (renewal.kind === 'fork') await endForked(session, actorFields(check), deps)
  if ('waitMs' in renewal)
    return { kind: renewal.kind, retryAfterSeconds: Math.max(1, Math.ceil(renewal.waitMs / 1000)) }
  return { kind: renewal.kind }
}

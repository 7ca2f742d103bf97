import type { Client } from '../client/client.ts'
import { requestFields } from '../client/event.ts'
import type { Emit } from '../event.ts'
import type { LiveSessions } from '../stores/port.ts'
import { type IssuedToken, type TokenDeps, tokenFor } from './issue.ts'
import type { SessionCheck } from './present.ts'

export interface RenewDeps extends TokenDeps {
  sessions: Pick<LiveSessions, 'renew'>
  emit: Emit
}

export type Renewed = { kind: 'renewed'; token: IssuedToken } | { kind: 'stale' } | { kind: 'expired' }

/**
 * Offers the successor of the presented token. Before `renewSeconds` of use the token is issued anew with
 * the same gen. A retired token gets nothing: whoever holds it must not be handed a current one.
 */
export async function renewSession(
  { session, presentedGen, deviceHash }: Extract<SessionCheck, { kind: 'accepted' }>,
  client: Client,
  deps: RenewDeps,
): Promise<Renewed> {
  const renewal = await deps.sessions.renew(session.sid, presentedGen, deps.now())
  if (!('session' in renewal)) return { kind: renewal.kind === 'stale' ? 'stale' : 'expired' }
  if (renewal.kind === 'offered') {
    const usr = { id: session.userId }
    deps.emit({ ...requestFields(client, deviceHash), evt: 'session', outcome: 'renewed', usr, sid: session.sid })
  }
  return { kind: 'renewed', token: await tokenFor({ ...renewal.session, gen: renewal.gen }, deps) }
}

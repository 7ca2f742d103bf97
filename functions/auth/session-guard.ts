import type { Client } from '../../shared/client/client.ts'
import { ProblemError } from '../../shared/problem.ts'
import { recentlyAuthenticated } from '../../shared/session/policy.ts'
import { type PresentDeps, presentSession, type SessionCheck } from '../../shared/session/present.ts'

export type Accepted = Extract<SessionCheck, { kind: 'accepted' }>

const REFUSALS = {
  missing: 'session-required',
  invalid: 'session-invalid',
  expired: 'session-expired',
  revoked: 'session-revoked',
  fork: 'session-forked',
  refused: 'session-device',
  challenged: 'reauthentication-required',
} as const

/** @throws ProblemError unless the token names a session that is accepted */
export async function requireSession(token: string | undefined, client: Client, deps: PresentDeps): Promise<Accepted> {
  const check = await presentSession(token, client, deps)
  if (check.kind === 'accepted') return check
  throw new ProblemError(REFUSALS[check.kind])
}

/** Also accepts a session whose device was challenged: re-authentication is its way out. */
export async function requireHolder(token: string | undefined, client: Client, deps: PresentDeps) {
  const check = await presentSession(token, client, deps)
  if (check.kind === 'accepted' || check.kind === 'challenged') return check
  throw new ProblemError(REFUSALS[check.kind])
}

/** @throws ProblemError `reauthentication-required` if the last authentication is too old */
export function requireRecent(check: Accepted, deps: Pick<PresentDeps, 'now'>): void {
  if (!recentlyAuthenticated(check.session, deps.now())) throw new ProblemError('reauthentication-required')
}

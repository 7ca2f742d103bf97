import { siteOf } from '../client/address.ts'
import type { Containment, ContainmentCap, Users } from '../stores/port.ts'
import { CAP_WINDOW_MS, NEW_ACCOUNT_MS } from './policy.ts'
import type { Subject } from './subject.ts'

export interface CapDeps {
  users: Pick<Users, 'findById'>
  cap: ContainmentCap
  /** Distinct owners or networks of one detection within ten minutes; as many new accounts beside them. */
  capLimit: number
  now: () => number
}

/**
 * The circuit breaker of automatic containment: a detection gone wrong must not sign everybody out. Asked once for each
 * containment, before it acts, on every path that no person started.
 * @returns false if the containment waits for an operator
 * @throws if Redis is away
 */
export async function admit(
  row: Pick<Containment, 'detection' | 'scope' | 'userId'>,
  subject: Subject,
  deps: CapDeps,
): Promise<boolean> {
  const counted = await countedAs(row, subject, deps)
  return deps.cap.admit(counted.name, counted.subject, deps.capLimit, CAP_WINDOW_MS, deps.now())
}

/**
 * What counts against the cap: the owner or network that is contained, so that nobody spends it on sessions of their own. An owner
 * counts once, whatever the number of sessions. New accounts cost their maker nothing, so they are counted apart: a
 * hundred of them hold back no containment of an account that is older. Nor do the networks of one IPv6 site, which whoever
 * has it has by the thousand.
 */
async function countedAs(
  { detection, scope, userId }: Pick<Containment, 'detection' | 'scope' | 'userId'>,
  subject: Subject,
  deps: CapDeps,
): Promise<{ name: string; subject: string }> {
  if (subject.kind === 'network') return { name: detection, subject: siteOf(subject.network) }
  if (userId === undefined) return { name: detection, subject: scope }
  // If Postgres is away, the cap of older accounts is used: a session must be revocable without Postgres.
  const owner = await deps.users.findById(userId).catch(() => undefined)
  const isNew = owner !== undefined && deps.now() - owner.createdAt.getTime() < NEW_ACCOUNT_MS
  return { name: isNew ? `${detection} of new accounts` : detection, subject: userId }
}

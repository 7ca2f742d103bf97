import { neighbourhoodOf, networkOf, siteOf } from '../client/address.ts'
import type { Containment, ContainmentCap, LiveSessions, SessionLedger, Users } from '../stores/port.ts'
import { CAP_WINDOW_MS, NEW_ACCOUNT_MS } from './policy.ts'
import type { Subject } from './subject.ts'

export interface CapDeps {
  users: Pick<Users, 'findById'>
  sessions: Pick<LiveSessions, 'listByUser'>
  ledger: SessionLedger
  cap: ContainmentCap
  /** Distinct owners or networks of one detection within ten minutes; as many new accounts beside them. */
  capLimit: number
  /** Of those, how many from one source count for everybody else. */
  capSourceShare: number
  now: () => number
}

type Row = Pick<Containment, 'detection' | 'scope' | 'userId' | 'action'>

/**
 * The circuit breaker of automatic containment: a detection gone wrong must not sign everybody out. Asked once for each
 * containment, before it acts, on every path that no person started. A mere page is let through: it does nothing to anybody.
 * @returns false if the containment waits for an operator
 * @throws if Redis is away
 */
export async function admit(row: Row, subject: Subject, deps: CapDeps): Promise<boolean> {
  if (row.action === 'notify') return true
  const [counted, source] = await Promise.all([countedAs(row, subject, deps), sourceOf(row, subject, deps)])
  const limits = { subjects: deps.capLimit, perSource: deps.capSourceShare, windowMs: CAP_WINDOW_MS }
  return deps.cap.admit(counted.name, { subject: counted.subject, source }, limits, deps.now())
}

/**
 * What counts against the cap: the owner or network that is contained, so that nobody spends it on sessions of their own. An owner
 * counts once, whatever the number of sessions. New accounts cost their maker nothing, so they are counted apart: a
 * hundred of them hold back no containment of an account that is older. Nor do the networks of one IPv6 site, which whoever
 * has it has by the thousand.
 */
async function countedAs(
  { detection, scope, userId }: Row,
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

/**
 * Who could be behind several subjects: the neighbourhood of a network; of an account, that from which its longest-open
 * session was opened. That is its owner's and not the thief's, who came later: a thief must not put his victims into the
 * source whose share he has spent. Accounts of which no session is left are one source.
 */
async function sourceOf({ scope, userId }: Row, subject: Subject, deps: CapDeps): Promise<string> {
  if (subject.kind === 'network') return neighbourhoodOf(subject.network)
  if (userId === undefined) return scope
  const open = await deps.sessions.listByUser(userId, deps.now())
  const [first] = open.sort((a, b) => a.createdAt - b.createdAt)
  const from = first ?? (subject.kind === 'session' ? await deps.ledger.locate(subject.sid) : undefined)
  return from ? neighbourhoodOf(networkOf(from.ip)) : 'unknown'
}

import { neighbourhoodOf, networkOf, siteOf } from '../../shared/client/address.ts'
import { CAP_WINDOW_MS, NEW_ACCOUNT_MS } from '../../shared/containment/policy.ts'
import type { Subject } from '../../shared/containment/subject.ts'
import type {
  Containment,
  ContainmentCap,
  ContainmentLedger,
  LiveSessions,
  SessionLedger,
  Users,
} from '../../shared/stores/port.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import { subjectOf } from './row.ts'

const PARALLEL = 8

export interface CapDeps {
  users: Pick<Users, 'findById'>
  sessions: Pick<LiveSessions, 'incarnation' | 'listByUser'>
  ledger: SessionLedger
  containments: Pick<ContainmentLedger, 'list'>
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
  const [counted, incarnation] = await Promise.all([counting(row, subject, deps), deps.sessions.incarnation()])
  const { name, ...whom } = counted
  if (incarnation !== undefined) await recounted(name, row.detection, incarnation, deps)
  const limits = { subjects: deps.capLimit, perSource: deps.capSourceShare, windowMs: CAP_WINDOW_MS }
  return deps.cap.admit(name, whom, limits, deps.now())
}

/** What each cap was last counted again for, by name. */
const counts = new WeakMap<ContainmentCap, Map<string, { incarnation: string; done: Promise<void> }>>()

/** Redis may have been restored or emptied within the window: then the ledger says what was let through in it. */
function recounted(name: string, detection: string, incarnation: string, deps: CapDeps): Promise<void> {
  const ofCap = counts.get(deps.cap) ?? new Map()
  counts.set(deps.cap, ofCap)
  const before = ofCap.get(name)
  if (before?.incarnation === incarnation) return before.done
  const done = recount(name, detection, deps)
  ofCap.set(name, { incarnation, done })
  done.catch(() => ofCap.delete(name))
  return done
}

/** Admits again what was admitted, the oldest first. What is still there does not count twice. */
async function recount(name: string, detection: string, deps: CapDeps): Promise<void> {
  const rows = await deps.containments.list({ detection, since: new Date(deps.now() - CAP_WINDOW_MS) })
  const passed = rows.filter(({ admitted, approved, action }) => admitted && !approved && action !== 'notify')
  const found = await mapLimited(passed.reverse(), PARALLEL, async (row) => {
    const subject = subjectOf(row)
    return { row, counted: subject && (await counting(row, subject, deps)) }
  })
  const limits = { subjects: Number.MAX_SAFE_INTEGER, perSource: deps.capSourceShare, windowMs: CAP_WINDOW_MS }
  for (const { row, counted } of found) {
    if (counted?.name !== name) continue
    await deps.cap.admit(name, { subject: counted.subject, source: counted.source }, limits, row.createdAt.getTime())
  }
}

async function counting(row: Row, subject: Subject, deps: CapDeps) {
  const [counted, source] = await Promise.all([countedAs(row, subject, deps), sourceOf(row, subject, deps)])
  return { ...counted, source }
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

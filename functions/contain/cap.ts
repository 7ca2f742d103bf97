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
  /** The most distinct owners or networks of one detection within ten minutes, and as many new accounts in addition. */
  capLimit: number
  /** How many of those one source may use of the common limit. */
  capSourceShare: number
  now: () => number
}

type Row = Pick<Containment, 'detection' | 'scope' | 'userId' | 'action'>

/**
 * The circuit breaker of automatic containment: a faulty detection must not sign everybody out. It is asked once for
 * each containment before it acts, on every path without a person. A mere notification always passes.
 * @returns false if the containment must wait for an operator
 * @throws if Redis is unavailable
 */
export async function admit(row: Row, subject: Subject, deps: CapDeps): Promise<boolean> {
  if (row.action === 'notify') return true
  const [counted, incarnation] = await Promise.all([counting(row, subject, deps), deps.sessions.incarnation()])
  const { name, ...whom } = counted
  if (incarnation !== undefined) await recounted(name, row.detection, incarnation, deps)
  const limits = { subjects: deps.capLimit, perSource: deps.capSourceShare, windowMs: CAP_WINDOW_MS }
  return deps.cap.admit(name, whom, limits, deps.now())
}

/** The last recount of each cap, by name. */
const counts = new WeakMap<ContainmentCap, Map<string, { incarnation: string; done: Promise<void> }>>()

/**
 * Redis may have been restored or emptied within the window; the ledger then has the containments that were admitted.
 */
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

/** Admits earlier containments again, oldest first. One that is still counted does not count twice. */
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
 * The subject that counts against the cap: the contained owner or network, so that nobody can spend the cap with
 * sessions of their own. An owner counts once for any number of sessions. New accounts cost nothing to make, so they
 * have their own count and never delay the containment of an older account. The networks of one IPv6 site count once,
 * because its owner has thousands.
 */
async function countedAs(
  { detection, scope, userId }: Row,
  subject: Subject,
  deps: CapDeps,
): Promise<{ name: string; subject: string }> {
  if (subject.kind === 'network') return { name: detection, subject: siteOf(subject.network) }
  if (userId === undefined) return { name: detection, subject: scope }
  // If Postgres is unavailable, the cap of older accounts applies: a session must be revocable without Postgres.
  const owner = await deps.users.findById(userId).catch(() => undefined)
  const isNew = owner !== undefined && deps.now() - owner.createdAt.getTime() < NEW_ACCOUNT_MS
  return { name: isNew ? `${detection} of new accounts` : detection, subject: userId }
}

/**
 * The source that may be behind several subjects: the neighbourhood of a network or, for an account, that of its
 * oldest open session. That session is the owner's, because the thief came later: a thief must not move his victims
 * into a source whose share he has spent. All accounts without a session are one source.
 */
async function sourceOf({ scope, userId }: Row, subject: Subject, deps: CapDeps): Promise<string> {
  if (subject.kind === 'network') return neighbourhoodOf(subject.network)
  if (userId === undefined) return scope
  const open = await deps.sessions.listByUser(userId, deps.now())
  const [first] = open.sort((a, b) => a.createdAt - b.createdAt)
  const from = first ?? (subject.kind === 'session' ? await deps.ledger.locate(subject.sid) : undefined)
  return from ? neighbourhoodOf(networkOf(from.ip)) : 'unknown'
}

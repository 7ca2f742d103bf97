import { addressFields } from '../client/address.ts'
import type { NewEvent } from '../event.ts'
import type { Containment, ReplayCache, Users } from '../stores/port.ts'
import type { AlertFault } from './alert.ts'
import { type Alert, readAlert } from './alert.ts'
import { admit, type CapDeps } from './cap.ts'
import { type CarryOutDeps, carryOut, eventOf, renew } from './carry-out.ts'
import { STALE_MS } from './policy.ts'

/** How long a delivery's id is remembered: Datadog's retries are over long before. */
const DELIVERY_MS = 24 * 3_600_000

export interface ContainDeps extends CarryOutDeps, CapDeps {
  users: Pick<Users, 'bumpEpoch' | 'findById'>
  sessions: CarryOutDeps['sessions'] & CapDeps['sessions']
  replays: ReplayCache
}

type WebhookEvent = Extract<NewEvent, { evt: 'webhook' }>
export type ContainOutcome =
  | { kind: 'accepted'; containment: Containment }
  | { kind: 'ignored'; reason: 'not_a_trigger' | 'duplicate' }
  | { kind: 'refused'; reason: AlertFault | 'unknown_subject' | 'stale'; why: string }

/**
 * Alert → parse → find the subject on our side → policy → ledger row → act. One webhook event per delivery.
 * @param body the raw body of an authenticated delivery
 * @throws if a store fails: the delivery is then forgotten, so that a retry is not taken for a duplicate
 */
export async function contain(
  body: string,
  request: { requestId: string; ip: string },
  deps: ContainDeps,
): Promise<ContainOutcome> {
  const event = { evt: 'webhook' as const, request_id: request.requestId, ...addressFields(request.ip) }
  const alert = readAlert(body)
  if ('fault' in alert) {
    deps.emit({ ...event, outcome: 'refused', reason: alert.fault, level: 'warn' })
    return { kind: 'refused', reason: alert.fault, why: alert.why }
  }
  const about = { ...event, detection: alert.detection, containment_id: alert.containmentId }
  if (!(await deps.replays.accept('webhook', alert.deliveryId, deps.now() + DELIVERY_MS))) {
    deps.emit({ ...about, outcome: 'ignored', reason: 'duplicate' })
    return { kind: 'ignored', reason: 'duplicate' }
  }
  try {
    const outcome = await handle(alert, request.requestId, deps)
    deps.emit(webhookEvent(about, outcome))
    return outcome
  } catch (error) {
    await deps.replays.forget('webhook', alert.deliveryId).catch(() => undefined)
    throw error
  }
}

function webhookEvent(about: Omit<WebhookEvent, 'outcome'>, outcome: ContainOutcome): WebhookEvent {
  if (outcome.kind === 'accepted') return { ...about, outcome: 'accepted' }
  const level = outcome.kind === 'refused' ? (outcome.reason === 'stale' ? 'error' : 'warn') : 'info'
  return { ...about, outcome: outcome.kind, reason: outcome.reason, level }
}

async function handle(alert: Alert, requestId: string, deps: ContainDeps): Promise<ContainOutcome> {
  if (alert.transition === 'Recovered') return close(alert, deps)
  if (alert.transition !== 'Triggered' && alert.transition !== 'Re-Triggered') {
    return { kind: 'ignored', reason: 'not_a_trigger' }
  }
  const owner = await ownerOf(alert, deps)
  if (!owner) return { kind: 'refused', reason: 'unknown_subject', why: 'The subject of this alert is none of ours.' }
  const row = rowFor(alert, owner.userId, new Date(deps.now()))
  const stale = Math.abs(deps.now() - alert.date) > STALE_MS
  const claimed = await deps.containments.claim(stale ? { ...row, state: 'held', reason: 'stale' } : row)
  if (stale)
    return { kind: 'refused', reason: 'stale', why: 'The alert is old: recorded for an operator, not acted on.' }
  return claimed ? start(row, alert, requestId, deps) : repeat(alert, requestId, deps)
}

/** A session or a user must be known to us, whatever an alert says. Nothing else has an owner. */
async function ownerOf(alert: Alert, deps: ContainDeps): Promise<{ userId?: string } | undefined> {
  const { subject } = alert
  if (subject.kind === 'user') return (await deps.users.findById(subject.userId)) && { userId: subject.userId }
  if (subject.kind !== 'session') return {}
  const session = await deps.ledger.locate(subject.sid)
  return session && { userId: session.userId }
}

async function start(row: Containment, alert: Alert, requestId: string, deps: ContainDeps): Promise<ContainOutcome> {
  if (await admit(row, alert.subject, deps)) {
    return { kind: 'accepted', containment: await carryOut(row, requestId, deps) }
  }
  const held: Containment = { ...row, state: 'held', reason: 'cap' }
  const step = ({ state }: Containment) => (state === 'pending' || state === 'held' ? held : undefined)
  await deps.containments.revise(row.detection, row.id, step)
  const event = eventOf(row, alert.subject, requestId)
  deps.emit({ ...event, outcome: 'refused', reason: 'cap', via: 'direct', level: 'error' })
  return { kind: 'accepted', containment: held }
}

/**
 * The same alert again: what was not finished is finished, and a re-trigger renews what holds, or what ran out while the
 * alert was still open. It also carries out what was held for its age alone: that the alert is told again now says that it
 * is no replay. What an operator has undone, or has yet to decide, stays as it is, as does what has recovered.
 */
async function repeat(alert: Alert, requestId: string, deps: ContainDeps): Promise<ContainOutcome> {
  const row = await deps.containments.find(alert.detection, alert.containmentId)
  if (row?.state === 'pending' || row?.state === 'failed') {
    return { kind: 'accepted', containment: await carryOut(row, requestId, deps) }
  }
  if (!row || alert.transition !== 'Re-Triggered') return { kind: 'ignored', reason: 'duplicate' }
  if (row.state === 'held' && row.reason === 'stale') return start(row, alert, requestId, deps)
  if (row.state !== 'done' && !ranOut(row)) return { kind: 'ignored', reason: 'duplicate' }
  return { kind: 'accepted', containment: await renew(row, requestId, deps) }
}

const ranOut = ({ state, reason }: Containment): boolean => state === 'closed' && reason === 'expired'

/** The alert is over: its row closes, so that the next cycle's can open. A block runs to its own end. */
async function close(alert: Alert, deps: ContainDeps): Promise<ContainOutcome> {
  const row = await deps.containments.find(alert.detection, alert.containmentId)
  // A late reminder must not renew a block that ran out before the alert recovered.
  if (row?.state !== 'done' && !(row && ranOut(row))) return { kind: 'ignored', reason: 'not_a_trigger' }
  const closed: Containment = { ...row, state: 'closed', reason: 'recovered', updatedAt: new Date(deps.now()) }
  const step = ({ state }: Containment) => (state === 'done' || state === 'closed' ? closed : undefined)
  await deps.containments.revise(row.detection, row.id, step)
  return { kind: 'accepted', containment: closed }
}

function rowFor(alert: Alert, userId: string | undefined, now: Date): Containment {
  const { containmentId: id, detection, cycle, scope, policy, alertId, date } = alert
  const row: Containment = {
    id,
    detection,
    cycle,
    scope,
    action: policy.action,
    state: 'pending',
    alertId,
    alertedAt: new Date(date),
    createdAt: now,
    updatedAt: now,
    attempts: 0,
    nextAt: now,
  }
  return userId === undefined ? row : { ...row, userId }
}

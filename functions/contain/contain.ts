// Containment in functions: decides about an alert, keeps its row in the ledger and carries the action out.

import { within } from '../../shared/bounded.ts'
import { addressFields } from '../../shared/client/address.ts'
import { ABANDONED_MS } from '../../shared/containment/policy.ts'
import type { NewEvent } from '../../shared/event.ts'
import type { Containment, ContainmentLedger, Users } from '../../shared/stores/port.ts'
import { type Alert, type AlertFault, isPulled, readAlert } from './alert.ts'
import { announce } from './announce.ts'
import { type ProceedDeps, type ProceedOptions, proceed, uphold } from './attempt.ts'
import { persistent } from './persistence.ts'
import { hold, isTimely, recover, remind } from './row.ts'
import { isFromRule, isLaterNews, otherOf, rowOf } from './same-alert.ts'
import type { Turn } from './turns.ts'

/** The time limit for asking Postgres whether a user exists. */
const OWNER_MS = 1_000

export interface ContainDeps extends ProceedDeps {
  users: Pick<Users, 'bumpEpoch' | 'findById'>
  containments: Pick<ContainmentLedger, 'claim' | 'find' | 'list' | 'listOf' | 'revise'>
}

export interface ContainOptions extends Omit<ProceedOptions, 'eager'> {
  /** Begins the action of a row, which is written by then; by default at once. */
  turn?: Turn
}

type WebhookEvent = Extract<NewEvent, { evt: 'webhook' }>
export type ContainOutcome =
  /** Recorded in the row: carried out, to be carried out, or waiting for a person. */
  | { kind: 'accepted'; containment: Containment }
  /** Recorded, but a store failed: the sender should try again, which is sooner than the sweeper. */
  | { kind: 'unfinished'; containment: Containment; cause: unknown }
  | { kind: 'ignored'; reason: 'not_a_trigger' }
  /** @param of the id of the row, which another alert may have made */
  | { kind: 'ignored'; reason: 'duplicate'; of: string }
  | { kind: 'refused'; reason: AlertFault | 'unknown_subject' | 'stale'; why: string }

const duplicateOf = (id: string): ContainOutcome => ({ kind: 'ignored', reason: 'duplicate', of: id })
const STALE: ContainOutcome = {
  kind: 'refused',
  reason: 'stale',
  why: 'The alert is old: recorded for an operator, not acted on.',
}

/**
 * Alert → parse → find the subject on our side → policy → ledger row → act. One webhook event per delivery. Only the
 * row records a delivery.
 * @param body the raw body of an authenticated delivery
 * @throws if a store fails before there is a row: nothing has happened, and the delivery must come again
 */
export async function contain(
  body: string,
  request: { requestId: string; ip: string },
  deps: ContainDeps,
  options: ContainOptions = {},
): Promise<ContainOutcome> {
  const event = { evt: 'webhook' as const, request_id: request.requestId, ...addressFields(request.ip) }
  const alert = readAlert(body, new Date(deps.now()))
  if ('fault' in alert) {
    deps.emit({ ...event, outcome: 'refused', reason: alert.fault, level: 'warn' })
    return { kind: 'refused', reason: alert.fault, why: alert.why }
  }
  const outcome = await handleAlert(alert, request.requestId, deps, options)
  const containment_id =
    'containment' in outcome ? outcome.containment.id : 'of' in outcome ? outcome.of : alert.containmentId
  deps.emit(webhookEvent({ ...event, detection: alert.detection, containment_id }, outcome))
  return outcome
}

function webhookEvent(about: Omit<WebhookEvent, 'outcome'>, outcome: ContainOutcome): WebhookEvent {
  if (outcome.kind === 'accepted' || outcome.kind === 'unfinished') return { ...about, outcome: 'accepted' }
  const level = outcome.kind === 'refused' ? (outcome.reason === 'stale' ? 'error' : 'warn') : 'info'
  return { ...about, outcome: outcome.kind, reason: outcome.reason, level }
}

/** The outcome of an alert, from the webhook or from the pull. */
export async function handleAlert(
  alert: Alert,
  requestId: string,
  deps: ContainDeps,
  options: ContainOptions = {},
): Promise<ContainOutcome> {
  const again = persistent(options.patience)
  if (alert.transition === 'Recovered') {
    const row = await again(() => rowOf(alert, deps))
    return row
      ? onceClaimed(row, () => close(row, requestId, deps, options))
      : { kind: 'ignored', reason: 'not_a_trigger' }
  }
  if (alert.transition !== 'Triggered' && alert.transition !== 'Re-Triggered') {
    return { kind: 'ignored', reason: 'not_a_trigger' }
  }
  const [known, owner] = await Promise.all([again(() => rowOf(alert, deps)), again(() => ownerOf(alert, deps))])
  if (known) return onceClaimed(known, () => repeat(known, alert, requestId, deps, options))
  if (!owner) return { kind: 'refused', reason: 'unknown_subject', why: 'The subject of this alert is unknown here.' }
  const now = new Date(deps.now())
  const row = rowFor(alert, owner.userId, now)
  const isStale = !isTimely(row.renewedAt ?? row.alertedAt, now)
  const claim = isStale ? hold(row, 'stale', { requestId, now }) : row
  if (await again(() => deps.containments.claim(claim))) {
    return onceClaimed(claim, async () => {
      if (isStale) {
        await announce(claim, deps, again)
        return STALE
      }
      const other = await again(() => otherOf(row, deps))
      if (other) return repeat(other, alert, requestId, deps, options)
      return goOn(row, requestId, deps, { ...options, isAlone: true })
    })
  }
  // Another call was faster, or our claim was written and its answer lost.
  const found = await again(() => deps.containments.find(row.detection, row.id))
  return found ? onceClaimed(found, () => repeat(found, alert, requestId, deps, options)) : duplicateOf(row.id)
}

/** Continues an existing row; a failure from here on leaves the row. */
async function onceClaimed(row: Containment, work: () => Promise<ContainOutcome>): Promise<ContainOutcome> {
  try {
    return await work()
  } catch (cause) {
    return { kind: 'unfinished', containment: row, cause }
  }
}

/** Finds the owner. A session or user must exist on our side, whatever an alert says. Other subjects have no owner. */
async function ownerOf(alert: Alert, deps: ContainDeps): Promise<{ userId?: string } | undefined> {
  const { subject } = alert
  if (subject.kind === 'session') {
    const session = await deps.ledger.locate(subject.sid)
    return session && { userId: session.userId }
  }
  if (subject.kind !== 'user') return {}
  const { userId } = subject
  // While Postgres is unavailable, the alert is accepted: the claim needs only the ledger, and the action checks again.
  const isNobody = await within(OWNER_MS, deps.users.findById(userId)).then(
    (user) => user === undefined,
    () => false,
  )
  return isNobody ? undefined : { userId }
}

async function goOn(
  row: Containment,
  requestId: string,
  deps: ContainDeps,
  { turn = atOnce, ...options }: ContainOptions,
  eager = true,
): Promise<ContainOutcome> {
  const containment = await turn(() => proceed(row, requestId, deps, { ...options, eager }))
  return { kind: 'accepted', containment }
}
const atOnce: Turn = (work) => work()

/**
 * A repeated alert. Unfinished work continues. A re-trigger renews an effect that holds, or that ended while the
 * alert was still open. It also releases a row that was held for its age alone, because a present reminder is not a
 * replay.
 */
async function repeat(
  row: Containment,
  alert: Alert,
  requestId: string,
  deps: ContainDeps,
  options: ContainOptions,
): Promise<ContainOutcome> {
  const now = new Date(deps.now())
  const again = persistent(options.patience)
  if (!isTimely(alert.date, now) && row.state === 'held' && row.reason === 'stale') {
    await goOn(row, requestId, deps, options)
    return STALE
  }
  const isReminder = isTimely(alert.date, now) && (alert.transition === 'Re-Triggered' || isLaterNews(row, alert))
  const reminded = isReminder
    ? await again(() => deps.containments.revise(row.detection, row.id, remind(alert.date, now)))
    : undefined
  const current = reminded ?? row
  if (current.state === 'pending' || current.announce) {
    // The monitor and its rule report at the same time: the call that claimed the row carries it out.
    const eager = row.id === alert.containmentId || isReminder || !isFromRule(row, alert)
    const outcome = await goOn(current, requestId, deps, options, eager)
    return current.state === 'pending' ? outcome : duplicateOf(current.id)
  }
  if (!isReminder || current.state !== 'done') return duplicateOf(current.id)
  return { kind: 'accepted', containment: await uphold(current, deps, options.patience) }
}

/** The alert is over: its row closes, so that the next cycle can open one. A block runs to its own end. */
async function close(
  row: Containment,
  requestId: string,
  deps: ContainDeps,
  options: ContainOptions,
): Promise<ContainOutcome> {
  const again = persistent(options.patience)
  const over = await again(() => deps.containments.revise(row.detection, row.id, recover(new Date(deps.now()))))
  if (!over) return { kind: 'ignored', reason: 'not_a_trigger' }
  return over.state === 'pending' ? goOn(over, requestId, deps, options) : { kind: 'accepted', containment: over }
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
    alertedAt: date,
    createdAt: now,
    updatedAt: now,
    attempts: 0,
    // The claimant continues at once; others may begin after this time.
    nextAt: new Date(now.getTime() + ABANDONED_MS),
  }
  return {
    ...row,
    ...(userId !== undefined && { userId }),
    // Datadog has just reported it as open, so it is not a replay however old it is.
    ...(isPulled(alert) && !isTimely(date, now) && { renewedAt: now }),
  }
}

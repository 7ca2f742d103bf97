// The monitor's webhook, the rule's webhook and the pull may report one attack on one subject. They share one row.

import { hasRule } from '../../shared/containment/policy.ts'
import type { Containment, ContainmentLedger } from '../../shared/stores/port.ts'
import { type Alert, type Source, sourceOf } from './alert.ts'
import { gaveWay, isObserved, isOutOfTime, stepAside } from './row.ts'

/** The times that the webhook and the monitor API give for one alert differ by less than this. */
const SAME_ALERT_MS = 2 * 60_000
/**
 * A rule is evaluated at each event. Its monitor is evaluated each minute and reads logs that are up to three minutes
 * late, so it may alert minutes later. A block outlasts this time.
 */
const SAME_SUBJECT_MS = 10 * 60_000
/** Well before the pull handles alerts without a webhook. */
const PULLED_AFTER_MS = 5_000
/** Longer than the reminder interval of any monitor. */
const REMINDED_MS = 3_600_000

type Dated = Pick<Alert, 'cycle' | 'date'>
interface RowDeps {
  readonly containments: Pick<ContainmentLedger, 'find' | 'listOf' | 'revise'>
  readonly now: () => number
}

const isWithin = (ms: number, one: Date, other: Date): boolean => Math.abs(one.getTime() - other.getTime()) <= ms

/** When a row was last heard of: at its alert or at a later reminder. */
const heardAt = ({ alertedAt, renewedAt }: Containment): Date =>
  renewedAt && renewedAt > alertedAt ? renewedAt : alertedAt

/** Whether a row is about the alert of a monitor that began at this time, of which the monitor API tells. */
export function isOfOpenAlert(row: Containment, triggeredAt: Date): boolean {
  const heard = heardAt(row)
  const isOver = (row.recovered || row.reason === 'recovered') && row.updatedAt < triggeredAt
  const apartMs = sourceOf(row) === 'signal' ? SAME_SUBJECT_MS : SAME_ALERT_MS
  return !isOver && (heard >= triggeredAt || isWithin(apartMs, heard, triggeredAt))
}

/** The row of this alert: its own, or the one that another source wrote for the same subject before. */
export async function rowOf(alert: Alert, { containments }: RowDeps): Promise<Containment | undefined> {
  const { detection, scope, containmentId } = alert
  // The pull has looked at the other rows.
  if (sourceOf(alert) === 'pull') return containments.find(detection, containmentId)
  const [own, all] = await Promise.all([
    containments.find(detection, containmentId),
    containments.listOf(detection, scope),
  ])
  if (own && !gaveWay(own)) return own
  return all
    .filter((row) => row.id !== containmentId && isItsRow(row, alert))
    .sort((a, b) => b.alertedAt.getTime() - a.alertedAt.getTime())[0]
}

function isItsRow(row: Containment, alert: Alert): boolean {
  if (sourceOf(alert) === 'signal') return continues(row, alert)
  // Each cycle of a monitor has a row of its own.
  if (sourceOf(row) === 'monitor') return false
  if (alert.transition !== 'Triggered') return isOfCycle(row, alert)
  return sourceOf(row) === 'signal' ? continues(row, alert) : isPulledEarlier(row, alert)
}

/** Whether a row of another source is about the alert that a reminder or a recovery belongs to. */
function isOfCycle(row: Containment, { date, transition }: Alert): boolean {
  if (transition === 'Recovered') return row.alertedAt <= date
  if (isRecovered(row)) return false
  const { renewedAt = row.alertedAt } = row
  return row.alertedAt <= date && date.getTime() - renewedAt.getTime() <= REMINDED_MS
}

/** A recovered row belongs to an earlier cycle. */
const isPulledEarlier = (row: Containment, { date }: Alert): boolean =>
  !isRecovered(row) && isWithin(SAME_ALERT_MS, row.alertedAt, date)

const isRecovered = ({ state, reason }: Containment): boolean => state === 'closed' && reason === 'recovered'

/**
 * Whether an alert continues what a row contains: it is of about the same time, or the row is not over yet. A signal has no cycle, so an
 * undone row holds against signals until an hour has passed without one.
 */
function continues(row: Containment, alert: Dated): boolean {
  const { date } = alert
  const isOver = row.recovered || isRecovered(row)
  if (gaveWay(row) || (isOver && row.updatedAt <= date)) return false
  const heard = heardAt(row)
  if (isWithin(SAME_SUBJECT_MS, row.alertedAt, date) || isWithin(SAME_SUBJECT_MS, heard, date)) return true
  if (isOver || date < heard) return false
  if (row.state === 'undone') return sourceOf(alert) === 'signal' && isWithin(REMINDED_MS, heard, date)
  return row.state === 'pending' || (row.state === 'done' && row.expiresAt !== undefined && row.expiresAt > date)
}

/** Whether an alert or the alert that made a row is a signal. */
export const isFromRule = (row: Containment, alert: Alert): boolean =>
  sourceOf(alert) === 'signal' || sourceOf(row) === 'signal'

/**
 * Whether an alert reminds of a row that another alert made: it shows that the attack goes on, or that a row which was
 * held for its age alone is no replay.
 */
export function isLaterNews(row: Containment, alert: Alert): boolean {
  if (row.id === alert.containmentId || !isFromRule(row, alert)) return false
  const isHeldForAge = row.state === 'held' && row.reason === 'stale'
  return isHeldForAge || alert.date.getTime() - heardAt(row).getTime() > SAME_SUBJECT_MS
}

/** When two sources claim one alert at the same time, the earlier one here continues. */
const ORDER: readonly Source[] = ['monitor', 'signal', 'pull']
const rankOf = (row: Containment): number => ORDER.indexOf(sourceOf(row))

/**
 * Two sources may claim one alert at the same time. Each row lists the others after its claim, so at least one finds
 * the other. The row of the lower rank gives way, unless an attempt of it has begun. So does a row that is held until
 * our clock is right. Exactly one continues.
 * @returns the row that continues in place of this one
 */
export async function otherOf(row: Containment, deps: RowDeps): Promise<Containment | undefined> {
  const now = new Date(deps.now())
  const isTooYoungToBePulled = now.getTime() - row.alertedAt.getTime() < PULLED_AFTER_MS
  if (sourceOf(row) === 'monitor' && !hasRule(row.detection) && isTooYoungToBePulled) return undefined
  const rows = await deps.containments.listOf(row.detection, row.scope)
  const makesRoom = (one: Containment) => deps.containments.revise(one.detection, one.id, stepAside(now))
  for (const other of rows.filter((each) => isRival(each, row))) {
    const waits = isOutOfTime(other, now)
    if ((waits || rankOf(row) < rankOf(other)) && (await makesRoom(other))) continue
    if (!waits && (await makesRoom(row))) return other
  }
  return undefined
}

function isRival(other: Containment, row: Containment): boolean {
  const sources = [sourceOf(other), sourceOf(row)]
  const apartMs = sources.includes('signal') ? SAME_SUBJECT_MS : SAME_ALERT_MS
  const isOver = other.state === 'closed' && !isObserved(other)
  return sources[0] !== sources[1] && !isOver && isWithin(apartMs, other.alertedAt, row.alertedAt)
}

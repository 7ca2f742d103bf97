import { BLOCK_MS, policyFor, STALE_MS } from '../../shared/containment/policy.ts'
import { readScope, type Subject } from '../../shared/containment/subject.ts'
import type { Announcement, Containment } from '../../shared/stores/port.ts'
import { isPulled } from './alert.ts'

/**
 * The states of a containment and its transitions; docs/containment.md has the diagram. Each transition is a pure
 * function for `ContainmentLedger.revise`; undefined means that the row is not in a state for it.
 */

/** The time limit of one attempt. Before it nobody else begins one; after it the outcome is not written. */
const ATTEMPT_MS = 20_000
/** How long the mover of a row has to emit its event before another call does. */
const ANNOUNCE_MS = 20_000
/**
 * The wait after the first failed attempt; each further failure doubles it. Even the longest wait ends well before
 * the second sweep after a fault.
 */
const BACKOFF_MS = 5_000
const BACKOFF_MOST_MS = 20_000
/**
 * The longest wait of a row. A later time was written by a fast clock, and waiting for it would prolong a fault. The
 * fence separates an attempt that still runs from the next one.
 */
const LONGEST_WAIT_MS = 30_000
/** How long a row that was held for its age alone is judged again: a wrong clock may be corrected. */
const CLOCK_REPAIR_MS = 24 * 3_600_000
/** Correct clocks differ by no more than this. */
const CLOCKS_APART_MS = 60_000

/** The call that changes a row, and its time. */
export interface Mover {
  requestId: string
  now: Date
}

/** Whether a row needs work that does not wait for a person. */
export function isOpen(row: Containment, now: Date): boolean {
  if (row.state === 'pending' || row.announce !== undefined) return true
  if (row.state === 'done') return row.expiresAt !== undefined
  if (row.state === 'undone') return mayComeBack(row, now)
  return waitsForClock(row) && now.getTime() - row.createdAt.getTime() < CLOCK_REPAIR_MS
}

/** An attempt that ran during the undo may still set the block, until the block would end. */
const mayComeBack = (row: Containment, now: Date): boolean => row.action === 'block_ip' && blockEnd(row) > now

/** Held only for its age, and never acted on. */
const waitsForClock = ({ state, reason, attempts }: Containment): boolean =>
  state === 'held' && reason === 'stale' && attempts === 0

/** No attempt has begun, and it may begin without a person. */
export const isUntouched = (row: Containment): boolean =>
  waitsForClock(row) || (row.state === 'pending' && row.attempts === 0)

/** An alert is acted on within this distance of its date, either way. An older one may be a replay. */
export const isTimely = (date: Date, now: Date): boolean => Math.abs(now.getTime() - date.getTime()) <= STALE_MS

/** Whether a row waited until our clock was corrected; `createdAt` then does not tell when the alert reached us. */
function waitedForClock(row: Containment): boolean {
  const { alertedAt, createdAt, renewedAt, approved } = row
  // A row is never released before it is made, so a release time well before `createdAt` shows that the clock was
  // fast. A release time slightly before it comes from the clock of another host.
  const wasLetGo = renewedAt ? createdAt.getTime() - renewedAt.getTime() <= CLOCKS_APART_MS : approved
  return !wasLetGo && !isPulled(row) && !isTimely(alertedAt, createdAt)
}

/** A block starts at the alert or at its renewal, and never in the future. */
export function blockEnd(row: Containment): Date {
  const { alertedAt, createdAt, renewedAt } = row
  const first = waitedForClock(row) || alertedAt < createdAt ? alertedAt : createdAt
  return new Date((renewedAt ?? first).getTime() + BLOCK_MS)
}

/**
 * The containment covers sessions that were opened before this time, however late it is carried out. It is the time
 * at which the alert reached us, by our clock. The time of the alert is used only if our clock was wrong: it is
 * later, or the row waited for a correction.
 */
export function cutOff(row: Containment): Date {
  const { alertedAt, createdAt } = row
  return waitedForClock(row) || alertedAt > createdAt ? alertedAt : createdAt
}

/** The subject of the alert, read from the row; undefined if no policy accepts its form any more. */
export function subjectOf(row: Pick<Containment, 'detection' | 'scope'>): Subject | undefined {
  const policy = policyFor(row.detection)
  return policy && readScope(row.scope, policy.groupBy)
}

/** Why a row can never be carried out: it is unreadable, or its detection has no policy or a different one. */
function impossibleBecause(row: Containment): Announcement['reason'] {
  if (row.unreadable) return 'unreadable'
  const policy = policyFor(row.detection)
  if (!policy) return 'policy_gone'
  return policy.action === row.action && subjectOf(row) ? undefined : 'policy_changed'
}

const announcing = (
  row: Containment,
  { requestId, now }: Mover,
  announce: Omit<Announcement, 'requestId'>,
): Containment => ({
  ...row,
  announce: { ...announce, requestId },
  holder: requestId,
  updatedAt: now,
  nextAt: new Date(now.getTime() + ANNOUNCE_MS),
})

/** Hands the row to a person and pages. */
export const hold = (row: Containment, reason: Announcement['reason'], by: Mover): Containment =>
  announcing({ ...row, state: 'held', reason }, by, { outcome: 'refused', reason })

const fail = (row: Containment, reason: Announcement['reason'], by: Mover): Containment =>
  announcing({ ...row, state: 'failed', reason }, by, { outcome: 'fail', reason })

/** The facts for judging a row. */
export interface Judgement extends Mover {
  mayBlock: (network: string) => boolean
  /** Whether a detection only reports what it would do. */
  observes: (detection: string) => boolean
  /** The answer of the cap; undefined if it was not asked. */
  admitted?: boolean | undefined
  /** Begins an attempt before its time, but never during another one. */
  eager?: boolean | undefined
}

/** The next step for a row. */
export type Step =
  | { kind: 'rest' }
  /** Its pending event is overdue. */
  | { kind: 'announce' }
  /** Decided without an action. */
  | { kind: 'move'; to: Containment }
  /** The cap must be asked first. */
  | { kind: 'ask' }
  /** An attempt begins. */
  | { kind: 'attempt'; as: Containment }
  /** Its block must exist until it ends. */
  | { kind: 'keep' }
  /** Its block must not exist. */
  | { kind: 'lift' }

/** Judges a row. The handler, the sweeper, the pull and an operator all use this function. */
export function judge(row: Containment, by: Judgement): Step {
  const isOurs = row.holder === by.requestId
  const waitMs = row.nextAt.getTime() - by.now.getTime()
  const isDue = waitMs <= 0 || waitMs > LONGEST_WAIT_MS
  if (row.announce) return row.announce.requestId === by.requestId || isDue ? { kind: 'announce' } : { kind: 'rest' }
  if (row.state === 'done' && row.expiresAt) {
    return row.expiresAt > by.now ? { kind: 'keep' } : { kind: 'move', to: expire(row, by.now) }
  }
  if (row.state === 'undone') return mayComeBack(row, by.now) ? { kind: 'lift' } : { kind: 'rest' }
  if (waitsForClock(row) && isTimely(heardAt(row), by.now)) {
    return judge({ ...row, state: 'pending', reason: undefined }, by)
  }
  if (row.state !== 'pending') return { kind: 'rest' }
  // An attempt whose start was written but not confirmed continues with its own request id.
  if (isOurs && row.attempts > 0) return isDue ? { kind: 'rest' } : { kind: 'attempt', as: row }
  const waits = !isDue && (row.holder !== undefined || !by.eager)
  return waits ? { kind: 'rest' } : judgePending(row, by)
}

function judgePending(row: Containment, by: Judgement): Step {
  const move = (to: Containment): Step => ({ kind: 'move', to })
  const never = impossibleBecause(row)
  if (never) return move(fail(row, never, by))
  const subject = subjectOf(row)
  const blocks = row.action === 'block_ip'
  if (blocks && subject?.kind === 'network' && !by.mayBlock(subject.network)) return move(hold(row, 'policy', by))
  if (row.recovered && !row.approved) {
    const harmless = blocks || row.action === 'notify'
    return move(
      harmless ? { ...row, state: 'closed', reason: 'recovered', updatedAt: by.now } : hold(row, 'recovered', by),
    )
  }
  if (blocks && blockEnd(row) <= by.now) {
    const late = { outcome: 'noop', reason: 'expired' } as const
    return move(announcing({ ...row, state: 'closed', reason: 'expired', result: 'noop' }, by, late))
  }
  if (!row.approved && !isTimely(heardAt(row), by.now)) return move(hold(row, 'stale', by))
  if (!row.approved && row.action !== 'notify' && by.observes(row.detection)) return move(observe(row, by))
  if (!row.admitted && by.admitted === undefined) return { kind: 'ask' }
  if (!row.admitted && !by.admitted) return move(hold(row, 'cap', by))
  return { kind: 'attempt', as: begin(row, by) }
}

/** Whether a row is held until our clock is right, which it is not yet. */
export const isOutOfTime = (row: Containment, now: Date): boolean => waitsForClock(row) && !isTimely(heardAt(row), now)

/** The age of a row counts from the alert, or from its last reminder. */
const heardAt = ({ renewedAt, alertedAt }: Containment): Date => renewedAt ?? alertedAt

/** Records what would be done. Closed, so that nothing renews or restores it; only a person may approve it. */
const observe = (row: Containment, by: Mover): Containment =>
  announcing({ ...row, state: 'closed', result: 'observed' }, by, { outcome: 'observed' })

export const isObserved = ({ state, result }: Containment): boolean => state === 'closed' && result === 'observed'

const begin = (row: Containment, { requestId, now }: Mover): Containment => ({
  ...row,
  attempts: row.attempts + 1,
  holder: requestId,
  admitted: true,
  updatedAt: now,
  nextAt: new Date(now.getTime() + ATTEMPT_MS),
})

const expire = (row: Containment, now: Date): Containment => ({
  ...row,
  state: 'closed',
  reason: 'expired',
  updatedAt: now,
})

/** The outcome of an attempt. `gone`: the subject no longer exists. */
export type Outcome =
  | { kind: 'gone' }
  | {
      kind: 'done'
      result: 'success' | 'noop'
      via: 'web' | 'direct'
      expiresAt?: Date | undefined
      sessionsEnded?: number | undefined
    }

/** Whether the row is still in the attempt of `held`. */
const isAttempt = (row: Containment, held: Containment): boolean =>
  row.state === 'pending' && row.attempts === held.attempts && row.holder === held.holder

/** Ends an attempt; refused if another one has begun or an operator has undone the row. */
export const finish = (held: Containment, outcome: Outcome, by: Mover) => (row: Containment) => {
  if (!isAttempt(row, held)) return undefined
  if (outcome.kind === 'gone') return fail(row, 'subject_gone', by)
  const { result, via, expiresAt, sessionsEnded } = outcome
  const end = row.recovered ? ({ state: 'closed', reason: 'recovered' } as const) : ({ state: 'done' } as const)
  const { reason: _, ...rest } = row
  return announcing({ ...rest, ...end, result, via, ...(expiresAt && { expiresAt }) }, by, {
    outcome: result,
    ...(sessionsEnded !== undefined && { sessionsEnded }),
  })
}

/** Records a failed attempt; each further one waits longer. @param jitter from 0 to 1 */
export const postpone = (held: Containment, now: Date, jitter: number) => (row: Containment) => {
  if (!isAttempt(row, held)) return undefined
  const full = Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** (row.attempts - 1))
  const nextAt = new Date(now.getTime() + full * (0.5 + jitter / 2))
  return { ...row, holder: undefined, updatedAt: now, nextAt }
}

/** Records that the event of this announcement was emitted. */
export const announced = (announcement: Announcement) => (row: Containment) => {
  const { announce, ...rest } = row
  const isIt = announce?.requestId === announcement.requestId && announce.outcome === announcement.outcome
  return isIt ? rest : undefined
}

/**
 * Gives way to the other row of the same alert, from another source; refused once an attempt has begun. A row that is
 * held for its age alone gives way too: both would be carried out when the clock is right again.
 */
export const stepAside = (now: Date) => (row: Containment) => {
  if (gaveWay(row)) return row
  if (!waitsForClock(row) && row.announce) return undefined
  const { announce: _, ...rest } = row
  return isUntouched(row) ? ({ ...rest, state: 'closed', reason: 'duplicate', updatedAt: now } as const) : undefined
}

/** Whether another row of the same alert continues in place of this one. */
export const gaveWay = ({ state, reason }: Containment): boolean => state === 'closed' && reason === 'duplicate'

/** The alert is over. A finished row closes; a pending one is decided at its next step. */
export const recover = (now: Date) => (row: Containment) => {
  if (row.state === 'pending') return { ...row, recovered: true, updatedAt: now }
  // A late reminder must not renew a block that ended before the alert recovered.
  const isOver = row.state === 'done' || (row.state === 'closed' && row.reason === 'expired')
  return isOver ? ({ ...row, state: 'closed', reason: 'recovered', updatedAt: now } as const) : undefined
}

/**
 * A reminder of an open alert: a waiting row becomes as young as the reminder, and a block starts again, even if it
 * had ended. A row that was held for its age alone is released. A row that an operator undid or must decide keeps its state.
 * @param date of the reminder
 */
export const remind = (date: Date, now: Date) => (row: Containment) => {
  const renewedAt = date < now ? date : now
  if (row.renewedAt && row.renewedAt >= renewedAt) return undefined
  // An undone row stays undone, and holds against what the same attack still reports.
  if (row.state === 'pending' || row.state === 'undone') return { ...row, renewedAt }
  if (waitsForClock(row)) {
    // The call that held the row is about to emit its event; nobody else emits it before its time is over.
    const nextAt = row.announce ? row.nextAt : now
    return { ...row, state: 'pending', reason: undefined, renewedAt, updatedAt: now, nextAt } as const
  }
  const holds = row.state === 'done' || (row.state === 'closed' && row.reason === 'expired')
  if (!holds || row.action !== 'block_ip') return undefined
  const renewed = { ...row, state: 'done', reason: undefined, renewedAt, updatedAt: now } as const
  const expiresAt = blockEnd(renewed)
  const isLater = expiresAt > now && !(row.state === 'done' && row.expiresAt && row.expiresAt >= expiresAt)
  return isLater ? { ...renewed, expiresAt } : undefined
}

/** The operator and the reason given. */
export interface Decision {
  operator?: string | undefined
  why?: string | undefined
}

/** Whether an operator may have it carried out. */
export const isForPerson = (row: Containment): boolean =>
  row.state === 'held' || row.state === 'failed' || row.state === 'pending' || isObserved(row)

/** An operator approves a row, whatever its age and the cap; a block starts now. */
export const approve = (now: Date, decision: Decision) => (row: Containment) => {
  if (row.announce || !isForPerson(row)) return undefined
  const { result: _, ...waiting } = row
  const approved = { ...waiting, ...decision, admitted: true, approved: true, updatedAt: now } as const
  const isUnderWay = row.state === 'pending' && row.holder !== undefined && row.nextAt > now
  if (isUnderWay) return approved
  return { ...approved, state: 'pending', reason: undefined, holder: undefined, renewedAt: now, nextAt: now } as const
}

/** An operator undoes a row. The fence rises, so the outcome of an attempt under way is not written. */
export const undo = (by: Mover, decision: Decision) => (row: Containment) => {
  if (row.announce || row.state === 'undone') return undefined
  const undone = { ...row, ...decision, state: 'undone', attempts: row.attempts + 1 } as const
  return announcing(undone, by, { outcome: 'undone' })
}

import { BLOCK_MS, policyFor, STALE_MS } from '../../shared/containment/policy.ts'
import { readScope, type Subject } from '../../shared/containment/subject.ts'
import type { Announcement, Containment } from '../../shared/stores/port.ts'
import { isPulled } from './alert.ts'

/**
 * The states of a containment, and every way from one to the next: docs/containment.md has the diagram. Each way is a
 * pure function, to be given to `ContainmentLedger.revise`; undefined says that the row is not in a state for it.
 */

/** How long one attempt may take. Until then nobody else begins one; later its outcome is not written any more. */
const ATTEMPT_MS = 20_000
/** How long whoever moved a row on has for its event, before somebody else emits it. */
const ANNOUNCE_MS = 20_000
/**
 * The wait after the first attempt that failed; each further one doubles it. With the longest one a row is due well before
 * the second sweep after a fault has ended.
 */
const BACKOFF_MS = 5_000
const BACKOFF_MOST_MS = 20_000
/**
 * No row waits longer: a time further away was written by a clock that was ahead, and waiting for it would let a fault last. Who
 * is still at it then is told from his successor by the fence.
 */
const LONGEST_WAIT_MS = 30_000
/** How long a row that was held for its age alone is looked at again: a clock that was wrong may be put right. */
const CLOCK_REPAIR_MS = 24 * 3_600_000
/** Clocks that are both right differ by no more. */
const CLOCKS_APART_MS = 60_000

/** Who moves a row on, and when. */
export interface Mover {
  requestId: string
  now: Date
}

/** Whether something is left to do with a row that no person has to decide. */
export function isOpen(row: Containment, now: Date): boolean {
  if (row.state === 'pending' || row.announce !== undefined) return true
  if (row.state === 'done') return row.expiresAt !== undefined
  if (row.state === 'undone') return mayComeBack(row, now)
  return waitsForClock(row) && now.getTime() - row.createdAt.getTime() < CLOCK_REPAIR_MS
}

/** Whoever was at it when it was undone may block all the same, until the time of the block is over. */
const mayComeBack = (row: Containment, now: Date): boolean => row.action === 'block_ip' && blockEnd(row) > now

/** Held for its age alone, and never acted on. */
const waitsForClock = ({ state, reason, attempts }: Containment): boolean =>
  state === 'held' && reason === 'stale' && attempts === 0

/** An alert is acted on within this time of its date, to either side: what is older may be a replay. */
export const isTimely = (date: Date, now: Date): boolean => Math.abs(now.getTime() - date.getTime()) <= STALE_MS

/** Whether a row had to wait until our clock was put right: then `createdAt` says nothing of when the alert reached us. */
function waitedForClock(row: Containment): boolean {
  const { alertedAt, createdAt, renewedAt, approved } = row
  // Nothing lets a row go before it is made: a time well before that shows that the clock was ahead when it was made. A
  // little before it is the time of another host, which let it go at once.
  const wasLetGo = renewedAt ? createdAt.getTime() - renewedAt.getTime() <= CLOCKS_APART_MS : approved
  return !wasLetGo && !isPulled(row) && !isTimely(alertedAt, createdAt)
}

/** A block counts from the alert, or from what renewed it; never from a date that is still to come. */
export function blockEnd(row: Containment): Date {
  const { alertedAt, createdAt, renewedAt } = row
  const first = waitedForClock(row) || alertedAt < createdAt ? alertedAt : createdAt
  return new Date((renewedAt ?? first).getTime() + BLOCK_MS)
}

/**
 * Sessions that were opened before this are meant, however late the row is carried out. That is when the alert reached us, by
 * our own clock; the alert's is better only where it shows that ours was wrong: it is later, or the row had to wait until
 * ours was put right.
 */
export function cutOff(row: Containment): Date {
  const { alertedAt, createdAt } = row
  return waitedForClock(row) || alertedAt > createdAt ? alertedAt : createdAt
}

/** The subject that the alert named, read back from the row; undefined if no policy knows the row's form any more. */
export function subjectOf(row: Pick<Containment, 'detection' | 'scope'>): Subject | undefined {
  const policy = policyFor(row.detection)
  return policy && readScope(row.scope, policy.groupBy)
}

/** Why a row can never be carried out: it cannot be read, or its detection has no policy any more, or another one. */
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

/** To a person, with a page. */
export const hold = (row: Containment, reason: Announcement['reason'], by: Mover): Containment =>
  announcing({ ...row, state: 'held', reason }, by, { outcome: 'refused', reason })

const fail = (row: Containment, reason: Announcement['reason'], by: Mover): Containment =>
  announcing({ ...row, state: 'failed', reason }, by, { outcome: 'fail', reason })

/** What is needed to judge a row beyond itself. */
export interface Judgement extends Mover {
  mayBlock: (network: string) => boolean
  /** What the cap says to it; undefined if it was not asked. */
  admitted?: boolean | undefined
  /** Tries also where the next attempt would wait; never while another one is under way. */
  eager?: boolean | undefined
}

/** What is to be done with a row now. */
export type Step =
  | { kind: 'rest' }
  /** The event that it owes is overdue. */
  | { kind: 'announce' }
  /** Decided, without acting. */
  | { kind: 'move'; to: Containment }
  /** The cap is to be asked first. */
  | { kind: 'ask' }
  /** An attempt begins. */
  | { kind: 'attempt'; as: Containment }
  /** Its block must be there, until it ends. */
  | { kind: 'keep' }
  /** Its block must not be there. */
  | { kind: 'lift' }

/** The one judgement of a row: of the handler, the sweeper, the pull and an operator's retry alike. */
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
  // An attempt whose beginning was written and not answered for is found again by who began it.
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
  if (!row.admitted && by.admitted === undefined) return { kind: 'ask' }
  if (!row.admitted && !by.admitted) return move(hold(row, 'cap', by))
  return { kind: 'attempt', as: begin(row, by) }
}

/** The age of a row counts from the alert, or from what told it again. */
const heardAt = ({ renewedAt, alertedAt }: Containment): Date => renewedAt ?? alertedAt

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

/** What an attempt came to. `gone`: there is nobody any more to act on. */
export type Outcome =
  | { kind: 'gone' }
  | {
      kind: 'done'
      result: 'success' | 'noop'
      via: 'web' | 'direct'
      expiresAt?: Date | undefined
      sessionsEnded?: number | undefined
    }

/** Whether the row is still in the attempt that `held` began. */
const isAttempt = (row: Containment, held: Containment): boolean =>
  row.state === 'pending' && row.attempts === held.attempts && row.holder === held.holder

/** The end of an attempt; refused if another one has begun meanwhile, or an operator took the row back. */
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

/** The end of an attempt that failed: the next one waits longer each time. @param jitter from 0 to 1 */
export const postpone = (held: Containment, now: Date, jitter: number) => (row: Containment) => {
  if (!isAttempt(row, held)) return undefined
  const full = Math.min(BACKOFF_MOST_MS, BACKOFF_MS * 2 ** (row.attempts - 1))
  const nextAt = new Date(now.getTime() + full * (0.5 + jitter / 2))
  return { ...row, holder: undefined, updatedAt: now, nextAt }
}

/** The event of this announcement has been emitted. */
export const announced = (announcement: Announcement) => (row: Containment) => {
  const { announce, ...rest } = row
  const isIt = announce?.requestId === announcement.requestId && announce.outcome === announcement.outcome
  return isIt ? rest : undefined
}

/** Makes room for the other row of the same alert, the pull's or the webhook's; refused once an attempt has begun. */
export const stepAside = (now: Date) => (row: Containment) => {
  if (gaveWay(row)) return row
  const isUntouched = row.state === 'pending' && row.attempts === 0 && !row.announce
  return isUntouched ? ({ ...row, state: 'closed', reason: 'duplicate', updatedAt: now } as const) : undefined
}

/** Whether another row of the same alert goes on in the place of this one. */
export const gaveWay = ({ state, reason }: Containment): boolean => state === 'closed' && reason === 'duplicate'

/** The alert is over. What was carried out closes; what is pending is decided by whoever moves it on next. */
export const recover = (now: Date) => (row: Containment) => {
  if (row.state === 'pending') return { ...row, recovered: true, updatedAt: now }
  // A late reminder must not renew a block that ran out before the alert recovered.
  const isOver = row.state === 'done' || (row.state === 'closed' && row.reason === 'expired')
  return isOver ? ({ ...row, state: 'closed', reason: 'recovered', updatedAt: now } as const) : undefined
}

/**
 * The alert is told again while it lasts: what waits is as young as the reminder, and a block begins anew, also where it
 * had run out. What was held for its age alone is no replay then. What an operator undid or has yet to decide stays.
 * @param date the reminder's own
 */
export const remind = (date: Date, now: Date) => (row: Containment) => {
  const renewedAt = date < now ? date : now
  if (row.renewedAt && row.renewedAt >= renewedAt) return undefined
  if (row.state === 'pending') return { ...row, renewedAt }
  if (waitsForClock(row)) {
    // Whoever holds it is about to emit that it waits: nobody else says so before his time is over.
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

/** Who decided by hand, and why. */
export interface Decision {
  operator?: string | undefined
  why?: string | undefined
}

/** An operator lets a row be carried out, whatever its age and the cap; a block begins now. */
export const approve = (now: Date, decision: Decision) => (row: Containment) => {
  if (row.announce || (row.state !== 'held' && row.state !== 'failed' && row.state !== 'pending')) return undefined
  const approved = { ...row, ...decision, admitted: true, approved: true, updatedAt: now } as const
  const isUnderWay = row.state === 'pending' && row.holder !== undefined && row.nextAt > now
  if (isUnderWay) return approved
  return { ...approved, state: 'pending', reason: undefined, holder: undefined, renewedAt: now, nextAt: now } as const
}

/** An operator takes a row back. The fence rises: what an attempt under way comes to is not written any more. */
export const undo = (by: Mover, decision: Decision) => (row: Containment) => {
  if (row.announce || row.state === 'undone') return undefined
  const undone = { ...row, ...decision, state: 'undone', attempts: row.attempts + 1 } as const
  return announcing(undone, by, { outcome: 'undone' })
}

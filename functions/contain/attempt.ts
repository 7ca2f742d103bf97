import { within } from '../../shared/bounded.ts'
import type { Containment, ContainmentLedger } from '../../shared/stores/port.ts'
import { type ActDeps, actionOf, keepBlocked } from './act.ts'
import { type AnnounceDeps, announce, liftBlock } from './announce.ts'
import { admit, type CapDeps } from './cap.ts'
import { type Again, type Patience, persistent } from './persistence.ts'
import { finish, isUntouched, type Judgement, judge, postpone, subjectOf } from './row.ts'
import { otherOf } from './same-alert.ts'

/** The time limit for recording a failed attempt. */
const NOTE_MS = 1_000

export interface ProceedDeps extends ActDeps, AnnounceDeps, CapDeps {
  users: ActDeps['users'] & CapDeps['users']
  sessions: ActDeps['sessions'] & CapDeps['sessions']
  containments: Pick<ContainmentLedger, 'find' | 'list' | 'listOf' | 'revise'>
  mayBlock: (network: string) => boolean
  observes: (detection: string) => boolean
}

export interface ProceedOptions {
  /** How long to retry; by default there is one attempt. */
  patience?: Patience | undefined
  /** Begins an attempt even before its time. */
  eager?: boolean | undefined
  /** Whether the caller has just looked for a row of another source that continues in place of this one. */
  isAlone?: boolean | undefined
}

/**
 * Continues a containment as far as possible now. The handler, the sweeper, the pull and an operator all use this
 * function, so none of them skips the cap, the age or the fence. Safe to call at any time and concurrently.
 * @param requestId of this call alone: it identifies the attempt and its event
 * @returns the row afterwards; unchanged if there is nothing to do or another call is working on it
 * @throws if a store fails; the row stays and waits for its next attempt
 */
export async function proceed(
  seen: Containment,
  requestId: string,
  deps: ProceedDeps,
  { patience, eager, isAlone }: ProceedOptions = {},
): Promise<Containment> {
  const again = persistent(patience)
  const { mayBlock, observes } = deps
  const judgement = (): Judgement => ({ requestId, now: new Date(deps.now()), mayBlock, observes, eager })
  let row = seen
  try {
    if (judge(row, judgement()).kind === 'announce') row = await announce(row, deps, again)
    const step = judge(row, judgement())
    if (step.kind === 'rest' || step.kind === 'announce') return row
    if (step.kind === 'keep') return await upholdBlock(row, deps, again)
    if (step.kind === 'lift') return await settled(row, requestId, deps, again)

    // The process that claimed it may have died before it looked.
    const isNew = isUntouched(row) && !row.approved
    if (isNew && !isAlone && (await again(() => otherOf(row, deps)))) return await settled(row, requestId, deps, again)
    const asked = step.kind === 'ask' ? await again(() => mayGoOn(row, deps)) : undefined
    const moved = await again(() => {
      const decision = { ...judgement(), admitted: asked }
      return deps.containments.revise(row.detection, row.id, (found) => {
        const next = judge(found, decision)
        return next.kind === 'move' ? next.to : next.kind === 'attempt' ? next.as : undefined
      })
    })
    if (moved?.state === 'pending') {
      row = moved
      return await attempt(moved, requestId, deps, again)
    }
    return await settled(moved ?? row, requestId, deps, again)
  } catch (error) {
    const wait = postpone(row, new Date(deps.now()), Math.random())
    // If the ledger itself failed, the row waits for the time limit of an attempt.
    await within(NOTE_MS, deps.containments.revise(row.detection, row.id, wait)).catch(() => undefined)
    throw error
  }
}

async function mayGoOn(row: Containment, deps: ProceedDeps): Promise<boolean> {
  const subject = subjectOf(row)
  return subject !== undefined && (await admit(row, subject, deps))
}

async function attempt(held: Containment, requestId: string, deps: ProceedDeps, again: Again): Promise<Containment> {
  const act = actionOf(held, deps)
  const outcome = await again(() => {
    // A process that was suspended: another one may have begun the next attempt.
    if (deps.now() >= held.nextAt.getTime()) throw new Error('The time of this attempt is over.')
    return act()
  })
  const end = finish(held, outcome, { requestId, now: new Date(deps.now()) })
  const finished = await again(() => deps.containments.revise(held.detection, held.id, end))
  return settled(finished ?? held, requestId, deps, again)
}

/** The present row, announced if this call owes the event, and without an effect that an operator has undone. */
async function settled(row: Containment, requestId: string, deps: ProceedDeps, again: Again): Promise<Containment> {
  const isOurs = ({ announce: owed }: Containment) => owed?.requestId === requestId
  const now = isOurs(row) ? row : ((await again(() => deps.containments.find(row.detection, row.id))) ?? row)
  if (isOurs(now)) return announce(now, deps, again)
  if (now.state === 'undone') await again(() => liftBlock(now, deps))
  return now
}

/** Restores a block that Redis has lost. */
async function upholdBlock(row: Containment, deps: ProceedDeps, again: Again): Promise<Containment> {
  const subject = subjectOf(row)
  const until = row.expiresAt
  if (subject?.kind !== 'network' || !until || !deps.mayBlock(subject.network)) return row
  await again(() => keepBlocked(subject.network, row.id, until, deps))
  return settled(row, '', deps, again)
}

/** Repeats the action of a finished containment after a reminder. Its event was emitted the first time. */
export async function uphold(row: Containment, deps: ProceedDeps, patience?: Patience): Promise<Containment> {
  const again = persistent(patience)
  const subject = subjectOf(row)
  if (!subject || (subject.kind === 'network' && !deps.mayBlock(subject.network))) return row
  await again(actionOf(row, deps))
  return settled(row, '', deps, again)
}

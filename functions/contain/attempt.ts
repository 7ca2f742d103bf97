import { within } from '../../shared/bounded.ts'
import type { Containment, ContainmentLedger } from '../../shared/stores/port.ts'
import { type ActDeps, actionOf, keepBlocked } from './act.ts'
import { type AnnounceDeps, announce, liftBlock } from './announce.ts'
import { admit, type CapDeps } from './cap.ts'
import { type Again, type Patience, persistent } from './persistence.ts'
import { finish, type Judgement, judge, postpone, subjectOf } from './row.ts'

/** For noting that an attempt failed. */
const NOTE_MS = 1_000

export interface ProceedDeps extends ActDeps, AnnounceDeps, CapDeps {
  users: ActDeps['users'] & CapDeps['users']
  sessions: ActDeps['sessions'] & CapDeps['sessions']
  containments: Pick<ContainmentLedger, 'find' | 'list' | 'revise'>
  mayBlock: (network: string) => boolean
}

export interface ProceedOptions {
  /** For how long to try again what fails; without it everything is tried once. */
  patience?: Patience | undefined
  /** Also begins an attempt that would otherwise wait for its turn. */
  eager?: boolean | undefined
}

/**
 * Goes on with a containment as far as it goes now: the one way for the handler, the sweeper, the pull and an operator's
 * retry, so that none of them passes the cap, the age or the fence. Safe to call at any time, by any number at once.
 * @param requestId of this call alone: it holds the attempt, and stands in the event
 * @returns the row as it is then; as it was, if there is nothing to do or somebody else is at it
 * @throws if a store fails; the row is then as durable as before, and waits for its next attempt
 */
export async function proceed(
  seen: Containment,
  requestId: string,
  deps: ProceedDeps,
  { patience, eager }: ProceedOptions = {},
): Promise<Containment> {
  const again = persistent(patience)
  const judgement = (): Judgement => ({ requestId, now: new Date(deps.now()), mayBlock: deps.mayBlock, eager })
  let row = seen
  try {
    if (judge(row, judgement()).kind === 'announce') row = await announce(row, deps, again)
    const step = judge(row, judgement())
    if (step.kind === 'rest' || step.kind === 'announce') return row
    if (step.kind === 'keep') return await upholdBlock(row, deps, again)
    if (step.kind === 'lift') return await settled(row, requestId, deps, again)

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
    // The ledger may be what failed: then the row waits for as long as an attempt may take.
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
    // A process that was stopped meanwhile: somebody else may be at it by now.
    if (deps.now() >= held.nextAt.getTime()) throw new Error('the time of this attempt is over')
    return act()
  })
  const end = finish(held, outcome, { requestId, now: new Date(deps.now()) })
  const finished = await again(() => deps.containments.revise(held.detection, held.id, end))
  return settled(finished ?? held, requestId, deps, again)
}

/** The row as it is now, announced if that is for this call to do, and without an effect that an operator took back. */
async function settled(row: Containment, requestId: string, deps: ProceedDeps, again: Again): Promise<Containment> {
  const isOurs = ({ announce: owed }: Containment) => owed?.requestId === requestId
  const now = isOurs(row) ? row : ((await again(() => deps.containments.find(row.detection, row.id))) ?? row)
  if (isOurs(now)) return announce(now, deps, again)
  if (now.state === 'undone') await again(() => liftBlock(now, deps))
  return now
}

/** Puts a block back that Redis has lost. */
async function upholdBlock(row: Containment, deps: ProceedDeps, again: Again): Promise<Containment> {
  const subject = subjectOf(row)
  const until = row.expiresAt
  if (subject?.kind !== 'network' || !until || !deps.mayBlock(subject.network)) return row
  await again(() => keepBlocked(subject.network, row.id, until, deps))
  return settled(row, '', deps, again)
}

/**
 * Does again what a reminder asks to have kept up, of a containment that is done. Its event was emitted when it was first
 * carried out.
 */
export async function uphold(row: Containment, deps: ProceedDeps, patience?: Patience): Promise<Containment> {
  const again = persistent(patience)
  const subject = subjectOf(row)
  if (!subject || (subject.kind === 'network' && !deps.mayBlock(subject.network))) return row
  await again(actionOf(row, deps))
  return settled(row, '', deps, again)
}

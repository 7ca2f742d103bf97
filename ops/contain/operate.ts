import { announce } from '../../functions/contain/announce.ts'
import { type ProceedDeps, proceed } from '../../functions/contain/attempt.ts'
import { approve, type Decision, undo as undoing } from '../../functions/contain/row.ts'
import type { Containment } from '../../shared/stores/port.ts'

/** What an operator gets told instead of a change. */
export class NotPossible extends Error {
  override readonly name = 'NotPossible'
}

export type OperateDeps = ProceedDeps

/** How often a decision is tried on a row that others move on at the same time: the sweeper, a delivery, another operator. */
const TRIES = 5

const once = <T>(work: () => Promise<T>): Promise<T> => work()

/** Carries out what waits: a held row (approved by this), one that failed, one that was left pending. */
export async function retry(
  row: Containment,
  requestId: string,
  deps: OperateDeps,
  decision: Decision = {},
): Promise<Containment> {
  const check = ({ state }: Containment) => {
    if (state !== 'held' && state !== 'failed' && state !== 'pending') {
      throw new NotPossible(`it is ${state}; only a held, failed or pending containment can be carried out`)
    }
  }
  const approved = await decide(row, check, () => approve(new Date(deps.now()), whole(decision)), deps)
  return proceed(approved, requestId, deps, { eager: true })
}

/**
 * Takes a containment back: a block is lifted at once; a revoked session stays dead, because nobody can tell its two
 * holders apart, and its owner signs in again.
 */
export async function undo(
  row: Containment,
  requestId: string,
  deps: OperateDeps,
  decision: Decision = {},
): Promise<Containment> {
  const check = ({ state }: Containment) => {
    if (state === 'undone') throw new NotPossible('it is undone already')
  }
  const step = () => undoing({ requestId, now: new Date(deps.now()) }, whole(decision))
  return announce(await decide(row, check, step, deps), deps, once)
}

/** Without what an earlier decision said: its reason is not this operator's. */
const whole = ({ operator, why }: Decision): Decision => ({ operator, why })

/**
 * Writes a decision into the row as it is by now. Of what the row owes, the event is emitted first: it is of before.
 * @param check throws when the row's state does not allow the decision
 */
async function decide(
  seen: Containment,
  check: (row: Containment) => void,
  step: () => (row: Containment) => Containment | undefined,
  deps: OperateDeps,
): Promise<Containment> {
  const find = async () => {
    const found = await deps.containments.find(seen.detection, seen.id)
    if (!found) throw new NotPossible('it is not in the ledger any more')
    return found
  }
  // An event that was owed when the rows were listed may have been emitted since.
  let row = seen.announce ? await find() : seen
  for (let tries = 0; tries < TRIES; tries++) {
    check(row)
    await announce(row, deps, once)
    const decided = await deps.containments.revise(row.detection, row.id, step())
    if (decided) return decided
    row = await find()
  }
  throw new NotPossible('it keeps changing; look again')
}

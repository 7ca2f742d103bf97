// Containment by a person: approve, retry, undo and watch rows of a ledger.

import { announce } from '../../functions/contain/announce.ts'
import { type ProceedDeps, proceed } from '../../functions/contain/attempt.ts'
import { approve, type Decision, isForPerson, undo as undoing } from '../../functions/contain/row.ts'
import type { Containment } from '../../shared/stores/port.ts'

/** A decision that cannot be carried out; the message says why. */
export class NotPossible extends Error {
  override readonly name = 'NotPossible'
}

export type OperateDeps = ProceedDeps

/** The number of tries on a row that the sweeper, a delivery or another operator changes at the same time. */
const TRIES = 5

const once = <T>(work: () => Promise<T>): Promise<T> => work()

/** Carries out a held or observed containment (and approves it), a failed one or a pending one. */
export async function retry(
  row: Containment,
  requestId: string,
  deps: OperateDeps,
  decision: Decision = {},
): Promise<Containment> {
  const check = (found: Containment) => {
    if (!isForPerson(found)) {
      throw new NotPossible(
        `it is ${found.state}; only a held, failed, pending or observed containment can be carried out`,
      )
    }
  }
  const approved = await decide(row, check, () => approve(new Date(deps.now()), whole(decision)), deps)
  return proceed(approved, requestId, deps, { eager: true })
}

/**
 * Takes a containment back. A block is lifted at once. A revoked session stays revoked, because its two holders cannot be
 * distinguished; its owner signs in again.
 */
export async function undo(
  row: Containment,
  requestId: string,
  deps: OperateDeps,
  decision: Decision = {},
): Promise<Containment> {
  const check = ({ state }: Containment) => {
    if (state === 'undone') throw new NotPossible('it is already undone')
  }
  const step = () => undoing({ requestId, now: new Date(deps.now()) }, whole(decision))
  return announce(await decide(row, check, step, deps), deps, once)
}

/** Removes the reason of an earlier decision, which is not this operator's. */
const whole = ({ operator, why }: Decision): Decision => ({ operator, why })

/**
 * Writes a decision into the current row. An event that the row still owes is emitted first, because it happened before.
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
    if (!found) throw new NotPossible('it is no longer in the ledger')
    return found
  }
  // An event that was owed when the rows were listed may have been emitted meanwhile.
  let row = seen.announce ? await find() : seen
  for (let tries = 0; tries < TRIES; tries++) {
    check(row)
    await announce(row, deps, once)
    const decided = await deps.containments.revise(row.detection, row.id, step())
    if (decided) return decided
    row = await find()
  }
  throw new NotPossible('other processes keep changing it: run the command again')
}

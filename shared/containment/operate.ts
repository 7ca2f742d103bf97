import type { Containment } from '../stores/port.ts'
import { announce } from './announce.ts'
import { type ProceedDeps, proceed } from './attempt.ts'
import { approve, type Decision, undo as undoing } from './row.ts'

/** What an operator gets told instead of a change. */
export class NotPossible extends Error {
  override readonly name = 'NotPossible'
}

const once = <T>(work: () => Promise<T>): Promise<T> => work()

/** Carries out what waits: a held row (approved by this), one that failed, one that was left pending. */
export async function retry(
  row: Containment,
  requestId: string,
  deps: ProceedDeps,
  decision: Decision = {},
): Promise<Containment> {
  if (row.state !== 'held' && row.state !== 'failed' && row.state !== 'pending') {
    throw new NotPossible(`it is ${row.state}; only a held, failed or pending containment can be carried out`)
  }
  await announce(row, deps, once)
  const step = approve(new Date(deps.now()), decision)
  const approved = await deps.containments.revise(row.detection, row.id, step)
  if (!approved) throw new NotPossible('it has just changed; look again')
  return proceed(approved, requestId, deps, { eager: true })
}

/**
 * Takes a containment back: a block is lifted at once; a revoked session stays dead, because nobody can tell its two
 * holders apart, and its owner signs in again.
 */
export async function undo(
  row: Containment,
  requestId: string,
  deps: ProceedDeps,
  decision: Decision = {},
): Promise<Containment> {
  if (row.state === 'undone') throw new NotPossible('it is undone already')
  await announce(row, deps, once)
  const step = undoing({ requestId, now: new Date(deps.now()) }, decision)
  const undone = await deps.containments.revise(row.detection, row.id, step)
  if (!undone) throw new NotPossible('it has just changed; look again')
  return announce(undone, deps, once)
}

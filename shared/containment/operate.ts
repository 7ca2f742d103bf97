import type { Containment } from '../stores/port.ts'
import { type CarryOutDeps, carryOut, eventOf, subjectOf } from './carry-out.ts'

/** What an operator gets told instead of a change. */
export class NotPossible extends Error {
  override readonly name = 'NotPossible'
}

/** Carries out what waits: a held row (approved by this), one that failed, one that was left pending. */
export async function retry(row: Containment, requestId: string, deps: CarryOutDeps): Promise<Containment> {
  if (row.state !== 'held' && row.state !== 'failed' && row.state !== 'pending') {
    throw new NotPossible(`it is ${row.state}; only a held, failed or pending containment can be carried out`)
  }
  return carryOut(row, requestId, deps)
}

/**
 * Takes a containment back: a block is lifted at once; a revoked session stays dead, because nobody can tell its two
 * holders apart, and its owner signs in again.
 */
export async function undo(row: Containment, requestId: string, deps: CarryOutDeps): Promise<Containment> {
  if (row.state === 'undone') throw new NotPossible('it is undone already')
  const subject = subjectOf(row)
  if (row.action === 'block_ip' && subject.kind === 'network') await deps.blocks.unblock(subject.network, row.id)
  const undone: Containment = { ...row, state: 'undone', updatedAt: new Date(deps.now()) }
  const step = ({ state }: Containment) => (state === row.state ? undone : undefined)
  if (!(await deps.containments.revise(row.detection, row.id, step))) {
    throw new NotPossible('it has just changed; look again')
  }
  deps.emit({ ...eventOf(row, subject, requestId), outcome: 'undone', via: row.via ?? 'direct', level: 'warn' })
  return undone
}

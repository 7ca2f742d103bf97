import { createHash, randomUUID } from 'node:crypto'
import type { Containment } from '../../../shared/stores/port.ts'

/** A containment with a unique id that the cap holds, unless changed. */
export function heldRow(
  change: Pick<Containment, 'detection' | 'scope' | 'action'> & Partial<Containment>,
): Containment {
  const now = new Date()
  return {
    id: createHash('sha256').update(randomUUID()).digest('hex').slice(0, 32),
    cycle: randomUUID(),
    alertId: '1',
    state: 'held',
    reason: 'cap',
    attempts: 0,
    alertedAt: now,
    createdAt: now,
    updatedAt: now,
    nextAt: now,
    ...change,
  }
}

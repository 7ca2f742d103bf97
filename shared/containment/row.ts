import type { Containment } from '../stores/port.ts'

/** How long a row that was held for its age alone is looked at again: a clock that was wrong may be put right. */
const CLOCK_REPAIR_MS = 24 * 3_600_000

/** Whether something is left to do with a row that no person has to decide. */
export function isOpen(row: Containment, now: Date): boolean {
  if (row.state === 'pending' || row.announce !== undefined) return true
  if (row.state === 'done') return row.expiresAt !== undefined
  return waitsForClock(row) && now.getTime() - row.createdAt.getTime() < CLOCK_REPAIR_MS
}

/** Held for its age alone, and never acted on. */
export const waitsForClock = ({ state, reason, attempts }: Containment): boolean =>
  state === 'held' && reason === 'stale' && attempts === 0

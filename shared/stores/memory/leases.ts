import { randomUUID } from 'node:crypto'
import type { Leases } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Leases in this process alone, which end by its clock. */
export function createMemoryLeases(now: () => number, space = createMemorySpace()): Leases {
  const held = space.map<{ holder: string; until: number }>()
  return {
    async acquire(name, ttlMs) {
      const lease = held.get(name)
      if (lease && now() < lease.until) return undefined
      const holder = randomUUID()
      held.set(name, { holder, until: now() + ttlMs })
      return async () => {
        if (held.get(name)?.holder === holder) held.delete(name)
      }
    },
  }
}

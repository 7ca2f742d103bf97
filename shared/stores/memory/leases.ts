import { randomUUID } from 'node:crypto'
import type { Leases } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Leases in this process only. Its clock ends them. */
export function createMemoryLeases(now: () => number, space = createMemorySpace()): Leases {
  const held = space.map<{ holder: string; until: number }>()
  const fences = space.map<number>()
  return {
    async acquire(name, ttlMs) {
      const lease = held.get(name)
      if (lease && now() < lease.until) return undefined
      const holder = randomUUID()
      const fence = Math.max((fences.get(name) ?? 0) + 1, now())
      fences.set(name, fence)
      held.set(name, { holder, until: now() + ttlMs })
      return {
        fence,
        async renew() {
          const mine = held.get(name)
          if (mine?.holder !== holder || now() >= mine.until) return false
          held.set(name, { holder, until: now() + ttlMs })
          return true
        },
        async release() {
          if (held.get(name)?.holder === holder) held.delete(name)
        },
      }
    },
  }
}

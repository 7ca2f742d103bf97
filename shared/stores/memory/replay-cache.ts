import type { ReplayCache } from '../port.ts'
import { TTL_MARGIN_MS } from '../redis/key.ts'
import { createMemorySpace } from './space.ts'

/** Ids that were accepted once, in this process only. */
export function createMemoryReplayCache(now: () => number, space = createMemorySpace()): ReplayCache {
  /** Until when each is remembered. */
  const accepted = space.map<number>()
  return {
    async accept(id, expiresAt) {
      if (now() < (accepted.get(id) ?? 0)) return false
      accepted.set(id, Math.max(now(), expiresAt) + TTL_MARGIN_MS)
      return true
    },
  }
}

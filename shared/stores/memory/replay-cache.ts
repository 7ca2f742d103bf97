import type { ReplayCache } from '../port.ts'
import { TTL_MARGIN_MS } from '../redis/key.ts'
import { createMemorySpace } from './space.ts'

/** Ids that were accepted once, in this process alone. */
export function createMemoryReplayCache(now: () => number, space = createMemorySpace()): ReplayCache {
  /** By kind and id: until when it is remembered. */
  const accepted = space.map<number>()
  const keyOf = (kind: string, id: string) => `${kind} ${id}`
  return {
    async accept(kind, id, expiresAt) {
      const key = keyOf(kind, id)
      if (now() < (accepted.get(key) ?? 0)) return false
      accepted.set(key, Math.max(now(), expiresAt) + TTL_MARGIN_MS)
      return true
    },
    async forget(kind, id) {
      accepted.delete(keyOf(kind, id))
    },
  }
}

import type { PendingMfa, PendingMfas } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** Sign-ins that wait for a second factor, in this process only. Its clock ends them. */
export function createMemoryPendingMfas(now: () => number, space = createMemorySpace()): PendingMfas {
  const waiting = space.map<{ pending: PendingMfa; attempts: number; until: number }>()
  const find = (token: string) => {
    const found = waiting.get(token)
    return found && now() < found.until ? found : undefined
  }
  return {
    async create(token, pending, ttlSeconds) {
      waiting.set(token, { pending, attempts: 0, until: now() + ttlSeconds * 1000 })
    },
    async attempt(token) {
      const found = find(token)
      if (!found) return undefined
      const attempts = found.attempts + 1
      waiting.set(token, { ...found, attempts })
      return { pending: found.pending, attempts }
    },
    async consume(token) {
      return find(token) !== undefined && waiting.delete(token)
    },
  }
}

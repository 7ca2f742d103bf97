import type { ContainmentCap } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** A sliding window of distinct subjects for each name, in this process alone; a refused subject takes no place in it. */
export function createMemoryContainmentCap(space = createMemorySpace()): ContainmentCap {
  /** By name: when each subject was admitted last. */
  const names = space.map<ReadonlyMap<string, number>>()
  return {
    async admit(name, subject, limit, windowMs, now) {
      const recent = new Map([...(names.get(name) ?? [])].filter(([, at]) => at > now - windowMs))
      const before = recent.get(subject)
      const admitted = before !== undefined || recent.size < limit
      if (admitted) recent.set(subject, Math.max(before ?? now, now))
      names.set(name, recent)
      return admitted
    },
  }
}

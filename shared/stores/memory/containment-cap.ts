import type { ContainmentCap } from '../port.ts'
import { createMemorySpace } from './space.ts'

/**
 * An admitted subject: when it was last admitted, and the source that it counts for; undefined beyond the share of
 * the source.
 */
interface Place {
  readonly at: number
  readonly source: string | undefined
}

/** A sliding window of distinct subjects per name, in this process only. A refused subject takes no place. */
export function createMemoryContainmentCap(space = createMemorySpace()): ContainmentCap {
  const names = space.map<ReadonlyMap<string, Place>>()
  return {
    async admit(name, { subject, source }, { subjects, perSource, windowMs }, now) {
      const recent = new Map([...(names.get(name) ?? [])].filter(([, { at }]) => at > now - windowMs))
      const before = recent.get(subject)
      const counted = [...recent.values()].filter((place) => place.source !== undefined)
      const hasShare = counted.filter((place) => place.source === source).length < perSource
      const admitted = before !== undefined || (hasShare ? counted.length : recent.size) < subjects
      const own = before ? before.source : hasShare ? source : undefined
      if (admitted) recent.set(subject, { at: Math.max(before?.at ?? now, now), source: own })
      names.set(name, recent)
      return admitted
    },
  }
}

import type { ContainmentCap } from '../port.ts'
import { createMemorySpace } from './space.ts'

/** What takes a place: when it was admitted last, and of which source it counts for everybody; undefined if beyond its share. */
interface Place {
  readonly at: number
  readonly source: string | undefined
}

/** A sliding window of distinct subjects for each name, in this process alone; a refused subject takes no place in it. */
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

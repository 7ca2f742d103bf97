import { within } from './bounded.ts'
import { StoreUnavailable } from './stores/unavailable.ts'

/** Each part that a host needs, with a probe. A probe throws if the part cannot be used. */
export type Probes = Readonly<Record<string, () => Promise<unknown>>>

/** A part that cannot be used: the reason for the log, and the time of the first failure since it last worked. */
export interface Down {
  fault: unknown
  since: Date
}

const PROBE_MS = 2_500

/** @returns a function that probes all parts at once, in bounded time; its result is undefined for a part that works */
export function createProbing(probes: Probes, now: () => number): () => Promise<Map<string, Down | undefined>> {
  const seen = new Map<string, Date>()
  const ask = async (part: string, probe: () => Promise<unknown>): Promise<Down | undefined> => {
    try {
      await within(PROBE_MS, Promise.resolve().then(probe))
      seen.delete(part)
      return undefined
    } catch (fault) {
      const first = (fault instanceof StoreUnavailable ? fault.since : undefined) ?? new Date(now())
      const since = seen.get(part) ?? first
      seen.set(part, since)
      return { fault, since }
    }
  }
  return async () =>
    new Map(
      await Promise.all(Object.entries(probes).map(async ([part, probe]) => [part, await ask(part, probe)] as const)),
    )
}

/** The `since` field of the answer: the parts that are down. */
export const sinceOf = (parts: Map<string, Down | undefined>): Record<string, string> =>
  Object.fromEntries([...parts].flatMap(([part, down]) => (down ? [[part, down.since.toISOString()]] : [])))

import { within } from './bounded.ts'
import { StoreAway } from './stores/away.ts'

/** Each part that a host needs, and how to ask whether it can be used; a probe that throws says no. */
export type Probes = Readonly<Record<string, () => Promise<unknown>>>

/** A part that cannot be used: why, for the log, and the first time that was seen since it last could. */
export interface Down {
  fault: unknown
  since: Date
}

const PROBE_MS = 2_500

/** @returns a question to all parts at once, answered in bounded time: by part, undefined for what can be used */
export function createProbing(probes: Probes, now: () => number): () => Promise<Map<string, Down | undefined>> {
  const seen = new Map<string, Date>()
  const ask = async (part: string, probe: () => Promise<unknown>): Promise<Down | undefined> => {
    try {
      await within(PROBE_MS, Promise.resolve().then(probe))
      seen.delete(part)
      return undefined
    } catch (fault) {
      const first = (fault instanceof StoreAway ? fault.since : undefined) ?? new Date(now())
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

/** `since` of what is down, for the answer. */
export const sinceOf = (parts: Map<string, Down | undefined>): Record<string, string> =>
  Object.fromEntries([...parts].flatMap(([part, down]) => (down ? [[part, down.since.toISOString()]] : [])))

import { setTimeout as delay } from 'node:timers/promises'
import type { Containment } from '../../shared/stores/port.ts'

/** Hosts stamp rows by their own clocks, which may differ, and a write may take a while. */
const OVERLAP_MS = 120_000

export interface WatchOptions {
  /** Rows that were changed at or after; all of them without it. */
  readonly read: (changedSince?: Date) => Promise<Containment[]>
  /** From now on nothing is missed. */
  readonly begun: () => void
  readonly tell: (row: Containment) => void
  /** Told of a look that failed; the next one comes all the same. */
  readonly failed: (error: unknown) => void
  readonly everyMs: number
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Tells rows that are new and rows that changed, oldest change first, until the signal. What is there at the start is not told. */
export async function watch({ read, begun, tell, failed, everyMs, now, signal }: WatchOptions): Promise<void> {
  const known = new Map<string, string>()
  for (const row of await read()) known.set(row.id, versionOf(row))
  begun()
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) return
    try {
      const rows = await read(new Date(now() - OVERLAP_MS))
      for (const row of rows.sort((a, b) => a.updatedAt.getTime() - b.updatedAt.getTime())) {
        if (known.get(row.id) === versionOf(row)) continue
        known.set(row.id, versionOf(row))
        tell(row)
      }
    } catch (error) {
      failed(error)
    }
  }
}

/** What a person sees of a row: an attempt that began, or an event that was noted, is no news. */
const versionOf = ({ state, reason, result, via, operator, why, expiresAt }: Containment): string =>
  JSON.stringify([state, reason, result, via, operator, why, expiresAt])

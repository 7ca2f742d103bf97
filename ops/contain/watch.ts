import { setTimeout as delay } from 'node:timers/promises'
import type { Containment } from '../../shared/stores/port.ts'

/** Covers the difference between the hosts' clocks, which stamp the rows, and the duration of a write. */
const OVERLAP_MS = 120_000

export interface WatchOptions {
  /** Rows changed at or after `changedSince`, or all rows. */
  readonly read: (changedSince?: Date) => Promise<Containment[]>
  /** Called when every later change will be reported. */
  readonly begun: () => void
  readonly report: (row: Containment) => void
  /** Called when a read failed; the next one follows as planned. */
  readonly failed: (error: unknown) => void
  readonly everyMs: number
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Reports new and changed rows, oldest change first, until the signal. Rows that exist at the start are not reported. */
export async function watch({ read, begun, report, failed, everyMs, now, signal }: WatchOptions): Promise<void> {
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
        report(row)
      }
    } catch (error) {
      failed(error)
    }
  }
}

/** The fields that a person sees. A change of any other, such as the count of attempts, is not reported. */
const versionOf = ({ state, reason, result, via, operator, why, expiresAt }: Containment): string =>
  JSON.stringify([state, reason, result, via, operator, why, expiresAt])

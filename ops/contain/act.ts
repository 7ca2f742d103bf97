import type { Containment } from '../../shared/stores/port.ts'
import { NotPossible } from './operate.ts'

/** Stores and web handle this many at once without queueing. */
const MAX_CONCURRENT = 16

/** The outcome for one row. */
export type Item =
  | { readonly kind: 'done'; readonly row: Containment }
  /** A store or web failed after the wanted state was written: the sweeper completes it. */
  | { readonly kind: 'left'; readonly row: Containment }
  | { readonly kind: 'refused' | 'failed'; readonly row: Containment; readonly error: string }

export interface ActOptions {
  readonly act: (row: Containment) => Promise<Containment>
  /** Whether a row is in the state that the action leads to. */
  readonly isDone: (row: Containment) => boolean
  /** Reads the row again after its action failed. */
  readonly find: (row: Containment) => Promise<Containment | undefined>
  readonly done: (item: Item) => void
  readonly signal: AbortSignal
}

/**
 * Acts on rows, several at a time. After the signal no further row is begun; those under way are finished.
 * @returns the rows that were not begun
 */
export async function actOnAll(rows: readonly Containment[], options: ActOptions): Promise<readonly Containment[]> {
  let next = 0
  const work = async () => {
    while (!options.signal.aborted) {
      const row = rows[next++]
      if (!row) return
      options.done(await actOn(row, options))
    }
  }
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT, rows.length) }, work))
  return rows.slice(Math.min(next, rows.length))
}

async function actOn(row: Containment, { act, isDone, find }: ActOptions): Promise<Item> {
  try {
    return itemOf(await act(row), isDone)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof NotPossible) return { kind: 'refused', row, error: message }
    const now = await find(row).catch(() => undefined)
    return now && now.state === 'pending' && now.operator !== undefined
      ? { kind: 'left', row: now }
      : { kind: 'failed', row: now ?? row, error: message }
  }
}

function itemOf(row: Containment, isDone: (row: Containment) => boolean): Item {
  if (isDone(row)) return { kind: 'done', row }
  if (row.state === 'pending') return { kind: 'left', row }
  return { kind: 'refused', row, error: `it is ${row.state}${row.reason ? ` (${row.reason})` : ''}` }
}

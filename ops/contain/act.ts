import { NotPossible } from '../../shared/containment/operate.ts'
import type { Containment } from '../../shared/stores/port.ts'

/** Stores and web take so many at once without waiting for each other. */
const AT_ONCE = 16

/** What became of one row. */
export type Item =
  | { readonly kind: 'done'; readonly row: Containment }
  /** Written as it is to be, and left to the sweeper: a store or web failed. */
  | { readonly kind: 'left'; readonly row: Containment }
  | { readonly kind: 'refused' | 'failed'; readonly row: Containment; readonly error: string }

export interface ActOptions {
  readonly act: (row: Containment) => Promise<Containment>
  /** Where a row that was acted on ends. */
  readonly isDone: (row: Containment) => boolean
  /** The row as it is; asked where acting on it failed. */
  readonly find: (row: Containment) => Promise<Containment | undefined>
  readonly done: (item: Item) => void
  readonly signal: AbortSignal
}

/**
 * Acts on rows, several at a time. On the signal what is under way is finished, and nothing more is begun.
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
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, rows.length) }, work))
  return rows.slice(Math.min(next, rows.length))
}

async function actOn(row: Containment, { act, isDone, find }: ActOptions): Promise<Item> {
  try {
    return judged(await act(row), isDone)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof NotPossible) return { kind: 'refused', row, error: message }
    const now = await find(row).catch(() => undefined)
    return now && now.state === 'pending' && now.operator !== undefined
      ? { kind: 'left', row: now }
      : { kind: 'failed', row: now ?? row, error: message }
  }
}

function judged(row: Containment, isDone: (row: Containment) => boolean): Item {
  if (isDone(row)) return { kind: 'done', row }
  if (row.state === 'pending') return { kind: 'left', row }
  return { kind: 'refused', row, error: `it is ${row.state}${row.reason ? ` (${row.reason})` : ''}` }
}

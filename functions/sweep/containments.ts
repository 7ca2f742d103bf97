import { randomUUID } from 'node:crypto'
import type { Containment, ContainmentLedger } from '../../shared/stores/port.ts'
import { type ProceedDeps, proceed } from '../contain/attempt.ts'
import { eachLimited, type Run } from './run.ts'

const PARALLEL = 16

export interface SweepContainmentsDeps extends ProceedDeps {
  containments: ContainmentLedger
  error: (error: unknown, message: string) => void
}

/**
 * Goes on with every containment with which something is left to do, oldest first: what was claimed and left, blocks that
 * ended or were lost, events that are owed. Safe to run twice at once: each row has a fence of its own.
 */
export async function sweepContainments(deps: SweepContainmentsDeps, run: Run): Promise<void> {
  await eachLimited(openRows(deps), PARALLEL, run, async (row) => {
    try {
      const { state, attempts } = await proceed(row, randomUUID(), deps)
      if (row.state === 'pending' && state === 'done' && attempts > row.attempts) run.swept.contained++
    } catch (error) {
      run.swept.failed++
      deps.error(error, `containment ${row.id} could not be gone on with`)
    }
  })
}

async function* openRows({ containments, now }: SweepContainmentsDeps): AsyncGenerator<Containment> {
  for await (const page of containments.openPages(new Date(now()))) yield* page
}

/** Where the search of each ledger goes on. */
const cursors = new WeakMap<ContainmentLedger, string>()

/** Finds open rows that no index names, a bounded number in each run: an older release or a hand wrote them. */
export async function findLostRows({ containments, now }: SweepContainmentsDeps): Promise<void> {
  const next = await containments.reindex(new Date(now()), cursors.get(containments))
  if (next === undefined) cursors.delete(containments)
  else cursors.set(containments, next)
}

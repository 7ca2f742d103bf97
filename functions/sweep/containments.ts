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
 * Continues every containment that needs work, oldest first: abandoned claims, blocks that ended or were lost,
 * pending events. Two runs may overlap: each row has its own fence.
 */
export async function sweepContainments(deps: SweepContainmentsDeps, run: Run): Promise<void> {
  await eachLimited(openRows(deps), PARALLEL, run, async (row) => {
    try {
      const { state, attempts } = await proceed(row, randomUUID(), deps)
      if (row.state === 'pending' && state === 'done' && attempts > row.attempts) run.swept.contained++
    } catch (error) {
      run.swept.failed++
      deps.error(error, `containment ${row.id} could not be continued`)
    }
  })
}

async function* openRows({ containments, now }: SweepContainmentsDeps): AsyncGenerator<Containment> {
  for await (const page of containments.openPages(new Date(now()))) yield* page
}

/** The position of the search in each ledger. */
const cursors = new WeakMap<ContainmentLedger, string>()

/** Finds open rows without an index row, a limited number per run: an older release or a manual edit wrote them. */
export async function findLostRows({ containments, now }: SweepContainmentsDeps): Promise<void> {
  const next = await containments.reindex(new Date(now()), cursors.get(containments))
  if (next === undefined) cursors.delete(containments)
  else cursors.set(containments, next)
}

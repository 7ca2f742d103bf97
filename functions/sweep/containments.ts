import { randomUUID } from 'node:crypto'
import { type CarryOutDeps, carryOut } from '../../shared/containment/carry-out.ts'
import { ABANDONED_MS } from '../../shared/containment/policy.ts'
import type { Containment } from '../../shared/stores/port.ts'
import { eachLimited, type Run } from './run.ts'

const PARALLEL = 16

export interface SweepContainmentsDeps extends CarryOutDeps {
  error: (error: unknown, message: string) => void
}

/** Goes on with every containment with which something is left to do, oldest first. Safe to run twice at once. */
export async function sweepContainments(deps: SweepContainmentsDeps, run: Run): Promise<void> {
  await eachLimited(openRows(deps), PARALLEL, run, async (row) => {
    try {
      if (await goOn(row, deps)) run.swept.contained++
    } catch (error) {
      run.swept.failed++
      deps.error(error, `containment ${row.id} could not be gone on with`)
    }
  })
}

async function* openRows({ containments, now }: SweepContainmentsDeps): AsyncGenerator<Containment> {
  for await (const page of containments.openPages(new Date(now()))) yield* page
}

/** @returns whether the containment was carried out */
async function goOn(row: Containment, deps: SweepContainmentsDeps): Promise<boolean> {
  const now = deps.now()
  if (row.state === 'done' && row.expiresAt && row.expiresAt.getTime() <= now) {
    const closed: Containment = { ...row, state: 'closed', reason: 'expired', updatedAt: new Date(now) }
    await deps.containments.revise(row.detection, row.id, ({ state }) => (state === 'done' ? closed : undefined))
  }
  if (row.state !== 'pending' || now - row.updatedAt.getTime() < ABANDONED_MS) return false
  await carryOut(row, randomUUID(), deps)
  return true
}

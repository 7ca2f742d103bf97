import { bugs } from './bugs.ts'
import { runSchedule } from './schedule.ts'

/** Seeds that one process runs at a time. */
export interface Batch {
  from: number
  /** The first one after the last. */
  to: number
  bug?: string | undefined
}

export interface BatchResult {
  schedules: number
  steps: number
  failures: { seed: number; violations: string[] }[]
}

process.on('message', async ({ from, to, bug }: Batch) => {
  const result: BatchResult = { schedules: to - from, steps: 0, failures: [] }
  for (let seed = from; seed < to; seed++) {
    const { steps, violations } = await runSchedule(seed, { bug: bug === undefined ? undefined : bugs[bug] })
    result.steps += steps
    if (violations.length > 0) result.failures.push({ seed, violations })
  }
  process.send?.(result)
})
// The parent is gone.
process.on('disconnect', () => process.exit())

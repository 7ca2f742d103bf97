import type { TimerHandler } from '@azure/functions'
import { type SweepDeps, sweep } from '../../shared/sweep.ts'

/** Every minute. A fault is logged here and ends the invocation: the schedule goes on. */
export const sweepHandler =
  (deps: SweepDeps): TimerHandler =>
  async () => {
    try {
      await sweep(deps)
    } catch (error) {
      deps.error(error, 'the sweep failed')
      throw error
    }
  }

import type { TimerHandler } from '@azure/functions'
import { type SweepDeps, sweep } from './sweep.ts'

/** Every minute. A fault is logged and leaves the schedule as it is. */
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

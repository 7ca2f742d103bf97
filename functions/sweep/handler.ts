import type { TimerHandler } from '@azure/functions'
import { type SweepDeps, sweep } from './sweep.ts'

/** Runs every minute. A fault is logged and does not stop the schedule. */
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

import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../../shared/bounded.ts'

/** How much time is left for trying again, and how to wait. */
export interface Patience {
  leftMs(): number
  wait(ms: number): Promise<void>
}

/** Does some work, again if it fails. */
export type Again = <T>(work: () => Promise<T>) => Promise<T>

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 1_600

/** @param ms from now on, by a clock that nobody sets */
export function createPatience(ms: number): Patience {
  const end = performance.now() + ms
  return { leftMs: () => end - performance.now(), wait: delay }
}

/**
 * Tries again what failed, with pauses that double and differ: a store that pauses for seconds needs nobody else's retry.
 * @param patience without it everything is tried once
 * @returns a function that throws the last failure once the time is over
 */
export function persistent(patience: Patience | undefined): Again {
  if (!patience) return (work) => work()
  return async (work) => {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await within(Math.max(1, patience.leftMs()), work())
      } catch (error) {
        const ms = pause * (0.5 + Math.random() / 2)
        if (ms >= patience.leftMs()) throw error
        await patience.wait(ms)
      }
    }
  }
}

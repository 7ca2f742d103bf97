import { setTimeout as delay } from 'node:timers/promises'
import { within } from '../../shared/bounded.ts'

/** The time left for retries, and how to wait. */
export interface Patience {
  leftMs(): number
  wait(ms: number): Promise<void>
}

/** Runs some work, and repeats it if it fails. */
export type Again = <T>(work: () => Promise<T>) => Promise<T>

const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 1_600

/** @param ms from now on, by the monotonic clock */
export function createPatience(ms: number): Patience {
  const end = performance.now() + ms
  return { leftMs: () => end - performance.now(), wait: delay }
}

/**
 * Repeats failed work with growing random pauses: a store that stops for seconds then needs no other retry.
 * @param patience without it there is one attempt
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

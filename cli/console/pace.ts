import { setTimeout as delay } from 'node:timers/promises'

/** Slow motion: the first request after each step of the story waits. */
export interface Pace {
  /** Reports a step. From the crossing on nothing waits, because the times of the story count from there. */
  step(who: string): void
  wait(): Promise<void>
}

/** @param ms for each step; 0 waits for nothing */
export function createPace(ms: number, signal: AbortSignal): Pace {
  let isDue = false
  let isOver = ms === 0
  let waiting: Promise<void> = Promise.resolve()
  return {
    step(who) {
      isOver ||= who === 'crossing'
      isDue = !isOver
    },
    wait() {
      if (isDue && !isOver) {
        isDue = false
        waiting = delay(ms, undefined, { signal })
      }
      return waiting
    },
  }
}

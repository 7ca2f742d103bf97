import { type Due, TimeQueue } from './time-queue.ts'

/** The acts of one person or program. It yields the number of milliseconds until it continues. */
export type Activity<T = void> = AsyncGenerator<number, T, void>

interface Turn extends Due {
  readonly activity: Activity
}

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** All activities in order of time. Only one continues at a time, so that the same seed always gives the same order. */
export class Schedule {
  /** epoch ms */
  now: number
  readonly #queue = new TimeQueue<Turn>()
  #order = 0

  constructor(begin: number) {
    this.now = begin
  }

  start(at: number, activity: Activity): void {
    this.#queue.push({ at: Math.max(at, this.now), order: this.#order++, activity })
  }

  /** Continues the next activity until it waits. @returns false when all activities have ended */
  async step(): Promise<boolean> {
    const due = this.#queue.shift()
    if (!due) return false
    const { activity, at } = due
    this.now = at
    const { done, value } = await activity.next()
    if (!done) this.#queue.push({ at: at + Math.max(1, Math.round(value)), order: this.#order++, activity })
    return true
  }
}

/** setTimeout counts in 31 bits: a longer wait is taken in parts. */
const LONGEST_WAIT_MS = 60 * 60 * 1000

/** One timer that calls when the next evaluation is due. */
export class Clock {
  readonly #nextDue: (now: number) => number | undefined
  readonly #due: (now: number) => void
  #timer: NodeJS.Timeout | undefined
  #setFor: number | undefined

  /**
   * @param nextDue when something is to be done, epoch ms; asked at every `set`
   * @param due called with the time, never before `nextDue`
   */
  constructor(nextDue: (now: number) => number | undefined, due: (now: number) => void) {
    this.#nextDue = nextDue
    this.#due = due
  }

  /** Sets the timer, or leaves it if it is set right. */
  set(): void {
    const now = Date.now()
    const next = this.#nextDue(now)
    if (this.#timer && next === this.#setFor) return
    this.stop()
    if (next === undefined) return
    this.#setFor = next
    this.#timer = setTimeout(() => this.#ring(next), Math.min(Math.max(next - now, 0), LONGEST_WAIT_MS))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #ring(next: number): void {
    this.#timer = undefined
    const now = Date.now()
    // Timers may ring a millisecond early, and long waits are taken in parts.
    if (now >= next) this.#due(now)
    this.set()
  }
}

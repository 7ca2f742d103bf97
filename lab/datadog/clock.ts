/** setTimeout is limited to 31 bits, so a longer wait is split. */
const MAX_WAIT_MS = 60 * 60 * 1000

/** A timer for the next evaluation. */
export class Clock {
  readonly #nextDue: (now: number) => number | undefined
  readonly #due: (now: number) => void
  #timer: NodeJS.Timeout | undefined
  #setFor: number | undefined

  /**
   * @param nextDue returns the next due time in epoch ms; called at every `set`
   * @param due called with the current time, not before `nextDue`
   */
  constructor(nextDue: (now: number) => number | undefined, due: (now: number) => void) {
    this.#nextDue = nextDue
    this.#due = due
  }

  /** Sets the timer unless it is already right. */
  set(): void {
    const now = Date.now()
    const next = this.#nextDue(now)
    if (this.#timer && next === this.#setFor) return
    this.stop()
    if (next === undefined) return
    this.#setFor = next
    this.#timer = setTimeout(() => this.#ring(next), Math.min(Math.max(next - now, 0), MAX_WAIT_MS))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #ring(next: number): void {
    this.#timer = undefined
    const now = Date.now()
    // A timer may fire a millisecond early, and long waits are split.
    if (now >= next) this.#due(now)
    this.set()
  }
}

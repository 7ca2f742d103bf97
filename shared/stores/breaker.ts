/** After this many unanswered calls in a row the breaker opens. */
const TOLERATED = 5
/** Short enough that, together with the limit of one call, a store that is back is used within three seconds. */
const OPEN_MS = 700

export type Admission = 'call' | 'probe'

/**
 * Stops calls from waiting for a store that does not answer. Only unanswered calls in a row count: any answer, a
 * refusal too, shows that the store is there. So a client cannot open the breaker by a conflict, a missing row, a
 * slow statement or its own short budget. The state is per process.
 */
export class Breaker {
  #silences = 0
  #openUntil = 0
  #isProbed = false
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @returns undefined while the breaker is open; after a moment one call is admitted as a probe */
  admit(): Admission | undefined {
    if (this.#silences < TOLERATED) return 'call'
    if (this.#isProbed || this.#now() < this.#openUntil) return undefined
    this.#isProbed = true
    return 'probe'
  }

  answered(): void {
    this.#silences = 0
    this.#isProbed = false
  }

  silent(admission: Admission): void {
    this.#silences++
    // Calls that began before the breaker opened tell nothing new.
    if (admission === 'probe' || this.#silences === TOLERATED) this.#open()
  }

  /** A call that ended without showing whether the store answers. */
  undecided(admission: Admission): void {
    if (admission === 'probe') this.#open()
  }

  #open(): void {
    this.#openUntil = this.#now() + OPEN_MS
    this.#isProbed = false
  }
}

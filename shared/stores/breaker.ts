/** So many calls in a row that were not answered, and the store is not asked for a moment. */
const TOLERATED = 5
/** With the limit of one call it stays below the three seconds in which a store that is back is used again. */
const OPEN_MS = 700

export type Admission = 'call' | 'probe'

/**
 * Keeps calls from waiting for a store that does not answer. Only silence counts, and only in a row: any answer shows
 * that the store is there, a refusal too. What a client can bring about (a conflict, a missing row, a statement that
 * takes too long, a call cut short by its own budget) can therefore not open it. State is per process.
 */
export class Breaker {
  #silences = 0
  #openUntil = 0
  #isProbed = false
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** @returns undefined when the store is not to be asked; after a moment one call is let through as a probe */
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
    // Calls that were under way when it opened say nothing new.
    if (admission === 'probe' || this.#silences === TOLERATED) this.#open()
  }

  /** A call that ended without telling whether the store answers. */
  undecided(admission: Admission): void {
    if (admission === 'probe') this.#open()
  }

  #open(): void {
    this.#openUntil = this.#now() + OPEN_MS
    this.#isProbed = false
  }
}

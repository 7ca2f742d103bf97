const WINDOW_MS = 60_000
const MAX_ENTRIES = 50_000

/**
 * The (session, device, address) triples that this process logged within the last minute. Each use must be visible,
 * but ten requests of one page need one line. An entry that is forgotten early costs one more line.
 */
export class Sightings {
  readonly #seen = new Map<string, number>()

  /** @param now epoch ms @returns true if the sighting must be logged */
  isNew(sid: string, deviceHash: string, ip: string, now: number): boolean {
    const key = `${sid} ${deviceHash} ${ip}`
    const last = this.#seen.get(key)
    if (last !== undefined && now - last < WINDOW_MS) return false
    this.#seen.delete(key)
    if (this.#seen.size >= MAX_ENTRIES) this.#forget(now)
    this.#seen.set(key, now)
    return true
  }

  /** Forgets every entry that no longer matters, at least the oldest. To remove one at a time is slow in a large map. */
  #forget(now: number): void {
    for (const [key, last] of this.#seen) {
      const matters = now - last < WINDOW_MS
      if (matters && this.#seen.size < MAX_ENTRIES) return
      this.#seen.delete(key)
      if (matters) return
    }
  }
}

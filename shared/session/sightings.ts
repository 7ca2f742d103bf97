const WINDOW_MS = 60_000
const MAX_ENTRIES = 50_000

/**
 * Which (session, device, address) this process has logged within the minute: a session's use must be visible, a page
 * with ten requests need not say so ten times. Forgetting early only costs a line of log.
 */
export class Sightings {
  readonly #seen = new Map<string, number>()

  /** @returns true if this sighting is to be logged @param now epoch ms */
  isNew(sid: string, deviceHash: string, ip: string, now: number): boolean {
    const key = `${sid} ${deviceHash} ${ip}`
    const last = this.#seen.get(key)
    if (last !== undefined && now - last < WINDOW_MS) return false
    this.#seen.delete(key)
    if (this.#seen.size >= MAX_ENTRIES) this.#forgetOldest()
    this.#seen.set(key, now)
    return true
  }

  #forgetOldest(): void {
    const [oldest] = this.#seen.keys()
    if (oldest !== undefined) this.#seen.delete(oldest)
  }
}

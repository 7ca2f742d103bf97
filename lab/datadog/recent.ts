import type { IndexedLog, Log } from 'alertproof'

/** The newest logs, limited in number and in bytes, so that a flood cannot fill the memory. */
export class RecentLogs {
  readonly #maxLogs: number
  readonly #maxBytes: number
  readonly #kept: { log: IndexedLog; bytes: number }[] = []
  /** Entries before this index are dropped. They are removed in batches, because shifting one by one is slow. */
  #start = 0
  #bytes = 0

  constructor(maxLogs = 50_000, maxBytes = 64 * 1024 * 1024) {
    this.#maxLogs = maxLogs
    this.#maxBytes = maxBytes
  }

  get size(): number {
    return this.#kept.length - this.#start
  }

  /** @param bytes approximate size of the log */
  add(log: IndexedLog, bytes: number): void {
    this.#kept.push({ log, bytes })
    this.#bytes += bytes
    while (this.size > 1 && (this.size > this.#maxLogs || this.#bytes > this.#maxBytes)) {
      this.#bytes -= this.#kept[this.#start]?.bytes ?? 0
      this.#start++
    }
    if (this.#start > this.#maxLogs) {
      this.#kept.splice(0, this.#start)
      this.#start = 0
    }
  }

  /** In order of arrival. */
  *[Symbol.iterator](): Iterator<IndexedLog> {
    for (let at = this.#start; at < this.#kept.length; at++) {
      const kept = this.#kept[at]
      if (kept) yield kept.log
    }
  }

  /** Newest arrival first. */
  search(matches: (log: Log) => boolean, limit: number): IndexedLog[] {
    const found: IndexedLog[] = []
    for (let at = this.#kept.length - 1; at >= this.#start && found.length < limit; at--) {
      const log = this.#kept[at]?.log
      if (log && matches(log)) found.push(log)
    }
    return found
  }
}

import type { IndexedLog } from 'alertproof'
import type { LogTail } from './api.ts'
import type { Hub } from './hub.ts'
import { lineOf, textIn } from './log-text.ts'

const SHOWN = 50
/** The rate is that of the last whole seconds, this many. */
const RATE_SECONDS = 3

/** Counts all logs and keeps the newest. */
export class Tail {
  readonly #hub: Hub
  readonly #now: () => number
  #total = 0
  #shown = 0
  #newest: IndexedLog[] = []
  /** How many logs arrived in each of the last seconds, by epoch second. */
  readonly #perSecond = new Map<number, number>()

  constructor(hub: Hub, now: () => number = Date.now) {
    this.#hub = hub
    this.#now = now
    hub.provide('logs', () => {
      const fresh = Math.min(this.#total - this.#shown, SHOWN)
      const tail = this.#view(fresh)
      this.#shown = this.#total
      // The rate falls while no log comes.
      if (tail.per_second > 0) hub.mark('logs')
      return [tail]
    })
  }

  see(log: IndexedLog): void {
    this.#total++
    this.#newest.push(log)
    if (this.#newest.length >= 2 * SHOWN) this.#newest = this.#newest.slice(-SHOWN)
    const second = Math.floor(this.#now() / 1000)
    this.#perSecond.set(second, (this.#perSecond.get(second) ?? 0) + 1)
    const [oldest = second] = this.#perSecond.keys()
    if (oldest < second - RATE_SECONDS) this.#perSecond.delete(oldest)
    this.#hub.mark('logs')
  }

  view(): LogTail {
    return this.#view(SHOWN)
  }

  #view(count: number): LogTail {
    const second = Math.floor(this.#now() / 1000)
    let recent = 0
    for (const [at, logs] of this.#perSecond) if (at < second && at >= second - RATE_SECONDS) recent += logs
    const newest = count === 0 ? [] : this.#newest.slice(-count).reverse()
    return {
      total: this.#total,
      per_second: Math.round((10 * recent) / RATE_SECONDS) / 10,
      newest: newest.map((log) => ({
        at: log.timestamp,
        evt: textIn(log.attributes, 'evt') ?? '',
        line: lineOf(log),
      })),
    }
  }
}

import { setTimeout as delay } from 'node:timers/promises'

export interface OutboxOptions {
  /** Items kept while the receiver is slow; beyond that the oldest is displaced. */
  capacity: number
  displaced(): void
  maxItems: number
  maxBytes: number
  /** From the first waiting item to its delivery. */
  flushMs: number
  /** Carries one batch, retries included; called for one batch at a time and never to throw. */
  deliver(batch: Buffer[], signal: AbortSignal): Promise<void>
}

const CLOSE_WITHIN_MS = 2000

/** A bounded queue that leaves in batches, in order: what Logplex and a log forwarder have in common. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiting: Buffer[] = []
  readonly #stop = new AbortController()
  /** How many items ever came in, and how many of them are delivered, given up or displaced. */
  #accepted = 0
  #settled = 0
  #running = false
  #hurried = new AbortController()
  #flushing: { upTo: number; done: () => void }[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  push(item: Buffer): void {
    if (this.#stop.signal.aborted) return
    this.#waiting.push(item)
    this.#accepted++
    if (this.#waiting.length > this.#options.capacity) {
      this.#waiting.shift()
      this.#options.displaced()
      this.#settle(1)
    }
    if (!this.#running) void this.#run()
  }

  /** Resolves when every item pushed so far has left, one way or the other. */
  flush(): Promise<void> {
    if (this.#settled >= this.#accepted) return Promise.resolve()
    this.#hurried.abort()
    return new Promise((done) => this.#flushing.push({ upTo: this.#accepted, done }))
  }

  /** Delivers what it can within two seconds; whatever is pushed later goes nowhere. */
  async close(): Promise<void> {
    const deadline = setTimeout(() => this.#stop.abort(), CLOSE_WITHIN_MS)
    await this.flush()
    clearTimeout(deadline)
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiting.length > 0) {
      await this.#gather()
      const batch = this.#take()
      if (!this.#stop.signal.aborted) await this.#options.deliver(batch, this.#stop.signal)
      this.#settle(batch.length)
    }
    this.#running = false
  }

  /** Lets neighbours join a batch, unless someone waits for it. */
  async #gather(): Promise<void> {
    if (this.#flushing.length > 0) return
    this.#hurried = new AbortController()
    await delay(this.#options.flushMs, undefined, { signal: this.#hurried.signal }).catch(() => {})
  }

  #take(): Buffer[] {
    const { maxItems, maxBytes } = this.#options
    let items = 0
    let bytes = 0
    for (const item of this.#waiting) {
      bytes += item.length
      if (items > 0 && (items === maxItems || bytes > maxBytes)) break
      items++
    }
    return this.#waiting.splice(0, items)
  }

  #settle(items: number): void {
    this.#settled += items
    const [done, still] = partition(this.#flushing, ({ upTo }) => upTo <= this.#settled)
    this.#flushing = still
    for (const waiter of done) waiter.done()
  }
}

/** Waits between two attempts; an abort ends the wait early and is no error. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {})
}

const partition = <T>(items: T[], test: (item: T) => boolean): [T[], T[]] => [
  items.filter(test),
  items.filter((item) => !test(item)),
]

import { setTimeout as delay } from 'node:timers/promises'

export interface OutboxOptions {
  /** The limits of the queue while the receiver is slow. Beyond either limit the oldest items are dropped. */
  readonly queueItems: number
  readonly queueBytes: number
  readonly batchItems: number
  readonly batchBytes: number
  /** Time from the first waiting item to its delivery, at the latest. */
  readonly flushMs: number
  readonly closeWithinMs: number
  displaced(items: number): void
  /**
   * Delivers one batch, retries included, and never throws. It is called for one batch at a time.
   * @param signal aborted when closing takes too long; the batch is then given up
   */
  deliver(batch: readonly Buffer[], signal: AbortSignal): Promise<void>
}

/** A bounded queue that is delivered in batches, in order. It does not keep the process alive. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiting: Buffer[] = []
  readonly #stop = new AbortController()
  #waitingBytes = 0
  /** How many items came in, and how many of them were delivered, given up or dropped. */
  #accepted = 0
  #settled = 0
  #closed = false
  #running = false
  #timer: NodeJS.Timeout | undefined
  #flushing: { upTo: number; done: () => void }[] = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  push(item: Buffer): void {
    if (this.#closed) return
    this.#waiting.push(item)
    this.#waitingBytes += item.length
    this.#accepted++
    this.#displace()
    const { batchItems, batchBytes, flushMs } = this.#options
    if (this.#waiting.length >= batchItems || this.#waitingBytes >= batchBytes) this.hurry()
    else if (!this.#running) this.#timer ??= setTimeout(() => void this.#run(), flushMs).unref()
  }

  /** Delivers the waiting items after this turn of the event loop, so items of one turn leave in one batch. */
  hurry(): void {
    if (this.#running || this.#waiting.length === 0) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#run(), 0).unref()
  }

  /** Delivers the waiting items now. Resolves when every item pushed so far is delivered, given up or dropped. */
  flush(): Promise<void> {
    void this.#run()
    if (this.#settled >= this.#accepted) return Promise.resolve()
    return new Promise((done) => this.#flushing.push({ upTo: this.#accepted, done }))
  }

  /** Delivers what it can within `closeWithinMs` and gives up the rest. Later items are ignored. */
  async close(): Promise<void> {
    this.#closed = true
    const deadline = setTimeout(() => this.#stop.abort(), this.#options.closeWithinMs)
    await this.flush()
    clearTimeout(deadline)
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#running) return
    this.#running = true
    while (this.#waiting.length > 0) {
      const batch = this.#take()
      await this.#options.deliver(batch, this.#stop.signal)
      this.#settle(batch.length)
    }
    // Runs in the same turn in which the queue was empty, so the next item starts a new timer.
    this.#running = false
  }

  #displace(): void {
    const { queueItems, queueBytes, displaced } = this.#options
    let items = 0
    for (; this.#waiting.length > queueItems || this.#waitingBytes > queueBytes; items++) {
      this.#waitingBytes -= this.#waiting.shift()?.length ?? 0
    }
    if (items === 0) return
    displaced(items)
    this.#settle(items)
  }

  #take(): Buffer[] {
    const { batchItems, batchBytes } = this.#options
    let items = 0
    let bytes = 0
    for (const { length } of this.#waiting) {
      if (items > 0 && (items === batchItems || bytes + length > batchBytes)) break
      bytes += length
      items++
    }
    this.#waitingBytes -= bytes
    return this.#waiting.splice(0, items)
  }

  #settle(items: number): void {
    this.#settled += items
    const waiters = this.#flushing
    this.#flushing = waiters.filter(({ upTo }) => upTo > this.#settled)
    for (const { upTo, done } of waiters) if (upTo <= this.#settled) done()
  }
}

/** Waits between two attempts; an abort ends the wait early and is not an error. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {})
}

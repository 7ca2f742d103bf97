import { setTimeout as delay } from 'node:timers/promises'
import type { Alert, Delivery } from 'alertproof/notify'
import { readEvents } from './event-stream.ts'

/** The end of a delivery, as the stream tells it. */
export type EndedDelivery = Delivery & { readonly alert_id: number }

interface Waiting<T> {
  readonly fits: (heard: T) => boolean
  readonly found: (heard: T) => void
}

const OPEN_WITHIN_MS = 5_000
const COME_BACK_AFTER_MS = 200

/** Hears of alerts and deliveries as the stand-in tells them; comes back to a stream that breaks. */
export class Watch {
  readonly #alerts = new Heard<Alert>()
  readonly #deliveries = new Heard<EndedDelivery>()
  readonly #closing = new AbortController()
  readonly #url: string
  #lastId = 0

  /** @throws when the stand-in does not answer */
  static async open(datadogUrl: string): Promise<Watch> {
    const watch = new Watch(`${datadogUrl}/lab/stream`)
    void watch.#listen(await watch.#connect(watch.#url))
    return watch
  }

  private constructor(url: string) {
    this.#url = url
  }

  /** The first alert that fits, already heard or still to come. @returns undefined when none does by then */
  alert(fits: (alert: Alert) => boolean, withinMs: number): Promise<Alert | undefined> {
    return this.#alerts.first(fits, withinMs)
  }

  /** How a delivery of an alert ended. @returns undefined when it has not by then */
  delivery(alertId: number, withinMs: number): Promise<EndedDelivery | undefined> {
    return this.#deliveries.first(({ alert_id }) => alert_id === alertId, withinMs)
  }

  /** Whoever still waits is told that nothing came. */
  close(): void {
    this.#closing.abort()
    this.#alerts.close()
    this.#deliveries.close()
  }

  async #connect(url: string): Promise<ReadableStream<Uint8Array>> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error('the stand-in does not answer')), OPEN_WITHIN_MS)
    const response = await fetch(url, { signal: AbortSignal.any([this.#closing.signal, late.signal]) })
    clearTimeout(timer)
    if (!response.ok || !response.body) throw new Error(`the stand-in answered ${response.status} to /lab/stream`)
    return response.body
  }

  async #listen(first: ReadableStream<Uint8Array>): Promise<void> {
    let body: ReadableStream<Uint8Array> | undefined = first
    while (!this.#closing.signal.aborted) {
      try {
        body ??= await this.#connect(`${this.#url}?after=${this.#lastId}`)
        for await (const { event, id, data } of readEvents(body)) {
          this.#lastId = Math.max(this.#lastId, Number(id))
          if (event === 'alert') this.#alerts.add(JSON.parse(data))
          if (event === 'delivery') this.#deliveries.add(JSON.parse(data))
        }
      } catch {}
      body = undefined
      await delay(COME_BACK_AFTER_MS, undefined, { signal: this.#closing.signal }).catch(() => {})
    }
  }
}

/** All of a kind that was heard, and who waits for more. */
class Heard<T> {
  readonly #all: T[] = []
  readonly #waiting = new Set<Waiting<T>>()
  readonly #leaving = new Set<() => void>()

  add(heard: T): void {
    this.#all.push(heard)
    for (const { fits, found } of [...this.#waiting]) if (fits(heard)) found(heard)
  }

  first(fits: (heard: T) => boolean, withinMs: number): Promise<T | undefined> {
    const before = this.#all.find(fits)
    if (before !== undefined) return Promise.resolve(before)
    return new Promise((resolve) => {
      const settle = (heard?: T) => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        this.#leaving.delete(settle)
        resolve(heard)
      }
      const waiting: Waiting<T> = { fits, found: settle }
      const timer = setTimeout(settle, withinMs)
      this.#waiting.add(waiting)
      this.#leaving.add(settle)
    })
  }

  close(): void {
    for (const leave of [...this.#leaving]) leave()
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import type { Alert, Delivery, SignalReport } from 'alertproof/notify'
import { readEvents } from './event-stream.ts'

/** A delivery that has ended, as the stream reports it; `alert_id` is the id of an alert or of a signal. */
export type EndedDelivery = Delivery & { readonly alert_id: number }

interface Waiting<T> {
  readonly fits: (message: T) => boolean
  readonly found: (message: T) => void
}

const OPEN_WITHIN_MS = 5_000
const RECONNECT_AFTER_MS = 200

/** Receives the stand-in's stream of alerts, signals and deliveries. Reconnects when the stream breaks. */
export class Watch {
  readonly #alerts = new Received<Alert>()
  readonly #signals = new Received<SignalReport>()
  readonly #deliveries = new Received<EndedDelivery>()
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

  /** The first alert that fits, received already or still to come. @returns undefined if none comes in time */
  alert(fits: (alert: Alert) => boolean, withinMs: number): Promise<Alert | undefined> {
    return this.#alerts.first(fits, withinMs)
  }

  /** The first change of a signal that fits, received already or still to come. @returns undefined if none comes in time */
  signal(fits: (signal: SignalReport) => boolean, withinMs: number): Promise<SignalReport | undefined> {
    return this.#signals.first(fits, withinMs)
  }

  /** The end of the delivery of an alert or a signal. @returns undefined if it does not end in time */
  delivery(alertId: number, withinMs: number): Promise<EndedDelivery | undefined> {
    return this.#deliveries.first(({ alert_id }) => alert_id === alertId, withinMs)
  }

  /** Whoever still waits gets undefined. */
  close(): void {
    this.#closing.abort()
    this.#alerts.close()
    this.#signals.close()
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
          if (event === 'signal') this.#signals.add(JSON.parse(data))
          if (event === 'delivery') this.#deliveries.add(JSON.parse(data))
        }
      } catch {}
      body = undefined
      await delay(RECONNECT_AFTER_MS, undefined, { signal: this.#closing.signal }).catch(() => {})
    }
  }
}

/** All messages of one kind, and those who wait for one. */
class Received<T> {
  readonly #all: T[] = []
  readonly #waiting = new Set<Waiting<T>>()
  readonly #leaving = new Set<() => void>()

  add(message: T): void {
    this.#all.push(message)
    for (const { fits, found } of [...this.#waiting]) if (fits(message)) found(message)
  }

  first(fits: (message: T) => boolean, withinMs: number): Promise<T | undefined> {
    const before = this.#all.find(fits)
    if (before !== undefined) return Promise.resolve(before)
    return new Promise((resolve) => {
      const settle = (message?: T) => {
        clearTimeout(timer)
        this.#waiting.delete(waiting)
        this.#leaving.delete(settle)
        resolve(message)
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

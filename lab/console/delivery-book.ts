import type { Delivery, RenderedRequest } from 'alertproof/notify'
import type { About, DeliveryObserver, Repeat } from '../datadog/deliveries.ts'
import { DROPPED } from '../datadog/webhook-queue.ts'
import type { DeliveryView } from './api.ts'
import { type Hub, takeSome } from './hub.ts'

const MAX_DELIVERIES = 500
const MAX_TRIES = 20
export const MAX_DROPS = 100
const MAX_WAITING = 100

interface Kept {
  readonly view: Omit<DeliveryView, 'state' | 'tries'>
  readonly delivery: Delivery
  readonly tries: DeliveryView['tries'][number][]
  readonly repeat: Repeat
}

/** A delivery cannot be sent again; the message says why. */
export class NotAgain extends Error {
  override readonly name = 'NotAgain'
  /** Of HTTP. */
  readonly status: 404 | 409

  constructor(status: 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

export interface Again {
  readonly payload?: string | undefined
  readonly times: number
  readonly delayMs: number
}

/** The newest deliveries of webhooks, each with its payload and its tries; sends one again, and drops some on request. */
export class DeliveryBook implements DeliveryObserver {
  readonly #hub: Hub
  readonly #grown: (trace: string) => void
  readonly #kept = new Map<number, Kept>()
  readonly #byDelivery = new WeakMap<Delivery, Kept>()
  readonly #changed = new Set<number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #lastId = 0
  #drops = 0

  /** @param grown called with the trace of each delivery that is new or has changed */
  constructor(hub: Hub, grown: (trace: string) => void) {
    this.#hub = hub
    this.#grown = grown
    hub.provide('delivered', () => {
      const { taken, isMore } = takeSome(this.#changed)
      if (isMore) hub.mark('delivered')
      return taken.flatMap((id) => this.#kept.get(id) ?? []).map(viewOf)
    })
  }

  get drops(): number {
    return this.#drops
  }

  /** Drops this many of the next deliveries, at most 100. */
  dropNext(count: number): void {
    this.#drops = Math.min(count, MAX_DROPS)
  }

  isDropped(): boolean {
    if (this.#drops === 0) return false
    this.#drops--
    return true
  }

  queued(delivery: Delivery, { body }: RenderedRequest, about: About, again: boolean, repeat: Repeat): void {
    const id = ++this.#lastId
    const view = { id, ...about, webhook: delivery.webhook, queued_at: Date.now(), again, payload: body }
    const kept: Kept = { view, delivery, tries: [], repeat }
    this.#kept.set(id, kept)
    this.#byDelivery.set(delivery, kept)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_DELIVERIES && oldest !== undefined) {
      this.#kept.delete(oldest)
      this.#changed.delete(oldest)
    }
    this.#change(kept)
  }

  tried(delivery: Delivery, at: number, ms: number): void {
    const kept = this.#byDelivery.get(delivery)
    if (!kept) return
    if (kept.tries.length < MAX_TRIES)
      kept.tries.push({ at, ms, status: delivery.status ?? null, answer: delivery.answer ?? delivery.error ?? '' })
    this.#change(kept)
  }

  ended(delivery: Delivery): void {
    const kept = this.#byDelivery.get(delivery)
    if (kept) this.#change(kept)
  }

  /** Newest first. */
  list(): DeliveryView[] {
    return [...this.#kept.values()].map(viewOf).reverse()
  }

  /** Oldest first. */
  of(trace: string): DeliveryView[] {
    return [...this.#kept.values()].filter(({ view }) => view.trace === trace).map(viewOf)
  }

  /**
   * @returns the ids of the new deliveries that were sent at once, none if they are late
   * @throws NotAgain for an unknown id, or while too many wait
   */
  again(id: number, { payload, times, delayMs }: Again): number[] {
    const kept = this.#kept.get(id)
    if (!kept) throw new NotAgain(404, `no delivery ${id} is kept; the newest ${MAX_DELIVERIES} are`)
    if (this.#timers.size >= MAX_WAITING) throw new NotAgain(409, `${MAX_WAITING} late deliveries wait already`)
    const first = this.#lastId + 1
    const send = () => {
      for (let i = 0; i < times; i++) kept.repeat(payload)
    }
    if (delayMs > 0) {
      this.#later(send, delayMs)
      return []
    }
    send()
    if (this.#lastId < first) throw new NotAgain(409, `@webhook-${kept.view.webhook} was deleted`)
    return Array.from({ length: times }, (_, i) => first + i)
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #later(send: () => void, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      send()
    }, delayMs)
    this.#timers.add(timer)
  }

  #change({ view }: Kept): void {
    this.#grown(view.trace)
    if (!this.#hub.reads('delivered')) return
    this.#changed.add(view.id)
    this.#hub.mark('delivered')
  }
}

const viewOf = ({ view, delivery, tries }: Kept): DeliveryView => ({
  ...view,
  state: delivery.error === DROPPED ? 'dropped' : delivery.state,
  tries,
})

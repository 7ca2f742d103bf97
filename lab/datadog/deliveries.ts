import type { Delivery, PayloadValues, RenderedRequest, Webhook } from 'alertproof/notify'
import { type QueueObserver, type QueueOptions, WebhookQueue } from './webhook-queue.ts'

/** What a delivery notifies of. */
export interface About {
  /** Of the alert cycle: the detection and the key of the cycle. */
  readonly trace: string
  readonly detection: string
  readonly by: 'monitor' | 'rule'
  readonly transition: string
}

/** Sends the same request again. @param body replaces that of the request */
export type Repeat = (body: string | undefined) => void

/** Sees each delivery. */
export interface DeliveryObserver extends Omit<QueueObserver, 'queued'> {
  queued(delivery: Delivery, request: RenderedRequest, about: About, isAgain: boolean, repeat: Repeat): void
}

export interface DeliveriesOptions {
  webhooks: readonly Webhook[]
  queue?: QueueOptions
  log?: (line: string) => void
  observer?: DeliveryObserver | undefined
}

/** What was notified, by an alert or a signal. */
interface Notified {
  readonly title: string
  /** Receives each delivery that is queued. */
  readonly deliveries: Delivery[]
}

/** Delivers notifications to the webhooks that they name, and reports events to subscribers. */
export class Deliveries<E> {
  #queues = new Map<string, WebhookQueue>()
  /** Of webhooks that were deleted: they finish what they have. */
  readonly #retired: WebhookQueue[] = []
  readonly #options: QueueOptions
  readonly #log: (line: string) => void
  readonly #listeners = new Set<(event: E) => void>()
  readonly #observer: DeliveryObserver | undefined

  constructor({ webhooks, queue = {}, log = () => {}, observer }: DeliveriesOptions) {
    this.#options = queue
    this.#observer = observer
    this.#log = log
    this.use(webhooks)
  }

  /** Delivers to these webhooks from now on. */
  use(webhooks: readonly Webhook[]): void {
    const before = this.#queues
    this.#queues = new Map(
      webhooks.map((webhook) => {
        const queue = before.get(webhook.name) ?? new WebhookQueue(webhook, this.#options)
        queue.use(webhook)
        return [webhook.name, queue]
      }),
    )
    for (const [name, queue] of before) if (!this.#queues.has(name)) this.#retired.push(queue)
  }

  /** Logs the names that no webhook has. @returns them */
  unknown(slug: string, names: readonly string[]): string[] {
    const unknown = names.filter((name) => !this.#queues.has(name))
    for (const name of unknown) this.#log(`${slug} notifies @webhook-${name}, which does not exist`)
    return unknown
  }

  /** Queues a delivery for each webhook. @param eventOf makes the event of a delivery that has ended */
  send(
    names: readonly string[],
    notified: Notified,
    values: PayloadValues,
    about: About,
    eventOf: (delivery: Delivery) => E,
  ): void {
    for (const name of names) {
      const ended = (delivery: Delivery) => {
        const { state, error, status, answer } = delivery
        if (state !== 'delivered') {
          this.#log(`${notified.title}: @webhook-${name} ${state}: ${error ?? `${status} ${answer}`}`)
        }
        this.tell(eventOf(delivery))
      }
      const delivery = this.#queues.get(name)?.send(values, ended, this.#observerOf(name, about))
      if (delivery) notified.deliveries.push(delivery)
    }
  }

  tell(event: E): void {
    for (const listener of this.#listeners) listener(event)
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (event: E) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A delivery that is sent again is seen by the observer alone: it is no delivery of the notification. */
  #observerOf(name: string, about: About, isAgain = false): QueueObserver | undefined {
    const observer = this.#observer
    if (!observer) return undefined
    return {
      isDropped: () => observer.isDropped(),
      queued: (delivery, request) => {
        const repeat: Repeat = (body = request.body) => {
          this.#queues.get(name)?.repeat({ ...request, body }, () => {}, this.#observerOf(name, about, true))
        }
        observer.queued(delivery, request, about, isAgain, repeat)
      },
      tried: (delivery, at, ms) => observer.tried(delivery, at, ms),
      ended: (delivery) => observer.ended(delivery),
    }
  }

  close(): void {
    this.#listeners.clear()
    for (const queue of [...this.#queues.values(), ...this.#retired]) queue.close()
  }
}

/** Drops the oldest entries, a tenth at a time. @returns at most 1.1 times `most` of them */
export const newest = <T>(entries: T[], most: number): T[] =>
  entries.length > most * 1.1 ? entries.slice(-most) : entries

import type { Delivery, PayloadValues, Webhook } from 'alertproof/notify'
import { type QueueOptions, WebhookQueue } from './webhook-queue.ts'

export interface DeliveriesOptions {
  webhooks: readonly Webhook[]
  queue?: QueueOptions
  log?: (line: string) => void
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

  constructor({ webhooks, queue = {}, log = () => {} }: DeliveriesOptions) {
    this.#options = queue
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
  send(names: readonly string[], notified: Notified, values: PayloadValues, eventOf: (delivery: Delivery) => E): void {
    for (const name of names) {
      const delivery = this.#queues.get(name)?.send(values, (ended) => {
        const { state, error, status, answer } = ended
        if (state !== 'delivered') {
          this.#log(`${notified.title}: @webhook-${name} ${state}: ${error ?? `${status} ${answer}`}`)
        }
        this.tell(eventOf(ended))
      })
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

  close(): void {
    this.#listeners.clear()
    for (const queue of [...this.#queues.values(), ...this.#retired]) queue.close()
  }
}

/** Drops the oldest entries, a tenth at a time. @returns at most 1.1 times `most` of them */
export const newest = <T>(entries: T[], most: number): T[] =>
  entries.length > most * 1.1 ? entries.slice(-most) : entries

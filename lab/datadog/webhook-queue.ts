import http from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Delivery, type PayloadValues, type RenderedRequest, renderRequest, type Webhook } from 'alertproof/notify'
import { type PostOutcome, post } from './post.ts'

export interface QueueOptions {
  timeoutMs?: number
  /** The wait before each retry; Datadog retries five times and does not document the spacing. */
  retrySpacingMs?: readonly number[]
}

type Ended = (delivery: Delivery) => void

const TIMEOUT_MS = 15_000
/** Decision `retry-spacing`, undocumented: five retries, as documented for lost connections, at intervals that can be observed in the lab. */
const RETRY_SPACING_IN_THE_LAB_MS = [100, 200, 400, 800, 1600]
/** Decision `eight-at-once`, undocumented: up to eight requests to one webhook at a time, so that groups that alert together do not wait for a slow delivery. */
const CONCURRENCY = 8
const QUEUE_LENGTH = 10_000

/**
 * Delivers to one webhook. Each webhook has its own queue. A 2xx is a success; a 5xx and a lost connection or time-out are
 * retried; any other answer is final.
 */
export class WebhookQueue {
  #webhook: Webhook
  readonly #options: QueueOptions
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENCY })
  readonly #stop = new AbortController()
  readonly #waiting: (() => Promise<void>)[] = []
  #running = 0

  constructor(webhook: Webhook, options: QueueOptions = {}) {
    this.#webhook = webhook
    this.#options = options
  }

  /**
   * Renders and queues a delivery. Does not throw.
   * @param ended called when the delivery is final
   */
  send(values: PayloadValues, ended: Ended): Delivery {
    const delivery: Delivery = { webhook: this.#webhook.name, state: 'pending', attempts: 0 }
    if (this.#waiting.length >= QUEUE_LENGTH || this.#stop.signal.aborted) {
      delivery.state = 'failed'
      delivery.error = 'the queue is full or closed'
      ended(delivery)
    } else {
      const request = renderRequest(this.#webhook, values)
      this.#waiting.push(() => this.#deliver(delivery, request, ended))
      this.#next()
    }
    return delivery
  }

  /** Deliveries that are queued keep the old webhook, retries included. */
  use(webhook: Webhook): void {
    this.#webhook = webhook
  }

  close(): void {
    this.#waiting.length = 0
    this.#stop.abort()
    this.#agent.destroy()
  }

  #next(): void {
    if (this.#running >= CONCURRENCY) return
    const job = this.#waiting.shift()
    if (!job) return
    this.#running++
    void job().finally(() => {
      this.#running--
      this.#next()
    })
  }

  async #deliver(delivery: Delivery, request: RenderedRequest, ended: Ended): Promise<void> {
    const { timeoutMs = TIMEOUT_MS, retrySpacingMs = RETRY_SPACING_IN_THE_LAB_MS } = this.#options
    const signal = this.#stop.signal
    delivery.started_at = Date.now()
    const began = performance.now()
    for (let attempt = 0; ; attempt++) {
      delivery.attempts++
      const outcome = await post({ ...request, timeoutMs, signal, agent: this.#agent })
      delivery.duration_ms = Math.round(performance.now() - began)
      record(delivery, outcome)
      const spacing = retrySpacingMs[attempt]
      if (!worthRetrying(outcome) || spacing === undefined || signal.aborted) break
      await delay(spacing, undefined, { signal }).catch(() => {})
    }
    delivery.state = stateOf(delivery)
    ended(delivery)
  }
}

function record(delivery: Delivery, outcome: PostOutcome): void {
  delete delivery.error
  if (outcome.kind === 'answered') {
    delivery.status = outcome.status
    delivery.answer = outcome.body
  } else {
    delete delivery.status
    delete delivery.answer
    delivery.error = outcome.reason
  }
}

const worthRetrying = (outcome: PostOutcome): boolean =>
  outcome.kind === 'lost' || (outcome.kind === 'answered' && outcome.status >= 500)

function stateOf({ status }: Delivery): Delivery['state'] {
  if (status === undefined || status >= 500) return 'failed'
  return status >= 200 && status < 300 ? 'delivered' : 'refused'
}

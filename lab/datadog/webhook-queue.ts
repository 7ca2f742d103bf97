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

/** Sees what happens to deliveries, and may drop one. */
export interface QueueObserver {
  /** Whether the next delivery is to be lost, as by a failure of Datadog. */
  isDropped(): boolean
  queued(delivery: Delivery, request: RenderedRequest): void
  /** @param at epoch ms of the begin of the attempt whose outcome the delivery now has */
  tried(delivery: Delivery, at: number, ms: number): void
  ended(delivery: Delivery): void
}

/** The error of a delivery that was dropped on request. */
export const DROPPED = 'dropped on request of a person'

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
  send(values: PayloadValues, ended: Ended, observer?: QueueObserver): Delivery {
    return this.repeat(renderRequest(this.#webhook, values), ended, observer)
  }

  /** Queues a delivery of a request that is rendered. Does not throw. */
  repeat(request: RenderedRequest, ended: Ended, observer?: QueueObserver): Delivery {
    const delivery: Delivery = { webhook: this.#webhook.name, state: 'pending', attempts: 0 }
    observer?.queued(delivery, request)
    const isFull = this.#waiting.length >= QUEUE_LENGTH || this.#stop.signal.aborted
    const error = isFull ? 'the queue is full or closed' : observer?.isDropped() ? DROPPED : undefined
    if (error !== undefined) {
      Object.assign(delivery, { state: 'failed', error })
      observer?.ended(delivery)
      ended(delivery)
    } else {
      this.#waiting.push(() => this.#deliver(delivery, request, ended, observer))
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

  async #deliver(
    delivery: Delivery,
    request: RenderedRequest,
    ended: Ended,
    observer: QueueObserver | undefined,
  ): Promise<void> {
    const { timeoutMs = TIMEOUT_MS, retrySpacingMs = RETRY_SPACING_IN_THE_LAB_MS } = this.#options
    const signal = this.#stop.signal
    delivery.started_at = Date.now()
    const began = performance.now()
    for (let attempt = 0; ; attempt++) {
      delivery.attempts++
      const [at, triedAt] = [Date.now(), performance.now()]
      const outcome = await post({ ...request, timeoutMs, signal, agent: this.#agent })
      delivery.duration_ms = Math.round(performance.now() - began)
      record(delivery, outcome)
      observer?.tried(delivery, at, Math.round(performance.now() - triedAt))
      const spacing = retrySpacingMs[attempt]
      if (!worthRetrying(outcome) || spacing === undefined || signal.aborted) break
      await delay(spacing, undefined, { signal }).catch(() => {})
    }
    delivery.state = stateOf(delivery)
    observer?.ended(delivery)
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

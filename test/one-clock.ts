import { readFile } from 'node:fs/promises'
import { Evaluator, logOfEvent, type Monitor, type Transition } from 'alertproof'
import { notifierFor, parseWebhook, substitute } from 'alertproof/notify'
import type { Answer, Asked, Functions } from '../functions/testing/functions.ts'

const MINUTE_MS = 60_000
const webhook = parseWebhook(await readFile('detections/webhook.json', 'utf8'), 'webhook.json')

export interface Clock {
  /** Epoch ms. */
  now: number
}

/**
 * Requests to the functions, monitors over the events of those requests, and the alerts delivered back to the functions:
 * hours of it in a second, by one clock that only a test moves. Evaluates each minute, as Datadog does.
 */
export class OneClock {
  readonly transitions: (Transition & { answer: unknown })[] = []
  readonly #functions: Functions
  readonly #clock: Clock
  readonly #evaluator: Evaluator
  readonly #notifiers: Map<Monitor, ReturnType<typeof notifierFor>>

  /** @param functions built with `now` of this very clock; nobody else's events are in it from here on */
  constructor(functions: Functions, clock: Clock, monitors: readonly Monitor[]) {
    this.#functions = functions
    this.#clock = clock
    this.#evaluator = new Evaluator(monitors, { cadenceSeconds: 60 })
    this.#notifiers = new Map(
      monitors.map((monitor) => [monitor, notifierFor(monitor, { variables: {}, origin: 'http://127.0.0.1' })]),
    )
    functions.lines.length = 0
  }

  async call(name: string, asked: Asked): Promise<Answer> {
    const answer = await this.#functions.call(name, asked)
    await this.pump()
    return answer
  }

  /** Gives the monitors what was logged since the last call, at the present time. */
  async pump(): Promise<void> {
    const timestamp = new Date(this.#clock.now).toISOString()
    const events = this.#functions.events()
    this.#functions.lines.length = 0
    for (const event of events) await this.#deliver(this.#evaluator.push(logOfEvent({ ...event, timestamp })))
  }

  /** Goes to an instant, evaluation by evaluation. */
  async until(at: number): Promise<void> {
    while (Math.floor(this.#clock.now / MINUTE_MS) < Math.floor(at / MINUTE_MS)) {
      this.#clock.now = (Math.floor(this.#clock.now / MINUTE_MS) + 1) * MINUTE_MS
      await this.#deliver(this.#evaluator.advance(this.#clock.now))
      await this.pump()
    }
    this.#clock.now = at
  }

  async wait(ms: number): Promise<void> {
    await this.until(this.#clock.now + ms)
  }

  /** The transitions in words: `session-reuse Triggered`. */
  words(): string[] {
    return this.transitions.map(({ monitor, transition }) => `${monitor.slug} ${transition}`)
  }

  async #deliver(transitions: readonly Transition[]): Promise<void> {
    for (const transition of transitions) {
      const { values } = this.#notifiers.get(transition.monitor)?.(transition) ?? {}
      if (!values) throw new Error('a monitor that was never loaded')
      const raw = substitute(webhook.payload, values)
      const headers = { 'x-ato-webhook-secret': this.#functions.env.ATO_WEBHOOK_SECRET }
      const { json } = await this.#functions.call('contain', { raw, headers })
      this.transitions.push({ ...transition, answer: json })
    }
  }
}

import type { Event } from '../../shared/event.ts'
import { type Chance, createChance } from './chance.ts'

/** The greatest delay of a line, by batches and by retries of a drain. */
const LATEST_MS = 8_000
/** The probability that a frame is delivered twice, because its answer was lost. */
const TWICE = 1 / 5_000

/** The order in which events arrive: each with its own delay of some seconds, and a few of them twice. */
export class Delivery<T extends { readonly event: Event }> {
  readonly #chance: Chance
  readonly #waiting: { at: number; sent: T }[] = []

  constructor(seed: number) {
    this.#chance = createChance(seed)
  }

  /** @param sent the next event in order of time @returns the events that arrive before it happens */
  send(sent: T): T[] {
    const { event } = sent
    const now = Date.parse(event.timestamp)
    const arrived: T[] = []
    for (let [first] = this.#waiting; first && first.at <= now; [first] = this.#waiting) {
      arrived.push(first.sent)
      this.#waiting.shift()
    }
    this.#post(sent, now + this.#chance.between(50, LATEST_MS))
    // Heroku's frames are retried; what Azure forwards is not.
    if ('via' in event && event.via === 'web' && event.evt === 'session' && this.#chance.of(TWICE)) {
      this.#post(sent, now + LATEST_MS)
    }
    return arrived
  }

  /** @returns the events that have not arrived when the last one happens */
  rest(): T[] {
    return this.#waiting.splice(0).map(({ sent }) => sent)
  }

  #post(sent: T, at: number): void {
    let place = this.#waiting.length
    while (place > 0 && (this.#waiting[place - 1]?.at ?? 0) > at) place--
    this.#waiting.splice(place, 0, { at, sent })
  }
}

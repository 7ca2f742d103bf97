import type { Event } from '../../shared/event.ts'
import { type Chance, createChance } from './chance.ts'

/** How late a line comes at most: a batch that waits, a drain that is asked again. */
const LATEST_MS = 8_000
/** A frame whose answer got lost is sent again, and nobody removes it. */
const TWICE = 1 / 5_000

/** The order in which events arrive: each late by some seconds of its own, and now and then one twice. */
export class Delivery {
  readonly #chance: Chance
  readonly #waiting: { at: number; event: Event }[] = []

  constructor(seed: number) {
    this.#chance = createChance(seed)
  }

  /** @param event the next one in order of time @returns those that have arrived before it happens */
  send(event: Event): Event[] {
    const now = Date.parse(event.timestamp)
    const arrived: Event[] = []
    for (let [first] = this.#waiting; first && first.at <= now; [first] = this.#waiting) {
      arrived.push(first.event)
      this.#waiting.shift()
    }
    this.#post(event, now + this.#chance.between(50, LATEST_MS))
    // Heroku's frames are retried; what Azure forwards is not.
    if ('via' in event && event.via === 'web' && event.evt === 'session' && this.#chance.of(TWICE)) {
      this.#post(event, now + LATEST_MS)
    }
    return arrived
  }

  /** @returns what is still under way after the last one */
  rest(): Event[] {
    return this.#waiting.splice(0).map(({ event }) => event)
  }

  #post(event: Event, at: number): void {
    let place = this.#waiting.length
    while (place > 0 && (this.#waiting[place - 1]?.at ?? 0) > at) place--
    this.#waiting.splice(place, 0, { at, event })
  }
}

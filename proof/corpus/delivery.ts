import type { Event } from '../../shared/event.ts'
import { type Chance, createChance } from './chance.ts'

/** How late a line comes at most: a batch that waits, a drain that is asked again. */
const LATEST_MS = 8_000
/** A frame whose answer got lost is sent again, and nobody removes it. */
const TWICE = 1 / 5_000

/** The order in which events arrive: each late by some seconds of its own, and now and then one twice. */
export class Delivery<T extends { readonly event: Event }> {
  readonly #chance: Chance
  readonly #waiting: { at: number; sent: T }[] = []

  constructor(seed: number) {
    this.#chance = createChance(seed)
  }

  /** @param sent the next one in order of time @returns those that have arrived before it happens */
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

  /** @returns what is still under way after the last one */
  rest(): T[] {
    return this.#waiting.splice(0).map(({ sent }) => sent)
  }

  #post(sent: T, at: number): void {
    let place = this.#waiting.length
    while (place > 0 && (this.#waiting[place - 1]?.at ?? 0) > at) place--
    this.#waiting.splice(place, 0, { at, sent })
  }
}

import type { Event } from '../../shared/event.ts'
import { createChance } from './chance.ts'

/** How late a line comes at most: a batch that waits, a drain that is asked again. */
const LATEST_MS = 8_000
/** A frame whose answer got lost is sent again, and nobody removes it. */
const TWICE = 1 / 5_000

/** Events in the order in which they arrive: late by some seconds, each by its own, and now and then twice. */
export function* delivered(events: Iterable<Event>, seed: number): Generator<Event, void, void> {
  const chance = createChance(seed)
  const waiting: { at: number; event: Event }[] = []
  const post = (event: Event, at: number) => {
    let place = waiting.length
    while (place > 0 && (waiting[place - 1]?.at ?? 0) > at) place--
    waiting.splice(place, 0, { at, event })
  }
  for (const event of events) {
    const now = Date.parse(event.timestamp)
    while (waiting[0] && waiting[0].at <= now) yield (waiting.shift() as { event: Event }).event
    post(event, now + chance.between(50, LATEST_MS))
    // Heroku's frames are retried; what Azure forwards is not.
    if ('via' in event && event.via === 'web' && event.evt === 'session' && chance.of(TWICE))
      post(event, now + LATEST_MS)
  }
  for (const { event } of waiting) yield event
}

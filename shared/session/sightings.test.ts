import { expect, it } from 'vitest'
import { Sightings } from './sightings.ts'

const NOW = Date.UTC(2026, 0, 5, 9)
const MINUTE = 60_000
const LIMIT = 50_000

const filled = (at: (n: number) => number) => {
  const sightings = new Sightings()
  for (let n = 0; n < LIMIT; n++) sightings.isNew(`s${n}`, 'd', '203.0.113.1', at(n))
  return sightings
}
const isNew = (sightings: Sightings, n: number, now: number) => sightings.isNew(`s${n}`, 'd', '203.0.113.1', now)

it('a sighting is new again after exactly one minute', () => {
  const sightings = new Sightings()
  expect(isNew(sightings, 0, NOW)).toBe(true)
  expect(isNew(sightings, 0, NOW + MINUTE - 1)).toBe(false)
  expect(isNew(sightings, 0, NOW + MINUTE)).toBe(true)
})

it('a full store forgets only the oldest sighting while all are of the last minute', () => {
  const sightings = filled(() => NOW)
  expect(isNew(sightings, LIMIT, NOW)).toBe(true)
  expect(isNew(sightings, 1, NOW)).toBe(false)
  expect(isNew(sightings, LIMIT - 1, NOW)).toBe(false)
  expect(isNew(sightings, 0, NOW)).toBe(true)
})

it('a full store forgets sightings of more than a minute ago, and none that is younger', () => {
  const sightings = filled((n) => (n < LIMIT / 2 ? NOW : NOW + 30_000))
  const now = NOW + MINUTE
  expect(isNew(sightings, LIMIT, now)).toBe(true)
  expect(isNew(sightings, LIMIT / 2, now)).toBe(false)
  // There is room for as many as were forgotten.
  for (let n = 0; n < LIMIT / 2 - 1; n++) isNew(sightings, LIMIT + 1 + n, now)
  expect(isNew(sightings, LIMIT / 2, now)).toBe(false)
})

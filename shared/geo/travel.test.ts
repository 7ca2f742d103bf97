import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LastPlace } from '../stores/port.ts'
import { distanceKm, type Place } from './place.ts'
import { IMPOSSIBLE, isImpossible, judgeArrival, LEARNING } from './travel.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOW = new Date('2026-03-01T12:00:00Z')
const ago = (ms: number) => new Date(NOW.getTime() - ms)

const place = (latitude: number, longitude: number): Place => ({ latitude, longitude })
const LISBON = place(38.7223, -9.1393)
const PORTO = place(41.1579, -8.6291)
const MADRID = place(40.4168, -3.7038)
const BARCELONA = place(41.3874, 2.1686)
const LONDON = place(51.5074, -0.1278)
const PARIS = place(48.8566, 2.3522)
const NEW_YORK = place(40.7128, -74.006)
const SINGAPORE = place(1.3521, 103.8198)
const SYDNEY = place(-33.8688, 151.2093)
const AUCKLAND = place(-36.8509, 174.7645)
const HONOLULU = place(21.3069, -157.8583)

/** An account past its learning period, used last in Lisbon. */
const settled = (over: Partial<LastPlace> = {}): LastPlace => ({
  latitude: 38.7,
  longitude: -9.1,
  at: ago(HOUR_MS),
  since: ago(100 * DAY_MS),
  logins: 500,
  ...over,
})

describe('the distance between two places', () => {
  // As gazetteers and airline tables give them, to the nearest 10 km.
  it.each([
    ['Lisbon', 'Porto', LISBON, PORTO, 274],
    ['London', 'Paris', LONDON, PARIS, 344],
    ['Lisbon', 'Madrid', LISBON, MADRID, 503],
    ['London', 'New York', LONDON, NEW_YORK, 5_570],
    ['Singapore', 'Sydney', SINGAPORE, SYDNEY, 6_300],
    ['Lisbon', 'Sydney', LISBON, SYDNEY, 18_180],
    ['Auckland', 'Honolulu, over the date line', AUCKLAND, HONOLULU, 7_090],
  ])('from %s to %s', (_, _to, from, to, km) => {
    expect(Math.abs(distanceKm(from, to) / km - 1)).toBeLessThan(0.01)
  })

  const somewhere = fc.record({
    latitude: fc.double({ min: -90, max: 90, noNaN: true }),
    longitude: fc.double({ min: -180, max: 180, noNaN: true }),
  })

  /** The same by another way: the angle between two vectors from the middle of the Earth. */
  function byVectors(from: Place, to: Place): number {
    const vector = ({ latitude, longitude }: Place): [number, number, number] => {
      const [φ, λ] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180]
      return [Math.cos(φ) * Math.cos(λ), Math.cos(φ) * Math.sin(λ), Math.sin(φ)]
    }
    const [[a, b, c], [x, y, z]] = [vector(from), vector(to)]
    const cross = Math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    return 6371.0088 * Math.atan2(cross, a * x + b * y + c * z)
  }

  it('agrees with vector geometry everywhere, antipodes and poles included, and is the same both ways', () => {
    fc.assert(
      fc.property(somewhere, somewhere, (from, to) => {
        expect(distanceKm(from, to)).toBeCloseTo(byVectors(from, to), 2)
        expect(distanceKm(from, to)).toBeCloseTo(distanceKm(to, from), 6)
      }),
    )
    expect(distanceKm(place(0, 0), place(0, 180))).toBeCloseTo(20_015, 0)
    expect(distanceKm(LISBON, place(-38.7223, 170.8607))).toBeCloseTo(20_015, 0)
  })
})

describe('a way is impossible', () => {
  it.each([
    ['500 km in no time', 500, 0, false],
    ['500.001 km in no time', 500.001, 0, true],
    ['500.001 km by a clock that went back', 500.001, -60_000, true],
    ['2,000 km in exactly two hours', 2_000, 2 * HOUR_MS, false],
    ['2,000 km in a millisecond less', 2_000, 2 * HOUR_MS - 1, true],
    ['2,000 km in a millisecond more', 2_000, 2 * HOUR_MS + 1, false],
    ['20,015 km, the farthest there is, in 20 hours', 20_015, 20 * HOUR_MS, true],
    ['20,015 km in 21 hours', 20_015, 21 * HOUR_MS, false],
  ])('%s', (_, km, elapsedMs, impossible) => {
    expect(isImpossible(km, elapsedMs)).toBe(impossible)
  })
})

describe('a sign-in', () => {
  const travels = (before: LastPlace | undefined, here: Place, now = NOW) => judgeArrival(before, here, now).travel

  it.each([
    ['in Porto a minute later, 274 km', PORTO, 60_000, false],
    ['in Barcelona an hour later, 1,005 km', BARCELONA, HOUR_MS, true],
    ['in Barcelona 61 minutes later', BARCELONA, 61 * 60_000, false],
    ['in London an hour later', LONDON, HOUR_MS, true],
    ['in London by the flight that there is', LONDON, 2.75 * HOUR_MS, false],
    ['in Sydney eighteen hours later', SYDNEY, 18 * HOUR_MS, true],
    ['in Sydney the next day', SYDNEY, DAY_MS, false],
    ['at home at the same instant', LISBON, 0, false],
    ['in Sydney at the same instant', SYDNEY, 0, true],
  ])('%s', (_, here, elapsedMs, travel) => {
    expect(travels(settled({ at: ago(elapsedMs) }), here)).toBe(travel)
  })

  it('is never travel when it is the first from a known place', () => {
    expect(judgeArrival(undefined, SYDNEY, NOW)).toEqual({
      travel: false,
      learnt: { latitude: -33.9, longitude: 151.2, at: NOW, since: NOW, logins: 1 },
    })
  })

  it('that is not travel moves the place, and keeps when it began', () => {
    const before = settled()
    const { learnt } = judgeArrival(before, PORTO, NOW)
    expect(learnt).toEqual({ latitude: 41.2, longitude: -8.6, at: NOW, since: before.since, logins: 501 })
  })

  it('that is travel is not learnt: the thief who tries again travels again, and the owner at home does not', () => {
    const before = settled({ at: ago(60_000) })
    expect(judgeArrival(before, SYDNEY, NOW)).toEqual({ travel: true, learnt: undefined })
    expect(travels(before, SYDNEY, new Date(NOW.getTime() + HOUR_MS))).toBe(true)
    expect(travels(before, LISBON, new Date(NOW.getTime() + 1))).toBe(false)
  })

  it('is kept as a region: no closer than a tenth of a degree', () => {
    const { learnt } = judgeArrival(undefined, place(38.712345, -9.187654), NOW)
    expect(learnt).toMatchObject({ latitude: 38.7, longitude: -9.2 })
  })

  it('is not judged by a clock that was wrong, and is by one that is a little ahead', () => {
    const minutes = (count: number) => settled({ at: ago(-count * 60_000) })
    expect(travels(minutes(5), SYDNEY)).toBe(true)
    expect(travels(settled({ at: ago(-5 * 60_000 - 1) }), SYDNEY)).toBe(false)
    expect(judgeArrival(minutes(60 * 24 * 365), SYDNEY, NOW).learnt?.at).toEqual(NOW)
  })
})

describe('the learning period', () => {
  const judged = (logins: number, ageMs: number) =>
    judgeArrival(settled({ logins, since: ago(ageMs), at: ago(60_000) }), SYDNEY, NOW).travel

  it('ends with the tenth sign-in or the fourteenth day, whichever comes first', () => {
    expect(LEARNING).toEqual({ days: 14, logins: 10 })
    expect(judged(9, 14 * DAY_MS - 1)).toBe(false)
    expect(judged(10, 2 * 60_000)).toBe(true)
    expect(judged(2, 14 * DAY_MS)).toBe(true)
  })

  it('learns wherever the person is', () => {
    const early = settled({ logins: 3, since: ago(DAY_MS) })
    expect(judgeArrival(early, SYDNEY, NOW).learnt).toMatchObject({ latitude: -33.9, logins: 4 })
  })

  it('is passed by ten sign-ins, and the eleventh is the first that is judged', () => {
    let last: LastPlace | undefined
    for (let n = 0; n < LEARNING.logins; n++) {
      const arrival = judgeArrival(last, n % 2 === 0 ? LISBON : SYDNEY, ago(60_000 - n))
      expect(arrival.travel).toBe(false)
      last = arrival.learnt
    }
    expect(travelsFrom(last)).toBe(true)
  })

  const travelsFrom = (last: LastPlace | undefined) => judgeArrival(last, LISBON, NOW).travel
})

it('judges as Datadog does: 500 km and 1,000 km/h', () => {
  expect(IMPOSSIBLE).toEqual({ km: 500, kmPerHour: 1000 })
})

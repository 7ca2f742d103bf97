import type { LastPlace } from '../stores/port.ts'
import { distanceKm, type Place } from './place.ts'

/** Both are needed: faster than an airliner, and farther than a wrong guess of the place. @see Datadog, impossible travel */
export const IMPOSSIBLE = { kmPerHour: 1000, km: 500 } as const

/**
 * The learning period ends at the earlier of the two. Until then places are learnt and nobody is judged. @see Entra
 * ID Protection, atypical travel
 */
export const LEARNING = { days: 14, logins: 10 } as const

/** Kept and compared in tenths of a degree, 11 km at most: a region, not a home. */
const PER_DEGREE = 10
/** A place with a time further in the future comes from a wrong clock and is ignored. */
const CLOCK_SKEW_MS = 5 * 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export interface Arrival {
  readonly travel: boolean
  /** What to keep; undefined keeps the present place. */
  readonly learnt: LastPlace | undefined
}

/**
 * Judges a sign-in by the place of the one before. A place that was travel is not learnt: otherwise a thief would be
 * at home after two attempts, and the owner would be the one who travelled.
 * @param before undefined at the first sign-in of the account from a known place
 */
export function judgeArrival(before: LastPlace | undefined, at: Place, now: Date): Arrival {
  const here = coarse(at)
  if (!before) return { travel: false, learnt: { ...here, at: now, since: now, logins: 1 } }
  const elapsedMs = now.getTime() - before.at.getTime()
  const judged = !isLearning(before, now) && elapsedMs >= -CLOCK_SKEW_MS
  if (judged && isImpossible(distanceKm(before, here), elapsedMs)) return { travel: true, learnt: undefined }
  return { travel: false, learnt: { ...here, at: now, since: before.since, logins: before.logins + 1 } }
}

/** @param elapsedMs zero or negative when clocks differ a little; counts as no time */
export const isImpossible = (km: number, elapsedMs: number): boolean =>
  km > IMPOSSIBLE.km && km > (IMPOSSIBLE.kmPerHour * Math.max(elapsedMs, 0)) / HOUR_MS

const isLearning = ({ since, logins }: LastPlace, now: Date): boolean =>
  logins < LEARNING.logins && now.getTime() - since.getTime() < LEARNING.days * DAY_MS

const coarse = ({ latitude, longitude }: Place): Place => ({
  latitude: Math.round(latitude * PER_DEGREE) / PER_DEGREE,
  longitude: Math.round(longitude * PER_DEGREE) / PER_DEGREE,
})

import type { Chance } from './scheduler.ts'

/** What a call may reach: a store, web, or Datadog. */
export type Target = 'tables' | 'redis' | 'postgres' | 'web' | 'datadog'
const TARGETS: readonly Target[] = ['tables', 'redis', 'postgres', 'web', 'datadog']

/** What becomes of one call. Times in ms: until it takes effect, and from then until its answer is there. */
export type Fate =
  | { kind: 'answered'; there: number; back: number }
  /** An error, and no effect. */
  | { kind: 'refused'; there: number }
  /** The effect, and an error. */
  | { kind: 'cut'; there: number; back: number }
  /** No answer at all; the effect, if there is one, may come long after the caller has given up. */
  | { kind: 'silent'; there: number | undefined }

interface Outage {
  target: Target
  from: number
  until: number
  kind: 'refused' | 'silent' | 'slow' | 'mixed'
}

/** All that goes wrong in one schedule, decided by its seed. */
export interface Faults {
  /** epoch ms from which nothing goes wrong any more */
  readonly end: number
  fateOf(target: Target, now: number): Fate
  /** Whether the process that makes this call dies of it, and when. */
  crashAt(now: number): 'before' | 'after' | undefined
  /** Chosen times for deaths of processes, whatever they do then. */
  readonly deaths: readonly number[]
  /** How far the clocks of the hosts may be apart, in ms. */
  readonly skewMs: number
  /** A clock that is wrong by so much until the end. */
  readonly wrongClockMs: number
  /** Whether anything may go wrong with this target at all. */
  touches(target: Target): boolean
  readonly mayCrash: boolean
}

const MOST_CRASHES = 5

/** @param start epoch ms */
export function chooseFaults(start: number, chance: Chance): Faults {
  const rate = chance.pick([0, 0, 0.01, 0.05, 0.2])
  const crashRate = chance.pick([0, 0, 0.003, 0.01, 0.03])
  const lasts = chance.pick([20_000, 60_000, 60_000, 120_000])
  const outages: Outage[] = Array.from({ length: chance.pick([0, 0, 1, 1, 2, 3]) }, () => {
    const from = start + chance.below(lasts)
    return {
      ...{ target: chance.pick(TARGETS), from, until: from + chance.between(500, lasts) },
      kind: chance.pick(['refused', 'silent', 'slow', 'mixed'] as const),
    }
  })
  const deaths = Array.from({ length: chance.pick([0, 0, 0, 1, 2]) }, () => start + chance.below(lasts))
  const end = Math.max(start + lasts, ...outages.map(({ until }) => until))
  const skewMs = chance.pick([0, 0, 0, 200, 2_000])
  const wrongClockMs = chance.pick([0, 0, 0, 0, 0, 0, 0, 0, -20, 20]) * 60_000
  let crashes = 0

  const latency = () => {
    const kind = chance.next()
    return kind < 0.8 ? chance.below(6) : kind < 0.97 ? chance.below(120) : chance.below(900)
  }
  const slow = () => chance.between(400, 1900)
  const broken = (kind: Outage['kind']): Fate => {
    const shown = kind === 'mixed' ? chance.pick(['refused', 'silent', 'slow', 'cut'] as const) : kind
    if (shown === 'refused') return { kind: 'refused', there: latency() }
    if (shown === 'slow') return { kind: 'answered', there: slow(), back: slow() }
    if (shown === 'cut') return { kind: 'cut', there: latency(), back: latency() }
    return { kind: 'silent', there: chance.happens(0.5) ? chance.below(25_000) : undefined }
  }

  return {
    ...{ end, deaths, skewMs, wrongClockMs },
    mayCrash: crashRate > 0 || deaths.length > 0,
    touches: (target) => rate > 0 || outages.some((outage) => outage.target === target),
    fateOf(target, now) {
      // Nothing goes wrong after the end; what was sent before may still take effect.
      if (now >= end) return { kind: 'answered', there: chance.below(6), back: chance.below(6) }
      const outage = outages.find((one) => one.target === target && now >= one.from && now < one.until)
      if (outage) return broken(outage.kind)
      if (rate > 0 && chance.happens(rate)) return broken('mixed')
      return { kind: 'answered', there: latency(), back: latency() }
    },
    crashAt(now) {
      if (now >= end || crashRate === 0 || crashes >= MOST_CRASHES || !chance.happens(crashRate)) return undefined
      crashes++
      return chance.pick(['before', 'after'])
    },
  }
}

/** A place where the axis leaves out time. */
export interface AxisBreak {
  /** From 0 to 1 along the axis. */
  readonly at: number
  readonly ms: number
}

export interface Tick {
  readonly at: number
  /** After the origin. */
  readonly ms: number
}

/** One axis for all the steps of a trace. */
export interface Axis {
  /** @returns from 0 to 1 */
  position(instant: number): number
  readonly breaks: readonly AxisBreak[]
  readonly ticks: readonly Tick[]
}

/** A gap that a person can feel; shorter ones are always drawn to scale. */
const LONG_MS = 1000
/** A long gap is left out if it is more than this many times as long as all shorter gaps together. */
const DWARFS = 4
/** The part of the axis that a break takes, and that each instant inside it adds. */
const BREAK_SHARE = 0.08
const INSTANT_SHARE = 0.015
/** All breaks together take this part at most. */
const MAX_BREAKS_SHARE = 0.36
const MAX_TICKS = 3
/** Labels that are closer would overlap. */
const TICK_SHARE = 0.3

/** A stretch of time between two instants, and its place on the axis. */
interface Part {
  readonly from: number
  readonly to: number
  readonly drawn: boolean
  /** The instants inside, its ends included. */
  readonly instants: number[]
  start: number
  end: number
}

/**
 * Draws instants to scale. A cycle takes a tenth of a second, but what it counted may be hours old: gaps that would press all others
 * into one point are left out, and the axis is marked there.
 * @param instants epoch ms in any order, at least one
 * @param origin has the offset 0
 */
export function createAxis(instants: readonly number[], origin: number): Axis {
  const parts = partsOf(instants, origin)
  place(parts)
  const position = (instant: number): number => {
    const part = parts.find(({ to }) => instant <= to)
    if (!part) return parts.length === 0 ? 0 : 1
    return part.start + shareOf(part, instant) * (part.end - part.start)
  }
  const breaks = parts
    .filter(({ drawn }) => !drawn)
    .map(({ from, to, start, end }) => ({ at: (start + end) / 2, ms: to - from }))
  return { position, breaks, ticks: ticksOf(parts, origin) }
}

/** How far an instant is into a part. Where time is left out, the instants inside stand at equal distances. */
function shareOf({ from, to, drawn, instants }: Part, instant: number): number {
  if (drawn) return Math.max(0, (instant - from) / (to - from))
  const before = instants.filter((each) => each < instant).length
  return before / (instants.length - 1)
}

/** Consecutive stretches, each drawn to scale or left out as a whole; one that is left out ends at the origin. */
function partsOf(instants: readonly number[], origin: number): Part[] {
  const sorted = [...new Set(instants)].sort((a, b) => a - b)
  const gaps = sorted.slice(1).map((to, index) => ({ from: sorted[index] ?? to, to }))
  const limit = longestDrawn(gaps.map(({ from, to }) => to - from))
  const noBefore = isLongBefore(sorted, origin)
  const parts: Part[] = []
  for (const { from, to } of gaps) {
    const drawn = to - from <= limit && !(noBefore && to <= origin)
    const last = parts.at(-1)
    const goesOn = last?.drawn === drawn && (drawn || from !== origin) ? parts.pop() : undefined
    const inside = goesOn?.instants ?? [from]
    parts.push({ from: goesOn?.from ?? from, to, drawn, instants: [...inside, to], start: 0, end: 0 })
  }
  return parts
}

/** Whether the time before the origin is longer than the time after it, which is the part that matters. */
function isLongBefore(sorted: readonly number[], origin: number): boolean {
  const before = origin - (sorted[0] ?? origin)
  const after = (sorted.at(-1) ?? origin) - origin
  return after > 0 && before > Math.max(LONG_MS, after)
}

function longestDrawn(gaps: readonly number[]): number {
  let sum = 0
  for (const gap of gaps.toSorted((a, b) => a - b)) {
    if (gap >= LONG_MS && sum > 0 && gap > sum * DWARFS) return sum
    sum += gap
  }
  return Number.POSITIVE_INFINITY
}

function place(parts: readonly Part[]): void {
  const drawnMs = parts.reduce((sum, { from, to, drawn }) => (drawn ? sum + to - from : sum), 0)
  const wanted = parts.reduce((sum, part) => sum + breakShareOf(part), 0)
  const breaksShare = drawnMs === 0 ? 1 : Math.min(wanted, MAX_BREAKS_SHARE)
  let at = 0
  for (const part of parts) {
    part.start = at
    at += part.drawn
      ? ((part.to - part.from) / drawnMs) * (1 - breaksShare)
      : (breakShareOf(part) / wanted) * breaksShare
    part.end = at
  }
}

const breakShareOf = ({ drawn, instants }: Part): number =>
  drawn ? 0 : BREAK_SHARE + INSTANT_SHARE * (instants.length - 2)

/** Round offsets from the origin, in the stretches that are drawn to scale. */
function ticksOf(parts: readonly Part[], origin: number): Tick[] {
  const drawn = parts.filter((part) => part.drawn)
  const longest = drawn.toSorted((a, b) => b.end - b.start - (a.end - a.start))[0]
  if (!longest) return [{ at: 0, ms: 0 }]
  const msPerShare = (longest.to - longest.from) / (longest.end - longest.start)
  const step = roundStep(msPerShare / MAX_TICKS)
  const ticks: Tick[] = []
  for (const { from, to, start } of drawn) {
    for (let ms = Math.ceil((from - origin) / step) * step; ms <= to - origin; ms += step) {
      const at = start + (origin + ms - from) / msPerShare
      if (at - (ticks.at(-1)?.at ?? -1) >= TICK_SHARE) ticks.push({ at, ms })
    }
  }
  return ticks
}

/** 1, 2 or 5 times a power of ten, or a unit of time. */
function roundStep(ms: number): number {
  const long = [60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000].find((step) => step >= ms)
  if (ms > 20_000) return long ?? Math.ceil(ms / 3_600_000) * 3_600_000
  const power = 10 ** Math.floor(Math.log10(ms))
  return ([1, 2, 5, 10].find((factor) => factor * power >= ms) ?? 10) * power
}

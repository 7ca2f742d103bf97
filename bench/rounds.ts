/** What one thing did in each round. */
export interface Series {
  readonly what: string
  readonly unit: string
  readonly rounds: readonly number[]
}

/** A thing and its peer, measured one after the other in every round, and how far apart they may be. */
export interface Comparison {
  readonly name: string
  readonly measured: Series
  readonly peer: Series
  readonly bound: Bound
}
export type Bound = { readonly atLeast: number } | { readonly atMost: number }

/** How much was done in how much time. */
export interface Count {
  readonly done: number
  readonly milliseconds: number
}

/** Of several counts together. */
export function perSecond(counts: readonly Count[]): number {
  const done = counts.reduce((sum, count) => sum + count.done, 0)
  const milliseconds = counts.reduce((sum, count) => sum + count.milliseconds, 0)
  return milliseconds === 0 ? 0 : (done * 1000) / milliseconds
}

/**
 * Runs two measurements in turn, so many times each: a b, b a, a b … Neighbours that come and go on the machine are
 * then in both.
 */
export async function alternate<A, B>(
  times: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const results: { a: A[]; b: B[] } = { a: [], b: [] }
  for (let i = 0; i < times; i++) {
    if (i % 2 === 0) results.a.push(await a())
    results.b.push(await b())
    if (i % 2 === 1) results.a.push(await a())
  }
  return results
}

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** @throws RangeError without a value */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const [least, most] = [sorted[0], sorted.at(-1)]
  if (least === undefined || most === undefined) throw new RangeError('nothing was measured')
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] as number
  const median = sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2
  return { median, least, most }
}

/**
 * The ratio of each round, not of the medians: a neighbour that slows the machine down slows both halves of a round.
 */
export function ratios({ measured, peer }: Comparison): number[] {
  return measured.rounds.map((value, round) => value / (peer.rounds[round] ?? Number.NaN))
}

/** Whether the median of the ratios keeps to the bound; a round that measured nothing keeps to none. */
export function holds(comparison: Comparison): boolean {
  const all = ratios(comparison)
  if (!all.every(Number.isFinite)) return false
  const { median } = spread(all)
  return 'atLeast' in comparison.bound ? median >= comparison.bound.atLeast : median <= comparison.bound.atMost
}

/** By the nearest rank: a value that occurred. @param share 0.99 for the 99th percentile */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('nothing was measured')
  return value
}

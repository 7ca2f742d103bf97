/** The measured value of each round. */
export interface Series {
  readonly what: string
  readonly unit: string
  readonly rounds: readonly number[]
}

/** A measurement and its peer, which alternate in every round, and the bound of their ratio. */
export interface Comparison {
  readonly name: string
  readonly measured: Series
  readonly peer: Series
  readonly bound: Bound
}
export type Bound = { readonly atLeast: number } | { readonly atMost: number }

/** The number of operations and their time. */
export interface Count {
  readonly done: number
  readonly milliseconds: number
}

/** The rate of several counts together. */
export function perSecond(counts: readonly Count[]): number {
  const done = counts.reduce((sum, count) => sum + count.done, 0)
  const milliseconds = counts.reduce((sum, count) => sum + count.milliseconds, 0)
  return milliseconds === 0 ? 0 : (done * 1000) / milliseconds
}

/**
 * Runs two measurements alternately, `times` times each: a b, b a, a b … so that other load on the machine affects both.
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
  const [lower, upper] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]]
  if (least === undefined || most === undefined || lower === undefined || upper === undefined) {
    throw new RangeError('nothing was measured')
  }
  return { median: (lower + upper) / 2, least, most }
}

/**
 * The ratio of each round instead of that of the medians, because other load on the machine affects both parts of a round.
 */
export function ratios({ measured, peer }: Comparison): number[] {
  return measured.rounds.map((value, round) => value / (peer.rounds[round] ?? Number.NaN))
}

/** Whether the median of the ratios satisfies the bound. A round without a measurement does not. */
export function holds(comparison: Comparison): boolean {
  const all = ratios(comparison)
  if (!all.every(Number.isFinite)) return false
  const { median } = spread(all)
  return 'atLeast' in comparison.bound ? median >= comparison.bound.atLeast : median <= comparison.bound.atMost
}

/** The percentile by nearest rank. @param share 0.99 for the 99th percentile */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (value === undefined) throw new RangeError('nothing was measured')
  return value
}

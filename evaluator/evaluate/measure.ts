import type { Measure } from '../monitor/monitor-query.ts'

/** The numbers of one group's window, and what a rollup makes of them. */
export interface Statistic {
  add(x: number): void
  /** @param x one of those that were added and not removed */
  remove(x: number): void
  /** @returns NaN while it holds no number */
  value(): number
}

/**
 * Decision `percentile-interpolated`, undocumented: `pcNN` lies at rank NN % of (n − 1), between its two neighbours in proportion;
 * so the median of an even number of values is the mean of the middle two.
 */
const quantiles: Partial<Record<Measure, number>> = {
  min: 0,
  median: 0.5,
  pc75: 0.75,
  pc90: 0.9,
  pc95: 0.95,
  pc98: 0.98,
  pc99: 0.99,
  max: 1,
}

export function statisticOf(measure: Measure): Statistic {
  const quantile = quantiles[measure]
  if (quantile !== undefined) return new Quantile(quantile)
  return measure === 'avg' ? new Mean() : new ExactSum()
}

/**
 * A sum that is the rounded true sum whatever came and went, and in whatever order: the terms are kept as partial sums that do
 * not overlap, in which adding and removing lose nothing.
 * @see Shewchuk, Adaptive Precision Floating-Point Arithmetic (1997); Python's math.fsum
 */
class ExactSum implements Statistic {
  /** From the least to the greatest; none of them zero. */
  protected partials: readonly number[] = []
  protected count = 0

  add(x: number): void {
    this.count++
    this.partials = withTerm(this.partials, x)
  }

  remove(x: number): void {
    this.count--
    this.partials = withTerm(this.partials, -x)
  }

  value(): number {
    return this.count === 0 ? Number.NaN : rounded(this.partials)
  }
}

/** @returns partial sums, from the least to the greatest, of those that are given and another term */
function withTerm(partials: readonly number[], term: number): number[] {
  let x = term
  const kept: number[] = []
  for (const partial of partials) {
    const [large, small] = Math.abs(x) < Math.abs(partial) ? [partial, x] : [x, partial]
    const high = large + small
    const low = small - (high - large)
    if (low !== 0) kept.push(low)
    x = high
  }
  if (x !== 0) kept.push(x)
  return kept
}

/** The double that is next to the sum of all partial sums. */
function rounded(partials: readonly number[]): number {
  let at = partials.length - 1
  let high = partials[at] ?? 0
  let low = 0
  while (at > 0 && low === 0) {
    const x = high
    const y = partials[--at] as number
    high = x + y
    low = y - (high - x)
  }
  // Half-way cases round to even only after all that lies below has had its say.
  const below = partials[at - 1]
  if (below !== undefined && low !== 0 && low < 0 === below < 0) {
    const twice = low * 2
    const next = high + twice
    if (twice === next - high) return next
  }
  return high
}

class Mean extends ExactSum {
  /** Of the true sum: rounded before it is divided, equal values could have a mean that is above all of them. */
  override value(): number {
    if (this.count === 0) return Number.NaN
    const near = rounded(this.partials) / this.count
    return near + rounded(this.#less(near)) / this.count
  }

  /** The sum less `mean` for each number: by powers of two, which lose nothing. */
  #less(mean: number): readonly number[] {
    let rest = this.partials
    for (let left = this.count, times = mean; left > 0; left = Math.floor(left / 2), times *= 2) {
      if (left % 2 === 1) rest = withTerm(rest, -times)
    }
    return rest
  }
}

class Quantile implements Statistic {
  readonly #fraction: number
  readonly #numbers = new SortedNumbers()

  constructor(fraction: number) {
    this.#fraction = fraction
  }

  add(x: number): void {
    this.#numbers.add(x)
  }

  remove(x: number): void {
    this.#numbers.remove(x)
  }

  value(): number {
    const numbers = this.#numbers
    if (numbers.size === 0) return Number.NaN
    const rank = this.#fraction * (numbers.size - 1)
    const below = Math.floor(rank)
    const low = numbers.at(below)
    return below === rank ? low : low + (numbers.at(below + 1) - low) * (rank - below)
  }
}

const MOST_IN_CHUNK = 512

/** Numbers in order, in chunks: whatever their number, adding, removing and finding the n-th touch one chunk and the list of them. */
class SortedNumbers {
  size = 0
  readonly #chunks: number[][] = []

  add(x: number): void {
    this.size++
    const chunks = this.#chunks
    if (chunks.length === 0) chunks.push([])
    const which = Math.min(this.#chunkOf(x), chunks.length - 1)
    const chunk = chunks[which] as number[]
    chunk.splice(lowerBound(chunk, x), 0, x)
    if (chunk.length > MOST_IN_CHUNK) chunks.splice(which + 1, 0, chunk.splice(MOST_IN_CHUNK / 2))
  }

  remove(x: number): void {
    this.size--
    const which = this.#chunkOf(x)
    const chunk = this.#chunks[which] as number[]
    chunk.splice(lowerBound(chunk, x), 1)
    if (chunk.length === 0) this.#chunks.splice(which, 1)
  }

  at(rank: number): number {
    let before = 0
    for (const chunk of this.#chunks) {
      if (rank < before + chunk.length) return chunk[rank - before] as number
      before += chunk.length
    }
    throw new RangeError(`there is no number at ${rank}`)
  }

  /** The first chunk that ends at `x` or above. */
  #chunkOf(x: number): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (((this.#chunks[middle] as number[]).at(-1) as number) < x) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Where the first number stands that is not less than `x`. */
function lowerBound(numbers: readonly number[], x: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] as number) < x) low = middle + 1
    else high = middle
  }
  return low
}

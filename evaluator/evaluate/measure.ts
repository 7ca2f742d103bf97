import type { Measure } from '../monitor/monitor-query.ts'

/** The numbers in one group's window, and their sum, mean or quantile. */
export interface Statistic {
  add(x: number): void
  /** @param x a number that was added and not removed */
  remove(x: number): void
  /** @returns NaN while it holds no number */
  value(): number
}

/**
 * Decision `percentile-interpolated`, undocumented: `pcNN` is the value at rank NN % of (n − 1), interpolated linearly between its two
 * neighbours. So the median of an even number of values is the mean of the middle two.
 */
const QUANTILES: Partial<Record<Measure, number>> = {
  min: 0,
  median: 0.5,
  pc75: 0.75,
  pc90: 0.9,
  pc95: 0.95,
  pc98: 0.98,
  pc99: 0.99,
  max: 1,
}

/** Creates the statistic of a measure. */
export function statisticOf(measure: Measure): Statistic {
  const quantile = QUANTILES[measure]
  if (quantile !== undefined) return new Quantile(quantile)
  return measure === 'avg' ? new Mean() : new ExactSum()
}

/**
 * The exact sum, rounded once, whatever the order in which terms are added and removed. It is kept as partial sums that do not
 * overlap, so that adding and removing lose no bits.
 * @see Shewchuk, Adaptive Precision Floating-Point Arithmetic (1997); Python's math.fsum
 */
class ExactSum implements Statistic {
  /** In ascending order of magnitude; none is zero. */
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

/** @returns the partial sums with another term added, in ascending order of magnitude */
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

/** The double that is nearest to the sum of all partial sums. */
function rounded(partials: readonly number[]): number {
  let at = partials.length - 1
  let high = partials[at] ?? 0
  let low = 0
  while (at > 0 && low === 0) {
    const x = high
    const y = partials[--at] ?? 0
    high = x + y
    low = y - (high - x)
  }
  // A tie is rounded to even only if no lower partial sum decides it.
  const below = partials[at - 1]
  if (below !== undefined && low !== 0 && low < 0 === below < 0) {
    const twice = low * 2
    const next = high + twice
    if (twice === next - high) return next
  }
  return high
}

class Mean extends ExactSum {
  /** Uses the exact sum. The mean of a rounded sum of equal values could exceed these values. */
  override value(): number {
    if (this.count === 0) return Number.NaN
    const near = rounded(this.partials) / this.count
    return near + rounded(this.#minus(near)) / this.count
  }

  /** The exact sum of each number minus `mean`. The multiples are powers of two, which lose no bits. */
  #minus(mean: number): readonly number[] {
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

const MAX_CHUNK_LENGTH = 512

/** Sorted numbers in chunks. Adding, removing and finding the n-th number change one chunk and the list of chunks only. */
class SortedNumbers {
  size = 0
  readonly #chunks: number[][] = []

  add(x: number): void {
    this.size++
    const chunks = this.#chunks
    if (chunks.length === 0) chunks.push([])
    const which = Math.min(this.#chunkOf(x), chunks.length - 1)
    const chunk = this.#chunkAt(which)
    chunk.splice(lowerBound(chunk, x), 0, x)
    if (chunk.length > MAX_CHUNK_LENGTH) chunks.splice(which + 1, 0, chunk.splice(MAX_CHUNK_LENGTH / 2))
  }

  remove(x: number): void {
    this.size--
    const which = this.#chunkOf(x)
    const chunk = this.#chunkAt(which)
    chunk.splice(lowerBound(chunk, x), 1)
    if (chunk.length === 0) this.#chunks.splice(which, 1)
  }

  at(rank: number): number {
    let before = 0
    for (const chunk of this.#chunks) {
      const number = chunk[rank - before]
      if (number !== undefined) return number
      before += chunk.length
    }
    throw new RangeError(`there is no number at ${rank}`)
  }

  /** The index of the first chunk whose last number is at least `x`; the number of chunks when there is none. */
  #chunkOf(x: number): number {
    let [low, high] = [0, this.#chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#chunkAt(middle).at(-1) ?? x) < x) low = middle + 1
      else high = middle
    }
    return low
  }

  #chunkAt(index: number): number[] {
    const chunk = this.#chunks[index]
    if (!chunk) throw new RangeError(`there is no chunk ${index}`)
    return chunk
  }
}

/** The index of the first number that is at least `x`. */
function lowerBound(numbers: readonly number[], x: number): number {
  let [low, high] = [0, numbers.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? x) < x) low = middle + 1
    else high = middle
  }
  return low
}

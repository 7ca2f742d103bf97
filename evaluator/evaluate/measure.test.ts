import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MEASURES, type Measure } from '../monitor/monitor-query.ts'
import { statisticOf } from './measure.ts'

const statisticFor = (measure: Measure, numbers: readonly number[]) => {
  const statistic = statisticOf(measure)
  for (const x of numbers) statistic.add(x)
  return statistic.value()
}

describe('a statistic', () => {
  test.each<[Measure, readonly number[], number]>([
    ['sum', [1, 2, 3, 4], 10],
    ['avg', [1, 2, 3, 4], 2.5],
    ['min', [3, 1, 2], 1],
    ['max', [3, 1, 2], 3],
    ['median', [1, 2, 3, 4], 2.5],
    ['median', [9, 1, 5], 5],
    ['pc75', [0, 10, 20, 30, 40], 30],
    ['pc90', [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 90],
    ['pc95', [0, 100], 95],
    ['pc98', [0, 100], 98],
    ['pc99', [0, 100], 99],
    ['pc99', [7], 7],
  ])('%s of %j is %d', (measure, numbers, expected) => {
    expect(statisticFor(measure, numbers)).toBeCloseTo(expected, 12)
  })

  test.each(MEASURES)('%s of no numbers is NaN', (measure) => {
    expect(statisticOf(measure).value()).toBeNaN()
  })

  test('sum is exact, whatever is lost in the sums on the way', () => {
    expect(statisticFor('sum', Array(10).fill(0.1))).toBe(1)
    expect(statisticFor('sum', [1e300, 1, -1e300])).toBe(1)
    // Half-way between two doubles: the lowest term decides.
    expect(statisticFor('sum', [2 ** 53, 1, 2 ** -60])).toBe(2 ** 53 + 2)
    expect(statisticFor('sum', [2 ** 53, 1, -(2 ** -60)])).toBe(2 ** 53)
  })

  test('sum does not drift after half a million numbers are added and removed', () => {
    const sum = statisticOf('sum')
    sum.add(0.1)
    for (let i = 0; i < 500_000; i++) sum.add(i * 1.1)
    for (let i = 0; i < 500_000; i++) sum.remove(i * 1.1)
    expect(sum.value()).toBe(0.1)
  })
})

test('the mean of equal numbers is that number', () => {
  expect(statisticFor('avg', Array(13).fill(750.1))).toBe(750.1)
  fc.assert(
    fc.property(fc.double({ min: -1e300, max: 1e300, noNaN: true }), fc.integer({ min: 1, max: 300 }), (x, times) => {
      expect(statisticFor('avg', Array(times).fill(x)) === x).toBe(true)
    }),
  )
})

/** The expected value. The sum is computed in units of 2^-80, which is exact for the numbers below. */
function fromScratch(measure: Measure, numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  const scale = 2 ** 80
  const total = numbers.reduce((sum, x) => sum + BigInt(x * scale), 0n)
  const at = (fraction: number) => {
    const rank = fraction * (sorted.length - 1)
    const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]]
    return low + (high - low) * (rank - Math.floor(rank))
  }
  if (measure === 'sum') return Number(total) / scale
  if (measure === 'avg') return quotient(total, BigInt(numbers.length)) / scale
  if (measure === 'min') return at(0)
  if (measure === 'max') return at(1)
  return at(measure === 'median' ? 0.5 : Number(measure.slice(2)) / 100)
}

/** The quotient, rounded once: a remainder sets a bit far below the precision of a double. */
function quotient(total: bigint, by: bigint): number {
  const [sign, size] = total < 0n ? [-1, -total] : [1, total]
  const large = size << 200n
  return (sign * Number((large / by) | (large % by > 0n ? 1n : 0n))) / 2 ** 200
}

test.each(MEASURES)('%s is exact after numbers were added and removed', (measure) => {
  const x = fc.integer({ min: -(10 ** 9), max: 10 ** 9 }).map((thousandths) => thousandths / 1000)
  fc.assert(
    fc.property(
      fc.array(x, { minLength: 1, maxLength: 2000 }),
      fc.array(fc.nat(), { maxLength: 1500 }),
      (all, going) => {
        const statistic = statisticOf(measure)
        const held = [...all]
        for (const each of all) statistic.add(each)
        for (const which of going) {
          if (held.length === 1) break
          for (const gone of held.splice(which % held.length, 1)) statistic.remove(gone)
        }
        expect(statistic.value()).toBe(fromScratch(measure, held))
      },
    ),
    { numRuns: 60 },
  )
})

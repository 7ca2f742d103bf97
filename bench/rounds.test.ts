import { describe, expect, it } from 'vitest'
import { alternate, type Bound, type Comparison, holds, percentile, perSecond, ratios, spread } from './rounds.ts'

const series = (rounds: number[]) => ({ what: 'x', unit: '/s', rounds })
const compare = (measured: number[], peer: number[], bound: Bound): Comparison => ({
  name: 'x',
  measured: series(measured),
  peer: series(peer),
  bound,
})

describe('a spread', () => {
  it('has the median of an odd number of rounds in any order', () => {
    expect(spread([5, 1, 100, 2, 3])).toEqual({ median: 3, least: 1, most: 100 })
  })
  it('has the mean of the two middle values of an even number', () => {
    expect(spread([4, 1, 2, 100])).toEqual({ median: 3, least: 1, most: 100 })
  })
  it('of no values is an error', () => {
    expect(() => spread([])).toThrow(RangeError)
  })
})

describe('a bound', () => {
  it('is checked on the median of the ratios of the rounds', () => {
    const noisy = compare([90, 45, 9], [100, 50, 10], { atLeast: 0.9 })
    expect(ratios(noisy)).toEqual([0.9, 0.9, 0.9])
    expect(holds(noisy)).toBe(true)
  })
  it.each([
    [{ atLeast: 0.85 }, 85, true],
    [{ atLeast: 0.85 }, 84.9, false],
    [{ atMost: 10 }, 1000, true],
    [{ atMost: 10 }, 1000.1, false],
  ] as const)('%o with %d of 100: %s', (bound, value, expected) => {
    expect(holds(compare([value], [100], bound))).toBe(expected)
  })
  it('fails for a peer without a result and for a missing round', () => {
    expect(holds(compare([1], [0], { atLeast: 0.3 }))).toBe(false)
    expect(holds(compare([1, 1], [1], { atLeast: 0.3 }))).toBe(false)
  })
})

it('takes the 99th percentile by the nearest rank', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect(percentile(hundred, 0.99)).toBe(99)
  expect(percentile([...hundred, 101], 0.99)).toBe(100)
  expect(percentile([7], 0.99)).toBe(7)
  expect(() => percentile([], 0.99)).toThrow(RangeError)
})

it('alternates which measurement is first', async () => {
  const order: string[] = []
  const run = async (name: string) => order.push(name)
  await alternate(
    3,
    () => run('a'),
    () => run('b'),
  )
  expect(order.join('')).toBe('abbaab')
})

it('adds up counts before dividing, so that a short turn has little weight', () => {
  const counts = [
    { done: 30, milliseconds: 3000 },
    { done: 0, milliseconds: 1000 },
  ]
  expect(perSecond(counts)).toBe(7.5)
  expect(perSecond([])).toBe(0)
})

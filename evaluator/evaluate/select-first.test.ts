import fc from 'fast-check'
import { expect, test } from 'vitest'
import { selectFirst } from './select-first.ts'

test('the first items are those of the sorted list, however many are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.nat({ max: 100 }), (numbers, count) => {
      const items = [...numbers]
      selectFirst(items, count, (a, b) => a > b)
      const sorted = numbers.toSorted((a, b) => b - a)
      expect(items.slice(0, count).toSorted((a, b) => b - a)).toEqual(sorted.slice(0, count))
      expect(items.toSorted((a, b) => b - a)).toEqual(sorted)
    }),
  )
})

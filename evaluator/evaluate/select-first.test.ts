import fc from 'fast-check'
import { expect, test } from 'vitest'
import { moveFirst, selectFirst } from './select-first.ts'

test('the first items are those of the sorted list, however many are equal', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), fc.nat({ max: 100 }), (numbers, count) => {
      const items = Int32Array.from(numbers)
      selectFirst(items, count, (a, b) => a > b)
      const sorted = numbers.toSorted((a, b) => b - a)
      expect([...items.subarray(0, count)].toSorted((a, b) => b - a)).toEqual(sorted.slice(0, count))
      expect([...items].toSorted((a, b) => b - a)).toEqual(sorted)
    }),
  )
})

test('what passes a test comes first, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (numbers) => {
      const items = Int32Array.from(numbers)
      const count = moveFirst(items, (n) => n > 4)
      expect([...items].map((n) => n > 4)).toEqual(numbers.map((_, i) => i < count))
      expect([...items].toSorted()).toEqual(numbers.toSorted())
    }),
  )
})

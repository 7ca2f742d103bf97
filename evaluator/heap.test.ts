import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Heap } from './heap.ts'

test('items are removed in order, whatever was pushed and removed before', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer({ min: 0, max: 50 }))), (steps) => {
      const heap = new Heap<number>((a, b) => a < b)
      const sorted: number[] = []
      for (const step of steps) {
        if (step === null) expect(heap.pop()).toBe(sorted.shift())
        else {
          heap.push(step)
          sorted.push(step)
          sorted.sort((a, b) => a - b)
        }
        expect(heap.first).toBe(sorted[0])
      }
      expect([...heap].sort((a, b) => a - b)).toEqual(sorted)
    }),
  )
})

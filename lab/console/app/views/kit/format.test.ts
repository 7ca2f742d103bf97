import { expect, test } from 'vitest'
import { counted, median } from './format.ts'

test('the median of an even number of values lies between the middle two', () => {
  expect([median([]), median([3]), median([9, 1, 5]), median([4, 1, 3, 2])]).toEqual([undefined, 3, 5, 2.5])
})

test('one thing is not counted as many', () => {
  expect([counted(1, 'event'), counted(0, 'event'), counted(1200, 'reply', 'replies')]).toEqual([
    '1 event',
    '0 events',
    '1,200 replies',
  ])
})

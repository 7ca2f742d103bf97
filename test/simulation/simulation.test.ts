import { describe, expect, test } from 'vitest'
import { runSchedule } from './schedule.ts'

describe('a schedule', () => {
  test.each([1, 7, 26])('of seed %i is the same each time', async (seed) => {
    const [once, again] = [await runSchedule(seed, { trace: true }), await runSchedule(seed, { trace: true })]
    expect(once.trace.length).toBeGreaterThan(20)
    expect(again).toEqual(once)
  })

  test('differs from that of another seed', async () => {
    const [one, other] = [await runSchedule(1, { trace: true }), await runSchedule(2, { trace: true })]
    expect(one.trace).not.toEqual(other.trace)
  })
})

import { describe, expect, test } from 'vitest'
import { bugs } from './bugs.ts'
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

describe('the containment path', () => {
  test('holds in some hundred schedules', async () => {
    const violated: string[] = []
    for (let seed = 1; seed <= 300; seed++) {
      const { violations } = await runSchedule(seed)
      violated.push(...violations.map((violation) => `seed ${seed}: ${violation}`))
    }
    expect(violated).toEqual([])
  }, 120_000)

  // Ten thousand are allowed; this many suffice.
  test.each(Object.keys(bugs))(
    'with a known bug is found out: %s',
    async (name) => {
      let found: string[] = []
      for (let seed = 1; seed <= 1_000 && found.length === 0; seed++) {
        found = (await runSchedule(seed, { bug: bugs[name] })).violations
      }
      expect(found).not.toEqual([])
    },
    120_000,
  )
})

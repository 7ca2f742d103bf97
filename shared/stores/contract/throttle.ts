import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { Throttle, ThrottleRule } from '../port.ts'

/**
 * What holds for every throttle. Each test uses keys of its own.
 * @param advance moves the store's clock on, in ms, unless it runs by itself
 */
export function throttleContract(throttle: Throttle, advance: (ms: number) => void = () => undefined): void {
  const rule = (limit: number, windowSeconds = 900): ThrottleRule => ({ key: randomUUID(), limit, windowSeconds })
  const allowed = async (rules: ThrottleRule[]) => (await throttle.reserve(rules)) === undefined
  const untilRefused = async (rules: ThrottleRule[]) => {
    let passed = 0
    while (passed < 100 && (await allowed(rules))) passed++
    return passed
  }

  describe('a throttle', () => {
    test('lets exactly the limit through, also in parallel', async () => {
      const rules = [rule(10)]
      const answers = await Promise.all(Array.from({ length: 50 }, () => allowed(rules)))
      expect(answers.filter(Boolean)).toHaveLength(10)
      expect(await untilRefused([rule(3)])).toBe(3)
    })

    test('says how many seconds are left of the window that refuses', async () => {
      const [wide, narrow] = [rule(5, 900), rule(1, 60)]
      expect(await throttle.reserve([wide, narrow])).toBeUndefined()
      const { retryAfterSeconds } = (await throttle.reserve([wide, narrow])) ?? {}
      expect(retryAfterSeconds).toBeGreaterThan(30)
      expect(retryAfterSeconds).toBeLessThanOrEqual(60)
    })

    test('counts a refused attempt against none of the rules', async () => {
      const [wide, narrow] = [rule(3), rule(1)]
      expect(await untilRefused([wide, narrow])).toBe(1)
      expect(await untilRefused([narrow, wide])).toBe(0)
      expect(await untilRefused([wide])).toBe(2)
    })

    test('begins a new window when the old one is over, however often it was refused', async () => {
      const short = rule(1, 1)
      expect(await untilRefused([short])).toBe(1)
      advance(1000)
      await vi.waitFor(async () => expect(await allowed([short])).toBe(true), { timeout: 3000, interval: 50 })
    })

    test('gives an attempt back', async () => {
      const rules = [rule(2)]
      const keys = rules.map(({ key }) => key)
      expect(await untilRefused(rules)).toBe(2)
      await throttle.release(keys)
      expect(await untilRefused(rules)).toBe(1)
    })

    test('cannot be released into more attempts than the limit', async () => {
      const rules = [rule(2)]
      const keys = rules.map(({ key }) => key)
      await throttle.release(keys)
      await throttle.reserve(rules)
      await throttle.release(keys)
      await throttle.release(keys)
      expect(await untilRefused(rules)).toBe(2)
    })

    test('does not prolong a window by giving attempts back', async () => {
      const short = rule(1, 2)
      await throttle.reserve([short])
      advance(1000)
      await vi.waitFor(async () => expect(await throttle.reserve([short])).toEqual({ retryAfterSeconds: 1 }), {
        timeout: 3000,
        interval: 50,
      })
      await throttle.release([short.key])
      await throttle.reserve([short])
      expect(await throttle.reserve([short])).toEqual({ retryAfterSeconds: 1 })
    })

    test('exchanges attempts for others, and gives them back also when those are refused', async () => {
      const [given, taken] = [rule(1), rule(1)]
      await throttle.reserve([given])
      expect(await throttle.exchange([given.key], [taken])).toBeUndefined()
      expect(await throttle.exchange([given.key], [given])).toBeUndefined()
      expect((await throttle.exchange([given.key], [taken]))?.retryAfterSeconds).toBeGreaterThan(0)
      expect(await untilRefused([given])).toBe(1)
      expect(await untilRefused([taken])).toBe(0)
    })

    test('forgets a key that is cleared, and only that', async () => {
      const [one, other] = [rule(1), rule(1)]
      await throttle.reserve([one, other])
      await throttle.clear([one.key])
      expect(await allowed([one])).toBe(true)
      expect(await allowed([other])).toBe(false)
    })

    test('allows what no rule speaks of', async () => {
      expect(await allowed([])).toBe(true)
      await throttle.release([])
      await throttle.clear([])
    })
  })
}

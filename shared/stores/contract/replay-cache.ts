import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ReplayCache } from '../port.ts'

export function replayCacheContract(replays: ReplayCache): void {
  const until = Date.now() + 300_000

  describe('a replay cache', () => {
    test('accepts an id once, also in parallel', async () => {
      const id = randomUUID()
      const answers = await Promise.all(Array.from({ length: 20 }, () => replays.accept(id, until)))
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await replays.accept(id, until)).toBe(false)
    })

    test('still knows an id at the instant it may be forgotten: a clock may be a little behind', async () => {
      const id = randomUUID()
      expect(await replays.accept(id, Date.now())).toBe(true)
      expect(await replays.accept(id, Date.now())).toBe(false)
    })

    test('takes an id of any length and content', async () => {
      const id = `${'\u0000 {x} \r\n*'.repeat(2000)}${randomUUID()}`
      expect(await replays.accept(id, until)).toBe(true)
      expect(await replays.accept(id, until)).toBe(false)
    })
  })
}

import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ReplayCache } from '../port.ts'

export function replayCacheContract(replays: ReplayCache): void {
  const until = Date.now() + 300_000

  describe('a replay cache', () => {
    test('accepts an id once, also in parallel', async () => {
      const id = randomUUID()
      const answers = await Promise.all(Array.from({ length: 20 }, () => replays.accept('call', id, until)))
      expect(answers.filter(Boolean)).toHaveLength(1)
      expect(await replays.accept('call', id, until)).toBe(false)
    })

    test('keeps the ids of calls and of webhooks apart', async () => {
      const id = randomUUID()
      expect(await replays.accept('call', id, until)).toBe(true)
      expect(await replays.accept('webhook', id, until)).toBe(true)
    })

    test('accepts again what it was told to forget, and only that', async () => {
      const [one, other] = [randomUUID(), randomUUID()]
      await Promise.all([replays.accept('webhook', one, until), replays.accept('webhook', other, until)])
      await replays.forget('webhook', one)
      await replays.forget('call', other)
      expect(await replays.accept('webhook', one, until)).toBe(true)
      expect(await replays.accept('webhook', other, until)).toBe(false)
    })

    test('still knows an id at the instant it may be forgotten: a clock may be a little behind', async () => {
      const id = randomUUID()
      expect(await replays.accept('call', id, Date.now())).toBe(true)
      expect(await replays.accept('call', id, Date.now())).toBe(false)
    })

    test('takes an id of any length and content', async () => {
      const id = `${'\u0000 {x} \r\n*'.repeat(2000)}${randomUUID()}`
      expect(await replays.accept('webhook', id, until)).toBe(true)
      expect(await replays.accept('webhook', id, until)).toBe(false)
    })
  })
}

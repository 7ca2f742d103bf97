import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ContainmentCap } from '../port.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const WINDOW_MS = 600_000

export function containmentCapContract(cap: ContainmentCap): void {
  const admits = (detection: string, subject: string, now = NOW, limit = 2) =>
    cap.admit(detection, subject, limit, WINDOW_MS, now)

  describe('the cap', () => {
    test('admits as many different subjects as its limit, also in parallel', async () => {
      const detection = randomUUID()
      const subjects = Array.from({ length: 20 }, (_, index) => admits(detection, `@sid:${index}`, NOW, 5))
      expect((await Promise.all(subjects)).filter(Boolean)).toHaveLength(5)
    })

    test('admits a subject it has admitted before, even when it is full', async () => {
      const detection = randomUUID()
      await admits(detection, 'a')
      await admits(detection, 'b')
      expect(await admits(detection, 'c')).toBe(false)
      expect(await admits(detection, 'a')).toBe(true)
    })

    test('makes room at the very instant its oldest subject leaves the window', async () => {
      const detection = randomUUID()
      await admits(detection, 'a', NOW)
      await admits(detection, 'b', NOW + 1000)
      expect(await admits(detection, 'c', NOW + WINDOW_MS - 1)).toBe(false)
      expect(await admits(detection, 'c', NOW + WINDOW_MS)).toBe(true)
      expect(await admits(detection, 'd', NOW + WINDOW_MS)).toBe(false)
    })

    test('counts a subject from its latest containment', async () => {
      const detection = randomUUID()
      await admits(detection, 'a', NOW)
      await admits(detection, 'b', NOW)
      await admits(detection, 'a', NOW + 1000)
      expect(await admits(detection, 'c', NOW + WINDOW_MS)).toBe(true)
      expect(await admits(detection, 'd', NOW + WINDOW_MS)).toBe(false)
    })

    test('is not filled by what it refused, nor by another detection', async () => {
      const [one, other] = [randomUUID(), randomUUID()]
      await admits(one, 'a')
      await admits(one, 'b')
      for (const subject of ['c', 'd', 'e']) await admits(one, subject, NOW + 1)
      expect(await admits(one, 'f', NOW + WINDOW_MS)).toBe(true)
      expect(await admits(other, 'a')).toBe(true)
    })
  })
}

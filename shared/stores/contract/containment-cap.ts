import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { ContainmentCap } from '../port.ts'

const NOW = Date.parse('2026-03-01T12:00:00Z')
const WINDOW_MS = 600_000

export function containmentCapContract(cap: ContainmentCap): void {
  const limits = (subjects: number, perSource = subjects) => ({ subjects, perSource, windowMs: WINDOW_MS })
  /** Each subject is a source of its own. */
  const admits = (detection: string, subject: string, now = NOW, limit = 2) =>
    cap.admit(detection, { subject, source: subject }, limits(limit), now)

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

  describe('the share of a source', () => {
    /** Subjects of one source, one after the other: which of them are admitted. */
    const fill = async (name: string, source: string, count: number, now = NOW, [subjects, share] = [5, 2]) => {
      const admitted: boolean[] = []
      for (let n = 0; n < count; n++) {
        admitted.push(await cap.admit(name, { subject: `${source} ${n}`, source }, limits(subjects, share), now))
      }
      return admitted.filter(Boolean).length
    }

    test('lets one source fill the cap, and every other source have its share all the same', async () => {
      const name = randomUUID()
      expect(await fill(name, 'attacker', 20)).toBe(5)
      // 2 of the attacker's count for everybody: 3 more do.
      expect(await fill(name, 'one', 20)).toBe(2)
      expect(await fill(name, 'another', 20)).toBe(1)
      expect(await fill(name, 'a fourth', 1)).toBe(0)
    })

    test('gives no more than the limit to sources that are all beyond their share', async () => {
      const name = randomUUID()
      expect(await fill(name, 'one', 2)).toBe(2)
      expect(await fill(name, 'other', 20)).toBe(3)
      expect(await fill(name, 'one', 20)).toBe(2)
    })

    test('keeps a subject where it counted first, whatever its source is later', async () => {
      const name = randomUUID()
      const admit = (subject: string, source: string) => cap.admit(name, { subject, source }, limits(3, 1), NOW)
      expect(await admit('a', 'one')).toBe(true)
      expect(await admit('b', 'one')).toBe(true)
      expect(await admit('b', 'other')).toBe(true)
      expect(await admit('c', 'other')).toBe(true)
      expect(await admit('d', 'other')).toBe(false)
      expect(await admit('d', 'a third')).toBe(true)
    })

    test('is whole again once its subjects have left the window', async () => {
      const name = randomUUID()
      expect(await fill(name, 'attacker', 20, NOW)).toBe(5)
      expect(await fill(name, 'one', 20, NOW + WINDOW_MS)).toBe(5)
      expect(await fill(name, 'attacker', 20, NOW + WINDOW_MS)).toBe(2)
    })

    test('holds for many at once', async () => {
      const name = randomUUID()
      const admissions = Array.from({ length: 60 }, (_, n) =>
        cap.admit(name, { subject: `${n}`, source: `site ${n % 3}` }, limits(25, 5), NOW),
      )
      expect((await Promise.all(admissions)).filter(Boolean)).toHaveLength(25)
    })
  })
}

import { randomBytes, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { DeviceTokens, TrustedDevice } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const MAX = 20
const later = (ms: number) => new Date(NOW.getTime() + ms)
const newId = () => randomBytes(16).toString('base64url')
const device = (change: Partial<TrustedDevice> = {}): TrustedDevice => ({
  lineage: randomUUID(),
  since: NOW,
  isFirst: false,
  givenAt: NOW,
  ...change,
})

export function deviceTokensContract(tokens: DeviceTokens): void {
  /** @returns how many of the ids are good */
  const countOf = async (userId: string, ids: readonly string[], now: Date) =>
    (await Promise.all(ids.map((id) => tokens.find(userId, id, now)))).filter(Boolean).length

  describe('a device token', () => {
    test('is found as it was issued, of its account only, and not before', async () => {
      const [userId, id, first] = [randomUUID(), newId(), device({ isFirst: true })]
      expect(await tokens.find(userId, id, NOW)).toBeUndefined()
      await tokens.issue(userId, id, first, NOW)
      expect(await tokens.find(userId, id, NOW)).toEqual(first)
      expect(await tokens.find(randomUUID(), id, NOW)).toBeUndefined()
      expect(await tokens.find(userId, newId(), NOW)).toBeUndefined()
    })

    test('expires at the very instant at which its half year ends', async () => {
      const [userId, id] = [randomUUID(), newId()]
      await tokens.issue(userId, id, device(), NOW)
      expect(await tokens.find(userId, id, later(180 * DAY_MS - 1))).toBeDefined()
      expect(await tokens.find(userId, id, later(180 * DAY_MS))).toBeUndefined()
    })

    test('that was replaced is good for ten minutes, however often it is replaced', async () => {
      const [userId, id, known] = [randomUUID(), newId(), device()]
      await tokens.issue(userId, id, known, NOW)
      for (const minutes of [0, 9]) {
        const at = later(minutes * MINUTE_MS)
        await tokens.issue(userId, newId(), known, at, id)
        await tokens.retire(userId, id, at)
      }
      expect(await tokens.find(userId, id, later(10 * MINUTE_MS - 1))).toEqual(known)
      expect(await tokens.find(userId, id, later(10 * MINUTE_MS))).toBeUndefined()
    })

    test('that is withdrawn is not accepted; the others are', async () => {
      const [userId, one, other] = [randomUUID(), newId(), newId()]
      await tokens.issue(userId, other, device(), NOW)
      await tokens.issue(userId, one, device(), NOW)
      for (let times = 0; times < 2; times++) await tokens.withdraw(userId, one)
      await tokens.retire(userId, one, NOW)
      expect(await tokens.find(userId, one, NOW)).toBeUndefined()
      expect(await tokens.find(userId, other, NOW)).toBeDefined()
    })

    test('is revoked with what came before and after it, and with no other device', async () => {
      const [userId, ids, known] = [randomUUID(), Array.from({ length: 3 }, newId), device()]
      for (const id of ids.slice(0, 2)) await tokens.issue(userId, id, known, NOW)
      await tokens.issue(userId, ids[2] ?? '', device(), NOW)
      await tokens.revokeLineage(userId, known.lineage)
      expect(await countOf(userId, ids.slice(0, 2), NOW)).toBe(0)
      expect(await countOf(userId, ids, NOW)).toBe(1)
    })

    test('is revoked with all others of its account but one', async () => {
      const [userId, ids] = [randomUUID(), Array.from({ length: 4 }, newId)]
      for (const id of ids) await tokens.issue(userId, id, device(), NOW)
      await tokens.revokeAll(userId, ids[2])
      expect(await countOf(userId, ids, NOW)).toBe(1)
      expect(await tokens.find(userId, ids[2] ?? '', NOW)).toBeDefined()
      await tokens.revokeAll(userId)
      expect(await countOf(userId, ids, NOW)).toBe(0)
    })
  })

  describe('an account', () => {
    test('has issued a token from the first confirmed one on, also when none is left', async () => {
      const [userId, id] = [randomUUID(), newId()]
      await tokens.issue(userId, id, device(), NOW)
      expect(await tokens.hasIssued(userId)).toBe(false)
      for (let times = 0; times < 2; times++) await tokens.confirm(userId)
      expect(await tokens.hasIssued(userId)).toBe(true)
      await tokens.revokeAll(userId)
      expect(await tokens.hasIssued(userId)).toBe(true)
      expect(await tokens.hasIssued(randomUUID())).toBe(false)
    })

    test('has still issued a token when another sign-in withdraws its own, which was issued first', async () => {
      const [userId, thief, owner] = [randomUUID(), newId(), newId()]
      await tokens.issue(userId, thief, device(), NOW)
      await tokens.issue(userId, owner, device(), NOW)
      await tokens.confirm(userId)
      await tokens.withdraw(userId, thief)
      expect(await tokens.hasIssued(userId)).toBe(true)
      expect(await tokens.find(userId, owner, NOW)).toBeDefined()
    })

    test('has at most twenty, and loses the one that was used longest ago', async () => {
      const [userId, ids] = [randomUUID(), Array.from({ length: MAX + 1 }, newId)]
      for (const [n, id] of ids.entries()) await tokens.issue(userId, id, device(), later(n))
      expect(await tokens.find(userId, ids[0] ?? '', later(MAX))).toBeUndefined()
      expect(await countOf(userId, ids, later(MAX))).toBe(MAX)
    })

    test('has at most twenty, also of thirty at the same time', async () => {
      const [userId, ids] = [randomUUID(), Array.from({ length: 30 }, newId)]
      await Promise.all(ids.map((id) => tokens.issue(userId, id, device(), NOW)))
      expect(await countOf(userId, ids, NOW)).toBeLessThanOrEqual(MAX)
    })

    test('keeps a device that came back, and drops those that came once', async () => {
      const [userId, old, current, known] = [randomUUID(), newId(), newId(), device()]
      await tokens.issue(userId, old, known, NOW)
      await tokens.issue(userId, current, known, later(1), old)
      await tokens.retire(userId, old, later(1))
      const flood = Array.from({ length: 2 * MAX }, newId)
      for (const [n, id] of flood.entries()) await tokens.issue(userId, id, device(), later(2 + n))
      const then = later(100)
      expect(await tokens.find(userId, current, then)).toEqual(known)
      expect(await tokens.find(userId, old, then)).toBeUndefined()
      expect(await countOf(userId, flood, then)).toBe(MAX - 1)
    })
  })
}

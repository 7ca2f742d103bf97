import { randomBytes } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { PendingMfa, PendingMfas } from '../port.ts'

const pending: PendingMfa = {
  userId: 'u-1',
  epoch: 3,
  deviceHash: 'd'.repeat(32),
  loginEmail: 'a@example.com',
  risk: ['after_failures', 'spray'],
}

/** What holds for every store of them. @param advance moves the store's clock on, in ms, unless it runs by itself */
export function pendingMfasContract(mfas: PendingMfas, advance: (ms: number) => void = () => undefined): void {
  async function started(ttlSeconds = 300) {
    const token = randomBytes(32).toString('base64url')
    await mfas.create(token, pending, ttlSeconds)
    return token
  }

  describe('a pending second factor', () => {
    test('comes back as it was, with the number of the try', async () => {
      const token = await started()
      expect(await mfas.attempt(token)).toEqual({ pending, attempts: 1 })
      expect(await mfas.attempt(token)).toEqual({ pending, attempts: 2 })
    })

    test('gives every parallel try a number of its own', async () => {
      const token = await started()
      const tries = await Promise.all(Array.from({ length: 20 }, () => mfas.attempt(token)))
      expect(new Set(tries.map((tried) => tried?.attempts)).size).toBe(20)
    })

    test('is consumed by exactly one', async () => {
      const token = await started()
      const consumed = await Promise.all(Array.from({ length: 20 }, () => mfas.consume(token)))
      expect(consumed.filter(Boolean)).toHaveLength(1)
    })

    test('is unknown once consumed, and a try does not bring it back', async () => {
      const token = await started()
      await mfas.consume(token)
      expect(await mfas.attempt(token)).toBeUndefined()
      expect(await mfas.consume(token)).toBe(false)
    })

    test('runs out', async () => {
      const token = await started(1)
      expect(await mfas.attempt(token)).toBeDefined()
      advance(1000)
      await vi.waitFor(async () => expect(await mfas.attempt(token)).toBeUndefined(), { timeout: 3000, interval: 50 })
    })

    test('was never there for a token that was made up', async () => {
      expect(await mfas.attempt('made-up')).toBeUndefined()
      expect(await mfas.consume('made-up')).toBe(false)
    })
  })
}

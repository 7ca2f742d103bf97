import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KnownDevices } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const hashes = Array.from({ length: 5 }, (_, index) => String(index).repeat(32))
const [LAPTOP = '', PHONE = ''] = hashes

export function knownDevicesContract(devices: KnownDevices): void {
  describe('a device', () => {
    test('is first, new or known', async () => {
      const userId = randomUUID()
      expect(await devices.remember(userId, LAPTOP, NOW)).toBe('first')
      expect(await devices.remember(userId, PHONE, NOW)).toBe('new')
      expect(await devices.remember(userId, LAPTOP, NOW)).toBe('known')
      expect(await devices.remember(userId, PHONE, NOW)).toBe('known')
    })

    test('is known from when it was remembered, and to its user only', async () => {
      const userId = randomUUID()
      expect(await devices.isKnown(userId, LAPTOP)).toBe(false)
      await devices.remember(userId, LAPTOP, NOW)
      expect(await devices.isKnown(userId, LAPTOP)).toBe(true)
      expect(await devices.isKnown(userId, PHONE)).toBe(false)
      expect(await devices.isKnown(randomUUID(), LAPTOP)).toBe(false)
    })

    test('is the first one only once, also when several sign in at the same time', async () => {
      const userId = randomUUID()
      const seen = await Promise.all(hashes.map((hash) => devices.remember(userId, hash, NOW)))
      expect(seen.sort()).toEqual(['first', 'new', 'new', 'new', 'new'])
    })

    test('is new once, also in parallel', async () => {
      const userId = randomUUID()
      await devices.remember(userId, LAPTOP, NOW)
      const seen = await Promise.all(Array.from({ length: 5 }, () => devices.remember(userId, PHONE, NOW)))
      expect(seen.sort()).toEqual(['known', 'known', 'known', 'known', 'new'])
    })
  })
}

import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { KnownDevices } from '../port.ts'

const NOW = new Date('2026-03-01T12:00:00.123Z')
const LATER = new Date('2026-03-01T12:15:00.456Z')
const hashes = Array.from({ length: 5 }, (_, index) => String(index).repeat(32))
const [LAPTOP = '', PHONE = ''] = hashes

export function knownDevicesContract(devices: KnownDevices): void {
  describe('a device', () => {
    test('is the first one or a further one, and new once', async () => {
      const userId = randomUUID()
      expect(await devices.remember(userId, LAPTOP, NOW)).toEqual({ since: NOW, isFirst: true, isNew: true })
      expect(await devices.remember(userId, PHONE, LATER)).toEqual({ since: LATER, isFirst: false, isNew: true })
    })

    test('stays as old as it was when it is remembered again', async () => {
      const userId = randomUUID()
      await devices.remember(userId, LAPTOP, NOW)
      await devices.remember(userId, PHONE, NOW)
      expect(await devices.remember(userId, LAPTOP, LATER)).toEqual({ since: NOW, isFirst: true, isNew: false })
      expect(await devices.remember(userId, PHONE, LATER)).toEqual({ since: NOW, isFirst: false, isNew: false })
    })

    test('is found from when it was remembered, and of its user only', async () => {
      const userId = randomUUID()
      expect(await devices.find(userId, LAPTOP)).toBeUndefined()
      await devices.remember(userId, LAPTOP, NOW)
      await devices.remember(userId, PHONE, LATER)
      expect(await devices.find(userId, LAPTOP)).toEqual({ since: NOW, isFirst: true })
      expect(await devices.find(userId, PHONE)).toEqual({ since: LATER, isFirst: false })
      expect(await devices.find(randomUUID(), LAPTOP)).toBeUndefined()
    })

    test('is the first one only once, also when several sign in at the same time', async () => {
      const userId = randomUUID()
      const seen = await Promise.all(hashes.map((hash) => devices.remember(userId, hash, NOW)))
      expect(seen.map(({ isFirst }) => isFirst).sort()).toEqual([false, false, false, false, true])
      expect(seen.every(({ isNew }) => isNew)).toBe(true)
    })

    test('that is forgotten is new again, and the first one if it was that', async () => {
      const userId = randomUUID()
      await devices.remember(userId, LAPTOP, NOW)
      await devices.remember(userId, PHONE, NOW)
      await devices.forget(userId, PHONE)
      await devices.forget(userId, PHONE)
      expect(await devices.find(userId, PHONE)).toBeUndefined()
      expect(await devices.find(userId, LAPTOP)).toEqual({ since: NOW, isFirst: true })
      await devices.forget(userId, LAPTOP)
      expect(await devices.remember(userId, PHONE, LATER)).toEqual({ since: LATER, isFirst: true, isNew: true })
    })

    test('is new once, also in parallel', async () => {
      const userId = randomUUID()
      await devices.remember(userId, LAPTOP, NOW)
      const seen = await Promise.all(Array.from({ length: 5 }, () => devices.remember(userId, PHONE, NOW)))
      expect(seen.map(({ isNew }) => isNew).sort()).toEqual([false, false, false, false, true])
      for (const { isNew, ...device } of seen) expect(device).toEqual({ since: NOW, isFirst: false })
    })
  })
}

import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { Leases } from '../port.ts'

/** What holds for every store of leases. @param advance moves the store's clock on, in ms, unless it runs by itself */
export function leasesContract(leases: Leases, advance: (ms: number) => void = () => undefined): void {
  describe('a lease', () => {
    test('has one holder, until it is released', async () => {
      const name = randomUUID()
      const asked = await Promise.all(Array.from({ length: 10 }, () => leases.acquire(name, 60_000)))
      const [release, ...others] = asked.filter((held) => held !== undefined)
      expect(others).toEqual([])
      await release?.()
      expect(await leases.acquire(name, 60_000)).toBeDefined()
    })

    test('ends by itself, and its late holder does not release the next one', async () => {
      const name = randomUUID()
      const late = await leases.acquire(name, 100)
      advance(100)
      await vi.waitFor(async () => expect(await leases.acquire(name, 60_000)).toBeDefined(), { interval: 20 })
      await late?.()
      expect(await leases.acquire(name, 60_000)).toBeUndefined()
    })

    test('of one name does not hold another', async () => {
      await leases.acquire(randomUUID(), 60_000)
      expect(await leases.acquire(randomUUID(), 60_000)).toBeDefined()
    })
  })
}

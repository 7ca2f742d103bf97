import { randomUUID } from 'node:crypto'
import { describe, expect, test, vi } from 'vitest'
import type { Leases } from '../port.ts'

/** What holds for every store of leases. @param advance moves the store's clock on, in ms, unless it runs by itself */
export function leasesContract(leases: Leases, advance: (ms: number) => void = () => undefined): void {
  /** When nobody else has it any more. */
  const acquired = (name: string) =>
    vi.waitFor(
      async () => {
        const lease = await leases.acquire(name, 60_000)
        if (!lease) throw new Error('another has it')
        return lease
      },
      { interval: 20 },
    )

  describe('a lease', () => {
    test('has one holder, until it is released', async () => {
      const name = randomUUID()
      const asked = await Promise.all(Array.from({ length: 10 }, () => leases.acquire(name, 60_000)))
      const [lease, ...others] = asked.filter((held) => held !== undefined)
      expect(others).toEqual([])
      await lease?.release()
      expect(await leases.acquire(name, 60_000)).toBeDefined()
    })

    test('ends by itself, and its late holder neither renews nor releases that of the next one', async () => {
      const name = randomUUID()
      const late = await leases.acquire(name, 100)
      advance(100)
      await acquired(name)
      expect(await late?.renew()).toBe(false)
      await late?.release()
      expect(await leases.acquire(name, 60_000)).toBeUndefined()
    })

    test('that has ended is not renewed, even if nobody has it', async () => {
      const late = await leases.acquire(randomUUID(), 50)
      advance(50)
      await vi.waitFor(async () => expect(await late?.renew()).toBe(false), { interval: 60 })
    })

    test('goes on for as long again when it is renewed', async () => {
      const name = randomUUID()
      const lease = await leases.acquire(name, 400)
      for (let round = 0; round < 4; round++) {
        await new Promise((resolve) => setTimeout(resolve, 150))
        advance(150)
        expect(await lease?.renew()).toBe(true)
      }
      expect(await leases.acquire(name, 60_000)).toBeUndefined()
    })

    test('has a greater fence each time, whether it ended or was released', async () => {
      const name = randomUUID()
      const first = await leases.acquire(name, 50)
      advance(50)
      const second = await acquired(name)
      await second.release()
      const third = await acquired(name)
      expect(second.fence).toBeGreaterThan(first?.fence ?? Number.POSITIVE_INFINITY)
      expect(third.fence).toBeGreaterThan(second.fence)
    })

    test('of one name does not hold another', async () => {
      await leases.acquire(randomUUID(), 60_000)
      expect(await leases.acquire(randomUUID(), 60_000)).toBeDefined()
    })
  })
}

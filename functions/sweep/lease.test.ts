import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, describe, expect, inject, it, vi } from 'vitest'
import { connectRedis } from '../../shared/stores/connect.ts'
import type { Lease, Leases } from '../../shared/stores/port.ts'
import { createLeases } from '../../shared/stores/redis/leases.ts'
import { holdLease } from './lease.ts'

const { redis, close } = connectRedis(inject('redisUrl'))
afterAll(close)
const leases = createLeases(redis)
const QUICK = { ttlMs: 300, renewMs: 50 }

/** A store whose lease does what the test says. */
const answering = (renew: Lease['renew']): Leases => ({
  acquire: async () => ({ fence: 1, renew, release: async () => {} }),
})

describe('a held lease', () => {
  it('outlasts its own time while its holder lives, and is free after its release', async () => {
    const name = randomUUID()
    const held = await holdLease(leases, name, QUICK)
    await delay(3 * QUICK.ttlMs)
    expect(held?.lost.aborted).toBe(false)
    expect(await holdLease(leases, name, QUICK)).toBeUndefined()
    await held?.release()
    const next = await holdLease(leases, name, QUICK)
    expect(next?.fence).toBeGreaterThan(held?.fence ?? Number.POSITIVE_INFINITY)
    await next?.release()
  })

  it('is lost at once to another holder', async () => {
    const name = randomUUID()
    const held = await holdLease(leases, name, QUICK)
    await redis.set(`lease:{${name}}`, 'another', 'PX', 60_000)
    await vi.waitFor(() => expect(held?.lost.aborted).toBe(true), { timeout: 200, interval: 10 })
    await held?.release()
    expect(await redis.get(`lease:{${name}}`)).toBe('another')
  })

  it('is lost when its time is over and the store has not answered, and not before', async () => {
    const began = performance.now()
    const held = await holdLease(
      answering(() => Promise.reject(new Error('away'))),
      'x',
      QUICK,
    )
    await vi.waitFor(() => expect(held?.lost.aborted).toBe(true), { timeout: 1000, interval: 5 })
    expect(performance.now() - began).toBeGreaterThanOrEqual(QUICK.ttlMs)
    await held?.release()
  })

  it('is lost to a holder that was stopped for longer than its time', async () => {
    const held = await holdLease(
      answering(async () => true),
      'x',
      { ttlMs: 100, renewMs: 60 },
    )
    const until = performance.now() + 150
    while (performance.now() < until); // as after SIGSTOP: no timer has run
    expect(held?.lost.aborted).toBe(true)
    await held?.release()
  })
})

import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Leases } from '../port.ts'
import { defineScript } from './script.ts'

const releaseLease = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/** Leases that end by themselves; a holder that overran its time does not release its successor's. */
export function createLeases(redis: Redis): Leases {
  return {
    async acquire(name, ttlMs) {
      const [key, holder] = [`lease:${name}`, randomUUID()]
      if ((await redis.set(key, holder, 'PX', ttlMs, 'NX')) !== 'OK') return undefined
      return async () => void (await releaseLease(redis, [key], [holder]))
    },
  }
}

import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Leases } from '../port.ts'
import { defineScript } from './script.ts'

/** If the store has lost the last fence, it starts at the present time, which is later than any earlier fence. */
const FENCE_MS = 7 * 24 * 3_600_000

const acquireLease = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return nil end
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
local fence = string.format('%.0f', math.max(last + 1, tonumber(ARGV[3])))
redis.call('SET', KEYS[2], fence, 'PX', ARGV[4])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fence
`)

const renewLease = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

const releaseLease = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/** Leases that expire. A holder that overran its time does not release the lease of its successor. */
export function createLeases(redis: Redis): Leases {
  return {
    async acquire(name, ttlMs) {
      // Braces: in a cluster both keys are in one slot.
      const [key, holder] = [`lease:{${name}}`, randomUUID()]
      const fence = await acquireLease(redis, [key, `${key}:fence`], [holder, ttlMs, Date.now(), FENCE_MS])
      if (fence === null) return undefined
      return {
        fence: Number(fence),
        renew: async () => (await renewLease(redis, [key], [holder, ttlMs])) === 1,
        release: async () => void (await releaseLease(redis, [key], [holder])),
      }
    },
  }
}

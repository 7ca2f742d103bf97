import type { Redis } from 'ioredis'
import type { Throttle } from '../port.ts'
import { hashedKey } from './key.ts'
import { defineScript } from './script.ts'

/** One slot for all counters, because one attempt is counted against several of them in one step. */
const keyOf = (key: string) => hashedKey('{throttle}', key)

/** ARGV: limit and window ms of each key. @returns 0, or the ms until the first refusing window ends */
const reserveAttempt = defineScript(`
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
    local rest = redis.call('PTTL', key)
    return rest > 0 and rest or tonumber(ARGV[2 * i])
  end
end
for i, key in ipairs(KEYS) do
  redis.call('INCR', key)
  if redis.call('PTTL', key) < 0 then redis.call('PEXPIRE', key, ARGV[2 * i]) end
end
return 0
`)

/** A window that ended meanwhile is not begun anew, and no count falls below zero. */
const releaseAttempt = defineScript(`
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
return 1
`)

/**
 * Fixed windows: one begins with the first attempt and ends on its own. At its edge twice the limit can pass, which
 * the limits allow for; in return a counter is one number and a refusal never moves it.
 */
export function createThrottle(redis: Redis): Throttle {
  return {
    async reserve(rules) {
      if (rules.length === 0) return undefined
      const keys = rules.map((rule) => keyOf(rule.key))
      const args = rules.flatMap((rule) => [rule.limit, rule.windowSeconds * 1000])
      const waitMs = Number(await reserveAttempt(redis, keys, args))
      return waitMs > 0 ? { retryAfterSeconds: Math.ceil(waitMs / 1000) } : undefined
    },
    async release(keys) {
      if (keys.length > 0) await releaseAttempt(redis, keys.map(keyOf), [])
    },
    async clear(keys) {
      if (keys.length > 0) await redis.del(...keys.map(keyOf))
    },
  }
}

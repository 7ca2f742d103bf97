import type { Redis } from 'ioredis'
import type { Throttle } from '../../../shared/stores/port.ts'
import { hashedKey } from '../../../shared/stores/redis/key.ts'
import { defineScript } from '../../../shared/stores/redis/script.ts'

/** One slot for all counters, because one step counts an attempt against several of them. */
const keyOf = (key: string) => hashedKey('{throttle}', key)

/** A window that has ended does not start again, and no count falls below zero. */
const RELEASE = `
local function release(key)
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
`

/**
 * KEYS: those to release, then one for each rule. ARGV: how many are to be released, then limit and window ms of each rule.
 * @returns 0, or the ms until the first refusing window ends
 */
const exchangeAttempts = defineScript(`
${RELEASE}
local released = tonumber(ARGV[1])
for i = 1, released do release(KEYS[i]) end
for i = released + 1, #KEYS do
  local at = 2 * (i - released)
  if tonumber(redis.call('GET', KEYS[i]) or '0') >= tonumber(ARGV[at]) then
    local rest = redis.call('PTTL', KEYS[i])
    return rest > 0 and rest or tonumber(ARGV[at + 1])
  end
end
for i = released + 1, #KEYS do
  redis.call('INCR', KEYS[i])
  if redis.call('PTTL', KEYS[i]) < 0 then redis.call('PEXPIRE', KEYS[i], ARGV[2 * (i - released) + 1]) end
end
return 0
`)

const releaseAttempt = defineScript(`
${RELEASE}
for _, key in ipairs(KEYS) do release(key) end
return 1
`)

/**
 * Fixed windows: a window begins with its first attempt and ends by itself. Twice the limit can pass around its edge,
 * which the limits allow for. In return a counter is one number, and a refusal never extends the window.
 */
export function createThrottle(redis: Redis): Throttle {
  const exchange: Throttle['exchange'] = async (released, rules) => {
    const keys = [...released, ...rules.map((rule) => rule.key)].map(keyOf)
    if (keys.length === 0) return undefined
    const args = rules.flatMap((rule) => [rule.limit, rule.windowSeconds * 1000])
    const waitMs = Number(await exchangeAttempts(redis, keys, [released.length, ...args]))
    return waitMs > 0 ? { retryAfterSeconds: Math.ceil(waitMs / 1000) } : undefined
  }

  return {
    exchange,
    reserve: (rules) => exchange([], rules),
    async release(keys) {
      if (keys.length > 0) await releaseAttempt(redis, keys.map(keyOf), [])
    },
    async clear(keys) {
      if (keys.length > 0) await redis.del(...keys.map(keyOf))
    },
  }
}

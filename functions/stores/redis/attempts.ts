import type { Redis } from 'ioredis'
import type { Attempts } from '../../../shared/stores/port.ts'
import { hashedKey, TTL_MARGIN_MS } from '../../../shared/stores/redis/key.ts'
import { defineScript, listOf } from '../../../shared/stores/redis/script.ts'

/**
 * KEYS: logins by when the password was last tried at them, then for each origin the times of failures, newest first.
 * ARGV: login, now, window ms, most that is kept, outcome, TTL margin ms. @returns logins, failures
 */
const noteAttempt = defineScript(`
local now, windowMs, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local failed, ttl = ARGV[5] == 'failed', windowMs + tonumber(ARGV[6])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - windowMs)
if failed or redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('ZADD', KEYS[1], 'GT', now, ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -most - 1)
  redis.call('PEXPIRE', KEYS[1], ttl)
end

local failures = 0
for i = 2, #KEYS do
  if failed then
    redis.call('LPUSH', KEYS[i], now)
    redis.call('LTRIM', KEYS[i], 0, most - 1)
    redis.call('PEXPIRE', KEYS[i], ttl)
  end
  local recent = 0
  for _, at in ipairs(redis.call('LRANGE', KEYS[i], 0, most - 1)) do
    if tonumber(at) > now - windowMs then recent = recent + 1 end
  end
  failures = math.max(failures, recent)
end
return {redis.call('ZCARD', KEYS[1]), failures}
`)

/** Sliding windows. Each keeps no more entries than the largest count asked for, so attempts cannot make it grow. */
export function createAttempts(redis: Redis): Attempts {
  // One slot for all windows, because one step counts an attempt in several of them.
  const kind = '{attempts}'
  return {
    async note({ password, login, origins, outcome }, within, most, now) {
      const keys = [
        hashedKey(`${kind}:password`, password),
        ...origins.map((origin) => hashedKey(`${kind}:from`, `${login} ${origin}`)),
      ]
      const reply = await noteAttempt(redis, keys, [login, now, within, most, outcome, TTL_MARGIN_MS])
      const [logins, failures] = listOf(reply).map(Number)
      if (logins === undefined || failures === undefined)
        throw new Error('Redis replied to the count of an attempt with something other than two numbers')
      return { logins, failures }
    },
  }
}

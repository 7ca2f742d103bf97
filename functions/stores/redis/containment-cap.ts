import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { ContainmentCap } from '../../../shared/stores/port.ts'
import { TTL_MARGIN_MS } from '../../../shared/stores/redis/key.ts'
import { defineScript } from '../../../shared/stores/redis/script.ts'

/**
 * KEYS, each with subjects by the time of their latest containment: those that count in full, those beyond the share of their
 * source, and those of this source that count in full. ARGV: subject, limit, share of a source, window ms, now, TTL margin ms.
 */
const admitSubject = defineScript(`
local subject, limit, share = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local windowMs, now = tonumber(ARGV[4]), tonumber(ARGV[5])
local counted, beyond, own = KEYS[1], KEYS[2], KEYS[3]
for _, key in ipairs(KEYS) do redis.call('ZREMRANGEBYSCORE', key, '-inf', now - windowMs) end
local function put(key)
  redis.call('ZADD', key, 'GT', now, subject)
  redis.call('PEXPIRE', key, windowMs + tonumber(ARGV[6]))
end
if redis.call('ZSCORE', beyond, subject) then
  put(beyond)
elseif redis.call('ZSCORE', counted, subject) or redis.call('ZCARD', own) < share then
  if not redis.call('ZSCORE', counted, subject) and redis.call('ZCARD', counted) >= limit then return 0 end
  put(counted)
  put(own)
else
  if redis.call('ZCARD', counted) + redis.call('ZCARD', beyond) >= limit then return 0 end
  put(beyond)
end
return 1
`)

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

/** Sliding windows of distinct subjects per name, all in one slot. A refused subject takes no place. */
export function createContainmentCap(redis: Redis): ContainmentCap {
  return {
    async admit(name, { subject, source }, { subjects, perSource, windowMs }, now) {
      const key = `cap:{${hash(name)}}`
      const keys = [`${key}:counted`, `${key}:beyond`, `${key}:of:${hash(source)}`]
      const args = [hash(subject), subjects, perSource, windowMs, now, TTL_MARGIN_MS]
      return (await admitSubject(redis, keys, args)) === 1
    },
  }
}

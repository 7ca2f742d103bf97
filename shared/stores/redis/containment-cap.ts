import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { ContainmentCap } from '../port.ts'
import { hashedKey, TTL_MARGIN_MS } from './key.ts'
import { defineScript } from './script.ts'

/** KEYS: subjects by the time of their latest containment. ARGV: subject, limit, window ms, now, TTL margin ms. */
const admitSubject = defineScript(`
local windowMs, now = tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - windowMs)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], 'GT', now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], windowMs + tonumber(ARGV[5]))
return 1
`)

/** A sliding window of distinct subjects for each name; a refused subject takes no place in it. */
export function createContainmentCap(redis: Redis): ContainmentCap {
  return {
    async admit(name, subject, limit, windowMs, now) {
      const member = createHash('sha256').update(subject).digest('hex')
      const args = [member, limit, windowMs, now, TTL_MARGIN_MS]
      return (await admitSubject(redis, [hashedKey('cap', name)], args)) === 1
    },
  }
}

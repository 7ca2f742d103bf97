import type { Redis } from 'ioredis'
import type { PendingMfa, PendingMfas } from '../../../shared/stores/port.ts'
import { hashedKey } from '../../../shared/stores/redis/key.ts'
import { defineScript, listOf } from '../../../shared/stores/redis/script.ts'
import { unchecked } from '../../../shared/unchecked.ts'

const createPending = defineScript(`
redis.call('HSET', KEYS[1], 'pending', ARGV[1], 'attempts', 0)
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
`)

/** @returns the half session and its number of attempts, or nothing: an attempt never creates one */
const countAttempt = defineScript(`
local pending = redis.call('HGET', KEYS[1], 'pending')
if not pending then return {} end
return {pending, redis.call('HINCRBY', KEYS[1], 'attempts', 1)}
`)

/** Sign-ins that wait for a second factor. The store has only the hash of the token, and its TTL ends the sign-in. */
export function createPendingMfas(redis: Redis): PendingMfas {
  const keyOf = (token: string) => hashedKey('mfa', token)
  return {
    async create(token, pending, ttlSeconds) {
      await createPending(redis, [keyOf(token)], [JSON.stringify(pending), ttlSeconds * 1000])
    },
    async attempt(token) {
      const [pending, attempts] = listOf(await countAttempt(redis, [keyOf(token)], []))
      if (pending === undefined) return undefined
      return { pending: unchecked<PendingMfa>(JSON.parse(String(pending))), attempts: Number(attempts) }
    },
    async consume(token) {
      return (await redis.del(keyOf(token))) === 1
    },
  }
}

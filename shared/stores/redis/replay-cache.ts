import type { Redis } from 'ioredis'
import type { ReplayCache } from '../port.ts'
import { hashedKey, ttlUntil } from './key.ts'

/** Ids of signed calls and webhooks that were accepted once. */
export function createReplayCache(redis: Redis): ReplayCache {
  const keyOf = (kind: string, id: string) => hashedKey(`replay:${kind}`, id)
  return {
    async accept(kind, id, expiresAt) {
      return (await redis.set(keyOf(kind, id), '1', 'PX', ttlUntil(expiresAt), 'NX')) === 'OK'
    },
    async forget(kind, id) {
      await redis.del(keyOf(kind, id))
    },
  }
}

import type { Redis } from 'ioredis'
import type { ReplayCache } from '../port.ts'
import { hashedKey, ttlUntil } from './key.ts'

/** Ids of signed calls that were accepted once. */
export function createReplayCache(redis: Redis): ReplayCache {
  return {
    async accept(id, expiresAt) {
      return (await redis.set(hashedKey('replay:call', id), '1', 'PX', ttlUntil(expiresAt), 'NX')) === 'OK'
    },
  }
}

import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import { replyCodeOf } from './reply-code.ts'

/** Runs one Lua script, which Redis carries out as a single step. Cluster-safe only if all keys share a hash tag. */
export type Script = (redis: Redis, keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>

/** @throws unless the reply of a script is a list */
export function listOf(reply: unknown): unknown[] {
  if (!Array.isArray(reply)) throw new Error('Redis replied to a script with something other than a list')
  return reply
}

/** @returns a function that sends the digest of the script, and the text only to a server that does not know it */
export function defineScript(lua: string): Script {
  const digest = createHash('sha1').update(lua).digest('hex')
  return async (redis, keys, args) => {
    try {
      return await redis.evalsha(digest, keys.length, ...keys, ...args)
    } catch (error) {
      if (replyCodeOf(error) !== 'NOSCRIPT') throw error
      return redis.eval(lua, keys.length, ...keys, ...args)
    }
  }
}

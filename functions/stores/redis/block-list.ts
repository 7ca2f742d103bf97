import type { Redis } from 'ioredis'
import type { BlockList } from '../../../shared/stores/port.ts'
import { hashedKey, ttlUntil } from '../../../shared/stores/redis/key.ts'
import { defineScript } from '../../../shared/stores/redis/script.ts'
import { unchecked } from '../../../shared/unchecked.ts'

type Entry = Parameters<BlockList['block']>[1]

const liftBlock = defineScript(`
local entry = redis.call('GET', KEYS[1])
if not entry or cjson.decode(entry).containmentId ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`)

/** Networks that may not sign in. A network has one block: that of the latest containment. */
export function createBlockList(redis: Redis): BlockList {
  const keyOf = (network: string) => hashedKey('block', network)
  return {
    async block(network, { containmentId, until }) {
      await redis.set(keyOf(network), JSON.stringify({ containmentId, until } satisfies Entry), 'PX', ttlUntil(until))
    },
    async blockedBy(network, now) {
      const text = await redis.get(keyOf(network))
      const entry = text === null ? undefined : unchecked<Entry>(JSON.parse(text))
      return entry && now < entry.until ? entry : undefined
    },
    async unblock(network, containmentId) {
      return (await liftBlock(redis, [keyOf(network)], [containmentId])) === 1
    },
  }
}

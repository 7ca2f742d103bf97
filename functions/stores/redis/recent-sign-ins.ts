import type { Redis } from 'ioredis'
import { type RecentSignIn, type RecentSignIns, SIGN_IN_WINDOW_MS as WINDOW_MS } from '../../../shared/stores/port.ts'
import { hashedKey, TTL_MARGIN_MS } from '../../../shared/stores/redis/key.ts'
import { defineScript } from '../../../shared/stores/redis/script.ts'
import { suspectsAmong } from '../../../shared/stores/suspects.ts'
import { unchecked } from '../../../shared/unchecked.ts'

/** The most entries of one network within the window: more than its honest users need. */
const MOST = 1_000
/** Failures are kept per minute, because only the first one matters. */
const MINUTE_MS = 60_000

/** KEYS: one sorted set by time. ARGV: member, now, window ms, most, TTL ms. The first time of a member stands. */
const note = defineScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. (tonumber(ARGV[2]) - tonumber(ARGV[3])))
redis.call('ZADD', KEYS[1], 'NX', ARGV[2], ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[4]) - 1)
return redis.call('PEXPIRE', KEYS[1], ARGV[5])
`)

/** Sliding windows of bounded size, so attempts cannot make them grow. */
export function createRecentSignIns(redis: Redis): RecentSignIns {
  const keyOf = (kind: 'opened' | 'failed', network: string) => hashedKey(`recent-sign-ins:${kind}`, network)
  const add = async (key: string, member: string, now: number) => {
    await note(redis, [key], [member, now, WINDOW_MS, MOST, WINDOW_MS + TTL_MARGIN_MS])
  }
  return {
    failed: (network, now) => add(keyOf('failed', network), String(Math.floor(now / MINUTE_MS)), now),
    opened: (network, signIn, now) => add(keyOf('opened', network), JSON.stringify(signIn), now),
    async suspects(network, now) {
      const since = now - WINDOW_MS
      const [[, first], opened] = await Promise.all([
        redis.zrangebyscore(keyOf('failed', network), since, now, 'WITHSCORES', 'LIMIT', 0, 1),
        redis.zrangebyscore(keyOf('opened', network), since, '+inf', 'WITHSCORES'),
      ])
      const attackedSince = first === undefined ? Number.POSITIVE_INFINITY : Number(first)
      const entered: { signIn: RecentSignIn; at: number }[] = []
      for (let index = 0; index + 1 < opened.length; index += 2) {
        const [signIn = '', at] = opened.slice(index, index + 2)
        entered.push({ signIn: unchecked<RecentSignIn>(JSON.parse(signIn)), at: Number(at) })
      }
      return suspectsAmong(entered, attackedSince)
    },
  }
}

import type { Redis } from 'ioredis'
import type { Lifetimes } from '../../session/policy.ts'
import type { LiveSession, LiveSessions, NewSession, Tombstone } from '../port.ts'
import { TTL_MARGIN_MS } from './key.ts'
import { createSession, presentGen, renewGen, revokeSession } from './live-session-scripts.ts'

/** How long a sid is remembered as revoked when no session tells how long its tokens live. */
const UNKNOWN_SESSION_MS = 24 * 3_600_000
/** A tombstone outlives the session's last token, so that a repeated containment still finds its own work. */
const TOMBSTONE_MARGIN_MS = 3_600_000

type Facts = NewSession & Pick<LiveSession, 'createdAt'>

/** The hash tag keeps both keys of a session in one slot of a cluster: a script may touch both. */
const sessionKey = (sid: string) => `session:{${sid}}`
const tombstoneKey = (sid: string) => `session:{${sid}}:tomb`
const keysOf = (sid: string) => [sessionKey(sid), tombstoneKey(sid)]

const sessionOf = (facts: unknown, seen: unknown, gen: unknown): LiveSession => ({
  ...(JSON.parse(String(facts)) as Facts),
  lastSeenAt: Number(seen),
  gen: Number(gen),
})
const forkedAt = (at: number) => JSON.stringify({ reason: 'forked', at } satisfies Tombstone)
const unexpected = (reply: unknown) => new Error(`Redis gave an unexpected reply: ${JSON.stringify(reply)}`)

/**
 * Live sessions in Redis. Every decision is one script, judged by the values stored and the caller's clock.
 * Presenting a session moves its idle deadline, never past the absolute one.
 */
export function createLiveSessions(redis: Redis, lifetimes: Lifetimes): LiveSessions {
  const idleMs = lifetimes.idleSeconds * 1000
  const renewMs = lifetimes.renewSeconds * 1000
  const graceMs = lifetimes.graceSeconds * 1000

  const read: LiveSessions['read'] = async (sid, now) => {
    const [facts, seen, gen, deadline] = await redis.hmget(sessionKey(sid), 'facts', 'seen', 'gen', 'deadline')
    return facts && now < Number(deadline) ? sessionOf(facts, seen, gen) : undefined
  }

  return {
    read,
    readMany: (sids, now) => Promise.all(sids.map((sid) => read(sid, now))),

    async create({ sid, userId, deviceHash, amr, authTime, absoluteExpiry, risk, newDeviceSince }, now) {
      const known = { sid, userId, deviceHash, amr, authTime, absoluteExpiry, risk, newDeviceSince }
      const facts: Facts = { ...known, createdAt: now }
      const args = [now, JSON.stringify(facts), absoluteExpiry, idleMs, TTL_MARGIN_MS]
      const written = await createSession(redis, keysOf(sid), args)
      if (written !== 1) throw new Error('A session of this sid exists already')
    },

    async present({ sid, gen, network }, now) {
      const args = [now, gen, network, idleMs, graceMs, renewMs, TTL_MARGIN_MS, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const reply = (await presentGen(redis, keysOf(sid), args)) as unknown[]
      const [kind, value, seen, current, due] = reply
      if (kind === 'live') return { kind, session: sessionOf(value, seen, current), renewalDue: due === 1 }
      if (kind === 'fork') return { kind, session: sessionOf(value, seen, current) }
      if (kind === 'revoked') return { kind, tombstone: JSON.parse(String(value)) as Tombstone }
      if (kind === 'absent') return { kind }
      throw unexpected(reply)
    },

    async renew({ sid, gen, network }, now) {
      const args = [now, gen, network, graceMs, renewMs, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const reply = (await renewGen(redis, keysOf(sid), args)) as unknown[]
      const [kind, value, seen, current, next] = reply
      if (kind === 'stale' || kind === 'absent') return { kind }
      if (kind === 'early' || kind === 'repeated') return { kind, waitMs: Number(value) }
      if (kind === 'fork') return { kind, session: sessionOf(value, seen, current) }
      if (kind === 'offered') return { kind, gen: Number(next), session: sessionOf(value, seen, current) }
      throw unexpected(reply)
    },

    async tombstone(sid) {
      const text = await redis.get(tombstoneKey(sid))
      return text === null ? undefined : (JSON.parse(text) as Tombstone)
    },

    async revoke(sid, tombstone) {
      const args = [tombstone.at, JSON.stringify(tombstone), UNKNOWN_SESSION_MS, TOMBSTONE_MARGIN_MS]
      return (await revokeSession(redis, keysOf(sid), args)) === 1 ? 'success' : 'noop'
    },

    async end(sid) {
      return (await redis.del(sessionKey(sid))) === 1
    },
  }
}

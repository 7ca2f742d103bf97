import type { Redis } from 'ioredis'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import type { LiveSession, LiveSessions, NewSession, Revocation, Tombstone } from '../port.ts'
import { TTL_MARGIN_MS, ttlUntil } from './key.ts'
import {
  createSession,
  indexSession,
  presentGen,
  raiseEpoch,
  renewGen,
  replaceFacts,
  revokeSession,
} from './live-session-scripts.ts'

/** How long a sid is remembered as revoked when no session tells how long its tokens live. */
const UNKNOWN_SESSION_MS = 24 * 3_600_000
/** A tombstone outlives the session's last token, so that a repeated containment still finds its own work. */
const TOMBSTONE_MARGIN_MS = 3_600_000
/** So many of a user's sids are looked at in one go. */
const PAGE = 200
/** A chain of sessions that took each other's place is followed no further. */
const LONGEST_CHAIN = 100

type Facts = NewSession & Pick<LiveSession, 'createdAt'>

/** The hash tag keeps all keys of a session, and all of a user, in one slot of a cluster: a script may touch them. */
const sessionKey = (sid: string) => `session:{${sid}}`
const tombstoneKey = (sid: string) => `session:{${sid}}:tomb`
const successorKey = (sid: string) => `session:{${sid}}:next`
const keysOf = (sid: string) => [sessionKey(sid), tombstoneKey(sid)]
const indexKey = (userId: string) => `user:{${userId}}:sessions`
const epochKey = (userId: string) => `epoch:{${userId}}`

/** @returns undefined for what this store did not write: a session that cannot be read is none */
function factsOf(text: string): Facts | undefined {
  try {
    const facts = JSON.parse(text) as Facts
    const readable = typeof facts.userId === 'string' && Number.isInteger(facts.epoch) && Array.isArray(facts.amr)
    return readable ? facts : undefined
  } catch {
    return undefined
  }
}
const sessionOf = (text: unknown, seen: unknown, gen: unknown): LiveSession | undefined => {
  const facts = factsOf(String(text))
  return facts && { ...facts, lastSeenAt: Number(seen), gen: Number(gen) }
}
const forkedAt = (at: number) => JSON.stringify({ reason: 'forked', at } satisfies Tombstone)
const tombstoneOf = ({ reason, at, containmentId }: Revocation): Tombstone => ({
  reason,
  at,
  ...(containmentId !== undefined && { containmentId }),
})
const unexpected = (reply: unknown) => new Error(`Redis gave an unexpected reply: ${JSON.stringify(reply)}`)

/**
 * Live sessions in Redis. Every decision about one session is one script, judged by the values stored and the caller's
 * clock. Presenting a session moves its idle deadline, never past the absolute one. The epoch of its user is read in the
 * same round trip.
 */
export function createLiveSessions(redis: Redis, lifetimes: Lifetimes): LiveSessions {
  const idleMs = lifetimes.idleSeconds * 1000
  const renewMs = lifetimes.renewSeconds * 1000
  const graceMs = lifetimes.graceSeconds * 1000

  const revocationOf: LiveSessions['revocationOf'] = async (userId) => {
    const text = await redis.get(epochKey(userId))
    return text === null ? undefined : (JSON.parse(text) as Revocation)
  }
  const load = async (sid: string, now: number): Promise<LiveSession | undefined> => {
    const [facts, seen, gen, deadline] = await redis.hmget(sessionKey(sid), 'facts', 'seen', 'gen', 'deadline')
    return facts && now < Number(deadline) ? sessionOf(facts, seen, gen) : undefined
  }
  const isOver = ({ epoch }: LiveSession, revocation: Revocation | undefined) =>
    revocation !== undefined && epoch < revocation.epoch

  const read: LiveSessions['read'] = async (sid, now) => {
    const session = await load(sid, now)
    return session && !isOver(session, await revocationOf(session.userId)) ? session : undefined
  }
  const listByUser: LiveSessions['listByUser'] = async (userId, now) => {
    const sids = await redis.zrange(indexKey(userId), '0', String(PAGE - 1))
    const [revocation, loaded] = await Promise.all([
      revocationOf(userId),
      Promise.all(sids.map((sid) => load(sid, now))),
    ])
    const gone = sids.filter((_, index) => !loaded[index])
    if (gone.length > 0) await redis.zrem(indexKey(userId), ...gone)
    return loaded.flatMap((session) => (session && !isOver(session, revocation) ? [session] : []))
  }
  const revokeOne = async (sid: string, tombstone: Tombstone) => {
    const args = [tombstone.at, JSON.stringify(tombstone), UNKNOWN_SESSION_MS, TOMBSTONE_MARGIN_MS]
    return (await revokeSession(redis, keysOf(sid), args)) === 1
  }
  /** A session that lived on in an epoch that is over has a tombstone from here on. */
  const buried = async (sid: string, revocation: Revocation) => {
    const tombstone = tombstoneOf(revocation)
    await revokeOne(sid, tombstone)
    return { kind: 'revoked' as const, tombstone }
  }

  return {
    read,
    listByUser,
    revocationOf,
    readMany: (sids, now) => Promise.all(sids.map((sid) => read(sid, now))),

    async create(session, now) {
      const { sid, userId, absoluteExpiry } = session
      const facts: Facts = { ...session, createdAt: now }
      const args = [now, JSON.stringify(facts), absoluteExpiry, idleMs, TTL_MARGIN_MS]
      const written = await createSession(redis, keysOf(sid), args)
      if (written !== 1) throw new Error('A session of this sid exists already')
      try {
        const count = await indexSession(redis, [indexKey(userId)], [now, sid, absoluteExpiry, TTL_MARGIN_MS])
        if (Number(count) <= MOST_SESSIONS) return []
        const others = (await listByUser(userId, now)).filter((other) => other.sid !== sid)
        others.sort((a, b) => a.absoluteExpiry - b.absoluteExpiry)
        return others.slice(0, Math.max(0, others.length + 1 - MOST_SESSIONS)).map((other) => other.sid)
      } catch (error) {
        // A session that is missing from its owner's list must not be live.
        await redis.del(sessionKey(sid))
        throw error
      }
    },

    async present({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, idleMs, graceMs, renewMs, TTL_MARGIN_MS, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const [reply, revocation] = await Promise.all([presentGen(redis, keysOf(sid), args), revocationOf(userId)])
      const [kind, value, seen, current, due] = reply as unknown[]
      if (kind === 'revoked') return { kind, tombstone: JSON.parse(String(value)) as Tombstone }
      if (kind === 'absent') return { kind }
      if (kind !== 'live' && kind !== 'fork') throw unexpected(reply)
      const session = sessionOf(value, seen, current)
      if (!session) return { kind: 'absent' }
      if (revocation && isOver(session, revocation)) return buried(sid, revocation)
      return kind === 'live' ? { kind, session, renewalDue: due === 1 } : { kind, session }
    },

    async renew({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, graceMs, renewMs, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const [reply, revocation] = await Promise.all([renewGen(redis, keysOf(sid), args), revocationOf(userId)])
      const [kind, value, seen, current, next] = reply as unknown[]
      if (kind === 'revoked') return { kind, tombstone: JSON.parse(String(value)) as Tombstone }
      if (kind === 'stale' || kind === 'absent') return { kind }
      if (kind === 'early' || kind === 'repeated') return { kind, waitMs: Number(value) }
      if (kind !== 'offered' && kind !== 'fork') throw unexpected(reply)
      const session = sessionOf(value, seen, current)
      if (!session) return { kind: 'absent' }
      if (revocation && isOver(session, revocation)) return buried(sid, revocation)
      return kind === 'offered' ? { kind, gen: Number(next), session } : { kind, session }
    },

    async raiseEpoch(userId, revocation, until) {
      await raiseEpoch(redis, [epochKey(userId)], [revocation.epoch, JSON.stringify(revocation), ttlUntil(until)])
    },

    async adopt(sid, { from, to }, now) {
      const [text, deadline] = await redis.hmget(sessionKey(sid), 'facts', 'deadline')
      if (!text || now >= Number(deadline)) return false
      const facts = factsOf(text)
      if (facts?.epoch !== from) return false
      return (await replaceFacts(redis, [sessionKey(sid)], [text, JSON.stringify({ ...facts, epoch: to })])) === 1
    },

    async tombstone(sid) {
      const text = await redis.get(tombstoneKey(sid))
      return text === null ? undefined : (JSON.parse(text) as Tombstone)
    },

    async revoke(sid, tombstone) {
      let died = false
      let next: string | null = sid
      for (let links = 0; next !== null && links < LONGEST_CHAIN; links++) {
        const [one, successor]: [boolean, string | null] = await Promise.all([
          revokeOne(next, tombstone),
          redis.get(successorKey(next)),
        ])
        died ||= one
        next = successor
      }
      return died ? 'success' : 'noop'
    },

    async end(sid, successor) {
      // First the way to the successor, so that a revocation that comes in between finds one of the two.
      if (successor) await redis.set(successorKey(sid), successor.sid, 'PX', ttlUntil(successor.until), 'NX')
      return (await redis.del(sessionKey(sid))) === 1
    },
  }
}

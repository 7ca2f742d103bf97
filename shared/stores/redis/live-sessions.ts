import type { Redis } from 'ioredis'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import { tombstoneOf } from '../../session/revocation.ts'
import type { LiveSessions, NewSession, Presentation, Renewal, Revocation, Tombstone } from '../port.ts'
import { TTL_MARGIN_MS, ttlUntil } from './key.ts'
import { createReads } from './live-session-reads.ts'
import {
  buriedAs,
  endedKey,
  type Facts,
  factsOf,
  indexKey,
  isTombstone,
  judgedKeysOf,
  keysOf,
  ownerKey,
  parseTombstone,
  readOwner,
  sessionKey,
  sessionOf,
  successorKey,
} from './live-session-record.ts'
import { claimSid, revoke, TOMBSTONE_MARGIN_MS } from './live-session-revoke.ts'
import { createSession, presentGen, raiseEpoch, renewGen, replaceFacts } from './live-session-scripts.ts'
import { type SessionGuard, UNGUARDED, Verification } from './live-session-verification.ts'

export type { SessionGuard }

/**
 * Live sessions in Redis. Each decision about a session is one script over the stored values and the clock of the
 * caller. A presentation moves the idle deadline, never past the absolute one. The same script checks whether the
 * epoch is over.
 */
export function createLiveSessions(redis: Redis, lifetimes: Lifetimes, guard: SessionGuard = UNGUARDED): LiveSessions {
  const verification = new Verification(redis, guard)
  const reads = createReads(redis, verification)
  return {
    ...reads,
    ...createUses(redis, lifetimes, verification),
    ...createEpochs(redis),
    revoke: (sid, tombstone, userId) => revoke(redis, sid, tombstone, userId),

    async create(session, now) {
      const count = await store(redis, session, now, lifetimes.idleSeconds * 1000, verification)
      if (count <= MOST_SESSIONS) return []
      const others = (await reads.listByUser(session.userId, now)).filter((other) => other.sid !== session.sid)
      others.sort((a, b) => a.absoluteExpiry - b.absoluteExpiry)
      return others.slice(0, Math.max(0, others.length + 1 - MOST_SESSIONS)).map((other) => other.sid)
    },

    async end(sid, successor) {
      const userId = await readOwner(redis, sid)
      if (userId === undefined) return false
      // The successor is stored first, so that a revocation in between finds one of the two sessions.
      if (successor) await redis.set(successorKey(userId, sid), successor.sid, 'PX', ttlUntil(successor.until), 'NX')
      return (await redis.del(sessionKey(userId, sid))) === 1
    },

    async incarnation() {
      const { id } = await verification.enter()
      return id === '' ? undefined : id
    },
  }
}

/** @returns how many sessions the user has now; 0 if this sid was revoked before */
async function store(
  redis: Redis,
  session: NewSession,
  now: number,
  idleMs: number,
  verification: Verification,
): Promise<number> {
  const { sid, userId, absoluteExpiry } = session
  const ttlMs = absoluteExpiry - now + TOMBSTONE_MARGIN_MS + TTL_MARGIN_MS
  const owner = (await claimSid(redis, sid, userId, ttlMs)) ?? userId
  if (isTombstone(owner)) return 0
  const facts: Facts = { ...session, createdAt: now }
  const { id } = await verification.enter()
  const args = [now, sid, JSON.stringify(facts), absoluteExpiry, idleMs, TTL_MARGIN_MS, id]
  const keys = [...keysOf(userId, sid), indexKey(userId)]
  const count = owner === userId ? Number(await createSession(redis, keys, args)) : -1
  if (count < 0) throw new Error('A session of this sid exists already')
  return count
}

/** The uses of a session: the two scripts that judge a gen. */
function createUses(
  redis: Redis,
  { idleSeconds, renewSeconds, graceSeconds }: Lifetimes,
  verification: Verification,
): Pick<LiveSessions, 'present' | 'renew'> {
  const [idleMs, renewMs, graceMs] = [idleSeconds * 1000, renewSeconds * 1000, graceSeconds * 1000]
  return {
    async present({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, idleMs, graceMs, renewMs, TTL_MARGIN_MS, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const keys = judgedKeysOf(userId, sid)
      const reply = await verification.judge(userId, sid, (id) => presentGen(redis, keys, [...args, id]))
      return reply[0] === 'absent' ? absent(redis, sid) : presentationOf(reply)
    },
    async renew({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, graceMs, renewMs, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const keys = judgedKeysOf(userId, sid)
      const reply = await verification.judge(userId, sid, (id) => renewGen(redis, keys, [...args, id]))
      return reply[0] === 'absent' ? absent(redis, sid) : renewalOf(reply)
    },
  }
}

function presentationOf(reply: unknown[]): Presentation {
  const [kind, value, seen, current, due] = reply
  if (kind === 'revoked') return { kind, tombstone: buriedAs(String(value)) }
  if (kind !== 'live' && kind !== 'fork') throw unexpected(reply)
  const session = sessionOf(value, seen, current)
  if (!session) return { kind: 'absent' }
  return kind === 'live' ? { kind, session, renewalDue: due === 1 } : { kind, session }
}

function renewalOf(reply: unknown[]): Renewal {
  const [kind, value, seen, current, next] = reply
  if (kind === 'revoked') return { kind, tombstone: buriedAs(String(value)) }
  if (kind === 'stale') return { kind }
  if (kind === 'early' || kind === 'repeated') return { kind, waitMs: Number(value) }
  if (kind !== 'offered' && kind !== 'fork') throw unexpected(reply)
  const session = sessionOf(value, seen, current)
  if (!session) return { kind: 'absent' }
  return kind === 'offered' ? { kind, gen: Number(next), session } : { kind, session }
}

/** There is no such session of this user; the sid may have been revoked before it had an owner. */
async function absent(
  redis: Redis,
  sid: string,
): Promise<{ kind: 'absent' } | { kind: 'revoked'; tombstone: Tombstone }> {
  const owner = await redis.get(ownerKey(sid))
  const tombstone = owner !== null && isTombstone(owner) ? parseTombstone(owner) : undefined
  return tombstone ? { kind: 'revoked', tombstone } : { kind: 'absent' }
}

const forkedAt = (at: number) => JSON.stringify({ reason: 'forked', at } satisfies Tombstone)
const unexpected = (reply: unknown) => new Error(`Redis gave an unexpected reply: ${JSON.stringify(reply)}`)

/** The epochs of users, and the epoch of a single session. */
const createEpochs = (redis: Redis): Pick<LiveSessions, 'raiseEpoch' | 'adopt'> => ({
  async raiseEpoch(userId, revocation, until) {
    const raise = ({ epoch, openedBefore, ...rest }: Revocation) => {
      const tombstone = JSON.stringify(tombstoneOf(rest))
      return raiseEpoch(redis, [endedKey(userId)], [epoch, tombstone, ttlUntil(until), openedBefore ?? ''])
    }
    if (revocation.earlier) await raise(revocation.earlier)
    await raise(revocation)
  },
  async adopt(sid, { from, to }, now) {
    const userId = await readOwner(redis, sid)
    if (userId === undefined) return false
    const key = sessionKey(userId, sid)
    const [text, deadline] = await redis.hmget(key, 'facts', 'deadline')
    if (!text || now >= Number(deadline)) return false
    const facts = factsOf(text)
    if (facts?.epoch !== from) return false
    return (await replaceFacts(redis, [key], [text, JSON.stringify({ ...facts, epoch: to })])) === 1
  },
})

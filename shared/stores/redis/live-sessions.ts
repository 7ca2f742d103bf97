import type { Redis } from 'ioredis'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import { endedBy, revocationOf as revocationFrom, tombstoneOf } from '../../session/revocation.ts'
import { unchecked } from '../../unchecked.ts'
import type { LiveSession, LiveSessions, NewSession, Revocation, Tombstone } from '../port.ts'
import type { Incarnation, Incarnations } from './incarnation.ts'
import { TTL_MARGIN_MS, ttlUntil } from './key.ts'
import {
  createSession,
  keepIncarnation,
  presentGen,
  raiseEpoch,
  renewGen,
  replaceFacts,
  revokeSession,
} from './live-session-scripts.ts'
import { listOf } from './script.ts'

/** How long an unknown sid stays revoked: no session says how long its tokens live. */
const UNKNOWN_SESSION_MS = 24 * 3_600_000
/** A tombstone outlives the last token of the session, so that a repeated containment finds its own work. */
const TOMBSTONE_MARGIN_MS = 3_600_000
/** The number of sids of a user that one command reads. */
const PAGE = 200
/** The longest chain of replaced sessions that is followed. */
const LONGEST_CHAIN = 100

type Facts = NewSession & Pick<LiveSession, 'createdAt'>

/**
 * The hash tag keeps all keys of a user in one slot of a cluster, because one script judges a session and its epoch.
 */
const sessionKey = (userId: string, sid: string) => `session:{${userId}}:${sid}`
const tombstoneKey = (userId: string, sid: string) => `${sessionKey(userId, sid)}:tomb`
const successorKey = (userId: string, sid: string) => `${sessionKey(userId, sid)}:next`
const indexKey = (userId: string) => `user:{${userId}}:sessions`
const endedKey = (userId: string) => `user:{${userId}}:ended`
const keysOf = (userId: string, sid: string) => [sessionKey(userId, sid), tombstoneKey(userId, sid)]
const judgedKeysOf = (userId: string, sid: string) => [...keysOf(userId, sid), endedKey(userId)]
/** The owner of a sid, or its tombstone if it was revoked before it had an owner. */
const ownerKey = (sid: string) => `sid:${sid}`
const isTombstone = (owner: string) => owner.startsWith('{')

/** @returns undefined for data of another writer: a session that cannot be read does not exist */
function factsOf(text: string): Facts | undefined {
  try {
    const facts = unchecked<Facts>(JSON.parse(text))
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
const parseTombstone = (text: string): Tombstone => unchecked(JSON.parse(text))
/** Drops the mark of a session that was already gone, which only its own containment needs. */
const buriedAs = (text: string): Tombstone => tombstoneOf(parseTombstone(text))
const unexpected = (reply: unknown) => new Error(`Redis gave an unexpected reply: ${JSON.stringify(reply)}`)

/** Decides which sessions in Redis must be compared with the ledger. */
export interface SessionGuard extends Incarnations {
  /** @throws if the ledger cannot be read: then the session is not accepted */
  verdict(session: { userId: string; sid: string }): Promise<Tombstone | 'live' | 'over'>
}

/** For a Redis that never loses its data while it is used. */
const UNGUARDED: SessionGuard = {
  enter: async () => ({ id: '', generation: 0 }),
  isCurrent: () => true,
  verdict: async () => 'live',
}

/**
 * Live sessions in Redis. Each decision about a session is one script over the stored values and the clock of the
 * caller. A presentation moves the idle deadline, never past the absolute one. The same script checks whether the
 * epoch is over.
 */
export function createLiveSessions(redis: Redis, lifetimes: Lifetimes, guard: SessionGuard = UNGUARDED): LiveSessions {
  const idleMs = lifetimes.idleSeconds * 1000
  const renewMs = lifetimes.renewSeconds * 1000
  const graceMs = lifetimes.graceSeconds * 1000

  const revocationOf: LiveSessions['revocationOf'] = async (userId) => {
    const [all, allTombstone, some, someTombstone, openedBefore] = await redis.hmget(
      endedKey(userId),
      'all',
      'allTombstone',
      'some',
      'someTombstone',
      'openedBefore',
    )
    return revocationFrom(
      allTombstone ? { ...parseTombstone(allTombstone), epoch: Number(all) } : undefined,
      someTombstone
        ? { ...parseTombstone(someTombstone), epoch: Number(some), openedBefore: Number(openedBefore) }
        : undefined,
    )
  }
  const load = async (userId: string, sid: string, now: number) => {
    const [facts, seen, gen, deadline, inc] = await redis.hmget(
      sessionKey(userId, sid),
      'facts',
      'seen',
      'gen',
      'deadline',
      'inc',
    )
    const session = facts && now < Number(deadline) ? sessionOf(facts, seen, gen) : undefined
    return session && { session, inc: inc ?? '' }
  }
  /** Compares a session with the ledger and ends it here if it is over there. @returns whether it is live */
  const compare = async (userId: string, sid: string, incarnation: string): Promise<boolean> => {
    const verdict = await guard.verdict({ userId, sid })
    if (verdict === 'live') await keepIncarnation(redis, [sessionKey(userId, sid)], [incarnation])
    else if (verdict === 'over') await redis.del(sessionKey(userId, sid))
    else await revoke(sid, verdict, userId)
    return verdict === 'live'
  }
  const comparing = new Map<string, Promise<boolean>>()
  /** One comparison for all requests that wait for it. */
  const verify = (userId: string, sid: string, { id }: Incarnation): Promise<boolean> => {
    const key = [id, userId, sid].join()
    const compared = comparing.get(key) ?? compare(userId, sid, id).finally(() => comparing.delete(key))
    comparing.set(key, compared)
    return compared
  }
  /** Whether a new session is still there, and is of this incarnation or live in the ledger. */
  const stands = async (userId: string, sid: string, at: Incarnation): Promise<boolean> => {
    const inc = await redis.hget(sessionKey(userId, sid), 'inc')
    return inc !== null && (inc === at.id || (await verify(userId, sid, at)))
  }
  /** The session that was read, once its incarnation is the present one. */
  const verified = async (
    found: { session: LiveSession; inc: string } | undefined,
    at: Incarnation,
  ): Promise<LiveSession | undefined> => {
    if (!found) return undefined
    const { userId, sid } = found.session
    for (let now = at; ; now = await guard.enter()) {
      if (now.id !== '' && found.inc !== now.id && !(await verify(userId, sid, now))) return undefined
      if (guard.isCurrent(now)) return found.session
    }
  }
  /**
   * Runs a script about one session. A session from before this incarnation is compared with the ledger first, and
   * again if the incarnation changed while the answer was under way.
   */
  const judge = async (userId: string, sid: string, run: (incarnation: string) => Promise<unknown>) => {
    for (;;) {
      const at = await guard.enter()
      const reply = listOf(await run(at.id))
      if (reply[0] === 'unchecked') {
        await verify(userId, sid, at)
        continue
      }
      if (guard.isCurrent(at) || (reply[0] !== 'live' && reply[0] !== 'offered')) return reply
      const now = await guard.enter()
      if ((await stands(userId, sid, now)) && guard.isCurrent(now)) return reply
    }
  }
  const judged = (session: LiveSession | undefined, revocation: Revocation | undefined): LiveSession | undefined => {
    if (!session || endedBy(session, revocation)) return undefined
    return { ...session, epoch: Math.max(session.epoch, revocation?.epoch ?? 0) }
  }
  const ownerOf = async (sid: string): Promise<string | undefined> => {
    const owner = await redis.get(ownerKey(sid))
    return owner === null || isTombstone(owner) ? undefined : owner
  }

  const read: LiveSessions['read'] = async (sid, now) => {
    const userId = await ownerOf(sid)
    if (userId === undefined) return undefined
    const at = await guard.enter()
    const [found, revocation] = await Promise.all([load(userId, sid, now), revocationOf(userId)])
    return judged(await verified(found, at), revocation)
  }
  const listByUser: LiveSessions['listByUser'] = async (userId, now) => {
    const at = await guard.enter()
    const sids = await redis.zrange(indexKey(userId), '0', String(PAGE - 1))
    const [revocation, loaded] = await Promise.all([
      revocationOf(userId),
      Promise.all(sids.map((sid) => load(userId, sid, now))),
    ])
    const gone = sids.filter((_, index) => !loaded[index])
    if (gone.length > 0) await redis.zrem(indexKey(userId), ...gone)
    const sessions = await Promise.all(loaded.map((found) => verified(found, at)))
    return sessions.flatMap((session) => judged(session, revocation) ?? [])
  }
  /**
   * Stores the owner of a sid for as long as its tombstone may be needed. @returns the stored owner, if there was one
   */
  const claim = async (sid: string, owner: string, ttlMs: number): Promise<string | undefined> => {
    const claimed = await redis.set(ownerKey(sid), owner, 'PX', ttlMs, 'NX')
    return claimed === 'OK' ? undefined : ((await redis.get(ownerKey(sid))) ?? undefined)
  }
  /** The tombstone of a sid that was revoked before it had an owner. */
  const unownedTombstone = async (sid: string): Promise<Tombstone | undefined> => {
    const owner = await redis.get(ownerKey(sid))
    return owner !== null && isTombstone(owner) ? parseTombstone(owner) : undefined
  }
  const absent = async (sid: string) => {
    const tombstone = await unownedTombstone(sid)
    return tombstone ? { kind: 'revoked' as const, tombstone } : { kind: 'absent' as const }
  }
  const revokeOwned = async (userId: string, sid: string, tombstone: Tombstone) => {
    const text = JSON.stringify(tombstone)
    const gone = JSON.stringify({ ...tombstone, gone: true })
    const { containmentId } = tombstone
    const own = containmentId === undefined ? '' : JSON.stringify({ containmentId }).slice(1, -1)
    const args = [tombstone.at, text, UNKNOWN_SESSION_MS, TOMBSTONE_MARGIN_MS, gone, own]
    const [died, next] = (await revokeSession(redis, [...keysOf(userId, sid), successorKey(userId, sid)], args)) as [
      number,
      string | null,
    ]
    return { died: died === 1, next: next ?? undefined }
  }
  const revokeOne = async (sid: string, tombstone: Tombstone, known: string | undefined) => {
    const ttlMs = UNKNOWN_SESSION_MS + TOMBSTONE_MARGIN_MS
    if (known !== undefined) {
      const [revoked] = await Promise.all([revokeOwned(known, sid, tombstone), claim(sid, known, ttlMs)])
      return revoked
    }
    const owner = (await ownerOf(sid)) ?? (await claim(sid, JSON.stringify(tombstone), ttlMs))
    if (owner === undefined || isTombstone(owner)) return { died: false, next: undefined }
    return revokeOwned(owner, sid, tombstone)
  }

  const revoke: LiveSessions['revoke'] = async (sid, tombstone, userId) => {
    let died = false
    let [next, known]: (string | undefined)[] = [sid, userId]
    for (let links = 0; next !== undefined && links < LONGEST_CHAIN; links++) {
      const one: { died: boolean; next: string | undefined } = await revokeOne(next, tombstone, known)
      died ||= one.died
      next = one.next
      known = undefined
    }
    return died ? 'success' : 'noop'
  }

  return {
    read,
    listByUser,
    ownerOf,
    revocationOf,
    revoke,
    readMany: (sids, now) =>
      Promise.all(
        sids.map(async (sid) => {
          const userId = await ownerOf(sid)
          if (userId === undefined) return undefined
          const [found, revocation] = await Promise.all([load(userId, sid, now), revocationOf(userId)])
          return judged(found?.session, revocation)
        }),
      ),

    async create(session, now) {
      const { sid, userId, absoluteExpiry } = session
      const ttlMs = absoluteExpiry - now + TOMBSTONE_MARGIN_MS + TTL_MARGIN_MS
      const owner = (await claim(sid, userId, ttlMs)) ?? userId
      if (isTombstone(owner)) return []
      const facts: Facts = { ...session, createdAt: now }
      const { id } = await guard.enter()
      const args = [now, sid, JSON.stringify(facts), absoluteExpiry, idleMs, TTL_MARGIN_MS, id]
      const keys = [...keysOf(userId, sid), indexKey(userId)]
      const count = owner === userId ? Number(await createSession(redis, keys, args)) : -1
      if (count < 0) throw new Error('A session of this sid exists already')
      if (count <= MOST_SESSIONS) return []
      const others = (await listByUser(userId, now)).filter((other) => other.sid !== sid)
      others.sort((a, b) => a.absoluteExpiry - b.absoluteExpiry)
      return others.slice(0, Math.max(0, others.length + 1 - MOST_SESSIONS)).map((other) => other.sid)
    },

    async present({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, idleMs, graceMs, renewMs, TTL_MARGIN_MS, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const keys = judgedKeysOf(userId, sid)
      const reply = await judge(userId, sid, (id) => presentGen(redis, keys, [...args, id]))
      const [kind, value, seen, current, due] = reply
      if (kind === 'revoked') return { kind, tombstone: buriedAs(String(value)) }
      if (kind === 'absent') return absent(sid)
      if (kind !== 'live' && kind !== 'fork') throw unexpected(reply)
      const session = sessionOf(value, seen, current)
      if (!session) return { kind: 'absent' }
      return kind === 'live' ? { kind, session, renewalDue: due === 1 } : { kind, session }
    },

    async renew({ sid, userId, gen, network }, now) {
      const args = [now, gen, network, graceMs, renewMs, forkedAt(now), TOMBSTONE_MARGIN_MS]
      const keys = judgedKeysOf(userId, sid)
      const reply = await judge(userId, sid, (id) => renewGen(redis, keys, [...args, id]))
      const [kind, value, seen, current, next] = reply
      if (kind === 'revoked') return { kind, tombstone: buriedAs(String(value)) }
      if (kind === 'absent') return absent(sid)
      if (kind === 'stale') return { kind }
      if (kind === 'early' || kind === 'repeated') return { kind, waitMs: Number(value) }
      if (kind !== 'offered' && kind !== 'fork') throw unexpected(reply)
      const session = sessionOf(value, seen, current)
      if (!session) return { kind: 'absent' }
      return kind === 'offered' ? { kind, gen: Number(next), session } : { kind, session }
    },

    async raiseEpoch(userId, revocation, until) {
      const raise = ({ epoch, openedBefore, ...rest }: Revocation) => {
        const tombstone = JSON.stringify(tombstoneOf(rest))
        return raiseEpoch(redis, [endedKey(userId)], [epoch, tombstone, ttlUntil(until), openedBefore ?? ''])
      }
      if (revocation.earlier) await raise(revocation.earlier)
      await raise(revocation)
    },

    async adopt(sid, { from, to }, now) {
      const userId = await ownerOf(sid)
      if (userId === undefined) return false
      const key = sessionKey(userId, sid)
      const [text, deadline] = await redis.hmget(key, 'facts', 'deadline')
      if (!text || now >= Number(deadline)) return false
      const facts = factsOf(text)
      if (facts?.epoch !== from) return false
      return (await replaceFacts(redis, [key], [text, JSON.stringify({ ...facts, epoch: to })])) === 1
    },

    async incarnation() {
      const { id } = await guard.enter()
      return id === '' ? undefined : id
    },

    async tombstone(sid) {
      const owner = await redis.get(ownerKey(sid))
      if (owner === null) return undefined
      const text = isTombstone(owner) ? owner : await redis.get(tombstoneKey(owner, sid))
      return text === null ? undefined : buriedAs(text)
    },

    async successorsOf(sid) {
      const successors: string[] = []
      for (let last: string = sid; successors.length < LONGEST_CHAIN; ) {
        const userId = await ownerOf(last)
        const next: string | null = userId === undefined ? null : await redis.get(successorKey(userId, last))
        if (next === null) break
        successors.push(next)
        last = next
      }
      return successors
    },

    async end(sid, successor) {
      const userId = await ownerOf(sid)
      if (userId === undefined) return false
      // The successor is stored first, so that a revocation in between finds one of the two sessions.
      if (successor) await redis.set(successorKey(userId, sid), successor.sid, 'PX', ttlUntil(successor.until), 'NX')
      return (await redis.del(sessionKey(userId, sid))) === 1
    },
  }
}

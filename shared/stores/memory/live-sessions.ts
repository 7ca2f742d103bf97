import { firstGen, type Gens, inMs, offerGen, presentGen, waitForRenewal } from '../../session/gens.ts'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import { combine, endedBy, tombstoneOf } from '../../session/revocation.ts'
import type { LiveSession, LiveSessions, NewSession, Presentation, Revocation, Tombstone } from '../port.ts'

interface Kept {
  facts: NewSession & { createdAt: number }
  seen: number
  deadline: number
  gens: Gens
}

/**
 * Live sessions in this process only, for simulations of a thousand hours. It passes the contract of the Redis store,
 * and a test compares the two on random operations.
 */
export function createMemorySessions(lifetimes: Lifetimes): LiveSessions {
  const { renewMs, graceMs } = inMs(lifetimes)
  const idleMs = lifetimes.idleSeconds * 1000
  const sessions = new Map<string, Kept>()
  const tombstones = new Map<string, Tombstone>()
  /** Revoked sids that had no live session. */
  const gone = new Set<string>()
  const revocations = new Map<string, Revocation>()
  const successors = new Map<string, string>()
  /** By user, all sids that ever existed. */
  const sids = new Map<string, Set<string>>()

  const sessionOf = ({ facts, seen, gens }: Kept): LiveSession => ({ ...facts, lastSeenAt: seen, gen: gens.gen })
  const load = (sid: string, now: number): Kept | undefined => {
    const kept = sessions.get(sid)
    if (kept && now >= kept.deadline) sessions.delete(sid)
    return kept && now < kept.deadline ? kept : undefined
  }
  /** The session with its present epoch; undefined if it is over. */
  const judged = (kept: Kept): Kept | undefined => {
    const { facts } = kept
    const revocation = revocations.get(facts.userId)
    if (!revocation || revocation.epoch <= facts.epoch) return kept
    return endedBy(facts, revocation) ? undefined : { ...kept, facts: { ...facts, epoch: revocation.epoch } }
  }
  const read: LiveSessions['read'] = async (sid, now) => {
    const kept = sessions.get(sid)
    const live = kept && now < kept.deadline ? judged(kept) : undefined
    return live && sessionOf(live)
  }
  const listByUser: LiveSessions['listByUser'] = async (userId, now) => {
    const found = await Promise.all([...(sids.get(userId) ?? [])].map((sid) => read(sid, now)))
    return found.filter((session) => session !== undefined)
  }
  /** Ends a session that was live until now by a revocation of the user. */
  const bury = (facts: Kept['facts']) => {
    const revocation = endedBy(facts, revocations.get(facts.userId))
    if (!revocation) return undefined
    const tombstone = tombstoneOf(revocation)
    sessions.delete(facts.sid)
    tombstones.set(facts.sid, tombstone)
    return { kind: 'revoked' as const, tombstone }
  }
  /** A session in use: of this user, neither revoked nor expired. */
  const use = (
    userId: string,
    sid: string,
    now: number,
  ): Kept | Extract<Presentation, { kind: 'absent' | 'revoked' }> => {
    const tombstone = tombstones.get(sid)
    if (tombstone) return { kind: 'revoked', tombstone }
    const kept = load(sid, now)
    if (kept?.facts.userId !== userId) return { kind: 'absent' }
    return bury(kept.facts) ?? judged(kept) ?? { kind: 'absent' }
  }
  const fork = (kept: Kept, at: number) => {
    const { sid } = kept.facts
    sessions.delete(sid)
    tombstones.set(sid, { reason: 'forked', at })
    return { kind: 'fork' as const, session: sessionOf(kept) }
  }

  return {
    read,
    listByUser,
    revocationOf: async (userId) => revocations.get(userId),
    readMany: (wanted, now) => Promise.all(wanted.map((sid) => read(sid, now))),

    async create(session, now) {
      const { sid, userId, absoluteExpiry } = session
      if (tombstones.has(sid)) return []
      if (sessions.has(sid)) throw new Error('A session of this sid exists already')
      const deadline = Math.min(now + idleMs, absoluteExpiry)
      sessions.set(sid, { facts: { ...session, createdAt: now }, seen: now, deadline, gens: firstGen(now) })
      sids.set(userId, (sids.get(userId) ?? new Set()).add(sid))
      const others = (await listByUser(userId, now)).filter((other) => other.sid !== sid)
      others.sort((a, b) => a.absoluteExpiry - b.absoluteExpiry)
      return others.slice(0, Math.max(0, others.length + 1 - MOST_SESSIONS)).map((other) => other.sid)
    },

    async present({ sid, userId, gen, network }, now) {
      const kept = use(userId, sid, now)
      if ('kind' in kept) return kept
      const gens = presentGen(kept.gens, gen, now, graceMs)
      if (!gens) return fork(kept, now)
      const seen = Math.max(kept.seen, now)
      const deadline = Math.min(seen + idleMs, kept.facts.absoluteExpiry)
      sessions.set(sid, Object.assign(kept, { gens, seen, deadline }))
      const renewalDue = gen === gens.gen && !waitForRenewal(gens, network, now, { renewMs, graceMs })
      return { kind: 'live', session: sessionOf(kept), renewalDue }
    },

    async renew({ sid, userId, gen, network }, now) {
      const kept = use(userId, sid, now)
      if ('kind' in kept) return kept
      if (gen !== kept.gens.gen) return { kind: 'stale' }
      const wait = waitForRenewal(kept.gens, network, now, { renewMs, graceMs })
      if (wait) return wait
      const gens = offerGen(kept.gens, network, now)
      if (!gens) return fork(kept, now)
      sessions.set(sid, { ...kept, gens })
      return { kind: 'offered', gen: gens.top, session: sessionOf(kept) }
    },

    incarnation: async () => undefined,

    async tombstone(sid) {
      return tombstones.get(sid)
    },

    async raiseEpoch(userId, revocation) {
      revocations.set(userId, combine(revocations.get(userId), revocation))
    },

    async adopt(sid, { from, to }, now) {
      const kept = load(sid, now)
      if (kept?.facts.epoch !== from) return false
      sessions.set(sid, { ...kept, facts: { ...kept.facts, epoch: to } })
      return true
    },

    ownerOf: async (sid) => sessions.get(sid)?.facts.userId,

    async revoke(sid, tombstone) {
      let died = false
      for (let next: string | undefined = sid; next !== undefined; next = successors.get(next)) {
        const [lives, before] = [load(next, tombstone.at) !== undefined, tombstones.get(next)]
        const { containmentId } = tombstone
        const isRepeated = containmentId !== undefined && before?.containmentId === containmentId && !gone.has(next)
        died ||= lives || isRepeated
        sessions.delete(next)
        if (!before || (lives && gone.has(next))) {
          tombstones.set(next, tombstone)
          if (lives) gone.delete(next)
          else gone.add(next)
        }
      }
      return died ? 'success' : 'noop'
    },

    async successorsOf(sid) {
      const found: string[] = []
      for (let next = successors.get(sid); next !== undefined; next = successors.get(next)) found.push(next)
      return found
    },

    async end(sid, successor) {
      if (successor && !successors.has(sid)) successors.set(sid, successor.sid)
      return sessions.delete(sid)
    },
  }
}

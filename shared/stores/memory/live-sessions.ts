import { firstGen, type Gens, inMs, offerGen, presentGen, waitForRenewal } from '../../session/gens.ts'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import type { LiveSession, LiveSessions, NewSession, Revocation, Tombstone } from '../port.ts'

interface Kept {
  facts: NewSession & { createdAt: number }
  seen: number
  deadline: number
  gens: Gens
}

/**
 * Live sessions in this process alone, for models that run a thousand simulated hours. It passes the contract that the
 * Redis store passes, and a test compares the two on random operations.
 */
export function createMemorySessions(lifetimes: Lifetimes): LiveSessions {
  const { renewMs, graceMs } = inMs(lifetimes)
  const idleMs = lifetimes.idleSeconds * 1000
  const sessions = new Map<string, Kept>()
  const tombstones = new Map<string, Tombstone>()
  const revocations = new Map<string, Revocation>()
  const successors = new Map<string, string>()
  /** By user, those that were ever his. */
  const sids = new Map<string, Set<string>>()

  const sessionOf = ({ facts, seen, gens }: Kept): LiveSession => ({ ...facts, lastSeenAt: seen, gen: gens.gen })
  const load = (sid: string, now: number): Kept | undefined => {
    const kept = sessions.get(sid)
    if (kept && now >= kept.deadline) sessions.delete(sid)
    return kept && now < kept.deadline ? kept : undefined
  }
  const isLive = ({ facts, deadline }: Kept, now: number) =>
    now < deadline && facts.epoch >= (revocations.get(facts.userId)?.epoch ?? 0)
  const read: LiveSessions['read'] = async (sid, now) => {
    const kept = sessions.get(sid)
    return kept && isLive(kept, now) ? sessionOf(kept) : undefined
  }
  const listByUser: LiveSessions['listByUser'] = async (userId, now) =>
    [...(sids.get(userId) ?? [])].flatMap((sid) => {
      const kept = sessions.get(sid)
      return kept && isLive(kept, now) ? [sessionOf(kept)] : []
    })
  /** What a revocation of the user says of a session that was live or forked until now. */
  const buried = ({ facts: { sid, epoch } }: Kept, userId: string) => {
    const revocation = revocations.get(userId)
    if (!revocation || epoch >= revocation.epoch) return undefined
    const { epoch: _, ...tombstone } = revocation
    sessions.delete(sid)
    if (!tombstones.has(sid)) tombstones.set(sid, tombstone)
    return { kind: 'revoked' as const, tombstone }
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
      const tombstone = tombstones.get(sid)
      if (tombstone) return { kind: 'revoked', tombstone }
      const kept = load(sid, now)
      if (!kept) return { kind: 'absent' }
      const gens = presentGen(kept.gens, gen, now, graceMs)
      if (!gens) return buried(kept, userId) ?? fork(kept, now)
      const seen = Math.max(kept.seen, now)
      const after = { ...kept, gens, seen, deadline: Math.min(seen + idleMs, kept.facts.absoluteExpiry) }
      sessions.set(sid, after)
      const over = buried(after, userId)
      if (over) return over
      const renewalDue = gen === gens.gen && !waitForRenewal(gens, network, now, { renewMs, graceMs })
      return { kind: 'live', session: sessionOf(after), renewalDue }
    },

    async renew({ sid, userId, gen, network }, now) {
      const tombstone = tombstones.get(sid)
      if (tombstone) return { kind: 'revoked', tombstone }
      const kept = load(sid, now)
      if (!kept) return { kind: 'absent' }
      if (gen !== kept.gens.gen) return { kind: 'stale' }
      const wait = waitForRenewal(kept.gens, network, now, { renewMs, graceMs })
      if (wait) return wait
      const gens = offerGen(kept.gens, network, now)
      const over = buried(kept, userId)
      if (over) return over
      if (!gens) return fork(kept, now)
      sessions.set(sid, { ...kept, gens })
      return { kind: 'offered', gen: gens.top, session: sessionOf(kept) }
    },

    async tombstone(sid) {
      return tombstones.get(sid)
    },

    async raiseEpoch(userId, revocation) {
      if (revocation.epoch > (revocations.get(userId)?.epoch ?? 0)) revocations.set(userId, revocation)
    },

    async adopt(sid, { from, to }, now) {
      const kept = load(sid, now)
      if (kept?.facts.epoch !== from) return false
      sessions.set(sid, { ...kept, facts: { ...kept.facts, epoch: to } })
      return true
    },

    async revoke(sid, tombstone) {
      let died = false
      for (let next: string | undefined = sid; next !== undefined; next = successors.get(next)) {
        died = load(next, tombstone.at) !== undefined || died
        sessions.delete(next)
        if (!tombstones.has(next)) tombstones.set(next, tombstone)
      }
      return died ? 'success' : 'noop'
    },

    async end(sid, successor) {
      if (successor && !successors.has(sid)) successors.set(sid, successor.sid)
      return sessions.delete(sid)
    },
  }
}

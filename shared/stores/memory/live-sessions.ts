import { firstGen, type Gens, inMs, offerGen, presentGen, waitForRenewal } from '../../session/gens.ts'
import type { Lifetimes } from '../../session/policy.ts'
import type { LiveSession, LiveSessions, NewSession, Tombstone } from '../port.ts'

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

  const sessionOf = ({ facts, seen, gens }: Kept): LiveSession => ({ ...facts, lastSeenAt: seen, gen: gens.gen })
  const load = (sid: string, now: number): Kept | undefined => {
    const kept = sessions.get(sid)
    if (kept && now >= kept.deadline) sessions.delete(sid)
    return kept && now < kept.deadline ? kept : undefined
  }
  const read: LiveSessions['read'] = async (sid, now) => {
    const kept = sessions.get(sid)
    return kept && now < kept.deadline ? sessionOf(kept) : undefined
  }
  const fork = (kept: Kept, at: number) => {
    const { sid } = kept.facts
    sessions.delete(sid)
    tombstones.set(sid, { reason: 'forked', at })
    return { kind: 'fork' as const, session: sessionOf(kept) }
  }

  return {
    read,
    readMany: (sids, now) => Promise.all(sids.map((sid) => read(sid, now))),

    async create(session, now) {
      const { sid, absoluteExpiry } = session
      if (tombstones.has(sid)) return
      if (sessions.has(sid)) throw new Error('A session of this sid exists already')
      const deadline = Math.min(now + idleMs, absoluteExpiry)
      sessions.set(sid, { facts: { ...session, createdAt: now }, seen: now, deadline, gens: firstGen(now) })
    },

    async present({ sid, gen, network }, now) {
      const tombstone = tombstones.get(sid)
      if (tombstone) return { kind: 'revoked', tombstone }
      const kept = load(sid, now)
      if (!kept) return { kind: 'absent' }
      const gens = presentGen(kept.gens, gen, now, graceMs)
      if (!gens) return fork(kept, now)
      const seen = Math.max(kept.seen, now)
      const after = { ...kept, gens, seen, deadline: Math.min(seen + idleMs, kept.facts.absoluteExpiry) }
      sessions.set(sid, after)
      const renewalDue = gen === gens.gen && !waitForRenewal(gens, network, now, { renewMs, graceMs })
      return { kind: 'live', session: sessionOf(after), renewalDue }
    },

    async renew({ sid, gen, network }, now) {
      const kept = load(sid, now)
      if (!kept) return { kind: 'absent' }
      if (gen !== kept.gens.gen) return { kind: 'stale' }
      const wait = waitForRenewal(kept.gens, network, now, { renewMs, graceMs })
      if (wait) return wait
      const gens = offerGen(kept.gens, network, now)
      if (!gens) return fork(kept, now)
      sessions.set(sid, { ...kept, gens })
      return { kind: 'offered', gen: gens.top, session: sessionOf(kept) }
    },

    async tombstone(sid) {
      return tombstones.get(sid)
    },

    async revoke(sid, tombstone) {
      const kept = load(sid, tombstone.at)
      sessions.delete(sid)
      if (!tombstones.has(sid)) tombstones.set(sid, tombstone)
      return kept ? 'success' : 'noop'
    },

    async end(sid) {
      return sessions.delete(sid)
    },
  }
}

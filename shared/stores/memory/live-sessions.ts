import { inMs, offerGen, presentGen, waitForRenewal } from '../../session/gens.ts'
import { type Lifetimes, MOST_SESSIONS } from '../../session/policy.ts'
import { combine } from '../../session/revocation.ts'
import type { LiveSessions } from '../port.ts'
import { KeptSessions, sessionOf } from './kept-sessions.ts'

/**
 * Live sessions in this process only, for simulations of a thousand hours. It passes the contract of the Redis store,
 * and a test compares the two on random operations.
 */
export function createMemorySessions(lifetimes: Lifetimes): LiveSessions {
  const kept = new KeptSessions()
  const reading = readingOf(kept)
  return {
    ...reading,
    ...openingOf(kept, reading, lifetimes),
    ...usingOf(kept, lifetimes),
    ...revokingOf(kept),
    incarnation: async () => undefined,
  }
}

type Reading = Pick<
  LiveSessions,
  'read' | 'readMany' | 'listByUser' | 'ownerOf' | 'revocationOf' | 'tombstone' | 'successorsOf'
>

function readingOf(store: KeptSessions): Reading {
  const read: LiveSessions['read'] = async (sid, now) => {
    const kept = store.get(sid)
    const live = kept && now < kept.deadline ? store.judged(kept) : undefined
    return live && sessionOf(live)
  }
  return {
    read,
    readMany: (sids, now) => Promise.all(sids.map((sid) => read(sid, now))),
    async listByUser(userId, now) {
      const found = await Promise.all(Array.from(store.sidsOf(userId), (sid) => read(sid, now)))
      return found.filter((session) => session !== undefined)
    },
    ownerOf: async (sid) => store.get(sid)?.facts.userId,
    revocationOf: async (userId) => store.revocations.get(userId),
    tombstone: async (sid) => store.tombstones.get(sid),
    async successorsOf(sid) {
      const found: string[] = []
      for (let next = store.successors.get(sid); next !== undefined; next = store.successors.get(next)) found.push(next)
      return found
    },
  }
}

function openingOf(
  store: KeptSessions,
  { listByUser }: Reading,
  { idleSeconds }: Lifetimes,
): Pick<LiveSessions, 'create' | 'adopt' | 'end'> {
  return {
    async create(session, now) {
      const { sid, userId, absoluteExpiry } = session
      if (store.tombstones.has(sid)) return []
      if (store.get(sid)) throw new Error('A session of this sid exists already')
      store.add({ ...session, createdAt: now }, Math.min(now + idleSeconds * 1000, absoluteExpiry))
      const others = (await listByUser(userId, now)).filter((other) => other.sid !== sid)
      others.sort((a, b) => a.absoluteExpiry - b.absoluteExpiry)
      return others.slice(0, Math.max(0, others.length + 1 - MOST_SESSIONS)).map((other) => other.sid)
    },
    async adopt(sid, { from, to }, now) {
      const kept = store.load(sid, now)
      if (kept?.facts.epoch !== from) return false
      store.set({ ...kept, facts: { ...kept.facts, epoch: to } })
      return true
    },
    async end(sid, successor) {
      if (successor && !store.successors.has(sid)) store.successors.set(sid, successor.sid)
      return store.delete(sid)
    },
  }
}

function usingOf(store: KeptSessions, lifetimes: Lifetimes): Pick<LiveSessions, 'present' | 'renew'> {
  const { renewMs, graceMs } = inMs(lifetimes)
  const idleMs = lifetimes.idleSeconds * 1000
  return {
    async present({ sid, userId, gen, network }, now) {
      const kept = store.use(userId, sid, now)
      if ('kind' in kept) return kept
      const gens = presentGen(kept.gens, gen, now, graceMs)
      if (!gens) return store.fork(kept, now)
      const seen = Math.max(kept.seen, now)
      const deadline = Math.min(seen + idleMs, kept.facts.absoluteExpiry)
      store.set(Object.assign(kept, { gens, seen, deadline }))
      const renewalDue = gen === gens.gen && !waitForRenewal(gens, network, now, { renewMs, graceMs })
      return { kind: 'live', session: sessionOf(kept), renewalDue }
    },
    async renew({ sid, userId, gen, network }, now) {
      const kept = store.use(userId, sid, now)
      if ('kind' in kept) return kept
      if (gen !== kept.gens.gen) return { kind: 'stale' }
      const wait = waitForRenewal(kept.gens, network, now, { renewMs, graceMs })
      if (wait) return wait
      const gens = offerGen(kept.gens, network, now)
      if (!gens) return store.fork(kept, now)
      store.set({ ...kept, gens })
      return { kind: 'offered', gen: gens.top, session: sessionOf(kept) }
    },
  }
}

function revokingOf(store: KeptSessions): Pick<LiveSessions, 'raiseEpoch' | 'revoke'> {
  const { tombstones, gone, revocations, successors } = store
  return {
    async raiseEpoch(userId, revocation) {
      revocations.set(userId, combine(revocations.get(userId), revocation))
    },
    async revoke(sid, tombstone) {
      let died = false
      for (let next: string | undefined = sid; next !== undefined; next = successors.get(next)) {
        const [lives, before] = [store.load(next, tombstone.at) !== undefined, tombstones.get(next)]
        const { containmentId } = tombstone
        const isRepeated = containmentId !== undefined && before?.containmentId === containmentId && !gone.has(next)
        died ||= lives || isRepeated
        store.delete(next)
        if (!before || (lives && gone.has(next))) {
          tombstones.set(next, tombstone)
          if (lives) gone.delete(next)
          else gone.add(next)
        }
      }
      return died ? 'success' : 'noop'
    },
  }
}

import { firstGen, type Gens } from '../../session/gens.ts'
import { endedBy, tombstoneOf } from '../../session/revocation.ts'
import type { LiveSession, NewSession, Presentation, Revocation, Tombstone } from '../port.ts'

/** A session as it is stored. */
export interface Kept {
  facts: NewSession & { createdAt: number }
  seen: number
  deadline: number
  gens: Gens
}

export const sessionOf = ({ facts, seen, gens }: Kept): LiveSession => ({ ...facts, lastSeenAt: seen, gen: gens.gen })

/** The state of a store of live sessions, and what ends a session of it. */
export class KeptSessions {
  readonly tombstones = new Map<string, Tombstone>()
  /** Revoked sids that had no live session. */
  readonly gone = new Set<string>()
  readonly revocations = new Map<string, Revocation>()
  readonly successors = new Map<string, string>()
  readonly #sessions = new Map<string, Kept>()
  /** All sids that a user ever had. */
  readonly #sids = new Map<string, Set<string>>()

  add(facts: Kept['facts'], deadline: number): void {
    const { sid, userId, createdAt } = facts
    this.#sessions.set(sid, { facts, seen: createdAt, deadline, gens: firstGen(createdAt) })
    this.#sids.set(userId, (this.#sids.get(userId) ?? new Set()).add(sid))
  }

  set(kept: Kept): void {
    this.#sessions.set(kept.facts.sid, kept)
  }

  delete(sid: string): boolean {
    return this.#sessions.delete(sid)
  }

  /** Expired ones included. */
  get(sid: string): Kept | undefined {
    return this.#sessions.get(sid)
  }

  sidsOf(userId: string): Iterable<string> {
    return this.#sids.get(userId) ?? []
  }

  /** A session that has not expired. Removes it if it has. */
  load(sid: string, now: number): Kept | undefined {
    const kept = this.#sessions.get(sid)
    if (kept && now >= kept.deadline) this.#sessions.delete(sid)
    return kept && now < kept.deadline ? kept : undefined
  }

  /** @returns the session with the present epoch of its user; undefined if a revocation ended it */
  judged(kept: Kept): Kept | undefined {
    const { facts } = kept
    const revocation = this.revocations.get(facts.userId)
    if (!revocation || revocation.epoch <= facts.epoch) return kept
    return endedBy(facts, revocation) ? undefined : { ...kept, facts: { ...facts, epoch: revocation.epoch } }
  }

  /** A session of this user that is neither revoked nor expired. A revocation of the user gives it its tombstone. */
  use(userId: string, sid: string, now: number): Kept | Extract<Presentation, { kind: 'absent' | 'revoked' }> {
    const tombstone = this.tombstones.get(sid)
    if (tombstone) return { kind: 'revoked', tombstone }
    const kept = this.load(sid, now)
    if (kept?.facts.userId !== userId) return { kind: 'absent' }
    return this.#bury(kept.facts) ?? this.judged(kept) ?? { kind: 'absent' }
  }

  #bury(facts: Kept['facts']) {
    const revocation = endedBy(facts, this.revocations.get(facts.userId))
    if (!revocation) return undefined
    const tombstone = tombstoneOf(revocation)
    this.#sessions.delete(facts.sid)
    this.tombstones.set(facts.sid, tombstone)
    return { kind: 'revoked' as const, tombstone }
  }

  fork(kept: Kept, at: number) {
    const { sid } = kept.facts
    this.#sessions.delete(sid)
    this.tombstones.set(sid, { reason: 'forked', at })
    return { kind: 'fork' as const, session: sessionOf(kept) }
  }
}

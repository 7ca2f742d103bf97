import type { Redis } from 'ioredis'
import type { LiveSession, Tombstone } from '../port.ts'
import type { Incarnation, Incarnations } from './incarnation.ts'
import { type StoredSession, sessionKey } from './live-session-record.ts'
import { revoke } from './live-session-revoke.ts'
import { keepIncarnation } from './live-session-scripts.ts'
import { listOf } from './script.ts'

/** Decides which sessions in Redis must be compared with the ledger. */
export interface SessionGuard extends Incarnations {
  /** @throws if the ledger cannot be read: then the session is not accepted */
  verdict(session: { userId: string; sid: string }): Promise<Tombstone | 'live' | 'over'>
}

/** For a Redis that never loses its data while it is used. */
export const UNGUARDED: SessionGuard = {
  enter: async () => ({ id: '', generation: 0 }),
  isCurrent: () => true,
  verdict: async () => 'live',
}

/**
 * Compares sessions with the ledger if Redis may have lost data since it stored them: after a restart, a failover or a
 * restore.
 */
export class Verification {
  readonly #redis: Redis
  readonly #guard: SessionGuard
  /** One comparison for all requests that wait for it. */
  readonly #comparing = new Map<string, Promise<boolean>>()

  constructor(redis: Redis, guard: SessionGuard) {
    this.#redis = redis
    this.#guard = guard
  }

  /** Read before the session itself. */
  enter(): Promise<Incarnation> {
    return this.#guard.enter()
  }

  /** The session that was read, once its incarnation is the present one. */
  async verified(found: StoredSession | undefined, at: Incarnation): Promise<LiveSession | undefined> {
    if (!found) return undefined
    const { userId, sid } = found.session
    for (let now = at; ; now = await this.#guard.enter()) {
      if (now.id !== '' && found.inc !== now.id && !(await this.#verify(userId, sid, now))) return undefined
      if (this.#guard.isCurrent(now)) return found.session
    }
  }

  /**
   * Runs a script about one session. A session from before this incarnation is compared with the ledger first, and
   * again if the incarnation changed while the answer was under way.
   */
  async judge(userId: string, sid: string, run: (incarnation: string) => Promise<unknown>): Promise<unknown[]> {
    for (;;) {
      const at = await this.#guard.enter()
      const reply = listOf(await run(at.id))
      if (reply[0] === 'unchecked') {
        await this.#verify(userId, sid, at)
        continue
      }
      if (this.#guard.isCurrent(at) || (reply[0] !== 'live' && reply[0] !== 'offered')) return reply
      const now = await this.#guard.enter()
      if ((await this.#stands(userId, sid, now)) && this.#guard.isCurrent(now)) return reply
    }
  }

  /** Whether a new session is still there, and is of this incarnation or live in the ledger. */
  async #stands(userId: string, sid: string, at: Incarnation): Promise<boolean> {
    const inc = await this.#redis.hget(sessionKey(userId, sid), 'inc')
    return inc !== null && (inc === at.id || (await this.#verify(userId, sid, at)))
  }

  #verify(userId: string, sid: string, { id }: Incarnation): Promise<boolean> {
    const key = [id, userId, sid].join()
    const compared =
      this.#comparing.get(key) ?? this.#compare(userId, sid, id).finally(() => this.#comparing.delete(key))
    this.#comparing.set(key, compared)
    return compared
  }

  /** Compares a session with the ledger and ends it here if it is over there. @returns whether it is live */
  async #compare(userId: string, sid: string, incarnation: string): Promise<boolean> {
    const verdict = await this.#guard.verdict({ userId, sid })
    if (verdict === 'live') await keepIncarnation(this.#redis, [sessionKey(userId, sid)], [incarnation])
    else if (verdict === 'over') await this.#redis.del(sessionKey(userId, sid))
    else await revoke(this.#redis, sid, verdict, userId)
    return verdict === 'live'
  }
}

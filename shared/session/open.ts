import type { Redis } from 'ioredis'
import type { ServiceLog } from '../log.ts'
import type { LiveSessions } from '../stores/port.ts'
import { createIncarnations } from '../stores/redis/incarnation.ts'
import { createLiveSessions } from '../stores/redis/live-sessions.ts'
import type { Lifetimes } from './policy.ts'
import { type RestoreDeps, restoreEndings, verdictOf } from './restore.ts'

/** A host without Postgres waits this long for a host that can restore the epochs as well. */
const PATIENCE_MS = 1_000

export interface OpenSessionsDeps extends Omit<RestoreDeps, 'sessions'> {
  warn: ServiceLog['warn']
}

/**
 * Live sessions in a Redis that may lose its data, return to an older state, or be replaced. The ledger decides.
 * Before a session of such a Redis is accepted, every session that the ledger has as ended is ended there too, and
 * each remaining session is compared with the ledger once.
 */
export function openSessions(redis: Redis, lifetimes: Lifetimes, deps: OpenSessionsDeps): LiveSessions {
  const incarnations = createIncarnations(redis, {
    restore: () => restoreEndings({ ...deps, sessions }),
    withEpochs: deps.users !== undefined,
    patienceMs: deps.users ? 0 : PATIENCE_MS,
    warn: deps.warn,
  })
  const verdict = (session: { userId: string; sid: string }) => verdictOf(session, deps)
  const sessions: LiveSessions = createLiveSessions(redis, lifetimes, { ...incarnations, verdict })
  return sessions
}

import type { LiveSessions, RevokedUser, SessionLedger, Tombstone, Users } from '../stores/port.ts'
import { mapLimited } from '../stores/tables/entity.ts'

const PARALLEL = 32
/** Users per page, latest first, and writes at the same time. */
const EPOCHS = { page: 500, atOnce: 16 } as const

export interface RaiseEpochsDeps {
  users: Pick<Users, 'listRevoked'>
  sessions: Pick<LiveSessions, 'raiseEpoch'>
  absoluteSeconds: number
  now: () => number
}

/**
 * Writes to Redis every epoch that rose while an older session may still be live: the write may have failed, or Redis
 * may have lost it.
 * @param over whether to stop; called before each page
 */
export async function raiseEpochs(deps: RaiseEpochsDeps, over: () => boolean = () => false): Promise<void> {
  const since = deps.now() - deps.absoluteSeconds * 1000
  let last: RevokedUser | undefined
  while (!over()) {
    const page: RevokedUser[] = await deps.users.listRevoked(new Date(since), EPOCHS.page, last)
    await mapLimited(page, EPOCHS.atOnce, ({ id, ...revocation }) =>
      deps.sessions.raiseEpoch(id, revocation, revocation.at + deps.absoluteSeconds * 1000),
    )
    last = page.at(-1)
    if (page.length < EPOCHS.page) return
  }
}

export interface RestoreDeps extends Omit<RaiseEpochsDeps, 'users' | 'sessions'> {
  sessions: Pick<LiveSessions, 'end' | 'raiseEpoch' | 'revoke'>
  ledger: Pick<SessionLedger, 'endedPages' | 'find'>
  /** Set only on a host with Postgres. */
  users?: RaiseEpochsDeps['users'] | undefined
}

/** Ends again every session that the ledger has as ended within its lifetime, because Redis may have lost that. */
export async function restoreEndings({ users, ...deps }: RestoreDeps): Promise<void> {
  if (users) await raiseEpochs({ ...deps, users })
  const { ledger, sessions } = deps
  for await (const page of ledger.endedPages(new Date(deps.now() - deps.absoluteSeconds * 1000))) {
    await mapLimited(page, PARALLEL, async ({ userId, sid, state, endedAt, ...why }) => {
      const { reason } = why
      if (state === 'revoked' && reason) await sessions.revoke(sid, { ...why, reason, at: endedAt.getTime() }, userId)
      else await sessions.end(sid)
    })
  }
}

/**
 * The state in the ledger of a session that is live in Redis.
 * @returns its tombstone if it was revoked; `over` if it ended otherwise or the ledger does not know it
 */
export async function verdictOf(
  { userId, sid }: { userId: string; sid: string },
  { ledger }: Pick<RestoreDeps, 'ledger'>,
): Promise<Tombstone | 'live' | 'over'> {
  const row = await ledger.find(userId, sid)
  if (row?.state === 'active') return 'live'
  if (row?.state !== 'revoked' || !row.reason) return 'over'
  const { reason, endedAt, containmentId } = row
  return { reason, at: endedAt?.getTime() ?? 0, ...(containmentId !== undefined && { containmentId }) }
}

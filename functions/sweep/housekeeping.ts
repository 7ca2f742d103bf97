import type {
  ContainmentLedger,
  LiveSessions,
  Registrations,
  RevokedUser,
  SessionLedger,
  Users,
} from '../../shared/stores/port.ts'
import { mapLimited } from '../../shared/stores/tables/entity.ts'
import type { Run } from './run.ts'

const PURGE_BATCH = 1000
const PURGE_BATCHES = 10

/** Users whose epoch is told to Redis again: so many at a time, and so many in one sweep at most, the latest first. */
const EPOCHS = { page: 500, pages: 20, atOnce: 16 } as const

export interface EpochsDeps {
  users: Pick<Users, 'listRevoked'>
  sessions: Pick<LiveSessions, 'raiseEpoch'>
  absoluteSeconds: number
  now: () => number
}

/**
 * Writes to Redis every epoch that rose while an older session may still be live: Redis may have failed at the time, or
 * have lost it since.
 */
export async function raiseEpochs(deps: EpochsDeps, run: Run): Promise<void> {
  const since = deps.now() - deps.absoluteSeconds * 1000
  let last: RevokedUser | undefined
  for (let pages = 0; pages < EPOCHS.pages && !run.over(); pages++) {
    const page: RevokedUser[] = await deps.users.listRevoked(new Date(since), EPOCHS.page, last)
    await mapLimited(page, EPOCHS.atOnce, ({ id, ...revocation }) =>
      deps.sessions.raiseEpoch(id, revocation, revocation.at + deps.absoluteSeconds * 1000),
    )
    last = page.at(-1)
    if (page.length < EPOCHS.page) return
  }
}

export interface HousekeepingDeps {
  users: Pick<Users, 'purgeAudit'>
  registrations: Pick<Registrations, 'purge'>
  ledger: Pick<SessionLedger, 'purge'>
  containments: Pick<ContainmentLedger, 'purge'>
  /** How long ledgers and audit are kept. */
  retentionMs: number
  now: () => number
}

/** Removes registrations whose link has expired: at most {@link PURGE_BATCHES} batches in one sweep. */
export async function purgeRegistrations(deps: HousekeepingDeps, run: Run): Promise<void> {
  for (let batch = 0; batch < PURGE_BATCHES && !run.over(); batch++) {
    if ((await deps.registrations.purge(new Date(deps.now()), PURGE_BATCH)) < PURGE_BATCH) return
  }
}

/** Removes rows past their retention: at most {@link PURGE_BATCH} of each kind in one sweep. */
export async function purgeLedgers(deps: HousekeepingDeps): Promise<void> {
  const before = new Date(deps.now() - deps.retentionMs)
  const purges = [deps.ledger.purge, deps.containments.purge, deps.users.purgeAudit]
  // One that fails keeps none of the others.
  const results = await Promise.allSettled(purges.map((purge) => purge(before, PURGE_BATCH)))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

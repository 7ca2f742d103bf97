import type { ContainmentLedger, Registrations, SessionLedger, Users } from '../../shared/stores/port.ts'
import type { Run } from './run.ts'

const PURGE_BATCH = 1000
const PURGE_BATCHES = 10

export interface HousekeepingDeps {
  users: Pick<Users, 'purgeAudit'>
  registrations: Pick<Registrations, 'purge'>
  ledger: Pick<SessionLedger, 'purge'>
  containments: Pick<ContainmentLedger, 'purge'>
  /** The retention of ledgers and audit. */
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
  // A failure of one does not stop the others.
  const results = await Promise.allSettled(purges.map((purge) => purge(before, PURGE_BATCH)))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

import { withBudget } from '../../shared/bounded.ts'
import { type RaiseEpochsDeps, raiseEpochs } from '../../shared/session/restore.ts'
import type { Leases } from '../../shared/stores/port.ts'
import { findLostRows, type SweepContainmentsDeps, sweepContainments } from './containments.ts'
import { type HousekeepingDeps, purgeLedgers, purgeRegistrations } from './housekeeping.ts'
import { holdLease } from './lease.ts'
import { type PullDeps, pullAlerts } from './pull.ts'
import { newRun, type Run, type Swept, shortened } from './run.ts'
import { type SweepSessionsDeps, sweepSessions } from './sessions.ts'

export type SweepDeps = SweepContainmentsDeps &
  PullDeps &
  SweepSessionsDeps &
  RaiseEpochsDeps &
  HousekeepingDeps & { leases: Leases }

export interface SweepLimits {
  /** Shorter than the period of a minute, so that runs do not overlap. */
  deadlineMs: number
  /** The share of the open sessions, so that later steps have time. */
  sessionsMs: number
  /** How long the lease outlives a killed holder. */
  leaseMs: number
  renewMs: number
}

export const LIMITS: SweepLimits = { deadlineMs: 45_000, sessionsMs: 30_000, leaseMs: 15_000, renewMs: 5_000 }

/** The time limit of one call that reads a page or removes a batch; no visitor waits for it. */
const PAGE_CALL_MS = 8_000

type StepName = 'lease' | 'containments' | 'alerts' | 'epochs' | 'sessions' | 'registrations' | 'retention' | 'index'

/**
 * Finishes open work: containments first, then the state of Redis and the ledgers. A failing step does not stop the
 * others. Two runs may overlap.
 * @returns undefined if another sweeper holds the lease
 */
export async function sweep(deps: SweepDeps, limits: SweepLimits = LIMITS): Promise<Swept | undefined> {
  const startedAt = deps.now()
  const faults = new Set<StepName>()
  const attempt = async <T>(name: StepName, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step()
    } catch (error) {
      faults.add(name)
      deps.error(error, `the sweep step failed: ${name}`)
      return undefined
    }
  }

  const lease = await attempt('lease', async () => (await holdLease(deps.leases, 'sweep', ttlOf(limits))) ?? 'taken')
  if (lease === 'taken') return undefined
  const run = newRun(limits.deadlineMs, lease)
  // Neither step needs the lease: each row has its own fence, and Redis may be unavailable.
  await attempt('containments', () => sweepContainments(deps, { ...run, over: () => run.deadline.aborted }))
  if (lease) await withLease(deps, run, limits, attempt)
  await lease?.release().catch((error: unknown) => deps.error(error, 'the sweep lease could not be released'))

  const duration_ms = Math.max(0, Math.round(deps.now() - startedAt))
  const outcome = faults.size === 0 ? 'success' : 'fail'
  deps.emit({ evt: 'sweep', outcome, ...run.swept, duration_ms, ...(faults.size > 0 && { level: 'error' }) })
  return run.swept
}

const ttlOf = ({ leaseMs, renewMs }: SweepLimits) => ({ ttlMs: leaseMs, renewMs })

/** The epochs are written again each minute; one run writes at most this many pages of them. */
const EPOCH_PAGES = 20
function pagesOf(run: Run): () => boolean {
  let pages = 0
  return () => pages++ >= EPOCH_PAGES || run.over()
}

type Attempt = (name: StepName, step: () => Promise<void>) => Promise<void>

async function withLease(deps: SweepDeps, run: Run, limits: SweepLimits, attempt: Attempt): Promise<void> {
  const steps: [StepName, () => Promise<void>][] = [
    ['alerts', () => pullAlerts(deps, run)],
    ['epochs', () => raiseEpochs(deps, pagesOf(run))],
    ['sessions', () => sweepSessions(deps, shortened(run, limits.sessionsMs))],
    ['registrations', () => purgeRegistrations(deps, run)],
    ['retention', () => purgeLedgers(deps)],
    ['index', () => findLostRows(deps)],
    // Again, for earlier failures and for rows found since.
    ['containments', () => sweepContainments(deps, run)],
  ]
  for (const [name, step] of steps) {
    if (run.over()) return
    // Longer than the run by one call, because the progress must be stored.
    await attempt(name, () => withBudget(limits.deadlineMs + PAGE_CALL_MS, step, { callMs: PAGE_CALL_MS }))
  }
}

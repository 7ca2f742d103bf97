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
  /** Shorter than the period of a minute, so that runs of one schedule do not meet. */
  deadlineMs: number
  /** Of which the open sessions get so much: what comes after them has its turn. */
  sessionsMs: number
  /** How long the lease outlives a holder that was killed. */
  leaseMs: number
  renewMs: number
}

export const LIMITS: SweepLimits = { deadlineMs: 45_000, sessionsMs: 30_000, leaseMs: 15_000, renewMs: 5_000 }

/** How long one call may take that reads a whole page of a table, or removes a batch: nobody waits for it. */
const PAGE_CALL_MS = 8_000

type StepName = 'lease' | 'containments' | 'alerts' | 'epochs' | 'sessions' | 'registrations' | 'retention' | 'index'

/**
 * Brings everything up to date with what has happened since: containments first, then what Redis and the ledgers should say.
 * A step that fails keeps none of the others. Safe to run twice at once.
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
      deps.error(error, `the sweep failed at its step: ${name}`)
      return undefined
    }
  }

  const lease = await attempt('lease', async () => (await holdLease(deps.leases, 'sweep', ttlOf(limits))) ?? 'taken')
  if (lease === 'taken') return undefined
  const run = newRun(limits.deadlineMs, lease)
  // Neither needs the lease: each row has a fence of its own, and Redis may be what is away.
  await attempt('containments', () => sweepContainments(deps, { ...run, over: () => run.deadline.aborted }))
  if (lease) await withLease(deps, run, limits, attempt)
  await lease?.release().catch((error: unknown) => deps.error(error, 'the sweep lease could not be released'))

  const duration_ms = Math.max(0, Math.round(deps.now() - startedAt))
  const outcome = faults.size === 0 ? 'success' : 'fail'
  deps.emit({ evt: 'sweep', outcome, ...run.swept, duration_ms, ...(faults.size > 0 && { level: 'error' }) })
  return run.swept
}

const ttlOf = ({ leaseMs, renewMs }: SweepLimits) => ({ ttlMs: leaseMs, renewMs })

/** The epochs are told again each minute: one run of the sweeper tells no more than so many pages of them. */
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
    // Once more: for what failed at first, and for what has been found since.
    ['containments', () => sweepContainments(deps, run)],
  ]
  for (const [name, step] of steps) {
    if (run.over()) return
    // One call more than the run's time: what was reached must be kept.
    await attempt(name, () => withBudget(limits.deadlineMs + PAGE_CALL_MS, step, { callMs: PAGE_CALL_MS }))
  }
}

import { randomUUID } from 'node:crypto'
import type { Containment } from '../../shared/stores/port.ts'
import { pulledAlert } from '../contain/alert.ts'
import { proceed } from '../contain/attempt.ts'
import { type ContainDeps, handleAlert } from '../contain/contain.ts'
import { remind } from '../contain/row.ts'
import { isOfOpenAlert } from '../contain/same-alert.ts'
import { AlertsUnavailable, type OpenAlert, type OpenAlerts } from './alerts.ts'
import { eachLimited, type Run, shortened } from './run.ts'

const PARALLEL = 16
/** The time limit within a run, so that the later steps have their time if Datadog is slow. */
const TIME_MS = 25_000
/** How long the webhook may take first: as long as Datadog waits for its answer. */
const YOUNGEST_MS = 15_000
/**
 * As long as a session may live: an alert without a row may have begun while the ledger or Redis was unavailable for hours.
 */
const OLDEST_MS = 24 * 3_600_000

export interface PullDeps extends ContainDeps {
  /** Absent without a key for reading monitors. */
  openAlerts?: OpenAlerts | undefined
  error: (error: unknown, message: string) => void
}

/** Asks Datadog for the open alerts and contains those that no webhook delivered. */
export async function pullAlerts(deps: PullDeps, run: Run): Promise<void> {
  if (!deps.openAlerts) return
  const signal = AbortSignal.any([run.deadline, AbortSignal.timeout(TIME_MS)])
  try {
    await eachLimited(inTime(deps.openAlerts, signal, deps.now), PARALLEL, shortened(run, TIME_MS), async (open) => {
      try {
        if (await pull(open, deps)) run.swept.pulled++
      } catch (error) {
        run.swept.failed++
        deps.error(error, `an open alert of monitor ${open.monitorId} could not be contained`)
      }
    })
  } catch (error) {
    // An unavailable Datadog is not a fault of this service, so the sweep does not fail.
    if (!(error instanceof AlertsUnavailable)) throw error
    deps.error(error, 'open alerts could not be read from Datadog')
  }
}

async function* inTime(openAlerts: OpenAlerts, signal: AbortSignal, now: () => number): AsyncGenerator<OpenAlert> {
  for await (const page of openAlerts.pages(signal)) {
    const ages = page.map((open) => ({ open, ms: now() - open.triggeredAt }))
    const due = ages.filter(({ ms }) => ms >= YOUNGEST_MS && ms <= OLDEST_MS).sort((a, b) => b.ms - a.ms)
    for (const { open } of due) yield open
  }
}

/** @returns whether this call contained it or began to */
async function pull(open: OpenAlert, deps: PullDeps): Promise<boolean> {
  const alert = pulledAlert(open)
  // Not ours: another monitor with our tag, or one that was edited by hand.
  if ('fault' in alert) return false
  const rows = await deps.containments.listOf(alert.detection, alert.scope)
  const its = rows.filter((row) => isOfOpenAlert(row, new Date(open.triggeredAt)))
  if (its.length === 0) {
    const { kind } = await handleAlert(alert, randomUUID(), deps)
    return kind === 'accepted' || kind === 'unfinished'
  }
  const stale = its.find(({ state, reason }) => state === 'held' && reason === 'stale')
  return stale !== undefined && letGo(stale, deps)
}

/** Releases a row that was held for its age alone: an alert that is still open is not a replay. */
async function letGo({ detection, id }: Containment, deps: PullDeps): Promise<boolean> {
  const now = new Date(deps.now())
  const reminded = await deps.containments.revise(detection, id, remind(now, now))
  if (reminded?.state !== 'pending') return false
  await proceed(reminded, randomUUID(), deps)
  return true
}

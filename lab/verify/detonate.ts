import { freshAddresses } from '../../attacks/addresses.ts'
import type { Attack, AttackContext, BenignUse, Detonation, Insider, Target } from '../../attacks/attack.ts'
import { createAttackContext, createContext } from '../../attacks/context.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import { duration } from '../cli/output.ts'
import { nextAligned } from '../datadog/clock.ts'
import type { Monitor } from '../datadog/monitor/monitor.ts'
import type { Alert } from '../datadog/notify/alerts.ts'
import { sleepUntil } from './instant.ts'
import type { Logs } from './logs.ts'
import { isAlertOf, isFalseAlert } from './match.ts'
import { alertedOtherwise, DATADOG_CADENCE_SECONDS } from './other-mode.ts'
import type { Watch } from './watch.ts'

/** A running lab, seen from outside. */
export interface ObservedLab {
  readonly watch: Watch
  readonly logs: Logs
  /** Undefined: monitors are evaluated as each log arrives. */
  readonly cadenceSeconds: number | undefined
  readonly insider: Insider
  /** Addresses that somebody has who acts in it now, or did. */
  readonly taken: Set<string>
  /** Those that it evaluates. */
  readonly monitors: readonly Monitor[]
}

export interface Run {
  readonly attack: Attack
  readonly target: Target
  readonly runId: string
  readonly seed: number
  readonly tell: (who: string, what: string) => void
  readonly signal: AbortSignal
}

export interface Contained {
  readonly action: string
  readonly outcome: string
}

/** What became of one detonation. */
export interface Outcome {
  readonly requests: number
  readonly detonation: Detonation
  readonly alert: Alert | undefined
  readonly contained: Contained | undefined
  /** Epoch ms: when the alert would have come had its monitor been evaluated in the other way, at each event or every minute. */
  readonly alertedOtherwise: number | undefined
}

export interface TwinOutcome {
  readonly events: number
  /** False ones: about the twin, or because of it. */
  readonly alerts: readonly Alert[]
  /** Searches that found less than the twin must have left: then nothing can be said. */
  readonly missing: readonly string[]
}

/** From the event to its being indexed and told. */
const ARRIVAL_MS = 10_000
const CONTAINED_WITHIN_MS = 10_000
const INDEXED_WITHIN_MS = 10_000
const QUIET_PAUSE_MS = { arrival: 20, cadence: 500 }
/** An evaluation takes its moment after the instant for which it is due. */
const EVALUATED_WITHIN_MS = 1_000

/** How long an alert may take, in ms. */
const alertDeadlineMs = ({ alertTakesMs = 0 }: Attack, cadenceSeconds: number | undefined): number =>
  alertTakesMs + (cadenceSeconds === undefined ? ARRIVAL_MS : 2 * cadenceSeconds * 1000 + 30_000)

/** Detonates an attack in the lab, and watches what the defence makes of it. */
export async function detonate(run: Run, lab: ObservedLab): Promise<Outcome> {
  const { attack, runId, tell } = run
  const since = Date.now()
  const withinMs = alertDeadlineMs(attack, lab.cadenceSeconds)
  let alerting: Promise<Alert | undefined> = Promise.resolve(undefined)
  let containing: Promise<Contained | undefined> = Promise.resolve(undefined)
  const base = contextIn(lab, run)
  const context: AttackContext = createAttackContext(base, {
    quietPauseMs: lab.cadenceSeconds === undefined ? QUIET_PAUSE_MS.arrival : QUIET_PAUSE_MS.cadence,
    patienceMs: withinMs,
    async heard(group, at, which) {
      const detonated = { monitor: attack.trips, group, since, runId: attack.serviceWide ? undefined : runId }
      alerting = lab.watch.alert((alert) => isAlertOf(alert, detonated), withinMs)
      containing = alerting.then(
        (alert) => alert && containmentOf(alert, (instant) => `${duration(instant - at)} after ${which}`, lab, tell),
      )
      // Whoever awaits the outcome is told of a failure; until then it is nobody's.
      containing.catch(() => {})
      if (lab.cadenceSeconds !== undefined) tell('Datadog', `evaluates next at ${nextEvaluation(lab.cadenceSeconds)}`)
      const alert = await alerting
      if (alert)
        tell('Datadog', `${alert.transition}: ${alert.monitor}, ${duration(alert.notified_at - at)} after ${which}`)
      else tell('Datadog', `has raised no alert within ${withinMs / 1000} s`)
      return alert ? 'raised' : 'unheard'
    },
  })
  const detonation = await attack.attack(run.target, context)
  const alert = await alerting
  const otherwise = alert && (await alertedInOtherMode(alert, since, lab))
  return { requests: base.requests(), detonation, alert, contained: await containing, alertedOtherwise: otherwise }
}

async function alertedInOtherMode(alert: Alert, since: number, lab: ObservedLab): Promise<number | undefined> {
  const monitor = lab.monitors.find(({ slug }) => slug === alert.monitor)
  const cadenceSeconds = lab.cadenceSeconds === undefined ? DATADOG_CADENCE_SECONDS : undefined
  return monitor && alertedOtherwise({ monitor, group: alert.group, since, cadenceSeconds }, lab.logs)
}

/** Lets the twin act, until the stand-in has seen all of it. */
export async function actTwin(run: Run, lab: ObservedLab): Promise<TwinOutcome> {
  const since = Date.now()
  const context = contextIn(lab, run)
  const use = await run.attack.twin.act(run.target, context)
  const missing = await awaitTraces(use, run.runId, lab.logs)
  if (lab.cadenceSeconds !== undefined) {
    await sleepUntil(nextAligned(Date.now(), lab.cadenceSeconds) + EVALUATED_WITHIN_MS, run.signal)
  }
  const twin = { ...use, runId: run.runId }
  const alerts = (await lab.logs.alertsSince(since)).filter((alert) => isFalseAlert(alert, twin))
  const events = await lab.logs.search(`@run_id:${run.runId}`)
  return { events: events.length, alerts, missing }
}

const contextIn = ({ logs, insider, taken }: ObservedLab, run: Run) =>
  createContext({ ...run, insider, addresses: freshAddresses((ip) => isSeen(ip, logs), taken) })

async function awaitTraces({ leaves }: BenignUse, runId: string, logs: Logs): Promise<string[]> {
  const missing: string[] = []
  for (const { query, atLeast } of leaves) {
    const found = await logs.await(`@run_id:${runId} ${query}`, atLeast, INDEXED_WITHIN_MS)
    if (found.length < atLeast) missing.push(`${query}: ${found.length} of ${atLeast}`)
  }
  return missing
}

/** What was done about an alert: by the event that whoever did it has left, or, of a mere page, by its having arrived. */
async function containmentOf(
  alert: Alert,
  timed: (instant: number) => string,
  { watch, logs }: ObservedLab,
  tell: Run['tell'],
): Promise<Contained | undefined> {
  const delivery = await watch.delivery(alert.id, CONTAINED_WITHIN_MS)
  if (delivery) tell('webhook', `${delivery.webhook} ${delivery.state}${delivery.status ? `: ${delivery.status}` : ''}`)
  if (policyFor(alert.monitor)?.action === 'notify') {
    return delivery && { action: 'notify', outcome: delivery.state === 'delivered' ? 'success' : delivery.state }
  }
  const [log] = await logs.await(containedSearch(alert), 1, CONTAINED_WITHIN_MS)
  if (!log) return undefined
  const contained = { action: String(log.attributes.action), outcome: String(log.attributes.outcome) }
  tell('containment', `${contained.action}: ${contained.outcome}, ${timed(log.timestamp)}`)
  return contained
}

/** By the group's facet: what a containment's event calls its subject. */
const SUBJECTS: Readonly<Record<string, string>> = {
  '@sid': '@sid',
  '@network': '@blocked_network',
  '@usr.id': '@usr.id',
}

function containedSearch({ monitor, group }: Alert): string {
  const subjects = Object.entries(group).map(([facet, value]) => `${SUBJECTS[facet] ?? facet}:"${value}"`)
  return ['@evt:contain', `@detection:${monitor}`, ...subjects].join(' ')
}

const nextEvaluation = (cadenceSeconds: number): string =>
  new Date(nextAligned(Date.now(), cadenceSeconds)).toISOString().slice(11, 19)

const isSeen = async (ip: string, logs: Logs): Promise<boolean> => (await logs.search(`@ip:${ip}`, 1)).length > 0

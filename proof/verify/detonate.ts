import { nextAligned, type SearchMonitor } from 'alertproof'
import type { Alert, SignalReport } from 'alertproof/notify'
import { DATADOG_CADENCE_SECONDS } from 'alertproof/replay'
import type { AccessCheck } from '../../attacks/kit/access-check.ts'
import { freshAddresses } from '../../attacks/kit/addresses.ts'
import type {
  Attack,
  AttackContext,
  Detonation,
  Insider,
  Mine,
  PreventedAttack,
  Target,
  TargetKind,
  Traces,
} from '../../attacks/kit/attack.ts'
import type { Account } from '../../attacks/kit/cast.ts'
import type { Mailbox } from '../../attacks/kit/clients/mailbox.ts'
import { type Alarm, createAttackContext, createContext, type RunContext } from '../../attacks/kit/context.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import { sleepUntil } from './instant.ts'
import type { Logs } from './logs.ts'
import { isAbout, isAlertOf, isFalseAlert, isFalseSignal, isSignalOf } from './match.ts'
import { alertedOtherwise } from './other-mode.ts'
import type { Watch } from './watch.ts'

/** A running lab, seen from outside. */
export interface ObservedLab {
  readonly watch: Watch
  readonly logs: Logs
  /** Undefined: monitors are evaluated as each log arrives. */
  readonly cadenceSeconds: number | undefined
  readonly insider: Insider
  readonly mailbox: Mailbox
  /** Addresses that are or were in use in this run. */
  readonly taken: Set<string>
  /** The monitors that it evaluates. */
  readonly monitors: readonly SearchMonitor[]
  /** The slugs of the rules of Cloud SIEM that it evaluates. */
  readonly rules: ReadonlySet<string>
  /**
   * How long verify waits for an alert, and an attacker for a refusal, where monitors are evaluated at each event
   * (default 10 s).
   */
  readonly patienceMs?: number
}

export interface Run {
  readonly attack: Attack
  readonly target: Target
  /** The known origins of both hosts. */
  readonly hosts: Readonly<Partial<Record<TargetKind, string>>>
  readonly runId: string
  readonly seed: number
  /** The session of the person at the screen, to be robbed in place of an invented one. */
  readonly mine?: Mine | undefined
  /** Existing accounts of the target; absent: accounts are invented and registered. */
  readonly accounts?: readonly Account[] | undefined
  /** Of a target that is not a lab. */
  readonly mailbox?: Mailbox | undefined
  /** @param ms after the story's origin; undefined before there is one */
  readonly tell: (who: string, what: string, ms?: number) => void
  /** Awaited before each request of the attack. */
  readonly pace?: (() => Promise<void>) | undefined
  readonly signal: AbortSignal
}

export interface Contained {
  readonly action: string
  readonly outcome: string
  /** Epoch ms; the time of its event. */
  readonly at: number
}

/** The result of one detonation. */
export interface Outcome {
  /** Of the attack itself, without the questions that are asked afterwards. */
  readonly requests: number
  readonly detonation: Detonation
  /** Asked once the containment was done and every request answered. */
  readonly access: AccessCheck
  readonly alert: Alert | undefined
  readonly contained: Contained | undefined
  /** Of a detection that is a rule of Cloud SIEM as well. */
  readonly signalled?: Signalled | undefined
  /** Epoch ms: when the alert would have come had its monitor been evaluated in the other way, at each event or every minute. */
  readonly alertedOtherwise: number | undefined
  /** Of a prevented attack: its traces in the logs, where these can be searched. */
  readonly traces?: TracesFound | undefined
}

/** What the rule reported beside the monitor. */
export interface Signalled {
  readonly rule: string
  readonly signal: SignalReport | undefined
  /** How many containments of the subject were carried out for both reports together. */
  readonly containments: number
}

export interface TracesFound {
  /** Searches that found less than they must. */
  readonly missing: readonly string[]
  /** Alerts about somebody honest. */
  readonly accusing: readonly (Alert | SignalReport)[]
}

export interface TwinOutcome {
  readonly events: number
  /** False alerts and signals about the twin or caused by it. */
  readonly alerts: readonly (Alert | SignalReport)[]
  /** Searches that found less than the twin must leave; then its verdict is not valid. */
  readonly missing: readonly string[]
}

/** From an event to its alert. */
const ALERTED_WITHIN_MS = 10_000
const CONTAINED_WITHIN_MS = 10_000
const INDEXED_WITHIN_MS = 10_000
const QUIET_PAUSE_MS = { arrival: 20, cadence: 500 }
/** How long after its instant an evaluation is done. */
const EVALUATED_WITHIN_MS = 1_000

/** How long an alert may take, in ms. */
const alertDeadlineMs = (
  { alertTakesMs = 0 }: Attack,
  { cadenceSeconds, patienceMs = ALERTED_WITHIN_MS }: ObservedLab,
): number => alertTakesMs + (cadenceSeconds === undefined ? patienceMs : 2 * cadenceSeconds * 1000 + 30_000)

/** Carries out an attack in the lab and observes the defence. */
export const detonate = (run: Run, lab: ObservedLab): Promise<Outcome> =>
  run.attack.ends === 'prevented' ? beRefused(run, run.attack, lab) : beContained(run, lab)

async function beContained(run: Run, lab: ObservedLab): Promise<Outcome> {
  const { attack, runId } = run
  const since = Date.now()
  const withinMs = alertDeadlineMs(attack, lab)
  let alerting: Promise<Alert | undefined> = Promise.resolve(undefined)
  let containing: Promise<Contained | undefined> = Promise.resolve(undefined)
  let signalling: Promise<SignalReport | undefined> = Promise.resolve(undefined)
  const rule = attack.trips !== undefined && lab.rules.has(attack.trips) ? attack.trips : undefined
  const base = contextIn(lab, run)
  const context: AttackContext = createAttackContext(base, run.tell, {
    quietPauseMs: lab.cadenceSeconds === undefined ? QUIET_PAUSE_MS.arrival : QUIET_PAUSE_MS.cadence,
    patienceMs: withinMs,
    contained: async () => (await containing)?.at,
    async heard(group) {
      const { tell } = context
      const detonated = { monitor: attack.trips ?? '', group, since, runId: attack.serviceWide ? undefined : runId }
      alerting = lab.watch.alert((alert) => isAlertOf(alert, detonated), withinMs)
      containing = alerting.then((alert) => alert && containmentOf(alert, lab, tell))
      if (rule !== undefined) signalling = signalOf(detonated, lab, tell)
      // A failure is thrown where this is awaited; this avoids an unhandled rejection until then.
      containing.catch(() => {})
      if (lab.cadenceSeconds !== undefined) tell('Datadog', `evaluates next at ${nextEvaluation(lab.cadenceSeconds)}`)
      const alert = await alerting
      if (alert) tell('Datadog', textOf(alert), alert.notified_at)
      else tell('Datadog', `has raised no alert within ${withinMs / 1000} s`)
      return alert ? 'raised' : 'unheard'
    },
  })
  const detonation = await attack.attack(run.target, context)
  const alert = await alerting
  const contained = await containing
  const signalled = rule === undefined ? undefined : await signalledBy(rule, await signalling, alert, lab)
  const requests = base.requests()
  const access = await checkAccess(run, base, context, detonation)
  const otherwise = alert && (await alertedInOtherMode(alert, since, lab))
  return { requests, detonation, access, alert, contained, signalled, alertedOtherwise: otherwise }
}

/** A rule is evaluated at each event, so its signal does not wait for a minute. */
async function signalOf(
  detonated: Parameters<typeof isSignalOf>[1],
  { watch, patienceMs = ALERTED_WITHIN_MS }: ObservedLab,
  tell: AttackContext['tell'],
): Promise<SignalReport | undefined> {
  const signal = await watch.signal((each) => isSignalOf(each, detonated), patienceMs)
  if (signal) tell('Datadog', `signal of ${signal.rule}: ${signal.severity}`, signal.notified_at)
  else tell('Datadog', `has opened no signal within ${patienceMs / 1000} s`)
  return signal
}

/** Both webhooks must have named the same containment before its events are counted. */
async function signalledBy(
  rule: string,
  signal: SignalReport | undefined,
  alert: Alert | undefined,
  { watch, logs }: ObservedLab,
): Promise<Signalled> {
  if (!signal || !alert) return { rule, signal, containments: 0 }
  await watch.delivery(signal.id, CONTAINED_WITHIN_MS)
  const [first] = await logs.await(containedSearch(alert), 1, CONTAINED_WITHIN_MS)
  const id = String(first?.attributes.containment_id)
  if (first) await logs.await(`@evt:webhook @containment_id:"${id}"`, 2, INDEXED_WITHIN_MS)
  const events = await logs.search(`${containedSearch(alert)} @outcome:(success OR noop)`)
  return { rule, signal, containments: new Set(events.map(({ attributes }) => attributes.containment_id)).size }
}

/** Needs no alert. If one comes all the same, its containment is done before the questions are asked. */
async function beRefused(run: Run, { leaves }: PreventedAttack, lab: ObservedLab): Promise<Outcome> {
  const since = Date.now()
  const base = contextIn(lab, run)
  const context = createAttackContext(base, run.tell, unheard(lab))
  const detonation = await run.attack.attack(run.target, context)
  await base.idle()
  const missing = await awaitTraces(leaves, run.runId, lab.logs)
  await awaitEvaluation(lab, run.signal)
  const isOurs = (alert: Alert) => isFalseAlert(alert, { groups: [], runId: run.runId })
  const raised = await lab.logs.alertsSince(since)
  const accused = raised.filter((alert) => isAbout(alert, detonation.innocent ?? []))
  const signals = (await lab.logs.signalsSince(since)).filter(
    (signal) => signal.transition !== 'Closed' && isAbout(signal, detonation.innocent ?? []),
  )
  const accusing = [...accused, ...signals]
  const alerts = raised.filter((alert) => isOurs(alert) || accused.includes(alert))
  for (const alert of alerts) {
    context.tell('Datadog', textOf(alert), alert.notified_at)
    await containmentOf(alert, lab, context.tell)
  }
  const requests = base.requests()
  const access = await checkAccess(run, base, context, detonation)
  return {
    ...{ requests, detonation, access, traces: { missing, accusing } },
    ...{ alert: alerts[0], contained: undefined, alertedOtherwise: undefined },
  }
}

/** `Triggered: session-reuse, 2 values of @device_hash > 1`. */
const textOf = ({ transition, monitor, measured }: Alert): string => `${transition}: ${monitor}, ${measured}`

/** Of attacks that wait for no alert. */
const unheard = ({ patienceMs = ALERTED_WITHIN_MS }: ObservedLab): Alarm => ({
  ...{ quietPauseMs: QUIET_PAUSE_MS.arrival, patienceMs },
  heard: async () => 'unheard',
  contained: async () => undefined,
})

/** Checks everything that the attack got, once every request has been answered. */
export async function checkAccess(
  { attack }: Pick<Run, 'attack'>,
  base: RunContext,
  { tell }: AttackContext,
  { lost = [], restored = [] }: Detonation,
): Promise<AccessCheck> {
  await base.idle()
  const passwords = attack.trips !== undefined && policyFor(attack.trips)?.action === 'block_ip'
  return base.checkAccess({ passwords, lost: new Set(lost), restored: new Set(restored), tell })
}

async function alertedInOtherMode(alert: Alert, since: number, lab: ObservedLab): Promise<number | undefined> {
  const monitor = lab.monitors.find(({ slug }) => slug === alert.monitor)
  const cadenceSeconds = lab.cadenceSeconds === undefined ? DATADOG_CADENCE_SECONDS : undefined
  return monitor && alertedOtherwise({ monitor, group: alert.group, since, cadenceSeconds }, lab.logs)
}

/** Lets the twin act, and waits until all of its events are indexed. */
export async function actTwin(run: Run, lab: ObservedLab): Promise<TwinOutcome> {
  const since = Date.now()
  const context = contextIn(lab, run)
  const use = await run.attack.twin.act(run.target, context)
  const missing = await awaitTraces(use.leaves, run.runId, lab.logs)
  await awaitEvaluation(lab, run.signal)
  const twin = { ...use, runId: run.runId }
  const alerts = (await lab.logs.alertsSince(since)).filter((alert) => isFalseAlert(alert, twin))
  const signals = (await lab.logs.signalsSince(since)).filter((signal) => isFalseSignal(signal, twin))
  const events = await lab.logs.search(`@run_id:${run.runId}`)
  return { events: events.length, alerts: [...alerts, ...signals], missing }
}

const contextIn = ({ logs, insider, mailbox, taken }: ObservedLab, run: Run) =>
  createContext({ ...run, insider, mailbox, addresses: freshAddresses((ip) => isSeen(ip, logs), taken) })

async function awaitEvaluation({ cadenceSeconds }: ObservedLab, signal: AbortSignal): Promise<void> {
  if (cadenceSeconds === undefined) return
  await sleepUntil(nextAligned(Date.now(), cadenceSeconds) + EVALUATED_WITHIN_MS, signal)
}

async function awaitTraces(leaves: readonly Traces[], runId: string, logs: Logs): Promise<string[]> {
  const missing: string[] = []
  for (const { query, atLeast } of leaves) {
    const found = await logs.await(`@run_id:${runId} ${query}`, atLeast, INDEXED_WITHIN_MS)
    if (found.length < atLeast) missing.push(`${query}: ${found.length} of ${atLeast}`)
  }
  return missing
}

/** What was done about an alert, as its event says. A mere page leaves no event, so its delivery counts. */
async function containmentOf(
  alert: Alert,
  { watch, logs }: ObservedLab,
  tell: AttackContext['tell'],
): Promise<Contained | undefined> {
  const delivery = await watch.delivery(alert.id, CONTAINED_WITHIN_MS)
  if (delivery) {
    const { webhook, state, status, started_at = alert.notified_at } = delivery
    const outcome = state === 'delivered' ? '' : `: ${state}${status ? `, answered ${status}` : ''}`
    tell('webhook', `calls ${webhook}${outcome}`, started_at)
  }
  if (policyFor(alert.monitor)?.action === 'notify') {
    const outcome = delivery?.state === 'delivered' ? 'success' : delivery?.state
    return outcome && { action: 'notify', outcome, at: alert.notified_at }
  }
  const [log] = await logs.await(containedSearch(alert), 1, CONTAINED_WITHIN_MS)
  if (!log) return undefined
  const { action, outcome } = log.attributes
  const contained = { action: String(action), outcome: String(outcome), at: log.timestamp }
  tell('containment', `${contained.action}: ${contained.outcome}`, contained.at)
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

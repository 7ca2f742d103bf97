import type { Attack, TargetKind } from '../../attacks/kit/attack.ts'
import { policyFor } from '../../shared/containment/policy.ts'
import type { Outcome, TwinOutcome } from './detonate.ts'
import type { Evaluation, Scenario, Verdict } from './scoreboard.ts'

/** What was found out; an error in place of what could not be. */
export interface Findings {
  readonly attack: Attack
  readonly target: TargetKind
  /** How the monitors were evaluated. */
  readonly mode: Evaluation
  readonly outcome: Outcome | Error
  readonly twin: TwinOutcome | Error
  readonly durationMs: number
}

export interface Judged<T> {
  readonly facts: T
  /** Why it does not hold; empty when it does. */
  readonly faults: readonly string[]
}

/** Decides whether a scenario holds: all of it, or it does not. */
export function judge({ attack, target, mode, outcome, twin, durationMs }: Findings): Verdict {
  const attacked = judgeAttack(attack, outcome, mode)
  const benign = judgeTwin(twin)
  const faults = [...attacked.faults, ...benign.faults]
  const scenario: Scenario = {
    slug: attack.slug,
    target,
    ...attacked.facts,
    benign: benign.facts,
    ok: faults.length === 0,
  }
  return { scenario, faults, durationMs }
}

export const judgeAttack = (attack: Attack, outcome: Outcome | Error, mode: Evaluation): Judged<AttackFacts> => ({
  facts: {
    ends: attack.ends ?? 'contained',
    ...(outcome instanceof Error ? nothingSeen(mode) : factsOf(attack, outcome, mode)),
  },
  faults: faultsOf(attack, outcome),
})

/** Whether the attacker must be out at the end. False if the policy only notifies a person. */
const stops = ({ ends, trips }: Attack): boolean =>
  ends === 'prevented' || (trips !== undefined && policyFor(trips)?.contain !== 'none')

export const judgeTwin = (twin: TwinOutcome | Error): Judged<Scenario['benign']> => ({
  facts: twin instanceof Error ? { events: 0, alerts: 0 } : { events: twin.events, alerts: twin.alerts.length },
  faults: twinFaults(twin),
})

type AttackFacts = Pick<Scenario, 'ends' | 'attack' | 'alert' | 'signal' | 'containment' | 'otherwise'>

const otherThan = (mode: Evaluation): Evaluation => (mode === 'cadence' ? 'arrival' : 'cadence')

const nothingSeen = (mode: Evaluation): Omit<AttackFacts, 'ends'> => ({
  attack: { requests: 0 },
  alert: { fired: false, monitor: null, group: null, detect_ms: null },
  signal: null,
  containment: {
    ...{ done: false, action: null, contain_ms: null, attacker_dead: false, victim_alive: false },
    ...{ entered: 0, still_in: 0, locked_out: 0, to_restore: 0 },
  },
  otherwise: { mode: otherThan(mode), detect_ms: null, contain_ms: null },
})

function factsOf(attack: Attack, outcome: Outcome, mode: Evaluation): Omit<AttackFacts, 'ends'> {
  const { requests, detonation, access, alert, contained, signalled } = outcome
  const { crossedAt, refusedAt } = detonation
  const { entered, stillIn, lockedOut, toRestore } = access
  return {
    attack: { requests },
    alert: {
      fired: alert !== undefined,
      monitor: alert?.monitor ?? null,
      group: alert?.group ?? null,
      detect_ms: alert ? alert.notified_at - crossedAt : null,
    },
    signal: signalled ? signalFacts(signalled, crossedAt) : null,
    containment: {
      done: isDone(contained),
      action: contained?.action ?? null,
      contain_ms: refusedAt === undefined ? null : refusedAt - crossedAt,
      attacker_dead: stops(attack) ? stillIn === 0 : null,
      victim_alive: lockedOut === 0,
      ...{ entered, still_in: stillIn, locked_out: lockedOut, to_restore: toRestore },
    },
    otherwise: { mode: otherThan(mode), ...timesOtherwise(attack, outcome) },
  }
}

const signalFacts = (
  { rule, signal, containments }: NonNullable<Outcome['signalled']>,
  crossedAt: number,
): Scenario['signal'] => ({
  ...{ fired: signal !== undefined, rule, severity: signal?.severity ?? null },
  ...{ detect_ms: signal ? signal.notified_at - crossedAt : null, containments },
})

/**
 * From the alert on nothing depends on how the monitor was evaluated: what it took then, it would have taken here. Nor
 * does it where the crossing itself was refused, before the alert: none was needed for that.
 */
function timesOtherwise({ ends }: Attack, { alert, alertedOtherwise, detonation }: Outcome) {
  const { crossedAt, refusedAt } = detonation
  if (ends === 'prevented')
    return { detect_ms: null, contain_ms: refusedAt === undefined ? null : refusedAt - crossedAt }
  if (!alert || alertedOtherwise === undefined) return { detect_ms: null, contain_ms: null }
  const detect_ms = Math.max(0, alertedOtherwise - crossedAt)
  if (refusedAt === undefined) return { detect_ms, contain_ms: null }
  const sinceAlert = refusedAt - alert.notified_at
  return { detect_ms, contain_ms: sinceAlert < 0 ? refusedAt - crossedAt : detect_ms + sinceAlert }
}

/** A `noop` is done: somebody else was faster. */
const isDone = (contained: Outcome['contained']): boolean =>
  contained?.outcome === 'success' || contained?.outcome === 'noop'

function faultsOf(attack: Attack, outcome: Outcome | Error): string[] {
  if (outcome instanceof Error) return [`the attack could not be carried out: ${outcome.message}`]
  const { alert, contained, detonation, access, traces, signalled } = outcome
  const { stillIn, lockedOut, stillHeld, complaints } = access
  const isPrevented = attack.ends === 'prevented'
  const isStopped = stops(attack)
  const containment = contained ? `the containment ended as ${contained.outcome}` : 'no containment'
  const checks: [boolean, string][] = [
    [isPrevented || alert !== undefined, 'no alert'],
    [signalled === undefined || signalled.signal !== undefined, 'no signal'],
    [isPrevented || isDone(contained), containment],
    [
      !signalled?.signal || alert === undefined || !isDone(contained) || signalled.containments === 1,
      `alert and signal were contained ${signalled?.containments} times, not once`,
    ],
    [!isStopped || detonation.refusedAt !== undefined, 'the attacker was never refused'],
    [!isStopped || stillIn === 0, `the attacker still gets in: ${stillHeld.join('; ')}`],
    [lockedOut === 0, `honest people are locked out: ${complaints.join('; ')}`],
  ]
  const faults = checks.filter(([holds]) => !holds).map(([, fault]) => fault)
  const { missing = [], accusing = [] } = traces ?? {}
  return [
    ...faults,
    ...missing.map((search) => `the refusal is not all in the logs: ${search}`),
    ...accusing.map((alert) => `${'rule' in alert ? 'a signal' : 'an alert'} is about somebody honest: ${alert.title}`),
  ]
}

function twinFaults(twin: TwinOutcome | Error): string[] {
  if (twin instanceof Error) return [`the benign twin: ${twin.message}`]
  const alerts = twin.alerts.map(
    (alert) => `the benign twin raised ${'rule' in alert ? 'a signal' : 'an alert'}: ${alert.title}`,
  )
  const missing = twin.missing.map((search) => `the benign twin's events are not all there: ${search}`)
  return [...alerts, ...missing, ...(twin.events > 0 ? [] : ['the benign twin left no event'])]
}

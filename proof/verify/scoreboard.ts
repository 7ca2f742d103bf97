import type { Ending, Group, TargetKind } from '../../attacks/kit/attack.ts'

/** How monitors are evaluated: at an interval, as Datadog does, or at each event. */
export type Evaluation = 'cadence' | 'arrival'

/** One attack against one target, and its twin. What could not be found out is null. */
export interface Scenario {
  readonly slug: string
  readonly target: TargetKind
  /** How it has to end. Of a prevented attack no alert is asked for, and nothing is contained. */
  readonly ends: Ending
  readonly attack: { readonly requests: number }
  readonly alert: {
    readonly fired: boolean
    readonly monitor: string | null
    readonly group: Group | null
    /** From the request that crosses the threshold to the alert. */
    readonly detect_ms: number | null
  }
  /** The rule of Cloud SIEM beside the monitor; null where the detection has none. */
  readonly signal: {
    readonly fired: boolean
    readonly rule: string
    readonly severity: string | null
    /** From the request that crosses the threshold to the signal, which comes at the event in either mode. */
    readonly detect_ms: number | null
    /** How many containments were carried out for alert and signal together: one. */
    readonly containments: number
  } | null
  readonly containment: {
    /** False of a prevented attack: there is nothing to contain. */
    readonly done: boolean
    readonly action: string | null
    /**
     * From the request that crosses the threshold, when it was sent, to the first refusal, when it was answered; never
     * before the containment's own event. Of a prevented attack, of the step that had to be refused.
     */
    readonly contain_ms: number | null
    /** Null where the policy contains nothing: the attacker is then known, and a person decides. */
    readonly attacker_dead: boolean | null
    readonly victim_alive: boolean
    /** Accounts of other people that the attacker got into. */
    readonly entered: number
    /** Of those, the ones that something of his still opens: after the containment, by real requests to both hosts. */
    readonly still_in: number
    /** Honest people who lost more than the stolen session, or who cannot sign in. */
    readonly locked_out: number
    /** Owners whom the attack itself locked out before anything was contained: a person gives the account back. */
    readonly to_restore: number
  }
  /** The same two times had the monitors been evaluated in the other way: not measured, but followed from the run's own log. */
  readonly otherwise: {
    readonly mode: Evaluation
    readonly detect_ms: number | null
    readonly contain_ms: number | null
  }
  /** Alerts and signals. */
  readonly benign: { readonly events: number; readonly alerts: number }
  readonly ok: boolean
}

/** What `verify --json` prints. */
export interface Scoreboard {
  readonly run_id: string
  readonly mode: Evaluation
  readonly started_at: string
  readonly scenarios: readonly Scenario[]
  readonly passed: number
  readonly failed: number
}

/** A scenario with what a person wants to know beside it. */
export interface Verdict {
  readonly scenario: Scenario
  /** Why it does not hold; empty when it does. */
  readonly faults: readonly string[]
  readonly durationMs: number
}

export function scoreboard(
  head: Pick<Scoreboard, 'run_id' | 'mode' | 'started_at'>,
  verdicts: readonly Verdict[],
): Scoreboard {
  const scenarios = verdicts.map(({ scenario }) => scenario)
  const passed = scenarios.filter(({ ok }) => ok).length
  return { ...head, scenarios, passed, failed: scenarios.length - passed }
}

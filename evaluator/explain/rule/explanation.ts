import type { Severity } from '../../siem/rule.ts'
import type { SignalEffect } from '../../siem/rule-observer.ts'
import type { Asked, EventFacts, GroupName, LogFacts, QueryFacts, Reason } from '../explanation.ts'

/** Why a rule of Cloud SIEM did or did not fire: facts only, as of a monitor. */
export interface RuleExplanation {
  readonly rule: RuleFacts
  readonly asked: Asked
  readonly verdict: RuleVerdict
  readonly log: RuleLogFacts
  /** The event that was asked about; without one, if no event counts, the event that comes nearest to counting. */
  readonly event: EventFacts | null
  /** The group that was asked about, or that fired or came nearest; null if no event counts. */
  readonly group: RuleGroupFacts | null
  /** At an instant: the groups that had events in the window or an open signal, those with a signal first. */
  readonly others: readonly RuleGroupState[]
  /** How many such groups there were. */
  readonly groups: number
}

/** What was read. A rule has no limit of groups. */
export type RuleLogFacts = Omit<LogFacts, 'limits'>

/** What the rule is, with its defaults. */
export interface RuleFacts {
  readonly slug: string
  readonly name: string
  /** Whether Datadog evaluates it. It is evaluated here in any case. */
  readonly enabled: boolean
  readonly queries: readonly (QueryFacts & { readonly by: readonly string[] })[]
  /** In their order: the first that holds decides. */
  readonly cases: readonly CaseName[]
  /** The names of a group's values. */
  readonly by: readonly string[]
  /** Those by which a signal is one of its own. */
  readonly signal_by: readonly string[]
  readonly window_seconds: number
  readonly keep_alive_seconds: number
  readonly max_signal_seconds: number
}

export interface CaseName {
  readonly name: string
  readonly severity: Severity
  readonly condition: string
}

/** Why, in one reason: the first that decided it. */
export type RuleVerdict = RuleFired | ({ readonly fired: false } & RuleReason)

export type RuleFired =
  /** A case matched, and opened a signal, or raised the severity of the one that was open. */
  | { readonly fired: true; readonly kind: 'triggered' | 'raised'; readonly at: string; readonly severity: Severity }
  /** A signal was open. A match that does not raise its severity only keeps it open. */
  | { readonly fired: true; readonly kind: 'open'; readonly since: string; readonly severity: Severity }

export type RuleReason =
  | Extract<Reason, { readonly kind: 'not-matched' | 'no-facet' | 'too-late' | 'nothing-counted' | 'not-begun' }>
  /** No case held: the evaluation that came nearest. */
  | { readonly kind: 'not-reached'; readonly at: string }
  /** At an instant: the signal had been closed. */
  | { readonly kind: 'closed'; readonly at: string; readonly cause: ClosingCause }

/** What ended a signal. */
export type ClosingCause = 'keepAlive' | 'maxSignalDuration'

/** What became of one group. */
export interface RuleGroupFacts {
  readonly group: GroupName
  /** How many events count in it; null if that was not asked about. */
  readonly events: number | null
  /** Every signal that the group belongs to. */
  readonly signals: readonly SignalFacts[]
  /** The evaluation that the verdict is about. */
  readonly evaluation: RuleEvaluationFacts | null
  /** What happened around the verdict, in the order of time. */
  readonly story: readonly RuleStep[]
  /** The period that `values` show. */
  readonly from: string
  readonly to: string
  /** What each query counts, whenever an event enters or leaves the window. */
  readonly values: readonly QueryValues[]
}

export interface SignalFacts {
  readonly opened: string
  /** Null while it is open. */
  readonly closed: string | null
  readonly cause: ClosingCause | null
  /** The highest that it had. */
  readonly severity: Severity
}

export interface RuleEvaluationFacts {
  readonly at: string
  readonly cases: readonly CaseFacts[]
}

/** A case at one evaluation. */
export interface CaseFacts extends CaseName {
  /** Whether its condition holds. */
  readonly holds: boolean
  /** Whether it decided: a case above it held otherwise, or its own condition does not hold. */
  readonly decided: boolean
  readonly parts: ConditionFacts
}

/** A part of a condition. */
export interface ConditionFacts {
  readonly kind: 'and' | 'or' | 'then' | 'compare'
  readonly text: string
  readonly holds: boolean
  /** Of a comparison: what each of its queries counted. */
  readonly values: Readonly<Record<string, number>>
  readonly parts: readonly ConditionFacts[]
}

/** What one query counts over time. */
export interface QueryValues {
  readonly query: string
  /** The number that a condition compares with it, if there is one; that of the case that decided, or came nearest. */
  readonly limit: { readonly operator: '>' | '>=' | '<' | '<='; readonly number: number } | null
  readonly points: readonly { readonly at: string; readonly value: number }[]
}

/** A moment of the story of a group. */
export type RuleStep =
  | { readonly kind: 'event'; readonly at: string }
  | { readonly kind: 'evaluated'; readonly at: string; readonly values: Readonly<Record<string, number>> }
  | {
      readonly kind: SignalEffect
      readonly at: string
      readonly case: CaseName
      readonly values: Readonly<Record<string, number>>
    }
  | { readonly kind: 'closed'; readonly at: string; readonly cause: ClosingCause }

/** A group at an instant. */
export interface RuleGroupState {
  readonly group: GroupName
  /** What the queries counted at its last evaluation. */
  readonly values: Readonly<Record<string, number>>
  readonly evaluated: string
  /** The severity of its signal; null if none is open. */
  readonly severity: Severity | null
}

import type { State, TransitionWord } from '../evaluate/state.ts'
import type { Operator } from '../monitor/monitor-query.ts'

/**
 * Why a monitor did or did not fire: facts only, and nothing that JSON cannot hold. Times are ISO 8601, and a value is null where the
 * monitor has none.
 */
export interface Explanation {
  readonly monitor: MonitorFacts
  readonly asked: Asked
  readonly verdict: Verdict
  readonly log: LogFacts
  /** The event that was asked about; without one, if no event counts, the event that comes nearest to counting. */
  readonly event: EventFacts | null
  /** The group that was asked about, or that fired or came nearest; null if no event counts. */
  readonly group: GroupFacts | null
  /** At an instant: the groups that had logs in the window, those that alert and then those nearest to the threshold first. */
  readonly others: readonly GroupValue[]
  /** How many groups had logs in the window at the instant. */
  readonly groups: number
}

/** What the question was about; all null for the whole log. */
export interface Asked {
  /** The place of the event. */
  readonly event: string | null
  readonly group: GroupName | null
  readonly at: string | null
}

/** The values of a group by facet, keys as in `.by`; empty for a monitor without groups. */
export type GroupName = Readonly<Record<string, string>>

/** What the monitor is, with its defaults. */
export interface MonitorFacts {
  readonly slug: string
  readonly name: string
  /** It is evaluated, and never notifies. */
  readonly draft: boolean
  readonly query: string
  readonly queries: readonly QueryFacts[]
  /** What is computed from the queries; null for a monitor of one query. */
  readonly formula: string | null
  readonly by: readonly string[]
  readonly operator: Operator
  readonly critical: number
  readonly warning: number | null
  readonly critical_recovery: number | null
  readonly window_seconds: number
  /** Null for an evaluation at each event. */
  readonly cadence_seconds: number | null
  readonly evaluation_delay_seconds: number
  readonly new_group_delay_seconds: number
  readonly on_missing_data: string
  /** Null if no reminder is sent. */
  readonly renotify_minutes: number | null
  /** Null if each group is notified on its own. */
  readonly notify_by: readonly string[] | null
}

export interface QueryFacts {
  /** Of a formula. */
  readonly name: string | null
  readonly search: string
  /** `count`, `cardinality of @usr.id`. */
  readonly rollup: string
}

/** Why, in one reason: the first that decided it. */
export type Verdict = Fired | NotFired

export type Fired =
  /** It triggered: for an event, at an evaluation that counts it. */
  | { readonly fired: true; readonly kind: 'triggered'; readonly at: string; readonly value: number | null }
  /**
   * An alert was on. Nothing is notified anew while it lasts.
   * @property kept whether it lasted only because `on_missing_data` keeps the last status of a group without data
   */
  | { readonly fired: true; readonly kind: 'alerting'; readonly since: string; readonly kept: boolean }

export type NotFired = { readonly fired: false } & Reason

export type Reason =
  /** The event does not match the search. */
  | { readonly kind: 'not-matched'; readonly failed: FailedTerm }
  /** The event matches, but has no value in a facet of the group, or in what is measured. */
  | { readonly kind: 'no-facet'; readonly facet: string; readonly suggestion: string | null }
  /** The event came later than the lateness allows, and was left out. */
  | { readonly kind: 'too-late'; readonly behind_seconds: number }
  /**
   * No event counts, or none of the group.
   * @property with_group how many events have the values of the group; null if no group was asked about
   * @property suggestion a group whose value is nearly the one that was asked about
   */
  | { readonly kind: 'nothing-counted'; readonly with_group: number | null; readonly suggestion: string | null }
  /** No event has been counted until then. */
  | { readonly kind: 'not-begun'; readonly first: string }
  /** The value was beyond the threshold while `new_group_delay` held the group back, and not any more afterwards. */
  | { readonly kind: 'new-group-delay'; readonly at: string; readonly value: number; readonly until: string }
  /** A monitor on low values waits for a whole window. */
  | { readonly kind: 'first-window'; readonly until: string }
  /** The group is beyond the group limits. */
  | { readonly kind: 'group-limit'; readonly at: string; readonly value: number }
  /** Only the end of the log made the value cross the threshold. */
  | { readonly kind: 'recording-end'; readonly at: string }
  /** No log was in the window, and `on_missing_data` does not count that as 0. */
  | { readonly kind: 'missing-data'; readonly at: string; readonly setting: string }
  /** At an instant: no log is in the window. */
  | { readonly kind: 'empty-window'; readonly at: string }
  /** The formula has no value. */
  | { readonly kind: 'no-value'; readonly at: string }
  /** It warned. */
  | { readonly kind: 'warned'; readonly at: string; readonly value: number | null }
  /** At an instant: the next evaluation is the first that sees that the value has crossed the threshold, or that sees the group. */
  | { readonly kind: 'not-evaluated-yet'; readonly at: string; readonly value: number | null; readonly next: string }
  /** The value was beyond the threshold only between two evaluations. */
  | {
      readonly kind: 'between-evaluations'
      readonly at: string
      readonly value: number
      readonly evaluated: GroupValueAt | null
    }
  /** The value did not reach the threshold: the nearest that it came. */
  | { readonly kind: 'not-reached'; readonly at: string; readonly value: number }

export interface GroupValueAt {
  readonly at: string
  readonly value: number
}

/** A part of a search that failed for an event. */
export interface FailedTerm {
  readonly term: string
  /** What the event has in the field. */
  readonly values: readonly string[]
  /** What was likely meant, over a field that the event has. */
  readonly suggestion: string | null
}

/** What was read. */
export interface LogFacts {
  readonly events: number
  /** How many could not be read as an event. */
  readonly malformed: number
  /** How many match a search of the monitor, and how many count: they have every facet as well. */
  readonly matched: number
  readonly counted: number
  readonly first: string | null
  readonly last: string | null
  /** How many were left out as too late. */
  readonly late: number
  /** Terms and facets that no event has. */
  readonly silent: readonly string[]
  /** Units other than milliseconds in which numbers gave dates, each with a key: Datadog would drop these logs. */
  readonly epochs: readonly { readonly unit: string; readonly key: string }[]
  /** Since when there were more groups than Datadog evaluates. */
  readonly limits: { readonly since: string; readonly beyond: number } | null
}

/** One event against the monitor. */
export interface EventFacts {
  /** `shop.jsonl:7`, or of other forms `record 7`. */
  readonly place: string
  readonly at: string
  /** How much older it is than the newest event before it in the log. */
  readonly behind_seconds: number
  /** Whether it is the event that was asked about, or only the nearest to counting. */
  readonly asked: boolean
  readonly queries: readonly EventQuery[]
  /** The groups in which it counts. */
  readonly groups: readonly GroupName[]
}

/** One event against one query. */
export interface EventQuery {
  /** Of a formula. */
  readonly name: string | null
  readonly search: TermFacts
  /** The first that failed. */
  readonly failed: FailedTerm | null
  /** The facets of the group, and what is measured. */
  readonly facets: readonly FacetFacts[]
  readonly counted: boolean
}

/** A part of a search for one event. */
export interface TermFacts {
  readonly kind: 'all' | 'and' | 'or' | 'not' | 'term'
  readonly text: string
  readonly holds: boolean
  /** Of a term: what the event has in the field, at most five values. */
  readonly values: readonly string[]
  /** Of a term that does not hold: what was likely meant, over a field that the event has. */
  readonly suggestion: string | null
  readonly parts: readonly TermFacts[]
}

export interface FacetFacts {
  readonly facet: string
  readonly use: 'group' | 'measure'
  readonly values: readonly string[]
  readonly suggestion: string | null
}

/** What became of one group. */
export interface GroupFacts {
  readonly group: GroupName
  /** How many events count in it; null if that was not asked about. */
  readonly events: number | null
  /** Every trigger. */
  readonly triggers: readonly Trigger[]
  /** Every notification, of the groups that are notified together. */
  readonly changes: readonly GroupChange[]
  /** What happened around the verdict, in the order of time. */
  readonly story: readonly Step[]
  /** What of the time from the crossing to the alert each setting cost. */
  readonly costs: readonly Cost[]
  /** The period that `evaluations` and `values` show. */
  readonly from: string
  readonly to: string
  /** Each evaluation that found another value than the one before. */
  readonly evaluations: readonly EvaluationFacts[]
  /** The value at each event, and when one leaves the window: as an evaluation at each event would see it. */
  readonly values: readonly { readonly at: string; readonly value: number | null }[]
  /** Whether it is beyond the group limits; null if these are not exceeded. */
  readonly beyond_limits: boolean | null
}

export interface Trigger extends GroupValueChange {
  /** Whether it was notified: groups that are notified together share one notification. */
  readonly notified: boolean
}

interface GroupValueChange {
  readonly at: string
  readonly value: number | null
}

export interface GroupChange extends GroupValueChange {
  readonly transition: TransitionWord
}

export interface GroupValue {
  readonly group: GroupName
  readonly value: number | null
  readonly state: State
}

export interface EvaluationFacts {
  readonly at: string
  readonly value: number | null
  readonly state: State
  /** How many events are in the window. */
  readonly events: number
  readonly held: HeldFacts | null
  /** Of a formula: what each query measures. */
  readonly parts: Readonly<Record<string, number | null>>
}

export interface HeldFacts {
  readonly kind: 'new-group-delay' | 'first-window' | 'group-limit' | 'recording-end'
  readonly until: string | null
}

/** A moment of the story of a group. */
export type Step =
  | { readonly kind: 'event'; readonly at: string }
  /** The value crosses the threshold at an event, or an event that leaves. */
  | { readonly kind: 'crossed'; readonly at: string; readonly value: number | null }
  | { readonly kind: 'returned'; readonly at: string; readonly value: number | null }
  | { readonly kind: 'held'; readonly at: string; readonly value: number | null; readonly held: HeldFacts }
  | { readonly kind: 'evaluated'; readonly at: string; readonly value: number | null }
  | {
      readonly kind: 'changed'
      readonly at: string
      readonly value: number | null
      readonly state: State
      readonly notified: boolean
    }
  /** A group without events keeps its state. */
  | { readonly kind: 'kept'; readonly at: string; readonly state: State }
  | { readonly kind: 'reminded'; readonly at: string; readonly value: number | null }
  | { readonly kind: 'ended'; readonly at: string; readonly cause: string }

export interface Cost {
  readonly cause: 'cadence' | 'evaluation_delay' | 'new_group_delay' | 'first_window'
  readonly from: string
  readonly until: string
  readonly seconds: number
}

import type { SiemRule } from './rule.ts'

/** What one evaluation of a rule found of one group. */
export interface RulePass {
  /** Epoch ms. */
  readonly at: number
  /** The key of the group, as `groupOfKey` reads it. */
  readonly key: string
  /** What each query counts in the window, in the order of the queries. */
  readonly values: readonly number[]
  /** The place of the case that matched: the first that holds. -1 if none does. */
  readonly matched: number
  /** What the match did to the signal of the group; undefined without a match. */
  readonly effect: SignalEffect | undefined
}

/** A match opens a signal, raises its severity, or only keeps it open. */
export type SignalEffect = 'opened' | 'raised' | 'prolonged'

/** A value that a query counts in a group. */
export interface RuleEntry {
  /** Epoch ms of the log. */
  readonly at: number
  readonly key: string
  /** The place of the query. */
  readonly query: number
  /** As a pool takes it. */
  readonly value: string
}

/** Sees what enters the window of a rule, and each evaluation of each group. */
export interface RuleObserver {
  /** As of the observer of monitors. */
  begin?(): void
  entered?(rule: SiemRule, entry: RuleEntry): void
  pass(rule: SiemRule, pass: RulePass): void
}

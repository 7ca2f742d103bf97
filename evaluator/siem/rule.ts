import type { Source } from '../evaluate/reading.ts'
import type { Facet, Rollup } from '../monitor/monitor-query.ts'
import type { Reading } from '../monitor/monitor-reading.ts'
import type { Condition } from './condition.ts'

/** A higher index is worse. */
export const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** One query of a rule: which logs count in which group, and what is counted of them. */
export interface RuleQuery extends Source {
  /** By this the conditions name it. */
  readonly alias: string
  readonly search: string
  readonly by: readonly Facet[]
  readonly rollup: Rollup
}

export interface RuleCase {
  readonly name: string
  readonly status: Severity
  /** The condition as it was written. */
  readonly text: string
  readonly condition: Condition
  readonly notifications: readonly string[]
}

/** A Cloud SIEM rule of the method `threshold`, read, checked, and fit to be evaluated here. */
export interface SiemRule {
  readonly slug: string
  readonly file: string
  /** Stands for the id that Datadog would give; the same for the same slug. */
  readonly id: string
  readonly name: string
  readonly message: string
  readonly tags: readonly string[]
  readonly isEnabled: boolean
  readonly hasExtendedTitle: boolean
  readonly queries: readonly RuleQuery[]
  readonly cases: readonly RuleCase[]
  /** Which of the group's values make a signal of their own, by their position in each query's groups. */
  readonly signalBy: readonly number[]
  /** The name of each value of a group. */
  readonly groupNames: readonly string[]
  readonly evaluationWindowMs: number
  readonly keepAliveMs: number
  readonly maxSignalDurationMs: number
}

/** What was found in one rule of any method. */
export interface RuleReading extends Reading {
  readonly rule: SiemRule | undefined
  /** A rule is never a monitor: code that lists both reads this. */
  readonly monitor: undefined
}

/** What decides the result of a rule, as text: a saved state belongs to it. */
export const evaluatedPart = (rule: SiemRule): string =>
  JSON.stringify([
    rule.queries.map(({ alias, search, by, rollup, distinct, optionalGroups }) => [
      ...[alias, search, by.map(({ name }) => name), rollup.kind],
      ...['of' in rollup ? rollup.of.name : '', distinct?.map(({ name }) => name) ?? [], optionalGroups ?? false],
    ]),
    rule.cases.map(({ name, status, text }) => [name, status, text]),
    rule.signalBy,
    [rule.evaluationWindowMs, rule.keepAliveMs, rule.maxSignalDurationMs],
  ])

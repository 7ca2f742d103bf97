import type { GroupValues } from '../estate/index.ts'

/** A value of a group. */
export interface Reached {
  readonly group: GroupValues
  readonly value: number
  /** ISO 8601. */
  readonly at: string
}

/** What a monitor does with one threshold and one window. */
export interface Cell {
  /** `5m`, as in a query. */
  readonly window: string
  readonly threshold: number
  /** Why Datadog would not take it; then it was not evaluated. */
  readonly refused?: string
  readonly alerts: number
  readonly alertsPerDay: number
  /** The groups that alerted, in the order of their first alert. */
  readonly groups: readonly GroupValues[]
  /** The value of a group that never alerted which came nearest to the threshold. */
  readonly nearestMiss: Reached | null
  /** Expected, and it never alerted for them; only if something is expected. */
  readonly missing?: readonly GroupValues[]
  /** It alerted for them, and nobody expected it. */
  readonly unexpected?: readonly GroupValues[]
}

/** What a monitor, or one number of a rule of Cloud SIEM, does with each threshold and window. */
export interface Tuning {
  /** Its slug. */
  readonly monitor: string
  readonly kind: 'monitor' | 'rule'
  /** The present query; of a rule the condition, with `N` for the number: `the case "x": failed > N && good > 0`. */
  readonly query: string
  /** What is compared with the threshold: `>`, of a rule `failed >`. */
  readonly operator: string
  /** ISO 8601, of the oldest and newest event; null without an event. */
  readonly from: string | null
  readonly to: string | null
  /** The days by which alerts are divided: those of the log, and at least one. */
  readonly days: number
  /** By window, and by rising threshold. */
  readonly cells: readonly Cell[]
  /** Where everything that is expected alerts, and nothing else; only if something is expected. */
  readonly ranges?: readonly Range[]
  /** What stands in the way; only if there is no range. */
  readonly obstacles?: readonly Obstacle[]
}

/** Thresholds of one window, all of which find everything that is expected and nothing else. */
export interface Range {
  readonly window: string
  /** The lowest and the highest of them, and each that was tried. */
  readonly from: number
  readonly to: number
  readonly thresholds: readonly number[]
}

/** Why no threshold of a window will do. */
export interface Obstacle {
  readonly window: string
  /** The threshold that finds everything and the least else, and what else; undefined if none finds everything. */
  readonly findsAll: { readonly threshold: number; readonly unexpected: readonly GroupValues[] } | undefined
  /** The threshold that finds nothing else and misses the least, and what; undefined if each finds something else. */
  readonly nothingElse: { readonly threshold: number; readonly missing: readonly GroupValues[] } | undefined
}

import type { IndexedLog } from '../log.ts'
import type { Severity, SiemRule } from './rule.ts'

/** A signal from its first match until it closes. */
export interface Signal {
  /** Stands for the id that Datadog would give. */
  readonly id: string
  /** The values that make it a signal of its own, as text. */
  readonly key: string
  severity: Severity
  caseName: string
  /** Epoch ms. */
  readonly firstSeen: number
  lastSeen: number
  value: number
}

/**
 * A change of a signal. Decision `signal-words`, undocumented for an evaluator: a signal that opens is `Triggered`, as a monitor is; one
 * whose severity rises is `Raised`; one that closes is `Closed`. Datadog notifies of no closing.
 */
export interface SignalChange {
  readonly rule: SiemRule
  readonly transition: 'Triggered' | 'Raised' | 'Closed'
  /** Of the case that matched; of a closed signal the highest that it had. */
  readonly severity: Severity
  readonly caseName: string
  /** Field → value, by the names of the first query. */
  readonly group: Record<string, string>
  /** Epoch ms of event time. */
  readonly at: number
  /** What the first query of the condition counted. */
  readonly value: number
  /**
   * How many events each query has in the window, by its name; empty when the signal closes. Decision `events-matched`, undocumented:
   * `{{events_matched}}` counts the entries of the group that are in the window when the signal opens or rises.
   */
  readonly matched: Readonly<Record<string, number>>
  readonly signalId: string
  readonly firstSeen: number
  readonly lastSeen: number
  /** The newest logs that matched a query, at most ten, newest first; empty when it closes. */
  readonly sample: readonly IndexedLog[]
}

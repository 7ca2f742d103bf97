import type { Monitor } from '../monitor/monitor.ts'
import type { State } from './state.ts'

/** Why an evaluation left a group as it was, whatever its value. */
export type Hold =
  /** `new_group_delay`. @see decision `new-group-waits` */
  | { readonly kind: 'new-group-delay'; readonly until: number }
  /** @see decision `whole-first-window` */
  | { readonly kind: 'first-window'; readonly until: number }
  /** It is beyond the group limits, and evaluated as if it had no logs. `value` is what it would measure otherwise. */
  | { readonly kind: 'group-limit'; readonly value: number }
  /** Only the end of the recording would change it. @see decision `recording-ends` */
  | { readonly kind: 'recording-end' }

/** What one evaluation found of one group. */
export interface Pass {
  /** Epoch ms. */
  readonly at: number
  /** The key of the group, as `groupOfKey` reads it. */
  readonly key: string
  /** Entries in the window. */
  readonly entries: number
  /** What the monitor measures over the window; NaN where it has no value. */
  readonly value: number
  /** What each query of a formula measures; empty for a monitor of one query. */
  readonly parts: readonly number[]
  readonly before: State
  readonly state: State
  readonly hold: Hold | undefined
}

/** Sees each evaluation of each group whose window or wait has changed. Between two of them its value stays as it was. */
export interface Observer {
  /** A log is read from its beginning. If it was read before, only in part because it was not in order, what was seen does not count. */
  begin?(): void
  pass(monitor: Monitor, pass: Pass): void
  /** The recording has ended. @param lastCounting the last evaluation that counts its newest log, epoch ms */
  end?(monitor: Monitor, lastCounting: number): void
  /** A group that has no logs is set to OK without an evaluation. */
  ended(monitor: Monitor, key: string, at: number, cause: 'timeout_h' | 'group_retention_duration'): void
}

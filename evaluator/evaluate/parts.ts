import type { Changes } from './changes.ts'
import type { GroupLimits } from './group-limits.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import type { Rule } from './state.ts'

/** The objects that the parts of one monitor's evaluation share. */
export interface MonitorParts {
  readonly rule: Rule
  readonly instants: Instants
  /** Milliseconds from the end of a window until an entry of that time leaves. */
  readonly stayMs: number
  readonly groups: Groups
  readonly changes: Changes
  /** Undefined for a monitor that is not grouped. */
  readonly limits: GroupLimits | undefined
}

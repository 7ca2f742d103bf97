import type { GroupValues } from '../estate/index.ts'
import type { TransitionWord } from '../evaluate/state.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Webhook } from '../notify/index.ts'
import type { ReplayOptions } from '../replay/index.ts'
import type { Severity, SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'

/** Monitors and rules of Cloud SIEM, a log, and what must happen. */
export interface Case {
  readonly file: string
  readonly name: string
  /** Those that can be evaluated. */
  readonly monitors: readonly Monitor[]
  readonly rules: readonly SiemRule[]
  readonly logs: readonly IndexedLog[]
  /** Epoch ms from which relative times count; undefined if the log has its own times only. */
  readonly start: number | undefined
  readonly options: ReplayOptions
  readonly webhooks: readonly Webhook[]
  readonly variables: Readonly<Record<string, string>>
  /** Undefined if the file does not say it yet. */
  readonly expected: readonly Expected[] | undefined
  /** Whether recoveries are compared although none is expected. */
  readonly recoveries: boolean
  /** How many logs come too late to count. */
  readonly late: number
}

/** One change that must happen. A field that is undefined is not compared. A field that is null is still to be written by an update. */
export interface Expected {
  /** The slug of a monitor or of a rule. */
  readonly monitor: string
  readonly transition: TransitionWord | SignalChange['transition']
  readonly group: GroupValues
  /** Epoch ms. */
  readonly at: number | null | undefined
  /** Milliseconds by which the time may differ. */
  readonly within: number
  readonly value?: number | null | undefined
  /** Of a signal. */
  readonly severity?: Severity | null | undefined
  readonly title?: string | null | undefined
  readonly message?: string | null | undefined
  readonly recipients?: readonly string[] | null | undefined
  /** By the name of the webhook: the body as text, or what its JSON must hold. */
  readonly payloads: Readonly<Record<string, unknown>>
}

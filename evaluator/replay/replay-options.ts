import type { Evaluation } from '../evaluate/cadence.ts'
import type { Observer } from '../evaluate/observer.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { RuleObserver } from '../siem/rule-observer.ts'

/** How a recording is evaluated. */
export interface ReplayOptions extends Evaluation {
  /** Seconds by which logs may be out of order without an effect on the result; 60 by default. */
  latenessSeconds?: number
  /** Whether groups beyond Datadog's limits are left out, as in Datadog. They are always reported. */
  groupLimits?: boolean
  /** Whether the service is silent after the newest log. If not, only the recording ends there. */
  silenceAfterEnd?: boolean
  /** Rules of Cloud SIEM that are evaluated beside the monitors, at each event. */
  rules?: readonly SiemRule[]
  /** Sees each evaluation of the monitors. The result is the same. */
  observer?: Observer
  /** Sees each evaluation of the rules. The result is the same. */
  ruleObserver?: RuleObserver
  /** Monitors that differ from the given one in their thresholds only, and judge its values. Their state is not saved. */
  followersOf?: (monitor: Monitor) => readonly Monitor[]
}

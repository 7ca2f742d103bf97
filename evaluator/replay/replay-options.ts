export interface ReplayOptions {
  /** Evaluates every so many seconds; unset, at each log's own time. */
  cadenceSeconds?: number
  /** How far out of order logs may come without any effect on the result; 60 by default. */
  latenessSeconds?: number
  /** Whether groups beyond Datadog's limits are left out, as there; they are reported in any case. */
  groupLimits?: boolean
  /** Whether the silence after the newest log is the service's, and not only the end of the recording. */
  silenceAfterEnd?: boolean
}

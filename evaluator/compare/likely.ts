import type { Monitor } from '../monitor/monitor.ts'
import { kindsOf } from '../monitor/variables.ts'
import type { Match } from './agreement.ts'

/** What else is known of a comparison. */
export interface Circumstances {
  /** Whether the monitor had more groups than Datadog evaluates. */
  readonly exceedsLimits: boolean
  /** Logs that came later than the lateness allows. */
  readonly late: number
  /** Whether the disagreement is within a window of the end of the logs. */
  readonly isAtEnd: boolean
}

const DEFAULT_NEW_GROUP_DELAY = 60

/**
 * The named decisions that most likely make a disagreement, the likeliest first. Each is in the list of decisions: what Datadog
 * leaves undocumented, and what is done here.
 */
export function likelyDecisions(
  { parsed, options }: Monitor,
  { kind, here, reported }: Match,
  about: Circumstances,
): string[] {
  const { by, windowMs } = parsed
  const kinds = kindsOf(parsed)
  const countsValues = kinds.includes('cardinality')
  const transition = (here ?? reported)?.transition
  const isWorse = transition !== 'Recovered'
  const delays = by.length > 0 && (options.new_group_delay ?? DEFAULT_NEW_GROUP_DELAY) > 0
  const names: (string | false)[] =
    kind === 'time'
      ? [
          isWorse && delays && 'new-group-waits',
          (options.evaluation_delay ?? 0) > 0 && 'delay-in-cadence-only',
          !isWorse && about.isAtEnd && 'recording-ends',
          'window-half-open',
          'sorted-by-time',
        ]
      : [
          about.exceedsLimits && (parsed.form === 'formula' ? 'limits-of-a-formula' : 'top-groups'),
          parsed.form === 'formula' && 'formula-without-value',
          kind === 'here' && isWorse && delays && 'new-group-waits',
          kind === 'here' && isWorse && 'first-evaluation-fires',
          !isWorse && about.isAtEnd && 'recording-ends',
          !isWorse && (options.timeout_h ?? 0) > 0 && 'timeout-then-next-evaluation',
          !isWorse && windowMs > 0 && countsValues && 'silence-is-zero-for-count',
          !isWorse && options.on_missing_data?.startsWith('show') === true && 'dropped-silently',
          isWorse && countsValues && 'cardinality-exact',
          isWorse && kinds.some((kind) => kind !== 'cardinality' && kind !== 'count') && 'measure-numbers',
          isWorse && kinds.some((kind) => kind.startsWith('pc')) && 'percentile-interpolated',
          about.late > 0 && 'too-late-is-dropped',
          options.notify_by != null && 'worst-of-group',
          by.length > 0 && 'missing-facet-excluded',
          'window-half-open',
          'sorted-by-time',
        ]
  return names.filter((name) => name !== false).slice(0, 3)
}

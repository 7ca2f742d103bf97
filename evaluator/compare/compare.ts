import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Replayer } from '../replay/index.ts'
import type { Period } from './account.ts'
import { compareChanges, type Match } from './agreement.ts'
import { changeWordOf, type StateChange } from './change.ts'
import { likelyDecisions } from './likely.ts'

/** What is assumed of an account. */
export interface Assumptions {
  /** How long after an evaluation Datadog reports a change. */
  readonly latencyMs: number
  /** By how much times may differ. */
  readonly toleranceMs: number
}

export interface Judged extends Match {
  /** Named decisions that may explain a disagreement. */
  readonly likely: readonly string[]
}

/**
 * Evaluates a monitor over logs and compares with what Datadog reported.
 * @param period outside of which changes are not compared; all are without one
 */
export function compareMonitor(
  monitor: Monitor,
  logs: readonly IndexedLog[],
  reported: readonly StateChange[],
  assumptions: Assumptions,
  period: Period | undefined,
): Judged[] {
  const here: StateChange[] = []
  const replayer = new Replayer([monitor], {}, ({ transition, group, at }) => {
    const word = changeWordOf(transition)
    if (word) here.push({ transition: word, group, at })
  })
  const sorted = logs.toSorted((a, b) => a.timestamp - b.timestamp)
  for (const log of sorted) replayer.push(log, log.timestamp)
  replayer.finish()
  const matches = matchesWithin(here, reported, assumptions, period)
  const end = (sorted.at(-1)?.timestamp ?? 0) - monitor.parsed.windowMs
  return matches.map((match) => {
    const isAtEnd = ((match.here ?? match.reported)?.at ?? 0) >= end
    const about = { exceedsLimits: replayer.exceededLimits.length > 0, late: replayer.dropped, isAtEnd }
    return { ...match, likely: match.kind === 'agrees' ? [] : likelyDecisions(monitor, match, about) }
  })
}

/** Matches the changes of a period. The reported ones are later by the latency of the account. */
export function matchesWithin(
  here: readonly StateChange[],
  reported: readonly StateChange[],
  { latencyMs, toleranceMs }: Assumptions,
  period: Period | undefined,
): Match[] {
  const isWithin = ({ at }: StateChange) => !period || (at >= period.from && at <= period.to)
  const evaluated = reported.map((change) => ({ ...change, at: change.at - latencyMs }))
  return compareChanges(here.filter(isWithin), evaluated.filter(isWithin), toleranceMs)
}

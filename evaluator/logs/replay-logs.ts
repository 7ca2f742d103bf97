import type { EpochUnit } from '../intake/epoch.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ReplayOptions } from '../replay/replay-options.ts'
import {
  type ReplayReading,
  type ReplaySummary,
  type ReplayVisitor,
  replayRecordings,
} from '../replay/replay-stream.ts'
import type { LogInput } from './log-input.ts'
import { sortedByTime } from './sorted.ts'

export interface ReplayLogsOptions extends Omit<ReplayReading, 'reading' | 'onDropped'> {
  /** Whether logs are evaluated as they come, once: nothing is sorted, and what comes too late is left out. */
  readonly follow?: boolean
}

/** A log that counts has come too late: the logs have to be sorted. */
class OutOfOrder extends Error {}

/**
 * Evaluates monitors over logs in any order. They are evaluated as they come; as soon as one that counts is later than the lateness
 * allows, everything is sorted by time and evaluated from the beginning.
 * Decision `sorted-by-time`: a recording is evaluated as if each log had arrived at its own time. In Datadog, logs that arrive very
 * late are not seen by the evaluations that they belong to.
 * @param begin is called for each attempt. What the visitor of an earlier attempt has received does not count
 */
export async function replayLogs<V extends ReplayVisitor>(
  input: LogInput,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  begin: () => V,
  { follow = false, ...source }: ReplayLogsOptions = {},
): Promise<{ visitor: V; summary: ReplaySummary }> {
  const visitor = begin()
  beginObserving(options)
  const reading = { ...source, reading: input.reading }
  if (follow) {
    return { visitor, summary: await replayRecordings(input.recordings(), monitors, options, visitor, reading) }
  }
  try {
    const onDropped = () => {
      throw new OutOfOrder()
    }
    const summary = await replayRecordings(input.recordings(), monitors, options, visitor, { ...reading, onDropped })
    return { visitor, summary }
  } catch (error) {
    if (!(error instanceof OutOfOrder)) throw error
  }
  input.say('The logs are not in order of time: they are sorted first.')
  beginObserving(options)
  return replaySorted(input, monitors, options, begin(), source)
}

async function replaySorted<V extends ReplayVisitor>(
  input: LogInput,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  visitor: V,
  source: ReplayReading,
): Promise<{ visitor: V; summary: ReplaySummary }> {
  const epochs = new Map<EpochUnit, string>()
  let malformed = 0
  let partly = 0
  let bytes = 0
  const recording = await sortedByTime(input, {
    malformed(place, reason, isPartly = false) {
      if (isPartly) partly++
      else malformed++
      visitor.malformed(place, reason)
    },
    epoch: (unit, key) => epochs.set(unit, key),
    progress(more) {
      bytes += more
    },
  })
  const summary = await replayRecordings([recording], monitors, options, visitor, source)
  return {
    visitor,
    summary: {
      ...summary,
      bytes,
      malformed: summary.malformed + malformed,
      partly: summary.partly + partly,
      epochs: new Map([...epochs, ...summary.epochs]),
    },
  }
}

function beginObserving({ observer, ruleObserver }: ReplayOptions): void {
  observer?.begin?.()
  ruleObserver?.begin?.()
}

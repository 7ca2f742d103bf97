import type { EpochSink } from './intake/epoch.ts'
import { preprocess } from './intake/preprocess.ts'
import type { IndexedLog } from './log.ts'

/**
 * Makes of one JSON event what it is after intake, when its own fields say what a drain URL would: `env` becomes a tag, `service`
 * and the other reserved names are read as Datadog reads them.
 * @param onEpoch called for a date whose magnitude shows another unit than milliseconds
 * @returns a log; its timestamp is NaN when no date in the event can be read
 */
export function logOfEvent(event: Record<string, unknown>, onEpoch?: EpochSink): IndexedLog {
  const { env } = event
  const ddtags = typeof env === 'string' ? `env:${env}` : undefined
  // A recording has no moment of arrival: no date of its own is too far ahead, and none stands in for it.
  const arrival = Number.POSITIVE_INFINITY
  const log = preprocess(event, { service: undefined, ddsource: undefined, ddtags, attributes: {} }, arrival, onEpoch)
  if (log.timestamp === arrival) log.timestamp = Number.NaN
  return log
}

import { isRecord } from '../json.ts'
import type { Sinks } from './sinks.ts'

/** The seconds that a window, a keep-alive or a longest duration may have. */
export const DURATIONS = [0, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]

const METHODS = [
  ...['threshold', 'new_value', 'anomaly_detection', 'impossible_travel', 'hardcoded', 'third_party'],
  ...['anomaly_threshold', 'sequence_detection'],
]

/** Options of methods that are not evaluated here; `impossibleTravelOptions` and others are in exports of every rule. */
const OF_OTHER_METHODS = [
  ...['hardcodedEvaluatorType', 'newValueOptions', 'impossibleTravelOptions', 'thirdPartyRuleOptions'],
  ...['sequenceDetectionOptions', 'anomalyDetectionOptions', 'complianceRuleOptions'],
]

/** How long a signal lives, and by which window a condition is judged; milliseconds. */
export interface RuleTimes {
  readonly evaluationWindowMs: number
  readonly keepAliveMs: number
  readonly maxSignalDurationMs: number
}

/**
 * Reads the options of a rule. Decision `signal-life-defaults`, undocumented in the API: without `keepAlive` a signal stays open for an
 * hour after its last match, as Terraform sets it, or for the evaluation window if that is longer; without `maxSignalDuration` for a day.
 * @returns undefined when a time has a fault or another method is asked for
 */
export function readRuleOptions(options: unknown, { fault, refusal, note }: Sinks): RuleTimes | undefined {
  if (!isRecord(options)) {
    fault('options', 'must be an object')
    return undefined
  }
  const method = options.detectionMethod ?? 'threshold'
  if (typeof method !== 'string' || !METHODS.includes(method)) {
    fault('options.detectionMethod', `${JSON.stringify(method)} is not one of ${METHODS.join(', ')}`)
    return undefined
  }
  if (method !== 'threshold') {
    refusal('options.detectionMethod', `"${method}" is not evaluated here; "threshold" is`)
    return undefined
  }
  for (const [key, value] of Object.entries(options)) {
    const place = `options.${key}`
    if (['detectionMethod', 'evaluationWindow', 'keepAlive', 'maxSignalDuration'].includes(key)) continue
    if (key === 'decreaseCriticalityBasedOnEnv') {
      if (typeof value !== 'boolean') fault(place, 'must be true or false')
      else if (value) note(place, 'is without effect here: a signal has the severity of its case')
    } else if (!OF_OTHER_METHODS.includes(key)) note(place, 'is not known here')
  }
  const times = {
    evaluationWindow: seconds(options, 'evaluationWindow', undefined, fault),
    keepAlive: seconds(options, 'keepAlive', Math.max(3600, Number(options.evaluationWindow) || 0), fault),
    maxSignalDuration: seconds(options, 'maxSignalDuration', 86_400, fault),
  }
  const { evaluationWindow: window, keepAlive, maxSignalDuration: most } = times
  if (window === undefined || keepAlive === undefined || most === undefined) return undefined
  if (window > keepAlive) fault('options.keepAlive', `${keepAlive} is less than evaluationWindow, ${window}`)
  if (keepAlive > most) fault('options.maxSignalDuration', `${most} is less than keepAlive, ${keepAlive}`)
  return { evaluationWindowMs: window * 1000, keepAliveMs: keepAlive * 1000, maxSignalDurationMs: most * 1000 }
}

function seconds(
  options: Record<string, unknown>,
  name: string,
  usual: number | undefined,
  fault: Sinks['fault'],
): number | undefined {
  const value = options[name] ?? usual
  if (typeof value === 'number' && DURATIONS.includes(value)) return value
  const remedy = `must be one of ${DURATIONS.join(', ')} seconds`
  fault(`options.${name}`, value === undefined ? `is missing: ${remedy}` : `${JSON.stringify(value)}: ${remedy}`)
  return undefined
}

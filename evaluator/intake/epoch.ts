/** What a date that is a number counts. */
export type EpochUnit = 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds'

/** Is told of each date in another unit than milliseconds, and of the key that holds it. */
export type EpochSink = (unit: EpochUnit, key: string) => void

export interface Epoch {
  /** Epoch ms, whole. */
  readonly at: number
  readonly unit: EpochUnit
}

/** From here on a number is one of milliseconds, microseconds, nanoseconds: each limit is a date in 1973. */
const MILLISECONDS_FROM = 1e11
const MICROSECONDS_FROM = 1e14
const NANOSECONDS_FROM = 1e17
/** Below this, March 1973 as seconds, nobody dates a log: a clock that starts at zero counts milliseconds. */
const SECONDS_FROM = 1e8
const TOO_LARGE = 1e20

/**
 * Decision `epoch-by-magnitude`: Datadog reads a number as epoch milliseconds, dates seconds to 1970 and drops such logs. In a
 * recording the magnitude gives the unit, because its logs are there to be evaluated. A unit other than milliseconds is
 * reported, because Datadog would not see these logs.
 * @see https://docs.datadoghq.com/logs/log_configuration/pipelines/ "Date attribute"
 */
export function epochOf(value: number | string): Epoch | undefined {
  const number = Number(value)
  if (!(number >= 0 && number < TOO_LARGE)) return undefined
  if (number >= NANOSECONDS_FROM) return { at: scaledDown(value, 1e6), unit: 'nanoseconds' }
  if (number >= MICROSECONDS_FROM) return { at: scaledDown(value, 1e3), unit: 'microseconds' }
  if (number >= MILLISECONDS_FROM || number < SECONDS_FROM) return { at: Math.floor(number), unit: 'milliseconds' }
  // Rounded to microseconds first: 0.29 s is 289.99… ms to a double.
  return { at: Math.floor(Math.round(number * 1e6) / 1e3), unit: 'seconds' }
}

/** Nanoseconds have more digits than a double. */
function scaledDown(value: number | string, by: number): number {
  const [, whole] = /^(\d+)(?:\.\d+)?$/.exec(String(value)) ?? []
  return whole === undefined ? Math.floor(Number(value) / by) : Number(BigInt(whole) / BigInt(by))
}

import type { Monitor } from '../monitor/monitor.ts'

/** How often Datadog evaluates a monitor whose window is shorter than a day. */
export const DATADOG_CADENCE_SECONDS = 60

/** When monitors are evaluated. */
export interface Evaluation {
  /** Evaluates `[t - window, t)` at this interval, and less often for windows of a day or more; 60 by default, as Datadog. */
  cadenceSeconds?: number
  /** Evaluates `(t - window, t]` at each log's own time instead. */
  live?: boolean
}

const HOUR_MS = 3_600_000

/**
 * Milliseconds between two evaluations of a monitor; undefined for evaluation at each log. Datadog evaluates windows of a
 * day every ten minutes and of two days every thirty.
 * @see https://docs.datadoghq.com/monitors/configuration/#evaluation-frequency
 */
export function cadenceOf({ parsed: { windowMs } }: Monitor, evaluation: Evaluation): number | undefined {
  const cadenceSeconds = secondsOf(evaluation)
  if (cadenceSeconds === undefined) return undefined
  return cadenceSeconds * 1000 * (windowMs < 24 * HOUR_MS ? 1 : windowMs < 48 * HOUR_MS ? 10 : 30)
}

/** @returns undefined for evaluation at each log */
export const secondsOf = ({
  live = false,
  cadenceSeconds = DATADOG_CADENCE_SECONDS,
}: Evaluation): number | undefined => (live ? undefined : cadenceSeconds)

/** The first multiple of the cadence, counted from the epoch, that is later than `now` (epoch ms). */
export const nextAligned = (now: number, cadenceSeconds: number): number => {
  const step = cadenceSeconds * 1000
  return (Math.floor(now / step) + 1) * step
}

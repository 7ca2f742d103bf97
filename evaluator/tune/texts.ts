import type { Monitor } from '../monitor/monitor.ts'

const MINUTE_MS = 60_000
const UNITS = { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 24 * 60 * MINUTE_MS } as const
/** Datadog takes windows of at most two days. */
const LONGEST_WINDOW_MS = 48 * 60 * MINUTE_MS
const MOST_THRESHOLDS = 1000
/** So many thresholds are tried unless others are named. */
const USUAL_THRESHOLDS = 16

/** Thresholds or windows that cannot be read. */
export class TrialError extends Error {
  override readonly name = 'TrialError'
}

/** `5m`, `2h`: as a query names a window. */
export function windowText(ms: number): string {
  if (ms === 0) return '0'
  const minutes = ms / MINUTE_MS
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}

/** Reads `5m,10m,1h`. @returns milliseconds, rising @throws TrialError */
export function readWindows(text: string): number[] {
  const windows = text.split(',').map((part) => {
    const [, count, unit] = /^(\d{1,4})([mhd])$/.exec(part.trim()) ?? []
    const ms = Number(count) * (unit === 'm' || unit === 'h' || unit === 'd' ? UNITS[unit] : Number.NaN)
    if (ms >= MINUTE_MS && ms <= LONGEST_WINDOW_MS) return ms
    throw new TrialError(`"${part.trim()}" is not a window: 1m to 48h, as in 5m,10m,1h`)
  })
  return rising(windows)
}

/** Reads `5..20`, `0.5,1,2` and `10..100/10`, which is each tenth. @returns rising @throws TrialError */
export function readThresholds(text: string): number[] {
  const number = String.raw`-?\d+(?:\.\d+)?`
  const form = new RegExp(`^(${number})(?:\\.\\.(${number})(?:/(${number}))?)?$`)
  const thresholds = text.split(',').flatMap((part) => {
    const [, first, last = first, step = '1'] = form.exec(part.trim()) ?? []
    if (first === undefined) {
      throw new TrialError(`"${part.trim()}" is not a threshold: a number, 5..20, or 10..100/10`)
    }
    return steps(Number(first), Number(last), Number(step), part.trim())
  })
  if (thresholds.length > MOST_THRESHOLDS) throw new TrialError(`more than ${MOST_THRESHOLDS} thresholds`)
  return rising(thresholds)
}

function steps(first: number, last: number, step: number, part: string): number[] {
  if (last < first || step <= 0) throw new TrialError(`"${part}" holds no threshold: it must rise`)
  const count = Math.floor((last - first) / step + 1e-9) + 1
  if (count > MOST_THRESHOLDS) throw new TrialError(`"${part}" holds more than ${MOST_THRESHOLDS} thresholds`)
  // Rounded, because 0.1 * 3 is not 0.3.
  return Array.from({ length: count }, (_, i) => Number((first + i * step).toPrecision(12)))
}

/** The thresholds that are tried of a monitor unless others are named. */
export const usualThresholds = ({ parsed: { threshold } }: Monitor): number[] => usualAround(threshold)

/** Whole numbers from half a threshold to twice it; the threshold alone if there are none. */
export function usualAround(threshold: number): number[] {
  const [from, to] = [Math.ceil(threshold / 2), Math.floor(threshold * 2)]
  if (threshold <= 0 || to <= from) return [threshold]
  const step = Math.max(1, Math.round((to - from) / (USUAL_THRESHOLDS - 1)))
  const around = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step)
  return rising([...around, threshold])
}

/** Each number once, from the lowest. */
export const rising = (numbers: readonly number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b)

import { isInCalendar } from '../intake/index.ts'

const UNITS_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[dhms])\s*)+$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/

/** @returns milliseconds of `90s`, `3m`, `1h 2m 3s` or `250ms`; undefined for any other text */
export function durationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined
  const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)
  return [...parts].reduce((ms, [, count, unit = '']) => ms + Number(count) * (UNITS_MS[unit] ?? Number.NaN), 0)
}

/** Writes a duration as {@link durationMs} reads it: `1h 2m 3s`. */
export function durationText(ms: number): string {
  const words: string[] = []
  let rest = ms
  for (const [unit, size] of Object.entries(UNITS_MS)) {
    const count = Math.floor(rest / size)
    if (count > 0) words.push(`${count}${unit}`)
    rest -= count * size
  }
  return words.join(' ') || '0s'
}

/**
 * Reads a time that a person wrote: ISO 8601 with its zone, or a duration after `start`.
 * @returns epoch ms; undefined if it is neither, a day or an hour that does not exist, or a duration without a start
 */
export function instantOf(text: string, start: number | undefined): number | undefined {
  if (ISO.test(text)) {
    const at = Date.parse(text)
    return Number.isFinite(at) && isInCalendar(text) ? at : undefined
  }
  const after = durationMs(text)
  return after === undefined || start === undefined ? undefined : start + after
}

/** Writes a time as a duration after `start` if there is one that is not later, and in ISO 8601 otherwise. */
export const instantText = (at: number, start: number | undefined): string =>
  start === undefined || at < start ? new Date(at).toISOString() : durationText(at - start)

import type { Group } from '../api.ts'

/** The time of day on this machine with milliseconds, such as 14:03:07.123. */
export function timeOf(at: number): string {
  const time = new Date(at)
  const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()].map((n) => pad(n, 2))
  return `${hours}:${minutes}:${seconds}.${pad(time.getMilliseconds(), 3)}`
}

/** The time of day to the second. */
export const clockOf = (at: number): string => timeOf(at).slice(0, 8)

const pad = (value: number, length: number): string => String(value).padStart(length, '0')

/** A duration with its two largest units: 0.4 ms, 38 ms, 1.24 s, 2 min 5 s, 3 h 10 min. */
export function durationOf(ms: number): string {
  if (ms < 0) return `−${durationOf(-ms)}`
  if (ms < 1) return ms === 0 ? '0 ms' : `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 59.95) return `${Number(seconds.toFixed(seconds < 10 ? 2 : 1))} s`
  return twoUnits(Math.round(seconds))
}

/** An offset with its sign, exact to the millisecond below ten minutes: +38 ms, +41.003 s, +2 min 5.120 s. */
export function offsetOf(ms: number): string {
  if (ms < 0) return `−${offsetOf(-ms).slice(1)}`
  return ms === 0 ? '0 ms' : `+${exactOf(ms)}`
}

function exactOf(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms >= 600_000) return durationOf(ms)
  const minutes = Math.floor(ms / 60_000)
  const seconds = `${((ms % 60_000) / 1000).toFixed(3)} s`
  return minutes === 0 ? seconds : `${minutes} min ${seconds}`
}

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const

function twoUnits(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size)
  let rest = seconds
  const parts = UNITS.slice(first, first + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size)
    rest -= count * size
    return count === 0 ? '' : `${count} ${unit}`
  })
  return parts.filter(Boolean).join(' ')
}

/** How long ago, to the second: "now", "12 s ago", "3 min ago". */
export function agoOf(at: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - at) / 1000))
  if (seconds < 1) return 'now'
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1]
  return `${Math.floor(seconds / size)} ${unit} ago`
}

/** A number as a person reads it: at most two decimals. */
export const numberOf = (value: number | null): string =>
  value === null ? 'no value' : String(Number.isInteger(value) ? value : Number(value.toFixed(2)))

/** A group for a person, such as `@sid:3f9a…`; one without facets is the whole. */
export function groupText(group: Group): string {
  const parts = Object.entries(group).map(([facet, value]) => `${facet}:${value}`)
  return parts.length === 0 ? 'all events' : parts.join(', ')
}

/** The beginning of a long identifier. */
export const shortOf = (id: string, length = 12): string => (id.length > length + 2 ? `${id.slice(0, length)}…` : id)

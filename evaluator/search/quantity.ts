/**
 * Decision `measure-units`: it is documented that `duration:>20ms` compares a measure in its own unit. The unit of a measure is
 * a setting of the account, and the list of units is undocumented. Times are compared in nanoseconds, as the standard attribute
 * `duration` is stored. Sizes are compared in bytes, by steps of 1024 as everywhere else here.
 * @see https://docs.datadoghq.com/logs/explorer/facets/ "Units"
 */
const TIMES: Readonly<Record<string, number>> = {
  ...{ ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6 },
  ...{ s: 1e9, sec: 1e9, m: 60e9, min: 60e9, h: 3600e9, hr: 3600e9, d: 86_400e9, w: 604_800e9 },
  ...{ nanosecond: 1, microsecond: 1e3, millisecond: 1e6, second: 1e9, minute: 60e9 },
  ...{ hour: 3600e9, day: 86_400e9, week: 604_800e9 },
}
const SIZES: Readonly<Record<string, number>> = {
  ...{ b: 1, byte: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3, tb: 1024 ** 4, pb: 1024 ** 5 },
  ...{ kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, tib: 1024 ** 4, pib: 1024 ** 5 },
}

/** A number with a unit: `20ms`, `1.5KB`. */
export interface Quantity {
  /** In nanoseconds or bytes. */
  readonly value: number
  readonly kind: 'time' | 'size'
}

/** @returns undefined for a text that is not a number with a known unit */
export function quantityOf(text: string): Quantity | undefined {
  const [, count, unit = ''] = /^(-?\d+(?:\.\d+)?)([a-zµμ]+)$/iu.exec(text) ?? []
  if (count === undefined) return undefined
  const lowered = unit.toLowerCase()
  const name = lowered.length > 3 ? lowered.replace(/s$/, '') : lowered
  const kind = Object.hasOwn(TIMES, name) ? 'time' : Object.hasOwn(SIZES, name) ? 'size' : undefined
  const factor = kind === 'time' ? TIMES[name] : SIZES[name]
  return kind && factor ? { value: Number(count) * factor, kind } : undefined
}

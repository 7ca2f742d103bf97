import type { Monitor } from '../monitor/monitor.ts'

/** What an evaluation compared: `11 events > 10`, `2 values of @device_hash > 1`, `avg of @duration 31.5 > 20`. */
export function comparisonText(monitor: Pick<Monitor, 'parsed'>, value: number): string {
  const { parsed } = monitor
  return `${measuredText(monitor, value)} ${parsed.operator} ${parsed.threshold}`
}

/** What an evaluation measured: `11 events`. */
export function measuredText({ parsed }: Pick<Monitor, 'parsed'>, value: number): string {
  if (parsed.form === 'formula') return `${parsed.formula} is ${rounded(value)}`
  const { rollup } = parsed
  if (rollup.kind === 'count') return `${value} ${value === 1 ? 'event' : 'events'}`
  if (rollup.kind === 'cardinality') return `${value} ${value === 1 ? 'value' : 'values'} of ${rollup.of.name}`
  return `${rollup.kind} of ${rollup.of.name} ${rounded(value)}`
}

const rounded = (value: number): string => String(Number(value.toPrecision(6)))

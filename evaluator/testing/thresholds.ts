import type { Operator } from '../monitor/monitor-query.ts'

/** A reference for tests, which shares no code with the evaluation: whether a value is beyond a limit. */
export const holds = (value: number, operator: Operator, limit: number): boolean =>
  ({
    '>': value > limit,
    '>=': value >= limit,
    '<': value < limit,
    '<=': value <= limit,
    '==': value === limit,
    '!=': value !== limit,
  })[operator]

/** monitors/guide/recovery-thresholds: `>` recovers at `<=`, `>=` at `<`, `<` at `>=`, `<=` at `>`. */
export const recovered = (value: number, operator: Operator, recovery: number | undefined): boolean => {
  if (recovery === undefined) return true
  if (operator === '>') return value <= recovery
  if (operator === '>=') return value < recovery
  return operator === '<' ? value >= recovery : value > recovery
}

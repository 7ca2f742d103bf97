import { nextState, type Rule } from '../evaluate/state.ts'

/** Whether a group that is OK would alert with this value. */
export const isBeyond = (rule: Rule, value: number): boolean =>
  !Number.isNaN(value) && nextState(rule, 'OK', value, true, true) === 'Alert'

/** How far a value is from the threshold; 0 or less beyond it, save at the threshold itself. */
export function shortfall({ operator, critical }: Rule, value: number): number {
  if (operator.startsWith('>')) return critical - value
  return operator.startsWith('<') ? value - critical : Math.abs(value - critical)
}

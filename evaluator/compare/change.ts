import type { GroupValues } from '../estate/index.ts'

/** The changes of state that are compared. A reminder is not one. */
export const CHANGES = ['Triggered', 'Warn', 'No Data', 'Recovered'] as const
export type ChangeWord = (typeof CHANGES)[number]

/** One change of state of one group. */
export interface StateChange {
  readonly transition: ChangeWord
  readonly group: GroupValues
  /** Epoch ms. */
  readonly at: number
}

export const changeWordOf = (word: unknown): ChangeWord | undefined => CHANGES.find((each) => each === word)

import type { Operator } from '../monitor/monitor-query.ts'
import type { HeldFacts } from './explanation.ts'

/** What a chart draws: a value over time, and what happened. */
export interface Charted {
  readonly from: string
  readonly to: string
  /** Each stays until the next one. */
  readonly evaluations: readonly ChartedValue[]
  /** The values in between. */
  readonly values: readonly Omit<ChartedValue, 'held'>[]
  readonly changes: readonly { readonly at: string; readonly transition: string }[]
}

export interface ChartedValue {
  readonly at: string
  readonly value: number | null
  readonly held: Pick<HeldFacts, 'kind'> | null
}

/** The line that a chart draws. */
export interface Limit {
  readonly operator: Operator
  readonly critical: number
}

/** How a change is marked below a chart. */
export const MARKS: Readonly<
  Record<string, { readonly mark: string; readonly word: string; readonly isGood: boolean }>
> = {
  Triggered: { mark: 'T', word: 'triggered', isGood: false },
  Raised: { mark: '^', word: 'raised', isGood: false },
  Recovered: { mark: 'R', word: 'recovered', isGood: true },
  Closed: { mark: 'C', word: 'closed', isGood: true },
}

import type { RuleQuery } from '../siem/rule.ts'
import type { EvaluatedMonitor } from './evaluated.ts'
import { tickAfter } from './ticks.ts'

/** A search whose entries are counted: that of a monitor, or one query of a rule. */
export interface CountedQuery {
  /** The number of its entries; from 1. */
  readonly index: number
  readonly query: Pick<RuleQuery['parsed'], 'node' | 'by' | 'rollup'>
  readonly distinct: NonNullable<RuleQuery['distinct']>
  readonly optionalGroups: boolean
  /** From the time of an entry to when it enters and leaves the window, as expressions in epoch ms: [enters, leaves). */
  enters(time: string): string
  leaves(time: string): string
}

/** An entry is in the window at the evaluations after it, as long as the window is. */
export const countedByMonitor = ({ index, query, stepMs, delayMs, windowMs }: EvaluatedMonitor): CountedQuery => ({
  ...{ index, query, distinct: [], optionalGroups: false },
  enters: (time) => tickAfter(`${time} + ${delayMs}`, stepMs),
  leaves: (time) => tickAfter(`${time} + ${delayMs + windowMs}`, stepMs),
})

/** An entry is in the window from its own time on. */
export const countedByRule = (query: RuleQuery, index: number, windowMs: number): CountedQuery => ({
  ...{ index, query: query.parsed, distinct: query.distinct ?? [], optionalGroups: query.optionalGroups ?? false },
  enters: (time) => time,
  leaves: (time) => `${time} + ${windowMs}`,
})

/** Cases of monitors: a log, and what must happen. */
export type { Case, Expected } from './case.ts'
export { type FieldDifference, isEnd, judge, type Pair, type Verdict } from './compare.ts'
export { readDocument } from './document.ts'
export { type Evaluated, type Happening, type Outcome, outcomeOf } from './happening.ts'
export { type CaseFiles, type CaseResult, findCases, runCases } from './run.ts'
export { faultsOf, groupText, lineDifference } from './text.ts'
export { instantOf } from './times.ts'

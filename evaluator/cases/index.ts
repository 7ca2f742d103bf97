/** Cases of monitors: a log, and what must happen. */
export type { Case, Expected } from './case.ts'
export { CaseReader } from './case-file.ts'
export { type FieldDifference, judge, type Pair, type Verdict } from './compare.ts'
export { readDocument } from './document.ts'
export { type Happening, type Outcome, outcomeOf } from './happening.ts'
export { type CaseFiles, type CaseResult, findCases, runCases } from './run.ts'
export { changeText, faultsOf, groupText, lineDifference } from './text.ts'
export { durationText, instantOf, instantText } from './times.ts'

/** What Datadog reported of a monitor beside what is evaluated here. */
export { Account, type Keys, originOf, type Period, SITES } from './account.ts'
export { type Assumptions, compareMonitor, type Judged } from './compare.ts'
export { compareRule, readReportedSignals } from './compare-rule.ts'
export { readReported } from './reported.ts'

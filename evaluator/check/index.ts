/** What an import of monitors would answer, without an account. */
export { checkMonitors, type LogSource } from './check.ts'
export { type CheckReport, countOf, type Finding, type Level, placeBelow } from './finding.ts'
export { githubAnnotation } from './github.ts'
export { sarifLog } from './sarif.ts'

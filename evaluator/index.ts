/** Search, monitors, replays, trials and explanations: the API of the package. The rest of the exports is for whoever builds a program on it. */
export {
  type Change,
  type Event,
  explain,
  type Replay,
  type ReplaySettings,
  readMonitor,
  readRule,
  replay,
  search,
  type Tuned,
  type TuneOptions,
  tune,
  tuneRule,
} from './api.ts'
export { logOfEvent } from './app-event.ts'
export { nextAligned } from './evaluate/cadence.ts'
export { Evaluator, type EvaluatorOptions, type Transition, type Updated } from './evaluate/evaluate.ts'
export type { Observer, Pass } from './evaluate/observer.ts'
export { groupOfKey } from './evaluate/reading.ts'
export {
  type Explanation,
  explainFrom,
  explainRuleFrom,
  headlineOf,
  pageOf,
  type Question,
  QuestionError,
  type RuleExplanation,
  ruleHeadlineOf,
  rulePageOf,
  ruleSvgOf,
  sourceOfLogs,
  svgOf,
} from './explain/index.ts'
export type { IndexedLog, Log } from './log.ts'
export { loadMonitors, type Monitor, MonitorError, readImportable, type SearchMonitor } from './monitor/monitor.ts'
export type { MonitorFault, MonitorReading } from './monitor/monitor-reading.ts'
export { type NavigatorLayer, navigatorLayer } from './navigator.ts'
export { compileSearch, type LogPredicate, parseSearch, SearchSyntaxError } from './search/search.ts'

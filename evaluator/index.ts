/** Monitors, their evaluation, and logs. */
export { logOfEvent } from './app-event.ts'
export { nextAligned } from './evaluate/cadence.ts'
export { Evaluator, type EvaluatorOptions, type Transition } from './evaluate/evaluate.ts'
export type { IndexedLog, Log } from './log.ts'
export { loadMonitors, type Monitor, MonitorError, readMonitor } from './monitor/monitor.ts'
export type { MonitorFault, MonitorReading } from './monitor/monitor-reading.ts'
export { compileSearch, type LogPredicate, parseSearch, SearchSyntaxError } from './search/search.ts'

/** What a monitor would do with other thresholds and windows. */
export { shortNumber, svgOf } from './svg.ts'
export { readThresholds, readWindows, rising, TrialError, usualThresholds } from './texts.ts'
export { type FaultSink, type Trial, type TuneReplay, tuneAll } from './tune.ts'
export type { Cell, Obstacle, Range, Reached, Tuning } from './tuning.ts'

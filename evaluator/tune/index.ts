/** What monitors and rules would do with other thresholds and windows. */
export { knobsOf } from './rule-knobs.ts'
export type { RuleTrial } from './rule-tuning.ts'
export { shortNumber, svgOf, titleOf } from './svg.ts'
export { readThresholds, readWindows, rising, TrialError, usualAround, usualThresholds } from './texts.ts'
export { type FaultSink, type Trial, type TunedAll, type TuneReplay, tuneAll } from './tune.ts'
export type { Cell, Obstacle, Range, Reached, Tuning } from './tuning.ts'

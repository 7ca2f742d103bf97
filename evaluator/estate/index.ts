/** Monitors in every form that people keep them in, and what is expected of them. */
export { type Estate, EstateError, EXPECTATION_FILE, loadEstate } from './estate.ts'
export {
  compareTriggers,
  type Expectable,
  ExpectationError,
  type Expectations,
  type GroupValues,
  holds,
  isEvaluated,
  lacking,
  type Outcome,
  readExpectations,
  Triggers,
} from './expectations.ts'
export { type Lapse, readLapses, writeLock } from './lock.ts'
export { readMonitor, readRule } from './one.ts'

/** The logs that a person names on a command line: files, folders and pipes in any known form, read and replayed in any order. */
export { reasonOf, unwritableReason } from '../file-error.ts'
export { LogInput, type LogOptions, type LogPlace } from './log-input.ts'
export { replayLogs } from './replay-logs.ts'
export { Spill } from './spill.ts'

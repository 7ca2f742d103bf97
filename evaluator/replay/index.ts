/** Evaluates monitors over recorded logs: reads a recording, replays it, and saves the state between its parts. */
export { DATADOG_CADENCE_SECONDS, type Evaluation } from '../evaluate/cadence.ts'
export { DEFAULT_LATENESS_SECONDS } from '../evaluate/lateness.ts'
export { EventError, parseEvent } from './event-reader.ts'
export { fileChunks, visitLines } from './lines.ts'
export { detectForm } from './recording/detect-form.ts'
export { FORMS, RECORDING_FORMS, type RecordingForm } from './recording/forms.ts'
export { type Reading, type Recording, readRecording } from './recording/recording.ts'
export { Replayer } from './replay.ts'
export type { ReplayOptions } from './replay-options.ts'
export { type ReplayState, readState, StateError, writeState } from './replay-state.ts'
export {
  isAsItStands,
  type ReplayReading,
  type ReplaySource,
  type ReplaySummary,
  type ReplayVisitor,
  replayRecordings,
  replayStream,
} from './replay-stream.ts'
export { MAX_THREADS } from './threads/line-threads.ts'

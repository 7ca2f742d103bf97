/** Monitors evaluated over recorded logs. */
export { DEFAULT_LATENESS_SECONDS } from '../evaluate/lateness.ts'
export { EventError, parseEvent } from './event-reader.ts'
export { fileChunks, visitLines } from './lines.ts'
export { detectForm, type RecordingForm, readRecording, recordingForms } from './recording/recording.ts'
export { Replayer } from './replay.ts'
export type { ReplayOptions } from './replay-options.ts'
export { type ReplayState, readState, StateError, writeState } from './replay-state.ts'
export { type ReplaySource, type ReplaySummary, replayStream } from './replay-stream.ts'

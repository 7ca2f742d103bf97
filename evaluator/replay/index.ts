/** Evaluates monitors over recorded logs: reads a recording, replays it, and saves the state between its parts. */
export { DEFAULT_LATENESS_SECONDS } from '../evaluate/lateness.ts'
export { EventError, parseEvent } from './event-reader.ts'
export { fileChunks, visitLines } from './lines.ts'
export { detectForm, RECORDING_FORMS, type RecordingForm, readRecording } from './recording/recording.ts'
export { Replayer } from './replay.ts'
export type { ReplayOptions } from './replay-options.ts'
export { type ReplayState, readState, StateError, writeState } from './replay-state.ts'
export { type ReplaySource, type ReplaySummary, replayStream } from './replay-stream.ts'

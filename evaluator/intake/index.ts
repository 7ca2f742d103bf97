/** Datadog’s intake: reads requests with JSON, text or Logplex frames into logs, and runs pipelines on them. */
export { isInCalendar } from './calendar.ts'
export { PAYLOAD_BYTES, readSubmission, urlFields } from './intake.ts'
export { frameLine, frameLoss, PRI, splitLine } from './logplex-frame-writer.ts'
export { parseFrames } from './logplex-frames.ts'
export { type Pipeline, readPipeline } from './pipeline.ts'
export { isDeeperThan } from './preprocess.ts'

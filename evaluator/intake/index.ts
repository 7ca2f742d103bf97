/** What Datadog’s intake makes of a request: logs, from JSON, text or Logplex frames, through pipelines. */
export { PAYLOAD_BYTES, readSubmission, urlFields } from './intake.ts'
export { frameLine, frameLoss, PRI, splitLine } from './logplex-frame-writer.ts'
export { parseFrames } from './logplex-frames.ts'
export { type Pipeline, readPipeline } from './pipeline.ts'
export { isDeeperThan } from './preprocess.ts'

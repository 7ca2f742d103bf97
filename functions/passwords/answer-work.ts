import { parentPort } from 'node:worker_threads'
import type { WorkResult } from './worker-pool.ts'

/** In a worker of a pool: answers each message with the result of `work`. */
export function answerWork<Work, Value>(work: (job: Work) => Value): void {
  parentPort?.on('message', (job: Work) => {
    let result: WorkResult<Value>
    try {
      result = { value: work(job) }
    } catch (error) {
      result = { error: error instanceof Error ? error.message : 'unknown' }
    }
    parentPort?.postMessage(result)
  })
}

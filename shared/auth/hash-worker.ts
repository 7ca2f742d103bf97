import { parentPort } from 'node:worker_threads'
import bcrypt from 'bcryptjs'

/** One worker of the pool: bcrypt costs a tenth of a second of pure computation, which no request may wait behind. */
export type HashJob = { id: number } & (
  | { kind: 'hash'; input: string; cost: number }
  | { kind: 'compare'; input: string; hash: string }
)
export type HashResult = { id: number } & ({ value: string | boolean } | { error: string })

parentPort?.on('message', (job: HashJob) => {
  let result: HashResult
  try {
    const value = job.kind === 'hash' ? bcrypt.hashSync(job.input, job.cost) : bcrypt.compareSync(job.input, job.hash)
    result = { id: job.id, value }
  } catch (error) {
    result = { id: job.id, error: error instanceof Error ? error.message : 'unknown' }
  }
  parentPort?.postMessage(result)
})

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import bcrypt from 'bcryptjs'
import type { Count } from './rounds.ts'

const SCRIPT = new URL('./bcrypt-worker.mjs', import.meta.url)

/** The size of the functions' own pool: one per core. */
export const BARE_WORKERS = availableParallelism()

export interface BareBcrypt {
  /** Compares in every worker for `milliseconds`. */
  count(milliseconds: number): Promise<Count>
  close(): Promise<void>
}

/**
 * The peer of a sign-in: only the comparison, at the same cost in the same number of worker threads.
 * @param cost the functions' bcrypt cost
 */
export async function startBareBcrypt(cost: number): Promise<BareBcrypt> {
  // The length of the keyed pre-hash of a sign-in: 32 bytes in base64.
  const input = Buffer.alloc(32, 7).toString('base64')
  const workerData = { input, hash: bcrypt.hashSync(input, cost) }
  const workers = Array.from({ length: BARE_WORKERS }, () => new Worker(SCRIPT, { workerData, execArgv: [] }))
  return {
    async count(milliseconds) {
      const counts = await Promise.all(
        workers.map(async (worker) => {
          const counted = once(worker, 'message')
          worker.postMessage(milliseconds)
          const [count] = (await counted) as [Count]
          return count
        }),
      )
      // Each worker ends with its last comparison, so the rates are added and not the times.
      const done = counts.reduce((sum, one) => sum + (one.done / one.milliseconds) * milliseconds, 0)
      return { done, milliseconds }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import bcrypt from 'bcryptjs'
import type { Count } from './rounds.ts'

const SCRIPT = new URL('./bcrypt-worker.mjs', import.meta.url)

/** As many as the functions' own pool has: one per core. */
export const BARE_WORKERS = availableParallelism()

export interface BareBcrypt {
  /** Compares in every worker for so many milliseconds. */
  count(milliseconds: number): Promise<Count>
  close(): Promise<void>
}

/**
 * The peer of a sign-in: the same comparison at the same cost in as many worker threads, and nothing else.
 * @param cost bcrypt's, as the functions use it
 */
export async function startBareBcrypt(cost: number): Promise<BareBcrypt> {
  // As long as the keyed pre-hash that a sign-in compares: 32 bytes in base64.
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
      // Each ends with its last comparison: their rates add up, their times do not.
      const done = counts.reduce((sum, one) => sum + (one.done / one.milliseconds) * milliseconds, 0)
      return { done, milliseconds }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

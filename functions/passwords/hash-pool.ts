import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import type { Sender } from './fair-queue.ts'
import type { HashJob } from './hash-worker.ts'
import type { StrengthJob } from './strength-worker.ts'
import { createWorkerPool } from './worker-pool.ts'

export interface HashPool {
  /** @param sender whose share of the queue the job uses; all jobs without a sender share one */
  hash(input: string, cost: number, sender?: Sender): Promise<string>
  compare(input: string, hash: string, sender?: Sender): Promise<boolean>
  /** Whether a new password is too easy to guess, also for a person who knows these context words. */
  isGuessable(password: string, context: readonly string[], sender?: Sender): Promise<boolean>
  close(): Promise<void>
}

/**
 * One hash worker per core. One more worker, with its own queue, judges new passwords. Its dictionaries take 60 MB of
 * memory, so it starts at the first new password.
 * @param workerPath the built `hash-worker.cjs`; `strength-worker.cjs` is in the same folder
 * @param queueLimit how many jobs may wait
 * @throws HashQueueFull (as a rejection) when the queue is full, or a waiting job gives up its place
 */
export function createHashPool(
  workerPath: string,
  { size = availableParallelism(), queueLimit }: { size?: number; queueLimit: number },
): HashPool {
  const hashes = createWorkerPool<HashJob, string | boolean>(workerPath, { size, queueLimit })
  const strengthPath = join(dirname(workerPath), 'strength-worker.cjs')
  const strengths = createWorkerPool<StrengthJob, boolean>(strengthPath, { size: 1, queueLimit })
  return {
    hash: async (input, cost, sender) => String(await hashes.submit({ kind: 'hash', input, cost }, sender)),
    compare: async (input, hash, sender) => (await hashes.submit({ kind: 'compare', input, hash }, sender)) === true,
    isGuessable: (password, context, sender) => strengths.submit({ password, context }, sender),
    close: async () => {
      await Promise.all([hashes.close(), strengths.close()])
    },
  }
}

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { FairQueue, type Sender } from './fair-queue.ts'
import type { HashJob, HashResult } from './hash-worker.ts'

/** Every worker is busy and the queue is full, or the place was given up to a sender with less: the caller answers 503. */
export class HashQueueFull extends Error {
  override readonly name = 'HashQueueFull'
}

type Work = HashJob extends infer J ? (J extends { id: number } ? Omit<J, 'id'> : never) : never
interface Waiting {
  work: Work
  resolve(value: string | boolean): void
  reject(error: Error): void
}

export interface HashPool {
  /** @param sender whose share of the queue this takes; callers that name none share one */
  hash(input: string, cost: number, sender?: Sender): Promise<string>
  compare(input: string, hash: string, sender?: Sender): Promise<boolean>
  close(): Promise<void>
}

/**
 * As many workers as cores, one job at a time each, the rest in a bounded queue that networks share fairly.
 * @param workerPath the built `hash-worker.cjs`
 * @param queueLimit how many jobs may wait
 * @throws HashQueueFull (as a rejection) when one more would wait, also of a job that waits and gives its place up
 */
export function createHashPool(
  workerPath: string,
  { size = availableParallelism(), queueLimit }: { size?: number; queueLimit: number },
): HashPool {
  const queue = new FairQueue<Waiting>(queueLimit)
  const idle: Worker[] = []
  const running = new Map<Worker, Waiting>()
  const workers = new Set<Worker>()
  let closed = false

  const start = () => {
    // Workers inherit neither flags nor standard input; they are not what keeps a process alive.
    const worker = new Worker(workerPath, { execArgv: [], stdin: false })
    worker.unref()
    workers.add(worker)
    worker.on('message', (result: HashResult) => {
      const job = running.get(worker)
      running.delete(worker)
      if ('error' in result) job?.reject(new Error(result.error))
      else job?.resolve(result.value)
      idle.push(worker)
      pump()
    })
    worker.on('error', (error) => running.get(worker)?.reject(error))
    worker.on('exit', () => {
      running.get(worker)?.reject(new Error('a hash worker stopped'))
      running.delete(worker)
      workers.delete(worker)
      const index = idle.indexOf(worker)
      if (index >= 0) idle.splice(index, 1)
      if (!closed && queue.size > 0) pump()
    })
    return worker
  }

  const pump = () => {
    while (queue.size > 0) {
      const worker = idle.pop() ?? (workers.size < size ? start() : undefined)
      if (!worker) return
      const job = queue.shift() as Waiting
      running.set(worker, job)
      worker.postMessage({ id: 0, ...job.work })
    }
  }

  const submit = (work: Work, sender: Sender | undefined) =>
    new Promise<string | boolean>((resolve, reject) => {
      const place = closed ? undefined : queue.push({ work, resolve, reject }, sender)
      if (place?.kind !== 'queued') return reject(new HashQueueFull('the password queue is full'))
      place.evicted?.reject(new HashQueueFull('the place in the password queue went to a sender with less'))
      pump()
    })

  return {
    hash: async (input, cost, sender) => (await submit({ kind: 'hash', input, cost }, sender)) as string,
    compare: async (input, hash, sender) => (await submit({ kind: 'compare', input, hash }, sender)) as boolean,
    close: async () => {
      closed = true
      for (const job of queue.drain()) job.reject(new HashQueueFull('the service is stopping'))
      await Promise.all([...workers].map((worker) => worker.terminate()))
    },
  }
}

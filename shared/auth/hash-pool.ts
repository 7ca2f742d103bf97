import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { HashJob, HashResult } from './hash-worker.ts'

/** Every worker is busy and the queue is full: the caller answers 503. */
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
  hash(input: string, cost: number): Promise<string>
  compare(input: string, hash: string): Promise<boolean>
  close(): Promise<void>
}

/**
 * As many workers as cores, one job at a time each, the rest in a bounded queue: first come, first served.
 * @param workerPath the built `hash-worker.cjs`
 * @param queueLimit how many jobs may wait
 * @throws HashQueueFull (as a rejection) when one more would wait
 */
export function createHashPool(
  workerPath: string,
  { size = availableParallelism(), queueLimit }: { size?: number; queueLimit: number },
): HashPool {
  const queue: Waiting[] = []
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
      if (!closed && queue.length > 0) pump()
    })
    return worker
  }

  const pump = () => {
    while (queue.length > 0) {
      const worker = idle.pop() ?? (workers.size < size ? start() : undefined)
      if (!worker) return
      const job = queue.shift() as Waiting
      running.set(worker, job)
      worker.postMessage({ id: 0, ...job.work })
    }
  }

  const submit = (work: Work) =>
    new Promise<string | boolean>((resolve, reject) => {
      if (closed || queue.length >= queueLimit) return reject(new HashQueueFull('the password queue is full'))
      queue.push({ work, resolve, reject })
      pump()
    })

  return {
    hash: async (input, cost) => (await submit({ kind: 'hash', input, cost })) as string,
    compare: async (input, hash) => (await submit({ kind: 'compare', input, hash })) as boolean,
    close: async () => {
      closed = true
      for (const job of queue.splice(0)) job.reject(new HashQueueFull('the service is stopping'))
      await Promise.all([...workers].map((worker) => worker.terminate()))
    },
  }
}

import { Worker } from 'node:worker_threads'
import { FairQueue, type Sender } from './fair-queue.ts'

/** The queue is full, or the job gave its place to a sender with less waiting work. The caller answers 503. */
export class HashQueueFull extends Error {
  override readonly name = 'HashQueueFull'
}

/** What a worker of a pool answers to one piece of work. */
export type WorkResult<Value> = { value: Value } | { error: string }

export interface WorkerPool<Work, Value> {
  /** @param sender whose share of the queue the job uses; all jobs without a sender share one */
  submit(work: Work, sender: Sender | undefined): Promise<Value>
  close(): Promise<void>
}

/**
 * A pool of workers, started on demand, with one job at a time each. Further jobs wait in a bounded queue that
 * networks share fairly.
 * @param path a built file that answers each message with one {@link WorkResult}
 * @param size how many workers
 * @param queueLimit how many jobs may wait
 * @throws HashQueueFull (as a rejection) when the queue is full, or a waiting job gives up its place
 */
export function createWorkerPool<Work, Value>(
  path: string,
  { size, queueLimit }: { size: number; queueLimit: number },
): WorkerPool<Work, Value> {
  interface Waiting {
    work: Work
    resolve(value: Value): void
    reject(error: Error): void
  }
  const queue = new FairQueue<Waiting>(queueLimit)
  const idle: Worker[] = []
  const running = new Map<Worker, Waiting>()
  const workers = new Set<Worker>()
  let closed = false

  const start = () => {
    // Workers get no flags and no standard input, and do not keep the process alive.
    const worker = new Worker(path, { execArgv: [], stdin: false })
    worker.unref()
    workers.add(worker)
    worker.on('message', (result: WorkResult<Value>) => {
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
    for (;;) {
      const isNeeded = queue.size > 0
      const worker = isNeeded ? (idle.pop() ?? (workers.size < size ? start() : undefined)) : undefined
      const job = worker && queue.shift()
      if (!job) return
      running.set(worker, job)
      worker.postMessage(job.work)
    }
  }

  return {
    submit: (work, sender) =>
      new Promise<Value>((resolve, reject) => {
        const place = closed ? undefined : queue.push({ work, resolve, reject }, sender)
        if (place?.kind !== 'queued') return reject(new HashQueueFull('the password queue is full'))
        place.evicted?.reject(
          new HashQueueFull('the place in the password queue went to a sender with less waiting work'),
        )
        pump()
      }),
    close: async () => {
      closed = true
      for (const job of queue.drain()) job.reject(new HashQueueFull('the service is stopping'))
      await Promise.all([...workers].map((worker) => worker.terminate()))
    },
  }
}

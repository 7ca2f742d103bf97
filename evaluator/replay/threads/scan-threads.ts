import { Worker } from 'node:worker_threads'
import type { PlacedSource } from '../../evaluate/sources.ts'
import { InputError } from '../../input-error.ts'
import { workerProgram } from './program.ts'
import { createSlotMemory, type ScanAnswer, type ScanJob, type ScanSetup, Slot, type SlotMemory } from './slot.ts'

/** Lines that a worker may have waiting: enough that it has work while the main thread evaluates. */
const JOBS_PER_WORKER = 4

/** A worker does little but fill typed arrays, so that a small heap for new objects is enough. */
const LIMITS = { maxYoungGenerationSizeMb: 4 }

/** Thrown when a worker ends although it still has work. */
class ThreadError extends InputError {
  override readonly name = 'ThreadError'
}

interface Waiting {
  readonly resolve: (answer: ScanAnswer) => void
  readonly reject: (error: Error) => void
}

/** Threads that scan lines, and the slots in which they find them. */
export class ScanThreads {
  readonly slots: readonly Slot[]
  readonly #workers: readonly ScanThread[]

  /** @param count the number of workers, at least 1 */
  static async start(count: number, sources: readonly PlacedSource[]): Promise<ScanThreads> {
    // Two more than can wait for workers: one is filled, and one has lines that the main thread scans itself.
    const memory = Array.from({ length: count * JOBS_PER_WORKER + 2 }, createSlotMemory)
    const { program, eval: isText } = await workerProgram()
    const workerData: ScanSetup = { sources, slots: memory }
    const start = () => new Worker(program, { eval: isText, execArgv: [], workerData, resourceLimits: LIMITS })
    return new ScanThreads(memory, Array.from({ length: count }, start))
  }

  private constructor(memory: readonly SlotMemory[], workers: readonly Worker[]) {
    this.slots = memory.map((each) => new Slot(each))
    this.#workers = workers.map((worker) => new ScanThread(worker))
  }

  /** Gives a job to the worker with the least work. @returns its index and its answer; undefined when all have enough */
  submit(job: ScanJob): { worker: number; answer: Promise<ScanAnswer> } | undefined {
    let least = 0
    for (const [i, { waiting }] of this.#workers.entries()) {
      if (waiting < (this.#workers[least]?.waiting ?? 0)) least = i
    }
    const thread = this.#workers[least]
    if (!thread || thread.waiting >= JOBS_PER_WORKER) return undefined
    return { worker: least, answer: thread.submit(job) }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((thread) => thread.close()))
  }
}

/** One worker, which answers its jobs in their order. */
class ScanThread {
  readonly #worker: Worker
  readonly #waiting: Waiting[] = []
  #fault: Error | undefined

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: ScanAnswer) => this.#waiting.shift()?.resolve(answer))
    worker.on('error', (error: Error) =>
      this.#fail(new ThreadError(`A thread failed: ${error.message}`, { cause: error })),
    )
    worker.on('exit', (code) => this.#fail(new ThreadError(`A thread ended with code ${code}.`)))
  }

  get waiting(): number {
    return this.#waiting.length
  }

  submit(job: ScanJob): Promise<ScanAnswer> {
    if (this.#fault) return Promise.reject(this.#fault)
    const answer = new Promise<ScanAnswer>((resolve, reject) => this.#waiting.push({ resolve, reject }))
    // It is awaited in the order of the lines, by which time it may have failed.
    answer.catch(() => {})
    this.#worker.postMessage(job)
    return answer
  }

  async close(): Promise<void> {
    this.#waiting.length = 0
    await this.#worker.terminate()
  }

  #fail(error: Error): void {
    this.#fault ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(this.#fault)
  }
}

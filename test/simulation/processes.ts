import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { unchecked } from '../../shared/unchecked.ts'
import type { Batch, BatchResult } from './worker.ts'

/** Seeds that a process gets at a time. */
const BATCH = 250
/** Then another process goes on: what the schedules leave behind in one would slow down the later ones. */
const BATCHES_OF_A_PROCESS = 16

export interface Progress {
  done: number
  steps: number
  failures: BatchResult['failures']
}

/**
 * Runs seeds in as many processes as the machine runs at a time.
 * @param goesOn asked after each batch
 * @throws if a process ends before its work
 */
export async function runBatches({ from, to, bug }: Batch, goesOn: (progress: Progress) => boolean): Promise<Progress> {
  const progress: Progress = { done: 0, steps: 0, failures: [] }
  let next = from
  let isOver = false
  const workInOneProcess = async () => {
    const child = start()
    try {
      for (let batches = 0; batches < BATCHES_OF_A_PROCESS && next < to && !isOver; batches++) {
        const batch = { from: next, to: Math.min(next + BATCH, to), bug }
        next = batch.to
        const { schedules, steps, failures } = await ask(child, batch)
        progress.done += schedules
        progress.steps += steps
        progress.failures.push(...failures)
        isOver ||= !goesOn(progress)
      }
    } finally {
      child.disconnect()
    }
  }
  const work = async () => {
    while (next < to && !isOver) await workInOneProcess()
  }
  const processes = Math.min(availableParallelism(), Math.ceil((to - from) / BATCH))
  await Promise.all(Array.from({ length: processes }, work))
  return progress
}

function start(): ChildProcess {
  const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))
  // Most of what a schedule makes is garbage at its end.
  return fork(pathOf('../../cli/run.mjs'), [pathOf('./worker.ts')], { execArgv: ['--max-semi-space-size=64'] })
}

function ask(child: ChildProcess, batch: Batch): Promise<BatchResult> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`A process of the simulation ended with code ${code}`))
    child.once('exit', ended)
    child.once('message', (result) => {
      child.off('exit', ended)
      resolve(unchecked(result))
    })
    child.send(batch)
  })
}

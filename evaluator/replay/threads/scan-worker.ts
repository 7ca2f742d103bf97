import { parentPort, workerData } from 'node:worker_threads'
import { EntryRecorder } from './entry-recorder.ts'
import { type ScanJob, type ScanSetup, Slot } from './slot.ts'

/** The program of a worker: answers each job with what it found in the lines of its slot. */
const { sources, slots } = workerData as ScanSetup
const views = slots.map((memory) => new Slot(memory))
const recorder = new EntryRecorder(sources)

parentPort?.on('message', ({ slot, length }: ScanJob) => {
  const view = views[slot]
  if (view) parentPort?.postMessage(recorder.scan(view, length))
})

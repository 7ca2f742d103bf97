import { parentPort, workerData } from 'node:worker_threads'
import bcrypt from 'bcryptjs'

/** Only the hash, without requests, stores or messages between two comparisons. */
const { hash, input } = workerData

parentPort.on('message', (atLeast) => {
  const started = performance.now()
  let done = 0
  let milliseconds = 0
  while (milliseconds < atLeast) {
    if (!bcrypt.compareSync(input, hash)) throw new Error('the comparison is not the one that a sign-in makes')
    done++
    milliseconds = performance.now() - started
  }
  parentPort.postMessage({ done, milliseconds })
})

import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'

/** The folders of the measurements that are under way. */
const folders = new Set<string>()
let holdsStores = false

const removeFolders = () => {
  for (const dir of folders) rmSync(dir, { recursive: true, force: true })
}

/**
 * Ends the process at once at a signal, without its temporary folders. While stores run they are stopped in order: the
 * first signal aborts, and a second one does not wait.
 */
export function stopAtSignals(err: (text: string) => void): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!holdsStores || stopping.signal.aborted) {
        removeFolders()
        process.exit(130)
      }
      err('Stopping the stores …\n')
      stopping.abort(new Error(`Stopped by ${signal}.`))
    })
  }
  return stopping.signal
}

/** Runs a measurement over stores that must be stopped in order. */
export async function holdingStores<T>(work: () => Promise<T>): Promise<T> {
  holdsStores = true
  try {
    return await work()
  } finally {
    holdsStores = false
  }
}

/** Runs a measurement that needs a folder. @param prefix of its path */
export async function inTemporaryFolder<T>(prefix: string, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(prefix)
  folders.add(dir)
  try {
    return await work(dir)
  } finally {
    folders.delete(dir)
    rmSync(dir, { recursive: true })
  }
}

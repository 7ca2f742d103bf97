import { isAlive } from '../lab/processes/identity.ts'

const INTERVAL_MS = 500

/**
 * Under npm: stops when npm itself is gone. A `kill -9` of npm tells its child nothing, and a lab that nobody sees any
 * more would keep its ports.
 * @returns ends the watch
 */
export function watchParent(onGone: () => void): () => void {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  // No event tells of a parent's end.
  const timer = setInterval(() => {
    // Elsewhere an orphan gets another parent; on Windows it keeps the number of the one that is gone.
    if (process.ppid === parent && isAlive(parent)) return
    clearInterval(timer)
    onGone()
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

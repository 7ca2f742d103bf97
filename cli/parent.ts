import { isAlive } from '../lab/processes/identity.ts'

const INTERVAL_MS = 500

/**
 * Under npm, calls `onGone` once npm itself has ended. A `kill -9` of npm sends its child no signal, and a lab without a
 * terminal would keep its ports.
 * @returns a function that ends the watch
 */
export function watchParent(onGone: () => void): () => void {
  if (process.env.npm_lifecycle_event === undefined) return () => {}
  const parent = process.ppid
  // No event reports the end of a parent, so this polls.
  const timer = setInterval(() => {
    // On Windows an orphan keeps its parent's id, so that id is checked; elsewhere it gets another parent.
    if (process.ppid === parent && isAlive(parent)) return
    clearInterval(timer)
    onGone()
  }, INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}

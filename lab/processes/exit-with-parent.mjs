// Preloaded (`node --import`) into every Node child of the lab: when the parent is gone, even by kill -9, its IPC
// channel closes, and the child ends instead of holding a port that the next start wants.
import { isMainThread } from 'node:worker_threads'

const GRACE_MS = 3000

// Worker threads inherit --import and have no channel of their own.
if (isMainThread && process.connected) {
  process.on('disconnect', () => {
    // A child with a listener of its own ends by that. Any other gets its signal first, so that a handler can
    // flush; then the hard way.
    if (process.listenerCount('disconnect') === 1) process.kill(process.pid, process.env.LAB_STOP_SIGNAL ?? 'SIGTERM')
    setTimeout(() => process.exit(1), GRACE_MS).unref()
  })
  // The listener above must not be what keeps a finished child running.
  process.channel?.unref()
}

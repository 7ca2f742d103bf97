import { setTimeout as delay } from 'node:timers/promises'
import { identityOf } from './identity.ts'

const STEPS: readonly { signal: NodeJS.Signals; patienceMs: number }[] = [
  { signal: 'SIGTERM', patienceMs: 5000 },
  { signal: 'SIGKILL', patienceMs: 2000 },
]

/**
 * Ends a process that an earlier lab started and that outlived it. A later process that got its number is left alone.
 * @param born what identityOf said of it then
 * @param steps signals, and how long each is given to work
 * @returns false when it had ended by itself
 * @throws when it does not end
 */
export async function endLeftover(pid: number, born: string, steps = STEPS): Promise<boolean> {
  if ((await identityOf(pid)) !== born) return false
  for (const { signal, patienceMs } of steps) {
    send(pid, signal)
    const deadline = Date.now() + patienceMs
    // Not our child: there is no event to wait for.
    while (Date.now() < deadline) {
      if ((await identityOf(pid)) !== born) return true
      await delay(25)
    }
  }
  throw new Error(`Process ${pid} of an earlier lab does not end. Stop it: kill -9 ${pid}`)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

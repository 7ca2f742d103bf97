import { setTimeout as delay } from 'node:timers/promises'
import { identityOf } from './identity.ts'

/** What to send, if anything, and how long to wait for the end. */
export interface Step {
  readonly signal?: NodeJS.Signals
  readonly patienceMs: number
}

/** Our own children end by themselves, and may be saving what they hold: a signal now would cut that short. */
const STEPS: readonly Step[] = [
  { patienceMs: 2000 },
  { signal: 'SIGTERM', patienceMs: 3000 },
  { signal: 'SIGKILL', patienceMs: 2000 },
]

/**
 * Ends a process that an earlier lab started and that outlived it. A later process that got its number is left alone.
 * @param born what identityOf said of it then
 * @param steps taken one after the other until it has ended
 * @returns false when it had ended by itself
 * @throws when it does not end
 */
export async function endLeftover(pid: number, born: string, steps = STEPS): Promise<boolean> {
  if ((await identityOf(pid)) !== born) return false
  for (const { signal, patienceMs } of steps) {
    if (signal) send(pid, signal)
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

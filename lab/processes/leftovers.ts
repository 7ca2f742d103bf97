import { setTimeout as delay } from 'node:timers/promises'
import { identityOf } from './identity.ts'

/** The signal to send, if any, and the time to wait for the end. */
export interface Step {
  readonly signal?: NodeJS.Signals
  readonly patienceMs: number
}

/** Begins with a wait, because our own children end by themselves and a signal could interrupt their saving. */
const STEPS: readonly Step[] = [
  { patienceMs: 2000 },
  { signal: 'SIGTERM', patienceMs: 3000 },
  { signal: 'SIGKILL', patienceMs: 2000 },
]

/**
 * Ends a process that outlived an earlier lab. A later process with the same id is not touched.
 * @param born its identity from that time, see identityOf
 * @param steps carried out in order until it has ended
 * @returns false if it had ended by itself
 * @throws when it does not end
 */
export async function endLeftover(pid: number, born: string, steps = STEPS): Promise<boolean> {
  if ((await identityOf(pid)) !== born) return false
  for (const { signal, patienceMs } of steps) {
    if (signal) send(pid, signal)
    const deadline = Date.now() + patienceMs
    // It is not our child, so there is no event to wait for.
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
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

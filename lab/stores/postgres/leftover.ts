import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { commandLineOf, identityOf } from '../../processes/identity.ts'

/** Fast, then immediate shutdown, then by force. @see PostgreSQL documentation, "Shutting Down the Server" */
const STEPS: readonly { signal: NodeJS.Signals; patienceMs: number }[] = [
  { signal: 'SIGINT', patienceMs: 5000 },
  { signal: 'SIGQUIT', patienceMs: 3000 },
  { signal: 'SIGKILL', patienceMs: 2000 },
]

/**
 * Ends a server that an earlier lab left running on these data. Its number in postmaster.pid may meanwhile be another
 * program's, so it is signalled only if its command line names the data.
 * @returns the number of the process that was ended
 */
export async function stopLeftover(data: string): Promise<number | undefined> {
  const file = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const pid = Number.parseInt(file, 10)
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  const born = await identityOf(pid)
  if (born === undefined || !(await commandLineOf(pid))?.includes(`-D ${data} `)) return undefined
  for (const { signal, patienceMs } of STEPS) {
    signalIfThere(pid, signal)
    const deadline = Date.now() + patienceMs
    // Not our child: there is no event to wait for.
    while (Date.now() < deadline) {
      if ((await identityOf(pid)) !== born) return pid
      await delay(25)
    }
  }
  throw new Error(`A PostgreSQL server of an earlier lab (process ${pid}) does not end. Stop it: kill -9 ${pid}`)
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

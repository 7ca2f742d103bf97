import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commandLineOf, identityOf } from '../../processes/identity.ts'
import { endLeftover, type Step } from '../../processes/leftovers.ts'

/** Fast shutdown, immediate shutdown, then SIGKILL. @see PostgreSQL documentation, "Shutting Down the Server" */
const STEPS: readonly Step[] = [
  { signal: 'SIGINT', patienceMs: 5000 },
  { signal: 'SIGQUIT', patienceMs: 3000 },
  { signal: 'SIGKILL', patienceMs: 2000 },
]

/**
 * Ends a server that an earlier lab left running on these data. Its id in postmaster.pid may now belong to another program,
 * so it gets a signal only if its command line names the data. Otherwise the file is removed, because the next server would
 * take that program for a running server.
 * @returns the id of the ended process
 */
export async function stopLeftover(data: string): Promise<number | undefined> {
  const path = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  const born = await identityOf(pid)
  const command = born === undefined ? '' : ((await commandLineOf(pid)) ?? '')
  if (born === undefined || !command.includes(`-D ${data} `)) {
    if (!command.includes('postgres')) await rm(path, { force: true })
    return undefined
  }
  return (await endLeftover(pid, born, STEPS)) ? pid : undefined
}

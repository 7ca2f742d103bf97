import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The system user that a server runs as when the lab itself runs as root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Where files are kept, and for whom. */
export const READ_AND_ENTER = 5
export const ENTER = 1

/**
 * PostgreSQL refuses to run as root; then an existing user without privileges takes its place.
 * @returns undefined when this process is not root: no change of user is needed
 * @throws when it is root and the system has neither `postgres` nor `nobody`
 */
export async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  for (const name of ['postgres', 'nobody']) {
    const uid = await idOf('-u', name)
    const gid = await idOf('-g', name)
    if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has no user `postgres` or `nobody` to run it as. ' +
      'Run the lab as another user, or make one: useradd --system postgres',
  )
}

async function idOf(flag: string, name: string): Promise<number | undefined> {
  try {
    const { stdout } = await run('id', [flag, name])
    return Number.parseInt(stdout, 10)
  } catch {
    return undefined
  }
}

/**
 * Whether an account may reach a path: enter every directory above it, and do `wanted` with the path itself. By mode
 * bits alone: an access list that allows more costs a copy, never a failure.
 */
export async function mayReach(path: string, account: Account, wanted: number): Promise<boolean> {
  if (!(await allows(path, account, wanted))) return false
  for (let above = dirname(path); ; above = dirname(above)) {
    if (!(await allows(above, account, ENTER))) return false
    if (above === dirname(above)) return true
  }
}

async function allows(path: string, account: Account, wanted: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  if (!found) return false
  const shift = found.uid === account.uid ? 6 : found.gid === account.gid ? 3 : 0
  return ((found.mode >> shift) & wanted) === wanted
}

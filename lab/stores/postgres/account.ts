import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The system user of a server when the lab itself runs as root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Permission bits. */
export const READ_AND_ENTER = 5
export const ENTER = 1

/**
 * PostgreSQL refuses to run as root, so then an existing user without privileges is used.
 * @returns undefined if this process is not root and needs no change of user
 * @throws if it is root and the system has neither `postgres` nor `nobody`
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
      'Run the lab as another user, or create that user: useradd --system postgres',
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
 * Whether an account may enter every directory above a path and has the permissions `wanted` on the path itself. Checks only
 * the mode bits: if an access list allows more, an unnecessary copy is made.
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

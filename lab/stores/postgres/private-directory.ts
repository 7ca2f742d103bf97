import { createHash } from 'node:crypto'
import { chown, lstat, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, ENTER, mayReach } from './account.ts'

const STICKY = 0o1000
const WORLD_WRITABLE = 0o002

/**
 * A directory outside the project that belongs to `account` alone (mode 700): for when the project's own path is
 * closed to it. The name is derived from `purpose`, so the same one is found again next time.
 * @throws when what lies at that name is not ours: the temp folder is shared, and anyone may have put it there
 */
export async function privateDirectory(purpose: string, account: Account): Promise<string> {
  const path = join(await openTempFolder(account), nameFor(purpose))
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(path)
  // Made by root a moment ago, by this process or by one beside it that has not come to chown yet.
  const fresh = found.uid === 0 && process.getuid?.() === 0
  if (!found.isDirectory() || (found.uid !== account.uid && !fresh) || (found.mode & 0o077) !== 0) {
    throw new Error(`${path} is in the way: it is not a private directory of ${account.name}. Look at it, remove it.`)
  }
  if (fresh) await chown(path, account.uid, account.gid)
  return path
}

/** Removes what privateDirectory made for this purpose, wherever the temp folder was. */
export async function removePrivateDirectory(purpose: string): Promise<void> {
  for (const folder of candidates()) await rm(join(folder, nameFor(purpose)), { recursive: true, force: true })
}

function nameFor(purpose: string): string {
  return `mini-ato-saas-${createHash('sha256').update(purpose).digest('hex').slice(0, 16)}`
}

async function openTempFolder(account: Account): Promise<string> {
  for (const folder of candidates()) {
    if (!(await mayReach(folder, account, ENTER))) continue
    const { mode } = await lstat(folder)
    // Where anyone may rename anyone's files, a private directory is not private.
    if ((mode & WORLD_WRITABLE) === 0 || (mode & STICKY) !== 0) return folder
  }
  throw new Error(
    `None of ${candidates().join(', ')} can be entered by ${account.name}. Set TMPDIR to a folder that can.`,
  )
}

function candidates(): string[] {
  return [...new Set([tmpdir(), '/tmp', '/var/tmp'])]
}

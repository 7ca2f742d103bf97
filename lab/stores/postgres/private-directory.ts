import { createHash } from 'node:crypto'
import { chown, lstat, mkdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Account, ENTER, mayReach } from './account.ts'

const STICKY = 0o1000
const WORLD_WRITABLE = 0o002

/**
 * A directory outside the project that only `account` can use (mode 700), for an account that cannot reach the project. Its
 * name is derived from `purpose`, so the next start finds it again.
 * @throws when the path is not our directory, because anyone can create files in the shared temporary folder
 */
export async function privateDirectory(purpose: string, account: Account): Promise<string> {
  const path = join(await openTempFolder(account), nameFor(purpose))
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(path)
  // Just created by root, by this process or by a concurrent one before its chown.
  const fresh = found.uid === 0 && process.getuid?.() === 0
  if (!found.isDirectory() || (found.uid !== account.uid && !fresh) || (found.mode & 0o077) !== 0) {
    throw new Error(`${path} is not a private directory of ${account.name}. Check its content and remove it.`)
  }
  if (fresh) await chown(path, account.uid, account.gid)
  return path
}

/** Removes the private directory for this purpose from every candidate folder. */
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
    // Without the sticky bit anyone could rename the directory.
    if ((mode & WORLD_WRITABLE) === 0 || (mode & STICKY) !== 0) return folder
  }
  throw new Error(
    `${account.name} cannot enter any of ${candidates().join(', ')}. Set TMPDIR to a folder that it can enter.`,
  )
}

function candidates(): string[] {
  return [...new Set([tmpdir(), '/tmp', '/var/tmp'])]
}

import { lstat, readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isAlive } from '../processes/identity.ts'
import { holderOf } from './lock.ts'
import { copyPurpose } from './postgres/binaries.ts'
import { accountFor, dataHome, removeData } from './postgres/data.ts'
import { stopLeftover } from './postgres/leftover.ts'
import { removePrivateDirectory } from './postgres/private-directory.ts'

/**
 * Removes a lab directory and the data it keeps elsewhere, after ending a server that was left running on them.
 * @throws when a living process uses its stores
 */
export async function removeLab(directory: string): Promise<void> {
  const dir = resolve(directory)
  if (!(await lstat(dir).catch(() => undefined))) return
  const holder = await holderOf(dir)
  if (holder !== undefined) throw new Error(`The stores in ${dir} are in use by process ${holder}. Stop it first.`)
  const home = await dataHome(dir, await accountFor(dir))
  await stopLeftover(join(home, 'data'))
  await removeData(dir)
  await rm(dir, { recursive: true, force: true })
}

/**
 * Removes those directories in `parent` that nobody uses any more: what runs that were killed left behind. Each is
 * named `<process>-…`, and one whose process is alive may be about to claim it.
 */
export async function removeAbandoned(parent: string): Promise<void> {
  const entries = await readdir(parent, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const dir = join(parent, entry.name)
    if (!entry.isDirectory() || isAlive(Number.parseInt(entry.name, 10))) continue
    if ((await holderOf(dir)) === undefined) await removeLab(dir)
  }
}

/** Removes the copy of PostgreSQL's programs that a start as root may have made outside the project. */
export async function removePostgresCopy(): Promise<void> {
  await removePrivateDirectory(await copyPurpose())
}

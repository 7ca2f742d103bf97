import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { isAlive } from '../processes/identity.ts'
import { holderOf } from './lock.ts'
import { copyPurpose } from './postgres/binaries.ts'
import { accountFor, dataHome, removeData } from './postgres/data.ts'
import { stopLeftover } from './postgres/leftover.ts'
import { removePrivateDirectory } from './postgres/private-directory.ts'

/**
 * Removes a lab directory, its data elsewhere, and the labs inside it (of tests and of verify). First ends servers that were
 * left running on them.
 * @throws when a running process uses the stores of one of them
 */
export async function removeLab(directory: string): Promise<void> {
  const dir = resolve(directory)
  const labs = await labsIn(dir)
  for (const lab of labs) {
    const holder = await holderOf(lab)
    if (holder !== undefined) throw new Error(`The stores in ${lab} are in use by process ${holder}. Stop it first.`)
  }
  for (const lab of labs) {
    const home = await dataHome(lab, await accountFor(lab))
    await stopLeftover(join(home, 'data'))
    await removeData(lab)
  }
  await rm(dir, { recursive: true, force: true })
}

/** This directory and those below it, as far as they hold or held stores. */
async function labsIn(dir: string, depth = 2): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => undefined)
  if (!entries) return []
  const inner = depth === 0 ? [] : entries.filter((entry) => entry.isDirectory())
  const below = await Promise.all(inner.map((entry) => labsIn(join(dir, entry.name), depth - 1)))
  const isLab = entries.some(({ name }) => name === 'secrets.json' || name === 'stores.lock' || name === 'postgres')
  return [...(isLab ? [dir] : []), ...below.flat()]
}

/**
 * Removes the directories in `parent` that killed runs have left behind. Each is named `<process id>-…`; that of a running
 * process is kept, because it may be about to claim it.
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

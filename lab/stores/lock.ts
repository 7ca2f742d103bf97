import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createPrivate, readJson } from '../files.ts'
import { identityOf } from '../processes/identity.ts'

const NAME = 'stores.lock'

/**
 * Claims a lab directory's data for this process: two servers on one set of data would ruin it. A claim whose process
 * has ended is void.
 * @returns gives the claim back
 * @throws when a living process holds it, with its number
 */
export async function lockDirectory(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true })
  const path = join(dir, NAME)
  const claim = JSON.stringify({ pid: process.pid, born: await identityOf(process.pid) })
  for (let attempt = 1; !(await createPrivate(path, claim)); attempt += 1) {
    const holder = await holderOf(dir)
    if (holder !== undefined) {
      throw new Error(`The stores in ${dir} are in use by process ${holder}. Stop it first, or use another directory.`)
    }
    if (attempt === 3) throw new Error(`${path} cannot be claimed. Remove it if no lab runs.`)
    await rm(path, { force: true })
  }
  return () => rm(path, { force: true })
}

/** The number of the living process that holds this directory's stores. */
export async function holderOf(dir: string): Promise<number | undefined> {
  const claim = (await readJson(join(dir, NAME)).catch(() => undefined)) as { pid: number; born?: string } | undefined
  if (claim === undefined) return undefined
  const born = await identityOf(claim.pid)
  return born !== undefined && born === claim.born ? claim.pid : undefined
}

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { identityOf } from '../processes/identity.ts'
import { endLeftover } from '../processes/leftovers.ts'
import { createPrivate, readJson, writePrivate } from '../start/files.ts'

const NAME = 'stores.lock'

const Process = z.object({ pid: z.number().int().positive(), born: z.string() })
const Claim = Process.extend({ children: z.array(Process) })
type Claim = z.infer<typeof Claim>

export interface Lock {
  /** Adds a process that uses the data. If this process is killed, the next claim waits until that one has ended. */
  add(pid: number): Promise<void>
  release(): Promise<void>
}

/**
 * Claims the data of a lab directory for this process, because two servers would destroy them. The claim of an ended process
 * is ignored.
 * @throws naming the running process that holds the claim
 */
export async function lockDirectory(dir: string): Promise<Lock> {
  await mkdir(dir, { recursive: true })
  const path = join(dir, NAME)
  const claim: Claim = { pid: process.pid, born: (await identityOf(process.pid)) ?? '', children: [] }
  for (let attempt = 1; !(await createPrivate(path, JSON.stringify(claim))); attempt += 1) {
    const holder = await holderOf(dir)
    if (holder !== undefined) {
      throw new Error(`The stores in ${dir} are in use by process ${holder}. Stop it first, or use another directory.`)
    }
    if (attempt === 3) throw new Error(`${path} cannot be claimed. Remove it if no lab runs.`)
    for (const { pid, born } of (await readClaim(dir))?.children ?? []) await endLeftover(pid, born)
    await rm(path, { force: true })
  }
  let writing = Promise.resolve()
  return {
    async add(pid) {
      const born = await identityOf(pid)
      if (born === undefined) return
      claim.children.push({ pid, born })
      writing = writing.then(() => writePrivate(path, JSON.stringify(claim)))
      await writing
    },
    async release() {
      await writing.catch(() => {})
      await rm(path, { force: true })
    },
  }
}

/** The id of the running process that holds this directory's stores. */
export async function holderOf(dir: string): Promise<number | undefined> {
  const claim = await readClaim(dir)
  return claim && (await identityOf(claim.pid)) === claim.born ? claim.pid : undefined
}

async function readClaim(dir: string): Promise<Claim | undefined> {
  return Claim.safeParse(await readJson(join(dir, NAME)).catch(() => undefined)).data
}

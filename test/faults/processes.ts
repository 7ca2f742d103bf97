import { readdir, readFile } from 'node:fs/promises'
import { codeOf } from '../../shared/error.ts'

/** The process `root` and everything that descends from it. Linux only: it reads /proc. */
async function familyOf(root: number): Promise<number[]> {
  const parents = new Map<number, number>()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The name in brackets may hold anything; the state and the parent follow it.
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const family = [root]
  for (const pid of family) for (const [child, parent] of parents) if (parent === pid) family.push(child)
  return family
}

/** Sends a signal to a process and its descendants. One that has just ended is passed over. */
export async function signalFamily(root: number, signal: NodeJS.Signals): Promise<void> {
  for (const pid of await familyOf(root)) signalOne(pid, signal)
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

/** Stops a process and its descendants with SIGSTOP. @returns what lets them go on */
export async function freeze(root: number): Promise<() => Promise<void>> {
  await signalFamily(root, 'SIGSTOP')
  return () => signalFamily(root, 'SIGCONT')
}

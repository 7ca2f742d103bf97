import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const SIZE_MB = 96
const BLOCK = Buffer.alloc(1 << 20)
const FILLER = 'filler'

/**
 * Puts a small file system of its own at `dir`, which can be filled without harm to the machine.
 * @returns false where nobody may mount one: that takes Linux and its administrator
 */
export async function mountSmallDisk(dir: string): Promise<boolean> {
  await mkdir(dir, { recursive: true })
  return run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', dir]).then(
    () => true,
    () => false,
  )
}

/** Fills the file system of `dir` to its last byte. @returns what makes room again */
export async function fillDisk(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, FILLER)
  for (let size = BLOCK.length; size > 0; ) {
    // Smaller and smaller pieces: the last byte counts.
    const written = await writeFile(path, BLOCK.subarray(0, size), { flag: 'a' }).then(
      () => true,
      () => false,
    )
    if (!written) size >>= 2
  }
  return () => rm(path, { force: true })
}

/** Takes away what was mounted below a directory, also by an earlier run that was killed. */
export async function unmountBelow(dir: string): Promise<void> {
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '')
  for (const line of mounts.split('\n')) {
    const [, path = ''] = line.split(' ')
    if (path.startsWith(`${dir}/`)) await run('umount', ['-l', path]).catch(() => {})
  }
}

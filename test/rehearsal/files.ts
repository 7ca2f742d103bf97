import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const git = async (cwd: string, ...args: string[]): Promise<string[]> => {
  const { stdout } = await promisify(execFile)('git', args, { cwd, maxBuffer: 64 * 1024 * 1024 })
  return stdout.split('\0').filter(Boolean)
}

/** Copies what a commit of everything that lies here would hold: what a clone, or a push to Heroku, brings along. */
export async function copyTree(to: string): Promise<void> {
  const present = await git(ROOT, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate')
  const gone = new Set(await git(ROOT, 'ls-files', '-z', '--deleted'))
  await Promise.all(present.filter((path) => !gone.has(path)).map((path) => cp(join(ROOT, path), join(to, path))))
}

/** The files below `dir` that an ignore file there leaves, by git's own reading of it: relative, `/` between folders. */
export async function keptBy(ignoreFile: string, dir: string): Promise<string[]> {
  await git(dir, 'init', '--quiet')
  try {
    return await git(dir, 'ls-files', '-z', '--others', `--exclude-from=${ignoreFile}`)
  } finally {
    await rm(join(dir, '.git'), { recursive: true })
  }
}

/** Removes what an ignore file leaves out. */
export async function applyIgnoreFile(ignoreFile: string, dir: string): Promise<void> {
  const kept = new Set(await keptBy(ignoreFile, dir))
  await git(dir, 'init', '--quiet')
  const all = await git(dir, 'ls-files', '-z', '--others')
  await rm(join(dir, '.git'), { recursive: true })
  await Promise.all(all.filter((path) => !kept.has(path)).map((path) => rm(join(dir, path))))
}

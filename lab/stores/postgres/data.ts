import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startNative } from '../../processes/part.ts'
import { type Account, ENTER, mayReach, serverAccount } from './account.ts'
import { privateDirectory, removePrivateDirectory } from './private-directory.ts'

/** The superuser that initdb creates. The apps use it, because the lab has a single database. */
export const DATABASE_USER = 'lab'
const INITDB_DEADLINE_MS = 60_000

/**
 * The folder of the data: `<dir>/postgres`, or a private directory of `account` if it cannot reach that.
 */
export async function dataHome(dir: string, account: Account | undefined): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o755 })
  const home = join(dir, 'postgres')
  if (!account) {
    await mkdir(home, { recursive: true, mode: 0o700 })
    return home
  }
  if (!(await mayReach(await realpath(dir), account, ENTER))) return privateDirectory(await dataPurpose(dir), account)
  await mkdir(home, { recursive: true, mode: 0o700 })
  await chown(home, account.uid, account.gid)
  return home
}

/**
 * The user of the lab's server; undefined for the user of this process. If root later runs a lab whose data belong to a
 * user, that user is kept.
 */
export async function accountFor(dir: string): Promise<Account | undefined> {
  const account = await serverAccount()
  if (!account) return undefined
  const found = await lstat(join(dir, 'postgres', 'data')).catch(() => undefined)
  if (!found || found.uid === 0) return account
  return { name: `user ${found.uid}`, uid: found.uid, gid: found.gid }
}

/** Removes the data of a lab from the folder of dataHome. */
export async function removeData(dir: string): Promise<void> {
  await removePrivateDirectory(await dataPurpose(dir))
  await rm(join(dir, 'postgres'), { recursive: true, force: true })
}

async function dataPurpose(dir: string): Promise<string> {
  return `data of ${await realpath(dir).catch(() => dir)}`
}

/**
 * Creates the cluster unless it exists.
 * @returns the complete data directory; an interrupted initdb is repeated
 * @throws with the remedy when the data have another password or another major version
 */
export async function prepareData(
  home: string,
  options: { initdb: string; account: Account | undefined; password: string; movable: boolean },
): Promise<string> {
  const data = join(home, 'data')
  const keyFile = join(home, 'made-with')
  const key = createHash('sha256').update(options.password).digest('hex')
  const exists = (await lstat(data).catch(() => undefined)) !== undefined
  const known = (await readFile(keyFile, 'utf8').catch(() => '')) === key
  if (exists && known) {
    await checkVersion(data)
    return data
  }
  if (exists && !options.movable) {
    throw new Error(`${data} was created with other secrets. Delete the lab's data with \`npm run lab:reset\`.`)
  }
  // Data outside the project outlive a removed .lab and are unusable without its secrets.
  await rm(data, { recursive: true, force: true })
  const draft = join(home, 'data.unfinished')
  await rm(draft, { recursive: true, force: true })
  await initialise(draft, home, options)
  await writeFile(keyFile, key, { mode: 0o600 })
  await rename(draft, data)
  return data
}

async function checkVersion(data: string): Promise<void> {
  const version = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
  if (version === '18') return
  throw new Error(
    `${data} was created by PostgreSQL ${version}, but this is 18. Delete the lab's data with \`npm run lab:reset\`.`,
  )
}

async function initialise(
  draft: string,
  home: string,
  { initdb, account, password }: { initdb: string; account: Account | undefined; password: string },
): Promise<void> {
  const passwordFolder = await mkdtemp(join(home, 'password-'))
  const passwordFile = join(passwordFolder, 'file')
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
    if (account) {
      await chown(passwordFile, account.uid, account.gid)
      await chown(passwordFolder, account.uid, account.gid)
    }
    await chmod(passwordFolder, 0o700)
    const part = await startNative({
      name: 'initdb',
      command: initdb,
      // `--locale=C` sorts by bytes on every machine. Nothing is synced, because a lab may lose its data.
      args: [
        '-D',
        draft,
        '-U',
        DATABASE_USER,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--no-sync',
      ],
      cwd: home,
      ...(account ? { uid: account.uid, gid: account.gid } : {}),
    })
    const timer = setTimeout(part.kill, INITDB_DEADLINE_MS)
    const { code } = await part.ended
    clearTimeout(timer)
    if (code !== 0) throw new Error(`initdb ended with exit code ${code}:\n${part.tail()}`)
  } finally {
    await rm(passwordFolder, { recursive: true, force: true })
  }
}

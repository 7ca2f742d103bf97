import { type ChildProcess, spawn } from 'node:child_process'
import { access, chmod, chown, lstat, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { TableClient } from '@azure/data-tables'
import { Redis } from 'ioredis'
import pg from 'pg'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identityOf } from '../processes/identity.ts'
import { mayReach, READ_AND_ENTER, serverAccount } from './postgres/account.ts'
import { accountFor, dataHome } from './postgres/data.ts'
import { removeLab } from './remove.ts'
import { type RunningStores, startStores } from './start.ts'

const HOLD = fileURLToPath(new URL('./testing/hold.ts', import.meta.url))
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const root = process.getuid?.() === 0

let dir: string
let opened: { close(): Promise<unknown> | unknown }[] = []

beforeEach(async () => {
  // mkdtemp makes it mode 700, as a CI's temporary folder is; and with a blank and an umlaut in its path.
  const folder = await mkdtemp(join(tmpdir(), 'ato lab ü '))
  dir = join(folder, '.lab')
})

afterEach(async () => {
  for (const item of opened.reverse()) await item.close()
  opened = []
  await removeLab(dir)
  await rm(dirname(dir), { recursive: true, force: true })
})

async function start(): Promise<RunningStores> {
  const stores = await startStores({ dir })
  opened.push(stores)
  return stores
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

interface Held {
  readonly child: ChildProcess
  readonly DATABASE_URL: string
  readonly pids: Record<string, number>
}

/** Starts the stores in a separate process, which can be killed. */
async function hold(as?: { uid: number; gid: number }): Promise<Held> {
  const child = spawn(process.execPath, ['--import', 'tsx', HOLD, dir], {
    cwd: PROJECT,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(as ? { ...as, env: { PATH: process.env.PATH, HOME: dirname(dir), TMPDIR: dirname(dir) } } : {}),
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  opened.push({ close: () => child.kill('SIGKILL') && ended })
  const complaint = text(child.stderr)
  for await (const line of createInterface({ input: child.stdout })) return { child, ...JSON.parse(line) }
  throw new Error(await complaint)
}

/** Polls, because these are not our children. */
async function untilGone(pids: readonly number[]): Promise<void> {
  const alive = async () => (await Promise.all(pids.map(identityOf))).filter((born) => born !== undefined)
  await expect.poll(alive, { timeout: 15_000, interval: 50 }).toEqual([])
}

async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])
}

test('a store that claims persistence keeps its data between starts; the embedded Redis claims none', async () => {
  const first = await start()
  await query(first.DATABASE_URL, 'CREATE TABLE kept AS SELECT 42 AS n')
  const table = TableClient.fromConnectionString(first.TABLES_CONNECTION, 'kept', { allowInsecureConnection: true })
  await table.createTable()
  await table.createEntity({ partitionKey: 'p', rowKey: 'r', n: 42 })
  const redis = new Redis(first.REDIS_URL)
  await redis.set('kept', '42')
  redis.disconnect()
  await first.close()

  const second = await start()
  expect(await query(second.DATABASE_URL, 'SELECT n FROM kept')).toEqual([{ n: 42 }])
  const again = TableClient.fromConnectionString(second.TABLES_CONNECTION, 'kept', { allowInsecureConnection: true })
  expect(await again.getEntity('p', 'r')).toMatchObject({ n: 42 })
  const redisAgain = new Redis(second.REDIS_URL)
  const durable = second.running.REDIS_URL?.durable
  expect(durable).toBe(second.running.REDIS_URL?.detail !== 'embedded, in memory')
  expect(await redisAgain.get('kept')).toBe(durable ? '42' : null)
  redisAgain.disconnect()
})

test('kill -9 of their parent leaves no store running, and the next start has the data', async () => {
  const { child, DATABASE_URL, pids } = await hold()
  await query(DATABASE_URL, 'CREATE TABLE kept AS SELECT 42 AS n')
  child.kill('SIGKILL')
  await untilGone(Object.values(pids))
  const next = await start()
  expect(await query(next.DATABASE_URL, 'SELECT n FROM kept')).toEqual([{ n: 42 }])
})

test.skipIf(process.platform !== 'linux')(
  'a PostgreSQL server that outlived its keeper is ended by the next start, which has the data',
  async () => {
    const { child, DATABASE_URL, pids } = await hold()
    await query(DATABASE_URL, 'CREATE TABLE kept AS SELECT 42 AS n')
    const server = pids.DATABASE_URL as number
    process.kill(await parentOf(server), 'SIGKILL')
    child.kill('SIGKILL')
    await untilGone([child.pid as number])
    expect(await identityOf(server)).toBeDefined()
    const next = await start()
    expect(await identityOf(server)).toBeUndefined()
    expect(await query(next.DATABASE_URL, 'SELECT n FROM kept')).toEqual([{ n: 42 }])
  },
)

test("another program with a server's old process id is not harmed and does not block the start", async () => {
  const first = await start()
  await first.close()
  const home = await dataHome(dir, await accountFor(dir))
  await writeFile(join(home, 'data', 'postmaster.pid'), `${process.pid}\n${join(home, 'data')}\n`)
  const second = await start()
  expect(await query(second.DATABASE_URL, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('an interrupted first start is repeated', async () => {
  const home = await dataHome(dir, await accountFor(dir))
  await mkdir(join(home, 'data.unfinished'))
  await writeFile(join(home, 'data.unfinished', 'PG_VERSION'), '18\n')
  const stores = await start()
  expect(await query(stores.DATABASE_URL, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test('a second process on the same data is refused with the id of the first', async () => {
  const { child } = await hold()
  await expect(startStores({ dir })).rejects.toThrow(`in use by process ${child.pid}`)
})

test.skipIf(process.platform === 'win32')('SIGTERM ends every store before it ends the process', async () => {
  const { child, pids } = await hold()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  expect(await Promise.all(Object.values(pids).map(identityOf))).toEqual([undefined, undefined, undefined])
})

test('the error of a store that fails has its last lines', async () => {
  const first = await start()
  await first.close()
  const home = await dataHome(dir, await accountFor(dir))
  await writeFile(join(home, 'data', 'postgresql.conf'), 'no_such_setting = 1\n')
  await expect(startStores({ dir })).rejects.toThrow(/PostgreSQL ended with exit code 1 .*no_such_setting/s)
})

test('data inside the project are not deleted when their secrets are missing', async () => {
  await mkdir(dir, { recursive: true })
  await chmod(dirname(dir), 0o755)
  const first = await start()
  await first.close()
  await rm(join(dir, 'secrets.json'))
  await expect(startStores({ dir })).rejects.toThrow('npm run lab:reset')
})

test('a given store replaces the embedded one', async () => {
  const stores = await startStores({ dir, given: { DATABASE_URL: 'postgres://elsewhere/db' } })
  opened.push(stores)
  expect(stores.DATABASE_URL).toBe('postgres://elsewhere/db')
  expect(Object.keys(stores.running).sort()).toEqual(['REDIS_URL', 'TABLES_CONNECTION'])
})

test('lab:reset removes all files of a lab, also outside its directory', async () => {
  const stores = await start()
  await expect(removeLab(dir)).rejects.toThrow('in use')
  await stores.close()
  const home = await dataHome(dir, await accountFor(dir))
  await removeLab(dir)
  for (const path of [dir, home]) await expect(access(path)).rejects.toThrow('ENOENT')
})

test('a directory is not removed while a lab inside it is in use', async () => {
  await start()
  await expect(removeLab(dirname(dir))).rejects.toThrow(`in use by process ${process.pid}`)
})

test.skipIf(process.platform === 'win32')('only their owner can read files with secrets or data', async () => {
  const stores = await start()
  await stores.close()
  const home = await dataHome(dir, await accountFor(dir))
  for (const path of [join(dir, 'secrets.json'), home, join(home, 'data'), join(dir, 'azurite')]) {
    expect((await stat(path)).mode & 0o077, path).toBe(0)
  }
})

test.runIf(root)('as root, data are in a private directory if the server account cannot reach the lab', async () => {
  const account = (await serverAccount()) ?? expect.fail('The server has no account of its own.')
  const stores = await start()
  const home = await dataHome(dir, account)
  expect(home).not.toContain(await realpath(dirname(dir)))
  expect(await lstat(home)).toMatchObject({ uid: account.uid, gid: account.gid })
  expect((await lstat(home)).mode & 0o777).toBe(0o700)
  expect(await query(stores.DATABASE_URL, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

test.runIf(root)('as root, data are in the lab if the server account can reach it', async () => {
  await chmod(dirname(dir), 0o755)
  const stores = await start()
  expect(await dataHome(dir, await serverAccount())).toBe(join(dir, 'postgres'))
  expect(await query(stores.DATABASE_URL, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
})

const nobody = { uid: 65534, gid: 65534 }
const reachable = root && (await mayReach(PROJECT, { name: 'nobody', ...nobody }, READ_AND_ENTER))

test.runIf(reachable)('without root everything runs as the current user', async () => {
  await chown(dirname(dir), nobody.uid, nobody.gid)
  const { pids, DATABASE_URL } = await hold(nobody)
  expect(await query(DATABASE_URL, 'SELECT 1 AS n')).toEqual([{ n: 1 }])
  for (const pid of Object.values(pids)) expect(await lstat(`/proc/${pid}`)).toMatchObject({ uid: nobody.uid })
})

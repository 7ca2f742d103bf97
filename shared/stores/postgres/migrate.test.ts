import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { migrate } from './migrate.ts'

const run = promisify(execFile)
const MAIN = fileURLToPath(new URL('./migrate-main.ts', import.meta.url))
const name = `m${randomUUID().replaceAll('-', '')}`
const databaseUrl = Object.assign(new URL(inject('databaseUrl')), { pathname: `/${name}` }).href
let dir: string

/** A database and a directory of its own for each test. */
const inDatabase = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return use(client).finally(() => client.end())
}
const admin = (sql: string) => inDatabase(inject('databaseUrl'), (client) => client.query(sql))
const tables = () =>
  inDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return rows.map((row): string => row.tablename)
  })
const write = (file: string, sql: string) => writeFile(join(dir, file), sql)
const migrated = () => migrate(databaseUrl, { directory: pathToFileURL(`${dir}/`) })

beforeEach(async () => {
  await admin(`CREATE DATABASE ${name}`)
  dir = await mkdtemp(join(tmpdir(), 'migrations '))
})
afterEach(async () => {
  await admin(`DROP DATABASE ${name} WITH (FORCE)`)
  await rm(dir, { recursive: true })
})

test('our own migrations make an empty database ready, once', async () => {
  expect(await migrate(databaseUrl)).toEqual([
    '0001-users.sql',
    '0002-epochs.sql',
    '0003-registrations.sql',
    '0004-doubtful-factors.sql',
    '0005-registrants.sql',
    '0006-cut-offs.sql',
    '0007-device-tokens.sql',
  ])
  expect(await tables()).toEqual(['audit', 'recovery_codes', 'registrations', 'schema_migrations', 'users'])
  expect(await migrate(databaseUrl)).toEqual([])
})

test('migrations are applied in the order of their numbers, and only new ones later', async () => {
  await write('0002-b.sql', 'CREATE TABLE b (a_id int REFERENCES a (id))')
  await write('0001-a.sql', 'CREATE TABLE a (id int PRIMARY KEY)')
  expect(await migrated()).toEqual(['0001-a.sql', '0002-b.sql'])
  await write('0010-c.sql', 'CREATE TABLE c ()')
  expect(await migrated()).toEqual(['0010-c.sql'])
})

test('two that run at once apply each file once', async () => {
  await write('0001-a.sql', 'CREATE TABLE a (); SELECT pg_sleep(0.2)')
  await write('0002-b.sql', 'CREATE TABLE b ()')
  const applied = await Promise.all([migrated(), migrated(), migrated()])
  expect(applied.flat().sort()).toEqual(['0001-a.sql', '0002-b.sql'])
})

test('a file that fails leaves no change, and earlier files stay applied', async () => {
  await write('0001-a.sql', 'CREATE TABLE a ()')
  await write('0002-b.sql', 'CREATE TABLE b (); CREATE TABLE a ()')
  await expect(migrated()).rejects.toThrow('0002-b.sql: relation "a" already exists')
  expect(await tables()).toEqual(['a', 'schema_migrations'])
  await write('0002-b.sql', 'CREATE TABLE b ()')
  expect(await migrated()).toEqual(['0002-b.sql'])
})

test('a file that changed after it was applied is an error, and nothing is applied', async () => {
  await write('0001-a.sql', 'CREATE TABLE a ()')
  await migrated()
  await write('0001-a.sql', 'CREATE TABLE a (id int)')
  await write('0002-b.sql', 'CREATE TABLE b ()')
  await expect(migrated()).rejects.toThrow('0001-a.sql: has changed')
  expect(await tables()).toEqual(['a', 'schema_migrations'])
})

test('other line ends do not count as a change', async () => {
  await write('0001-a.sql', 'CREATE TABLE a (\n)')
  await migrated()
  await write('0001-a.sql', 'CREATE TABLE a (\r\n)')
  expect(await migrated()).toEqual([])
})

test('a new file that sorts before an applied one is an error', async () => {
  await write('0002-b.sql', 'CREATE TABLE b ()')
  await migrated()
  await write('0001-a.sql', 'CREATE TABLE a ()')
  await expect(migrated()).rejects.toThrow('0001-a.sql: sorts before 0002-b.sql')
})

test.each([
  [['1-a.sql'], '1-a.sql: a migration is called'],
  [['0001-a.sql', '0001-b.sql'], '0001-a.sql: another migration has the same number'],
])('files named %j are refused before anything is applied', async (files, message) => {
  for (const file of files) await write(file, 'CREATE TABLE a ()')
  await expect(migrated()).rejects.toThrow(message)
  expect(await tables()).toEqual([])
})

const program = (env: NodeJS.ProcessEnv) =>
  run(process.execPath, ['--import', 'tsx', MAIN], { env: { ...process.env, ...env } })

test('the program prints what it applied', async () => {
  expect((await program({ DATABASE_URL: databaseUrl })).stdout).toBe(
    'applied 0001-users.sql\napplied 0002-epochs.sql\napplied 0003-registrations.sql\napplied 0004-doubtful-factors.sql\napplied 0005-registrants.sql\napplied 0006-cut-offs.sql\napplied 0007-device-tokens.sql\n',
  )
  expect((await program({ DATABASE_URL: databaseUrl })).stdout).toBe('nothing to apply\n')
})

test('the program warns if it verifies no store', async () => {
  const { stderr } = await program({ DATABASE_URL: databaseUrl, TLS_INSECURE: '1' })
  expect(stderr).toContain('TLS_INSECURE=1: the certificates of the stores are not verified')
})

test('the program prints the cause without the password and exits with 1', async () => {
  const unreachable = 'postgres://someone:canary-password@127.0.0.1:1/none'
  const failed = await program({ DATABASE_URL: unreachable }).catch((error) => error)
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining('ECONNREFUSED') })
  expect(failed.stderr).not.toContain('canary')
  expect(await program({ DATABASE_URL: '' }).catch((error) => error)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('DATABASE_URL: is missing\n'),
  })
})

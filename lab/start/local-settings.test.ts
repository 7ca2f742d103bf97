import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeLocalSettings } from './local-settings.ts'

let dir: string
let path: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato settings '))
  path = join(dir, 'local.settings.json')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const write = (settings: Record<string, string>, force = false) =>
  writeLocalSettings(path, { settings, storage: 'BlobEndpoint=x;', port: 7072, force })
const document = async () => JSON.parse(await readFile(path, 'utf8'))
const values = async () => (await document()).Values

test('the file also holds the settings of func itself, and only its owner can read it', async () => {
  await write({ REDIS_URL: 'redis://x' })
  expect(await values()).toMatchObject({
    FUNCTIONS_WORKER_RUNTIME: 'node',
    AzureWebJobsStorage: 'BlobEndpoint=x;',
    REDIS_URL: 'redis://x',
  })
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('`func start` listens on the port of functions in the settings', async () => {
  await write({})
  expect(await document()).toMatchObject({ Host: { LocalHttpPort: 7072 } })
})

test('our own file is rewritten and keeps added settings', async () => {
  await write({ REDIS_URL: 'redis://old' })
  await writeFile(path, JSON.stringify({ Values: { ...(await values()), BCRYPT_COST: '11' }, Host: { CORS: '*' } }))
  await write({ REDIS_URL: 'redis://new' })
  expect(await values()).toMatchObject({ REDIS_URL: 'redis://new', BCRYPT_COST: '11' })
  expect((await document()).Host).toEqual({ CORS: '*', LocalHttpPort: 7072 })
})

test("another program's file is replaced only with --force", async () => {
  const theirs = JSON.stringify({ Values: { PRECIOUS: '1' } })
  await writeFile(path, theirs)
  await expect(write({})).rejects.toThrow('--force')
  expect(await readFile(path, 'utf8')).toBe(theirs)
  await write({}, true)
  expect(await values()).not.toHaveProperty('PRECIOUS')
})

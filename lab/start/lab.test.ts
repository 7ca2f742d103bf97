import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { identityOf } from '../processes/identity.ts'
import { portOf } from '../processes/ports.ts'
import type { LabHandle, LabOptions } from './lab.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { startFixtureLab } from './testing/lab.ts'

const HOLD = fileURLToPath(new URL('./testing/hold.ts', import.meta.url))
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

let dir: string
let opened: (() => unknown)[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato lab '))
})

afterEach(async () => {
  for (const close of opened.reverse()) await close()
  opened = []
  await rm(dir, { recursive: true, force: true })
})

/** Postgres and Tables are those of the test run. Redis is the lab's own, so that a test can stop it. */
async function start(options: Partial<LabOptions> = {}): Promise<LabHandle> {
  const given = { DATABASE_URL: inject('databaseUrl'), TABLES_CONNECTION: inject('tablesConnection') }
  const lab = await startFixtureLab(dir, { given, ...options })
  opened.push(() => lab.stop())
  return lab
}

interface Echo {
  headers: Record<string, string>
  env: Record<string, string>
  pid: number
}
const echo = async (url: string, init?: RequestInit) => (await (await fetch(url, init)).json()) as Echo
const statusOf = async (url: string) => (await fetch(url)).status

test('a ready lab answers at the addresses in run.json, which only its owner can read', async () => {
  const lab = await start()
  const run = (await readRunFile(dir)) ?? expect.fail('The lab has written no run.json.')
  expect(run).toMatchObject({ pid: process.pid, urls: lab.urls, stores: lab.stores, mode: { cadence_seconds: null } })
  expect(Object.keys(run.pids).sort()).toEqual(['functions', 'redis', 'web'])
  expect(run.pids.web?.pid).toBe((await echo(run.urls.web)).pid)
  if (process.platform !== 'win32') expect((await stat(join(dir, 'run.json'))).mode & 0o777).toBe(0o600)
})

test('each app stands behind its own edge', async () => {
  const lab = await start()
  const headers = { 'X-Lab-Client-Ip': '203.0.113.9' }
  expect((await echo(lab.urls.web, { headers })).headers['x-forwarded-for']).toBe('203.0.113.9')
  expect((await echo(lab.urls.functions, { headers })).headers['x-forwarded-for']).toMatch(/^203\.0\.113\.9:\d+$/)
})

test('web gets no key of functions, and neither app gets other variables of the caller', async () => {
  process.env.SOME_TOKEN = 'of the caller'
  opened.push(() => delete process.env.SOME_TOKEN)
  const lab = await start({ settings: { SESSION_IDLE_SECONDS: '90', ATO_HMAC_SECRET: 'not this one' } })
  const [web, functions] = await Promise.all([echo(lab.urls.web), echo(lab.urls.functions)])
  for (const name of ['TOTP_KEY', 'PASSWORD_PEPPER', 'SESSION_SIGNING_KEYS', 'ATO_WEBHOOK_SECRET', 'DATABASE_URL']) {
    expect(functions.env[name], name).toBeTruthy()
    expect(web.env, name).not.toHaveProperty(name)
  }
  for (const { env } of [web, functions]) {
    expect(env).not.toHaveProperty('SOME_TOKEN')
    expect(env).not.toHaveProperty('POSTGRES_PASSWORD')
    expect(env).toMatchObject({
      ATO_LAB: '1',
      DD_SERVICE: 'mini-ato-saas',
      DD_ENV: 'prod',
      SESSION_IDLE_SECONDS: '90',
      SESSION_RENEW_SECONDS: '15',
      SESSION_GRACE_SECONDS: '10',
      ATO_HMAC_SECRET: lab.secrets.ATO_HMAC_SECRET,
      WEB_ORIGIN: lab.urls.web,
      REDIS_URL: lab.stores.REDIS_URL,
    })
  }
})

test("what an app logs reaches the files and the monitors, whose alert reaches functions' edge", async () => {
  const lab = await start()
  const alerted = new Promise((resolve) => lab.datadog.subscribe(resolve))
  await fetch(`${lab.urls.web}/a`)
  await fetch(`${lab.urls.functions}/a`)
  await alerted
  const line = async () =>
    (await readFile(lab.logs.events, 'utf8')).split('\n').find((text) => text.includes('/alerted'))
  await expect.poll(line, { timeout: 5000 }).toBeDefined()
  const web = await readFile(join(lab.logs.dir, 'web.jsonl'), 'utf8')
  expect(
    web
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text).url),
  ).toEqual(['/a'])
  expect(await readFile(join(lab.logs.dir, 'router.log'), 'utf8')).toContain('method=GET path="/a"')
})

test('a stop ends every process, frees every port and removes run.json', async () => {
  const lab = await start()
  const { pids } = await lab.run()
  await lab.stop()
  expect(await Promise.all(Object.values(pids).map(({ pid }) => identityOf(pid)))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  for (const url of Object.values(lab.urls)) await expect(fetch(url)).rejects.toThrow()
  expect(await readRunFile(dir)).toBeUndefined()
})

test('a second lab in the same directory is refused with the address of the first one', async () => {
  const lab = await start()
  await expect(start()).rejects.toMatchObject({ name: 'LabRunningError', run: { pid: process.pid, urls: lab.urls } })
})

test('web can be stopped and restarted behind the same address', async () => {
  const lab = await start()
  await lab.web.stop()
  expect(await statusOf(lab.urls.web)).toBe(503)
  expect(await statusOf(lab.urls.functions)).toBe(200)
  await lab.web.start()
  expect(await statusOf(lab.urls.web)).toBe(200)
})

test('a crashed app is restarted with a message, and run.json has its new process id', async () => {
  const said: string[] = []
  const lab = await start({ log: (text) => said.push(text) })
  const before = (await echo(lab.urls.web)).pid
  await fetch(`${lab.urls.web}/crash`)
  await expect.poll(() => statusOf(lab.urls.web), { timeout: 10_000 }).toBe(200)
  const { pid } = await echo(lab.urls.web)
  expect(pid).not.toBe(before)
  expect(said.join('\n')).toMatch(/web ended with exit code 3.*\n {2}told to crash\nweb is restarted \(1 of 3\)/)
  await expect.poll(async () => (await readRunFile(dir))?.pids.web?.pid).toBe(pid)
})

test('an app that crashes too often ends the lab with its last lines', async () => {
  const lab = await start()
  for (let crash = 1; crash <= 4; crash += 1) {
    await expect.poll(() => statusOf(lab.urls.functions), { timeout: 10_000 }).toBe(200)
    await fetch(`${lab.urls.functions}/crash`)
  }
  expect((await lab.failed).message).toMatch(/functions ended with exit code 3.*told to crash.*restarted 3 times/s)
})

test.skipIf(process.platform === 'win32')('a store that ends unexpectedly ends the lab', async () => {
  const lab = await start()
  const { redis } = (await lab.run()).pids
  process.kill(redis?.pid ?? expect.fail('run.json has no Redis.'), 'SIGKILL')
  expect((await lab.failed).message).toMatch(/^Redis ended with /)
})

test('an app that cannot start fails with its reason, and everything started is stopped', async () => {
  const lab = start({
    programs: {
      web: async () => {
        throw new Error('web ended with exit code 1 before it was ready')
      },
    },
  })
  await expect(lab).rejects.toThrow('web ended with exit code 1')
  expect(await readRunFile(dir)).toBeUndefined()
  await start()
})

test('a stop during the start leaves nothing running', async () => {
  const stopping = new AbortController()
  const lab = start({ signal: stopping.signal, onReady: ({ name }) => name === 'Redis' && stopping.abort() })
  await expect(lab).rejects.toThrow()
  await start()
})

test('a free port replaces a taken one, and a message says so', async () => {
  const taken = createServer()
  const port = await new Promise<number>((resolve) => taken.listen(0, '127.0.0.1', () => resolve(portOf(taken))))
  opened.push(() => taken.close())
  const said: string[] = []
  const lab = await start({ ports: { web: port, functions: 0, datadog: 0 }, log: (text) => said.push(text) })
  expect(lab.urls.web).not.toContain(String(port))
  expect(said).toEqual([`port ${port} is taken: web uses ${new URL(lab.urls.web).port}`])
})

test('kill -9 of the lab leaves no process, and the next lab starts', async () => {
  const args = ['--import', 'tsx', HOLD, dir, inject('databaseUrl'), inject('tablesConnection')]
  const child = spawn(process.execPath, args, { cwd: PROJECT, stdio: ['ignore', 'pipe', 'inherit'] })
  opened.push(() => child.kill('SIGKILL'))
  let run: RunFile | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    run = JSON.parse(line) as RunFile
    break
  }
  expect(await readRunFile(dir)).toMatchObject({ pid: child.pid })
  child.kill('SIGKILL')
  const pids = Object.values(run?.pids ?? {}).map(({ pid }) => pid)
  expect(pids).toHaveLength(3)
  const alive = async () => (await Promise.all(pids.map(identityOf))).filter(Boolean)
  await expect.poll(alive, { timeout: 10_000 }).toEqual([])
  expect(await readRunFile(dir)).toBeUndefined()
  const lab = await start()
  expect(await statusOf(lab.urls.web)).toBe(200)
})

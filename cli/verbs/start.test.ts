import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { identityOf } from '../../lab/processes/identity.ts'
import { type RunFile, readRunFile } from '../../lab/start/run-file.ts'
import { removeLab } from '../../lab/stores/remove.ts'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const PORTS = ['--port', '0', '--functions-port', '0', '--datadog-port', '0']

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato start '))
})
afterAll(async () => {
  await removeLab(dir)
  await rm(dir, { recursive: true, force: true })
})

const spawnLab = (argv: readonly string[], env: NodeJS.ProcessEnv = process.env) =>
  spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv, '--dir', dir], { cwd: PROJECT, env })
const endOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('close', resolve))

/** Waits for the line that `start --json` prints on stdout once it is ready. */
async function untilReady(child: ReturnType<typeof spawnLab>): Promise<RunFile> {
  const complaint = text(child.stderr)
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line)
  throw new Error(await complaint)
}

async function words(...argv: string[]): Promise<{ code: number | null; err: string }> {
  return wordsOf(spawnLab(argv))
}

async function wordsOf(child: ReturnType<typeof spawnLab>): Promise<{ code: number | null; err: string }> {
  const [code, err] = await Promise.all([endOf(child), text(child.stderr)])
  return { code, err }
}

test.skipIf(process.platform === 'win32')('a lab starts, refuses a second one, and stops', async () => {
  const child = spawnLab(['start', '--json', ...PORTS])
  const ended = endOf(child)
  const run = await untilReady(child)
  expect(run).toEqual(await readRunFile(dir))
  expect((await fetch(`${run.urls.web}/__ready`)).status).toBe(200)
  expect((await fetch(`${run.urls.functions}/api/health`)).status).toBe(200)

  const second = await words('start', ...PORTS)
  expect(second.code).toBe(1)
  for (const fact of [String(run.pid), run.urls.web, run.urls.functions]) expect(second.err).toContain(fact)
  expect(await words('reset')).toMatchObject({ code: 1, err: expect.stringContaining(`process ${run.pid}`) })

  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  const pids = Object.values(run.pids).map(({ pid }) => pid)
  expect(pids).toHaveLength(5)
  for (const pid of pids) expect(await identityOf(pid)).toBeUndefined()
  expect(await readRunFile(dir)).toBeUndefined()
})

test.skipIf(process.platform === 'win32')('a lab whose npm is killed stops too', async () => {
  const command = [process.execPath, '--import', 'tsx', MAIN, 'start', '--json', '--dir', dir, ...PORTS]
  // A shell plays npm: it sets the name of a script. `; :` keeps it from replacing itself with the lab.
  const npm = spawn('/bin/sh', ['-c', `${command.map((word) => `'${word}'`).join(' ')}; :`], {
    cwd: PROJECT,
    env: { ...process.env, npm_lifecycle_event: 'start' },
  })
  const run = await untilReady(npm)
  npm.kill('SIGKILL')
  await expect.poll(() => identityOf(run.pid), { timeout: 15_000, interval: 100 }).toBeUndefined()
  for (const { pid } of Object.values(run.pids)) expect(await identityOf(pid)).toBeUndefined()
  expect(await readRunFile(dir)).toBeUndefined()
})

test.skipIf(process.platform === 'win32')(
  '--func without a usable func says which were found, and what to do, and starts nothing',
  async () => {
    const bin = join(dir, 'bin')
    await mkdir(bin)
    await writeFile(join(bin, 'func'), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    const { code, err } = await wordsOf(spawnLab(['start', '--func', ...PORTS], { PATH: bin }))
    expect(code).toBe(1)
    expect(err).toContain(`${join(bin, 'func')} failed at --version`)
    expect(err).toContain('Install Azure Functions Core Tools 4')
    expect(err).not.toContain('PostgreSQL')
  },
)

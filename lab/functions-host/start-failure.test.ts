import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { childEnvironment } from '../processes/environment.ts'
import { spawnFunctionsHost } from './spawn.ts'

const WORKER = fileURLToPath(new URL('./testing/azure-worker.mjs', import.meta.url))
const ENTRY = fileURLToPath(new URL('../../functions/index.ts', import.meta.url))
/** Faults of three kinds: absent, malformed, unreadable file. Everything else is absent as well. */
const env = childEnvironment({ WEB_ORIGIN: 'http://localhost:8000/path', HASH_QUEUE: 'many', TOTP_KEY: 'too-short' })

let root: string
let bundle: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ato misconfigured '))
  bundle = join(root, 'dist', 'functions.cjs')
  await writeFile(join(root, 'host.json'), '{ "version": "2.0" }')
  await writeFile(join(root, 'package.json'), '{ "main": "dist/functions.cjs" }')
  await build({
    entryPoints: [ENTRY],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['@azure/functions-core', 'pg-native'],
    logLevel: 'error',
  })
})
afterAll(() => rm(root, { recursive: true, force: true }))

function underAzuresWorker(): Promise<{ out: string; err: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [WORKER, bundle], { env }, (_, out, err) => done({ out, err }))
  })
}

test("under Azure's worker each fault of the configuration is an error line of its own, without values or frames", async () => {
  const { err } = await underAzuresWorker()
  const lines = err.trimEnd().split('\n')
  expect(lines[0]).toBe('ConfigError: Configuration is not usable:')
  for (const fault of [
    'WEB_ORIGIN: must be an origin',
    'REDIS_URL: is missing',
    'TOTP_KEY (0): must be at least 32 bytes',
  ])
    expect(lines).toContainEqual(expect.stringContaining(`ConfigError: ${fault}`))
  // The host records each line by itself, and knows an error by this word.
  for (const line of lines) expect(line).toMatch(/error/i)
  expect(err).not.toMatch(/too-short|^\s+at /m)
})

test("under Azure's worker a start without a usable configuration fails the worker, which names the faults to the host", async () => {
  const { workerInit, functionMetadata, functions } = JSON.parse((await underAzuresWorker()).out)
  const failure = {
    status: 'Failure',
    exception: { message: expect.stringMatching(/REDIS_URL: is missing\n.*WEB_ORIGIN: must be/s) },
  }
  expect(workerInit).toMatchObject(failure)
  expect(functionMetadata).toMatchObject(failure)
  expect(functions).toBe(0)
})

test('the embedded host ends with the faults, each named once', async () => {
  const failed = await spawnFunctionsHost({ root, env, localSettings: false }).catch((error: Error) => error.message)
  expect(failed).toContain('ended with code 1')
  expect(String(failed).split('REDIS_URL: is missing')).toHaveLength(2)
  expect(failed).not.toMatch(/too-short/)
})

import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { loadMonitors } from 'alertproof'
import { loadRules } from 'alertproof/siem'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { attackBySlug } from '../attacks/index.ts'
import type { TargetKind } from '../attacks/kit/attack.ts'
import { openMailbox } from '../attacks/kit/clients/mailbox.ts'
import { RequestFailed } from '../attacks/kit/clients/request-failed.ts'
import { DETECTIONS } from '../cli/verify/lab.ts'
import { awaitMessage, startNode } from '../lab/processes/part.ts'
import { type LabHandle, startLab } from '../lab/start/lab.ts'
import { type Launch, type LaunchOptions, launchFunctions } from '../lab/start/programs.ts'
import { detonate, type ObservedLab } from '../proof/verify/detonate.ts'
import { openInsider } from '../proof/verify/insider.ts'
import { judgeAttack } from '../proof/verify/judge.ts'
import { openLogs } from '../proof/verify/logs.ts'
import type { Fault } from '../proof/verify/testing/faults.ts'
import { Watch } from '../proof/verify/watch.ts'

/**
 * Whether a verdict can be believed: each containment is broken on purpose, in the apps of a real lab, and verify has to
 * say so. With nothing broken the same scenarios hold.
 */

const PROJECT = fileURLToPath(new URL('..', import.meta.url))
const testing = (name: string) => fileURLToPath(new URL(`../proof/verify/testing/${name}`, import.meta.url))

let dir: string
let lab: LabHandle
let watch: Watch
let runs = 0

const launchBrokenWeb: Launch = async ({ root, env, born, onStdout, onStderr }) => {
  const part = startNode({
    name: 'web',
    script: testing('broken-web.ts'),
    nodeOptions: ['--import', pathToFileURL(join(PROJECT, 'node_modules/tsx/dist/loader.mjs')).href],
    cwd: root,
    env: { ...env, PORT: '0', HOST: '127.0.0.1' },
    onStdout,
    onStderr,
  })
  born(part)
  return { part, port: (await awaitMessage(part, 'ready', 30_000)).port as number }
}

/** A project of its own for the host: what is deployed, and a bundle whose stores can be broken. */
async function buildBrokenFunctions(root: string): Promise<void> {
  const dist = join(root, 'dist')
  await mkdir(dist, { recursive: true })
  await build({
    entryPoints: [testing('broken-functions.ts')],
    outfile: join(dist, 'functions.cjs'),
    ...{ bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'error' },
    external: ['@azure/functions-core', 'pg-native', '@azure/identity'],
  })
  const workers = (await readdir(join(PROJECT, 'dist'))).filter((name) => name.endsWith('-worker.cjs'))
  for (const name of workers) await copyFile(join(PROJECT, 'dist', name), join(dist, name))
  await copyFile(join(PROJECT, 'host.json'), join(root, 'host.json'))
  await writeFile(join(root, 'package.json'), JSON.stringify({ main: 'dist/functions.cjs' }))
}

const breakable = (given: LaunchOptions): LaunchOptions => ({
  ...given,
  env: { ...given.env, FAULT_FILE: join(dir, 'fault') },
})
const breakWith = (fault: Fault | 'nothing') => writeFile(join(dir, 'fault'), fault)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato verdict '))
  await breakWith('nothing')
  const root = join(dir, 'functions')
  await buildBrokenFunctions(root)
  lab = await startLab({
    dir: join(dir, 'lab'),
    ports: { web: 0, functions: 0, datadog: 0 },
    log: () => {},
    given: { TABLES_CONNECTION: inject('tablesConnection') },
    programs: {
      web: (given) => launchBrokenWeb(breakable(given)),
      functions: (given) => launchFunctions({ ...breakable(given), root }),
    },
  })
  watch = await Watch.open(lab.urls.datadog)
}, 120_000)

afterAll(async () => {
  watch?.close()
  await lab?.stop()
  await rm(dir, { recursive: true, force: true })
})

/** An attacker who is never refused waits as long as this. */
const SHORT_PATIENCE = { patienceMs: 4_000 }

async function faultsOf(
  slug: string,
  kind: TargetKind,
  patience: Pick<ObservedLab, 'patienceMs'> = {},
): Promise<readonly string[]> {
  const { urls } = lab
  const attack = attackBySlug(slug)
  if (!attack) throw new Error(`no attack ${slug}`)
  const signal = AbortSignal.timeout(120_000)
  const observed = {
    ...{ watch, cadenceSeconds: undefined, taken: new Set<string>(), ...patience },
    logs: openLogs(urls.datadog, signal),
    monitors: await loadMonitors(DETECTIONS),
    rules: new Set((await loadRules(DETECTIONS)).map(({ slug }) => slug)),
    insider: openInsider(urls.datadog),
    mailbox: openMailbox(urls.datadog, signal),
  }
  const run = { attack, target: { kind, baseUrl: urls[kind] }, hosts: urls, tell: () => {}, signal }
  const outcome = await detonate({ ...run, runId: `v-meta${runs++}`, seed: runs }, observed).catch((error: unknown) => {
    if (error instanceof RequestFailed) return error
    throw error
  })
  return judgeAttack(attack, outcome, 'arrival').faults
}

describe.sequential('a containment that is broken on purpose', () => {
  test.each<[Fault, string, TargetKind, string]>([
    ['revoke ends nothing', 'session-reuse', 'functions', 'the attacker still gets in'],
    ['web lets in who was ended', 'session-reuse', 'web', 'web accepts the session'],
    ['functions lets in who was ended', 'session-reuse', 'functions', 'functions accepts the session'],
    ['renewal revives', 'session-reuse', 'functions', 'the session is renewed'],
    ['one session of the user is left out', 'otp-replay', 'functions', 'the attacker still gets in'],
    ['block leaves who is in', 'credential-stuffing', 'functions', 'accepts the session'],
    ['block misses one sign-in', 'credential-stuffing', 'web', 'the attacker still gets in'],
    ['block hits everybody', 'credential-stuffing', 'functions', 'honest people are locked out'],
  ])('is found: %s, by %s on %s', { timeout: 120_000 }, async (fault, slug, kind, words) => {
    await breakWith(fault)
    expect((await faultsOf(slug, kind, SHORT_PATIENCE)).join('\n')).toContain(words)
  })

  test.each<[Fault, string, TargetKind, string]>([
    ['step-up is taken for granted', 'factor-planting', 'functions', 'the attacker was never refused'],
    ['change of factor ends nothing', 'factor-outliving', 'functions', 'the attacker still gets in'],
    ['throttle is not asked', 'throttle-oracle', 'functions', 'the attacker still gets in'],
    ['throttle is not asked', 'session-flood', 'functions', 'the number of right sign-ins is not limited'],
    ['cap counts sessions', 'cap-spending', 'functions', 'the containment ended as refused'],
  ])('and so is a defence that is: %s, by %s on %s', { timeout: 120_000 }, async (fault, slug, kind, words) => {
    await breakWith(fault)
    expect((await faultsOf(slug, kind, SHORT_PATIENCE)).join('\n')).toContain(words)
  })

  test.each<[string, TargetKind]>([
    ['session-reuse', 'functions'],
    ['otp-replay', 'functions'],
    ['credential-stuffing', 'web'],
    ['factor-planting', 'web'],
    ['factor-outliving', 'functions'],
  ])('is found only then: with nothing broken %s on %s holds', { timeout: 120_000 }, async (slug, kind) => {
    await breakWith('nothing')
    expect(await faultsOf(slug, kind)).toEqual([])
  })
})

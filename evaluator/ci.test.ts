import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, type TestContext, test } from 'vitest'
import { parse } from 'yaml'
import { isOffline, npm, type Packed, pack, ran } from './testing/packed.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MINUTES_MS = 60_000
const LIMIT = { timeout: 2 * MINUTES_MS }

let packed: Packed
/** A repository of somebody who follows docs/ci.md. */
let folder: string
let offline = false
beforeAll(async () => {
  packed = await pack()
  folder = join(packed.dir, 'repository')
  await mkdir(join(folder, 'monitors'), { recursive: true })
  await cp(packed.tarball, join(folder, basename(packed.tarball)))
  const readme = await readFile(join(HERE, 'README.md'), 'utf8')
  for (const [, path = '', text = ''] of readme.matchAll(/`([\w./-]+)`:\n\n```json\n([\s\S]*?)```/g)) {
    await writeFile(join(folder, path), text)
  }
  offline = isOffline(await npm(folder, 'exec', '--yes', '--package', packed.tarball, '--', 'alertproof', '--help'))
  return () => rm(packed.dir, { recursive: true })
}, 3 * MINUTES_MS)

/** The YAML of a section of docs/ci.md, as a person copies it. */
async function shown(section: string): Promise<unknown> {
  const page = await readFile(join(HERE, 'docs/ci.md'), 'utf8')
  const [, text = ''] = new RegExp(`## ${section}\n[\\s\\S]*?\`\`\`yaml\n([\\s\\S]*?)\`\`\``).exec(page) ?? []
  return parse(text)
}

const bash = (env: Record<string, string>, ...argv: string[]) =>
  ran('bash', argv, folder, { ...process.env, npm_config_update_notifier: 'false', ...env })

function skipWithout(context: TestContext): void {
  if (offline) context.skip('no registry can be reached')
  if (process.platform === 'win32') context.skip('needs bash')
}

test('the action runs each command of its input, and appends to the summary of the job', LIMIT, async (context) => {
  skipWithout(context)
  const action = parse(await readFile(join(HERE, 'action.yml'), 'utf8'))
  const { jobs } = (await shown('GitHub Actions')) as { jobs: { alertproof: { steps: { with?: Inputs }[] } } }
  const [step] = action.runs.steps
  const given = jobs.alertproof.steps.at(-1)?.with ?? { package: '', run: '' }
  expect(Object.keys(given).sort()).toEqual(Object.keys(action.inputs).sort())
  const inputOf = (name: string) => /inputs\.(\w+)/.exec(step.env[name])?.[1]
  expect(['ALERTPROOF_PACKAGE', 'ALERTPROOF_RUN'].map(inputOf)).toEqual(['package', 'run'])
  const summary = join(folder, 'summary.md')
  const env = { ALERTPROOF_PACKAGE: given.package, GITHUB_ACTION_PATH: HERE, GITHUB_STEP_SUMMARY: summary }
  const { code, out } = await bash({ ...env, ALERTPROOF_RUN: given.run }, '-c', step.run)
  expect({ code, triggered: out.includes('Triggered') }).toEqual({ code: 0, triggered: true })
  const written = await readFile(summary, 'utf8')
  expect(written).toContain('## alertproof check')
  expect(written).toContain('## alertproof replay: as expected')
  expect(await readFile(join(folder, 'alertproof.xml'), 'utf8')).toContain('failures="0"')
})

interface Inputs {
  readonly package: string
  readonly run: string
}

test('every command of the action runs, and the first failure is its exit code', LIMIT, async (context) => {
  skipWithout(context)
  const run =
    "search '@evt:logout OR nothing' shop.jsonl\n\nsearch $(id) none.jsonl\nsearch '@outcome:success' shop.jsonl\n"
  const env = { ALERTPROOF_PACKAGE: packed.tarball, ALERTPROOF_RUN: run }
  const { code, out, err } = await bash(env, join(HERE, 'ci/run.sh'))
  expect(code).toBe(1)
  expect(out.trim().split('\n')).toHaveLength(1)
  expect(err).not.toContain('uid=')
  expect(await bash({ ALERTPROOF_RUN: run }, join(HERE, 'ci/run.sh'))).toMatchObject({
    out: '',
    err: expect.stringContaining('Give the package'),
  })
})

test('the hook of pre-commit runs the command in its arguments', LIMIT, async (context) => {
  skipWithout(context)
  const [hook] = parse(await readFile(join(ROOT, '.pre-commit-hooks.yaml'), 'utf8'))
  const { repos } = (await shown('pre-commit')) as { repos: { hooks: { id: string; args: string[] }[] }[] }
  const used = repos[0]?.hooks[0]
  expect(hook).toMatchObject({ id: used?.id, language: 'script', pass_filenames: false })
  const env = { ALERTPROOF_PACKAGE: packed.tarball }
  expect(await bash(env, join(ROOT, hook.entry), ...(used?.args ?? []))).toMatchObject({
    code: 0,
    err: expect.stringContaining('As expected: 1 group triggered, and nothing else.'),
  })
})

test('the job of GitLab runs, and leaves the report that it names', LIMIT, async (context) => {
  skipWithout(context)
  const { alertproof } = (await shown('GitLab')) as {
    alertproof: { script: string[]; artifacts: { reports: { junit: string } } }
  }
  await rm(join(folder, alertproof.artifacts.reports.junit), { force: true })
  for (const line of alertproof.script) expect(await bash({}, '-c', line)).toMatchObject({ code: 0 })
  expect(await readFile(join(folder, alertproof.artifacts.reports.junit), 'utf8')).toContain('<testsuites>')
})

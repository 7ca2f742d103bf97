import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, test } from 'vitest'
import { parse } from 'yaml'
import * as z from 'zod'

const ROOT = new URL('../', import.meta.url)
const WORKFLOWS = new URL('.github/workflows/', ROOT)
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8')

const Step = z.object({ uses: z.string().optional(), run: z.string().optional() })
const Job = z.object({
  uses: z.string().optional(),
  needs: z.union([z.string(), z.array(z.string())]).optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  'runs-on': z.string().optional(),
  'timeout-minutes': z.number().optional(),
  strategy: z.object({ matrix: z.record(z.string(), z.array(z.unknown())) }).optional(),
  env: z.record(z.string(), z.string()).optional(),
  steps: z.array(Step).optional(),
})
const Workflow = z.object({
  name: z.string(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  jobs: z.record(z.string(), Job),
})

const files = (await readdir(WORKFLOWS)).sort()
const workflows = await Promise.all(
  files.map(async (file) => {
    const text = await read(`.github/workflows/${file}`)
    return { file, text, workflow: Workflow.parse(parse(text)) }
  }),
)
const jobsOf = (file: string) => workflows.find((each) => each.file === file)?.workflow.jobs ?? {}
const stepsOf = (jobs: z.infer<typeof Workflow>['jobs']) => Object.values(jobs).flatMap(({ steps = [] }) => steps)

test('there are a workflow that checks and one that deploys', () => {
  expect(files).toEqual(['ci.yml', 'deploy.yml'])
})

describe.each(workflows)('$file', ({ text, workflow }) => {
  it('may read the repository; further rights are declared per job', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' })
    for (const [name, { permissions = {} }] of Object.entries(workflow.jobs)) {
      const granted = Object.entries(permissions).filter(([, level]) => level !== 'read')
      expect(granted, name).toEqual(name === 'functions' ? [['id-token', 'write']] : [])
    }
  })

  it('pins each third-party action by its commit, with its version in a comment', () => {
    const used = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line))
    expect(used.length).toBeGreaterThan(1)
    for (const line of used) {
      expect(line).toMatch(
        /uses: (\.\/\.github\/workflows\/[\w-]+\.yml|[\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$/,
      )
    }
  })

  it('runs scripts and files that exist', async () => {
    const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> }
    for (const { run = '' } of stepsOf(workflow.jobs)) {
      for (const [, script = ''] of run.matchAll(/\bnpm run ([\w:-]+)/g)) expect(Object.keys(scripts)).toContain(script)
      for (const [, file = ''] of run.matchAll(/\bnode (\S+\.m?js)/g)) expect(await read(file)).not.toBe('')
    }
    for (const { uses } of Object.values(workflow.jobs)) if (uses) expect(await read(uses.slice(2))).not.toBe('')
  })

  it('has jobs that end, in an order that is one', () => {
    for (const [name, { needs = [], uses, ...job }] of Object.entries(workflow.jobs)) {
      const before = [needs].flat()
      expect(Object.keys(workflow.jobs), name).toEqual(expect.arrayContaining(before))
      if (!uses) expect(job['timeout-minutes'], name).toBeGreaterThan(0)
    }
  })

  it('puts no text of other people into a shell', () => {
    for (const { run = '' } of stepsOf(workflow.jobs)) expect(run).not.toContain('${{')
  })
})

test('CI runs everything on each supported Node, with the stores that the tests take from its variables', async () => {
  const { linux } = jobsOf('ci.yml')
  const runs = (linux?.steps ?? []).flatMap(({ run }) => run ?? [])
  expect(runs).toEqual([
    'npm ci',
    ...['lint', 'typecheck', 'knip'].map((script) => `npm run ${script}`),
    'npm test',
    'npm run verify',
  ])
  const { engines } = JSON.parse(await read('package.json')) as { engines: { node: string } }
  expect(linux?.strategy?.matrix.node).toEqual([...engines.node.matchAll(/\^(\d+)/g)].map(([, major]) => Number(major)))
  const setup = await readFile(fileURLToPath(new URL('test/global-setup.ts', ROOT)), 'utf8')
  for (const name of Object.keys(linux?.env ?? {})) expect(setup).toContain(`process.env.${name}`)
})

test('a fresh clone is started and tested on macOS and Windows too', () => {
  const { elsewhere } = jobsOf('ci.yml')
  expect(elsewhere?.strategy?.matrix.os).toEqual(['macos-latest', 'windows-latest'])
  expect((elsewhere?.steps ?? []).flatMap(({ run }) => run ?? [])).toEqual([
    'npm ci',
    'node .github/smoke.mjs',
    'npm test',
  ])
})

test('only what passed CI is deployed, and GitHub stores no key of Azure', () => {
  const { check, ...jobs } = jobsOf('deploy.yml')
  expect(check?.uses).toBe('./.github/workflows/ci.yml')
  for (const [name, { needs = [] }] of Object.entries(jobs)) expect([needs].flat(), name).toContain('check')
  const { text = '' } = workflows.find(({ file }) => file === 'deploy.yml') ?? {}
  expect(text).not.toMatch(/secrets\.AZURE/)
})

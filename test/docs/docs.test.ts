import { execFile } from 'node:child_process'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compileSearch } from 'alertproof'
import type { Command } from 'alertproof/cli'
import pg from 'pg'
import { beforeAll, describe, expect, inject, it, test } from 'vitest'
import { attacks } from '../../attacks/index.ts'
import { loadDetections } from '../../detections/harness.ts'
import { eventFields } from '../../shared/event.ts'
import { migrate } from '../../shared/stores/postgres/migrate.ts'
import { codeOf, commandsIn, commandsOf, linksOf, loadPages, ROOT } from './pages.ts'

const pages = await loadPages()
const { scripts, ...manifest } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
  devDependencies: Record<string, string>
}
const exists = (path: string) =>
  access(join(ROOT, path)).then(
    () => true,
    () => false,
  )
/** What is made by a command rather than kept. */
const MADE = /^(dist|\.lab|node_modules)\//
/** What a sentence means by a path: no placeholder, no pattern. */
const PATH = /^(?:\.?[\w@-]+\/)+[\w.-]*$/
const FOLDERS = [
  'functions',
  'web',
  'shared',
  'detections',
  'attacks',
  'runbooks',
  'evaluator',
  'proof',
  'ops',
  'lab',
  'cli',
  'test',
  'docs',
  'infra',
  'bench',
]

let events: string
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'docs-'))
  events = join(dir, 'events.jsonl')
  const detections = await loadDetections(join(ROOT, 'detections'))
  const all = detections.flatMap(({ cases }) => cases.flatMap((each) => each.events as { timestamp: string }[]))
  all.sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
  await writeFile(events, all.map((event) => `${JSON.stringify(event)}\n`).join(''))
  return () => rm(dir, { recursive: true })
})

test('the docs are there', () => {
  const names = [
    'architecture',
    'configuration',
    'containment',
    'deploy',
    'evaluator',
    'faq',
    'operations',
    'threat-model',
  ]
  expect(pages.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['README.md', 'SECURITY.md', 'CONTRIBUTING.md', ...names.map((name) => `docs/${name}.md`)]),
  )
})

describe.each(pages)('$path', (page) => {
  it('links to existing pages and anchors', async () => {
    for (const { path, anchor } of linksOf(page)) {
      if (!MADE.test(path)) expect(await exists(path), `${path} is linked and not there`).toBe(true)
      const target = pages.find((each) => each.path === path)
      if (anchor !== undefined && target) expect([...target.anchors], `of ${path}`).toContain(anchor)
    }
  })

  it('names files that are there', async () => {
    const paths = codeOf(page).filter((code) => PATH.test(code) && FOLDERS.includes(code.split('/')[0] ?? ''))
    for (const path of paths) expect(await exists(path), `${path} is named and not there`).toBe(true)
  })

  it('names existing npm scripts with valid arguments', async () => {
    for (const words of [...commandsOf(page), ...codeOf(page).flatMap(commandsIn)]) {
      if (words[0] !== 'npm' || !['run', 'start', 'test'].includes(words[1] ?? '')) continue
      const [script = '', ...given] = words[1] === 'run' ? words.slice(2) : words.slice(1)
      if (/[<X]/.test(script) || script === '') continue
      expect(Object.keys(scripts), `npm run ${script}`).toContain(script)
      const usage = (await verbOf(script))?.usage
      for (const option of given.filter((word) => /^--\w/.test(word) && word !== '--help')) {
        if (usage) expect(usage, `npm run ${script}`).toContain(option)
      }
    }
  })

  it('marks commands that reach a cloud as not run here', () => {
    const cloud = /^\s*(?:heroku|azd?|func azure|gh) |\$\((?:heroku|azd?) /m
    for (const { language, text, before } of page.blocks) {
      if (language !== 'sh' || !cloud.test(text)) continue
      expect(before, text).toMatch(
        /\bnot (?:\*\*)?run\b|\(cloud\)|Nothing on this page was run|None of it was run here/i,
      )
    }
  })
})

/** One of our own commands, by its npm script. */
async function verbOf(script: string): Promise<Command | undefined> {
  const [, verb] = / cli\/main\.ts (\w+)$/.exec(scripts[script] ?? '') ?? []
  return verb === undefined ? undefined : ((await import(`../../cli/verbs/${verb}.ts`)) as { command: Command }).command
}

async function typed(script: string, argv: readonly string[]) {
  const written = { out: '', err: '' }
  const command = await verbOf(script)
  const code = await command?.run(argv, {
    out: (text) => {
      written.out += text
    },
    err: (text) => {
      written.err += text
    },
    color: false,
    signal: new AbortController().signal,
  })
  return { code, ...written }
}

/** The lessons have a test of their own, which does all that they say. */
const isLesson = ({ path }: { readonly path: string }) => path.startsWith('docs/lessons/')

const commands = pages
  .filter((page) => !isLesson(page))
  .flatMap((page) => commandsOf(page).map((words) => ({ page: page.path, words, line: words.join(' ') })))
const npmRun = (...named: string[]) =>
  commands.filter(({ words }) => words[0] === 'npm' && words[1] === 'run' && named.includes(words[2] ?? ''))

/** This page brings its own log, and shows what the commands print. */
const EVALUATOR = 'docs/evaluator.md'

test.each(npmRun('search', 'replay').filter(({ page }) => page !== EVALUATOR))('$page: $line', async ({ words }) => {
  const [script = '', ...argv] = words.slice(2).filter((word) => word !== '--')
  const given = argv.filter((word) => word !== '<')
  // Whichever log the page means, the events of the cases stand for it.
  const file = given.findIndex((word) => /jsonl>?$/.test(word))
  expect(file, 'which log?').toBeGreaterThanOrEqual(0)
  const { code, out, err } = await typed(script, given.with(file, events))
  expect({ code, err: err.replace(/^[\d,]+ events, .*\n/, '') }).toEqual({ code: 0, err: '' })
  expect(out).not.toBe('')
})

test.each(
  (pages.find(({ path }) => path === EVALUATOR)?.blocks ?? []).flatMap(({ language, text }) => {
    const [, line = '', printed = ''] = (language === 'console' && /^\$ (.*)\n([\s\S]*)$/.exec(text)) || []
    return line === '' ? [] : [{ line, printed }]
  }),
)('docs/evaluator.md: $line', async ({ line, printed }) => {
  const [, , script = '', ...words] = commandsIn(line)[0] ?? []
  const given = words.filter((word) => word !== '--')
  const code = line.includes('both-hosts') ? 1 : 0
  const result = await typed(script, given)
  // A terminal shows both in the order of their writing; the remarks before the first transition come first.
  const remarks = result.err.split('\n').filter((each) => each !== '')
  const lines = [...remarks, ...result.out.split('\n').filter((each) => each !== '')]
  expect(lines.sort()).toEqual(printed.trimEnd().split('\n').sort())
  expect(result.code).toBe(code)
})

test.each(npmRun('attack'))('$page: $line', async ({ words }) => {
  const [verb = '', slug] = words.slice(3).filter((word) => word !== '--')
  if (verb === 'run' || verb === 'show') expect(attacks.map((attack) => attack.slug)).toContain(slug)
  if (verb !== 'run') expect((await typed('attack', [verb, ...(slug ? [slug] : [])])).code).toBe(0)
})

test.each(commands.filter(({ words }) => words[0] === 'node' && /^-[pe]$/.test(words[1] ?? '')))(
  '$page: $line',
  async ({ words }) => {
    const env = { PATH: process.env.PATH, TOTP_KEY: 'one', PASSWORD_PEPPER: 'another' }
    const program = words[2]?.replace('./.lab/secrets.json', './package.json') ?? ''
    const { stdout } = await promisify(execFile)(process.execPath, [words[1] ?? '', program], { cwd: ROOT, env })
    expect(stdout).not.toBe('')
  },
)

describe('docs/operations.md', () => {
  const page = pages.find(({ path }) => path === 'docs/operations.md')

  test('its statements run on a database of ours', async () => {
    await migrate(inject('databaseUrl'))
    const client = new pg.Client(inject('databaseUrl'))
    await client.connect()
    const statements = (page?.blocks ?? [])
      .filter(({ language }) => language === 'sql')
      .flatMap(({ text }) => text.split(';'))
    for (const statement of statements.filter((text) => text.trim() !== '')) {
      expect((await client.query(statement)).fields.map(({ name }) => name)).toContain('count')
    }
    expect(statements.length).toBeGreaterThan(1)
    await client.end()
  })

  test('its searches are ones that a log of ours can answer', () => {
    const searches = page ? codeOf(page).filter((code) => /^(@\w|status:)/.test(code)) : []
    expect(searches.length).toBeGreaterThan(8)
    for (const search of searches) {
      expect(() => compileSearch(search), search).not.toThrow()
      for (const [, field = ''] of search.matchAll(/@([\w.]+):/g)) expect([...eventFields], search).toContain(field)
    }
  })
})

test('docs/dependencies.md has every dependency that the mission did not name, by its licence, and no other', async () => {
  const page = pages.find(({ path }) => path === 'docs/dependencies.md')
  const [, named = ''] = /list: ([\s\S]*?)\. Everything/.exec(page?.prose ?? '') ?? []
  const mission = [...named.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  expect(mission).toHaveLength(12)
  const [, chosen = '', packaged = ''] =
    /^([\s\S]*)## In the package ([\s\S]*)## Considered/.exec(page?.prose ?? '') ?? []
  const rows = rowsOf(chosen)
  const installed = [manifest.dependencies, manifest.optionalDependencies, manifest.devDependencies].flatMap(
    Object.keys,
  )
  expect(rows.map(([name]) => name).sort()).toEqual(installed.filter((name) => !mission.includes(name)).sort())
  const evaluator = JSON.parse(await readFile(join(ROOT, 'evaluator/package.json'), 'utf8')) as typeof manifest
  const inPackage = rowsOf(packaged)
  expect(inPackage.map(([name]) => name).sort()).toEqual(Object.keys(evaluator.dependencies).sort())
  for (const [name, licence] of [...rows, ...inPackage]) {
    const text = await readFile(join(ROOT, 'node_modules', name, 'package.json'), 'utf8').catch(() => undefined)
    // An optional package may be for another system than this one.
    if (text) expect((JSON.parse(text) as { license: string }).license.replace(/[()]/g, ''), name).toBe(licence)
  }
})

/** The packages of the tables in a text, with their licences. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| (`[^|]+`) \| ([^|]+) \|/gm)].flatMap(([, names = '', licence = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, licence] as const),
  )

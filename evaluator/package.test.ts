import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { verbs } from './cli/verbs.ts'
import { isOffline, npm, type Packed, pack, ran } from './testing/packed.ts'

const MINUTES_MS = 60_000
const ROOT = fileURLToPath(new URL('..', import.meta.url))

let packed: Packed
/** A folder in which the package is installed; undefined where no registry can be reached. */
let installed: string | undefined
beforeAll(async () => {
  packed = await pack()
  const folder = join(packed.dir, 'installed')
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{"private": true, "type": "module"}')
  const install = await npm(folder, 'install', '--no-audit', '--no-fund', packed.tarball)
  if (install.code !== 0 && !isOffline(install)) throw new Error(install.err)
  if (install.code === 0) installed = folder
  return () => rm(packed.dir, { recursive: true })
}, 3 * MINUTES_MS)

interface Manifest {
  readonly exports: Readonly<Record<string, { readonly types: string; readonly default: string }>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly bin: Readonly<Record<string, string>>
}

test('the tarball is small, and packing leaves the sources as they were', async () => {
  expect((await stat(packed.tarball)).size).toBeLessThan(1_000_000)
  const [before, after] = packed.manifests
  expect(after).toBe(before)
  expect(before).toContain('".": "./index.ts"')
  expect(await readFile(join(ROOT, 'evaluator/LICENSE'), 'utf8')).toBe(await readFile(join(ROOT, 'LICENSE'), 'utf8'))
})

test('what is installed is built JavaScript with types, a licence and a page for each verb', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  const folder = join(installed, 'node_modules/alertproof')
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(6)
  const files = (await readdir(folder, { recursive: true })).map((path) => path.replaceAll('\\', '/'))
  const named = Object.values(manifest.exports).flatMap((one) => [one.types, one.default])
  const pages = Object.keys(verbs).map((verb) => `docs/${verb}.md`)
  const wanted = [...named.map((path) => path.replace('./', '')), ...Object.values(manifest.bin), ...pages]
  expect(files).toEqual(expect.arrayContaining([...wanted, 'LICENSE', 'README.md']))
  expect(files.filter((path) => /(?<!\.d)\.ts$|\.test\./.test(path))).toEqual([])
})

test('standard output that cannot be written is exit code 3 and no verdict', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  if (!existsSync('/dev/full')) return context.skip('no device that is always full')
  await writeFile(join(installed, 'full.jsonl'), '{"evt":"login"}\n')
  const main = 'node_modules/alertproof/dist/cli/main.js'
  const { code, err } = await ran(
    'sh',
    ['-c', `"$0" ${main} search '*' full.jsonl > /dev/full`, process.execPath],
    installed,
  )
  expect({ code, err }).toEqual({ code: 3, err: expect.stringMatching(/^standard output cannot be written: .*ENOSPC/) })
})

/** Runs the installed command. */
const alertproof = (folder: string, ...argv: string[]) =>
  ran(process.execPath, [join(folder, 'node_modules/alertproof/dist/cli/main.js'), ...argv], folder)

test('the command has its exit codes and prints only results on stdout', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  await writeFile(join(installed, 'log.jsonl'), '{"evt":"login"}\n')
  const run = (...argv: string[]) => alertproof(installed as string, ...argv)
  expect(await run('search', '@evt:login', 'log.jsonl')).toEqual({ code: 0, out: '{"evt":"login"}\n', err: '' })
  expect(await run('search', '@evt:logout', 'log.jsonl')).toMatchObject({ code: 1, out: '' })
  expect(await run('--version')).toEqual({ code: 0, out: '0.1.0\n', err: '' })
  expect(await run()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('alertproof search') })
  const hint = 'Run "alertproof --help" for usage.\n'
  expect(await run('serach')).toEqual({
    code: 2,
    out: '',
    err: `Unknown command "serach". Did you mean "search"?\n${hint}`,
  })
  expect(await run('search', '*', 'none')).toEqual({
    code: 3,
    out: '',
    err: 'none cannot be read: there is no such file\n',
  })
  await Promise.all(
    Object.keys(verbs).map(async (verb) => {
      const { code, out, err } = await run(verb, '--help')
      expect({ code, err }, verb).toEqual({ code: 0, err: '' })
      expect(out, verb).toContain(`Usage: alertproof ${verb}`)
    }),
  )
  const [replay, alsoReplay, all, alsoAll, unknown] = await Promise.all([
    run('replay', '--help'),
    run('help', 'replay'),
    run('--help'),
    run('help'),
    run('help', 'serach'),
  ])
  expect(alsoReplay).toEqual(replay)
  expect(alsoAll).toEqual(all)
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('Did you mean "search"?') })
})

test('types and values are found by a program that imports the package', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  const program = `import { readMonitor, replay, search, type Change } from 'alertproof'
import { UsageError } from 'alertproof/cli'
const monitor = readMonitor({ type: 'log alert', name: 'n', query: 'logs("*").index("*").rollup("count").last("5m") > 0', message: '' })
const { changes } = await replay([monitor], [{ timestamp: '2026-01-05T09:00:00Z' }])
const at: string | undefined = (changes as readonly Change[])[0]?.at
console.log(at, search('@a:1', [{ a: 1 }]).length, new UsageError('u').name)
`
  await writeFile(join(installed, 'program.ts'), program)
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const types = join(ROOT, 'node_modules/@types')
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2023', '--typeRoots', types, '--types', 'node']
  const compiled = await ran(process.execPath, [tsc, ...options, 'program.ts'], installed)
  expect(compiled).toEqual({ code: 0, out: '', err: '' })
  const { out, err } = await ran(process.execPath, ['program.js'], installed)
  expect({ out, err }).toEqual({ out: '2026-01-05T09:01:00.000Z 1 UsageError\n', err: '' })
})

test('the program in README prints what README says', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  const readme = await readFile(join(ROOT, 'evaluator/README.md'), 'utf8')
  await mkdir(join(installed, 'monitors'), { recursive: true })
  for (const [, path = '', text = ''] of readme.matchAll(/`([\w./-]+)`:\n\n```json\n([\s\S]*?)```/g)) {
    await writeFile(join(installed, path), text)
  }
  const [, program = '', printed = ''] = /```js\n([\s\S]*?)```\n\nIt prints:\n\n```\n([\s\S]*?)```/.exec(readme) ?? []
  await writeFile(join(installed, 'example.js'), program)
  expect(await ran(process.execPath, ['example.js'], installed)).toEqual({ code: 0, out: printed, err: '' })
})

test('a folder of archives and a Terraform plan give a verdict', async (context) => {
  if (installed === undefined) return context.skip('no registry can be reached')
  for (const hour of [14, 15]) {
    const folder = join(installed, `archives/dt=20260112/hour=${hour}`)
    await mkdir(folder, { recursive: true })
    const records = Array.from({ length: 6 }, (_, i) => ({
      ...{ _id: `${hour}-${i}`, date: `2026-01-12T${hour}:0${i}:30Z`, source: 'nginx', host: `i-${hour}` },
      ...{ tags: ['env:prod'], message: 'GET / 500', attributes: { http: { status_code: hour === 15 ? 500 : 200 } } },
    }))
    const lines = records.reverse().map((record) => `${JSON.stringify(record)}\n`)
    await writeFile(join(folder, 'archive_000000.0000.json.gz'), gzipSync(lines.join('')))
  }
  await cp(join(ROOT, 'docs/evaluator/terraform.json'), join(installed, 'plan.json'))
  const { code, out } = await alertproof(installed, 'replay', 'archives', '--detections', 'plan.json')
  expect(code).toBe(0)
  expect(out).toMatch(/2026-01-12T15:05:00.000Z {2}Triggered .* 5 {2}host:i-15\n/)
  expect(out).not.toContain('i-14')
})

describe('from its tarball, in an empty folder', () => {
  const help = async (...more: string[]) => {
    const folder = await mkdtemp(join(tmpdir(), 'empty '))
    try {
      return await npm(folder, 'exec', '--yes', ...more, '--package', packed.tarball, '--', 'alertproof', '--help')
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  test('the command runs within ten seconds and without a warning', { timeout: 2 * MINUTES_MS }, async (context) => {
    const first = await help()
    if (isOffline(first)) return context.skip('no registry can be reached')
    const startedAt = performance.now()
    expect(await help()).toEqual({ code: 0, out: expect.stringContaining('alertproof search'), err: '' })
    expect(performance.now() - startedAt).toBeLessThan(10_000)
  })

  // Each waits for a download of its own.
  test.skipIf(process.platform === 'win32').concurrent.for([20, 22, 24])(
    'the command runs on Node %s',
    { timeout: 3 * MINUTES_MS },
    async (major, context) => {
      const ran = await help('--package', `node@${major}`)
      if (isOffline(ran)) return context.skip('no registry can be reached')
      expect(ran).toEqual({ code: 0, out: expect.stringContaining('alertproof search'), err: '' })
    },
  )
})

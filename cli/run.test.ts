import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TSX = fileURLToPath(new URL('../node_modules/tsx', import.meta.url))

/** Creates a checkout with one program and the dependencies that a test needs. */
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ato run '))
  await mkdir(join(dir, 'cli'))
  for (const file of ['cli/run.mjs', 'cli/supported.mjs']) await cp(join(ROOT, file), join(dir, file))
  await write('package.json', JSON.stringify({ type: 'module', engines: { node: '^20.20.0 || ^22.0.0' } }))
  await write('cli/program.ts', 'const seen: string[] = process.argv.slice(2)\nconsole.log(JSON.stringify(seen))\n')
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const write = (path: string, text: string) => writeFile(join(dir, path), text)

function run(...argv: string[]): Promise<{ code: unknown; out: string; err: string }> {
  return new Promise((done) => {
    execFile(process.execPath, ['cli/run.mjs', 'cli/program.ts', ...argv], { cwd: dir }, (error, out, err) =>
      done({ code: error?.code ?? 0, out, err }),
    )
  })
}

async function install(): Promise<void> {
  await mkdir(join(dir, 'node_modules'))
  await symlink(TSX, join(dir, 'node_modules', 'tsx'))
}

test('a program gets its arguments', async () => {
  await install()
  expect(await run('one', '--two')).toEqual({ code: 0, out: '["one","--two"]\n', err: '' })
})

test('a missing npm ci is reported in one sentence', async () => {
  const err = 'The dependencies of this project are not installed. Run: npm ci\n'
  expect(await run()).toEqual({ code: 1, out: '', err })
})

test('a Node that is too old is reported, also before npm ci', async () => {
  await write('package.json', JSON.stringify({ type: 'module', engines: { node: '^999.20.0 || ^1000.0.0' } }))
  const { code, err } = await run()
  expect(code).toBe(1)
  expect(err).toBe(
    `This project needs Node 999.20 or later; this is ${process.version}. Install Node 24 or 22, then run: npm ci\n`,
  )
})

test('npm ci warns of no package that does not fit this Node', async () => {
  await mkdir(join(dir, 'evaluator'))
  const files = ['package.json', 'package-lock.json', '.npmrc', 'evaluator/package.json']
  for (const file of files) await cp(join(ROOT, file), join(dir, file))
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const said = await new Promise<string>((done, failed) => {
    execFile(npm, ['ci', '--dry-run', '--offline'], { cwd: dir }, (error, out, err) =>
      error ? failed(error) : done(out + err),
    )
  })
  expect(said).not.toMatch(/npm warn/i)
})

test('a package that an older installation lacks is named, however late it is imported', async () => {
  await install()
  await write('cli/program.ts', "await import('./verb.ts')\n")
  await write('cli/verb.ts', "import 'not-there/deep'\n")
  const { code, err } = await run()
  expect(code).toBe(1)
  expect(err).toMatch(/^The package not-there is not installed.* Run: npm ci\n$/)
})

test('an error of the program itself keeps its stack', async () => {
  await install()
  await write('cli/program.ts', "throw new Error('own fault')\n")
  const { code, err } = await run()
  expect(code).toBe(1)
  expect(err).toMatch(/Error: own fault\n +at .*program\.ts/)
})

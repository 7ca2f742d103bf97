import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { loadSecrets } from '../lab/start/secrets.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const PROJECT = fileURLToPath(new URL('..', import.meta.url))

async function lab(...argv: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv], { cwd: PROJECT })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await ended, out, err }
}

test('--help is printed on stdout with exit code 0', async () => {
  expect(await lab('start', '--help')).toMatchObject({ code: 0, out: expect.stringContaining('--cadence'), err: '' })
  expect(await lab('--help')).toMatchObject({ code: 0, out: expect.stringContaining('npm start'), err: '' })
})

test.each([
  [['nonsense'], /^Unknown command "nonsense"\. Known: start, /, 'node cli/run.mjs cli/main.ts'],
  [['serach'], /^Unknown command "serach"\. Did you mean "search"\?$/, 'node cli/run.mjs cli/main.ts'],
  [['attack', 'shwo'], /^Unknown command "shwo"\. Did you mean "show"\?$/, 'npm run attack --'],
  [
    ['attack', 'show', 'session-resue'],
    /^Unknown attack "session-resue"\. Did you mean "session-reuse"\?$/,
    'npm run attack --',
  ],
  [['start', '--cadense', '1'], /^Unknown option "--cadense"\. Did you mean "--cadence"\?$/, 'npm start --'],
  [['start', '--cadence', 'soon'], /^--cadence soon: must be a whole number from 1 to \d+$/, 'npm start --'],
  [['reset', 'all'], /^Unexpected argument "all": only options are taken here\.$/, 'npm run lab:reset --'],
])('unusable arguments get one line that says why and one that names the help: %j', async (argv, line, program) => {
  const { code, out, err } = await lab(...argv)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  const [reason, ...more] = err.trimEnd().split('\n')
  expect(reason).toMatch(line)
  expect(more).toEqual([`Run "${program} --help" for usage.`])
})

test('lab:reset empties a lab that is not running', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ato reset '))
  const before = await loadSecrets(dir)
  expect(await lab('reset', '--dir', dir)).toMatchObject({ code: 0 })
  expect(await loadSecrets(dir)).not.toEqual(before)
  await rm(dir, { recursive: true, force: true })
})

const FORKS = 2000

/** A log whose every event is an alert of its own. */
async function writeForks(file: string): Promise<void> {
  const fork = { service: 'mini-ato-saas', env: 'prod', evt: 'session', outcome: 'fork' }
  const events = Array.from({ length: FORKS }, (_, i) => ({ ...fork, timestamp: 1_767_225_600_000 + i, sid: `s${i}` }))
  await writeFile(file, events.map((event) => JSON.stringify(event)).join('\n'))
}

test('a reader slower than the command gets every line', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ato pipe '))
  const log = join(dir, 'forks.jsonl')
  await writeForks(log)
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'replay', log, '--json'], { cwd: PROJECT })
  // More than a pipe holds: the command must wait for its reader, which begins late, and again before it exits.
  await once(child.stdout, 'readable')
  expect((await text(child.stdout)).trimEnd().split('\n')).toHaveLength(2 * FORKS)
  await rm(dir, { recursive: true, force: true })
})

test.skipIf(process.platform === 'win32')('a closed output ends a search, and hides no verdict', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ato head '))
  const log = join(dir, 'forks.jsonl')
  await writeForks(log)
  await writeFile(join(dir, 'expect.json'), '{}')
  const run = async (...argv: string[]) => {
    const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv], { cwd: PROJECT })
    const ended = once(child, 'exit')
    child.stderr.resume()
    child.stdout.destroy()
    return (await ended)[0]
  }
  expect(await run('replay', log, '--expect', join(dir, 'expect.json'))).toBe(1)
  expect(await run('search', '@evt:session', log)).toBe(0)
  await rm(dir, { recursive: true })
})

test.skipIf(process.platform === 'win32')('a command that only reads exits at once on a signal', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'search', '*', '-'], { cwd: PROJECT })
  const ended = once(child, 'close')
  // The input stays open, so the command cannot end by itself.
  child.stdin.write(`{"message":"one"}\n${' '.repeat(70_000)}\n`)
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await ended).toEqual([null, 'SIGTERM'])
})

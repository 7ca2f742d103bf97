import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCaptured, UsageError } from 'alertproof/cli'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attacks } from '../../attacks/index.ts'
import { command } from './attack.ts'
import { command as verify } from './verify.ts'

let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'ato attack '))
})
afterAll(() => rm(empty, { recursive: true, force: true }))

const attack = (...argv: string[]) => runCaptured(command, argv)

test('list prints every attack with its techniques; --json prints one document', async () => {
  const { code, out } = await attack('list')
  expect(code).toBe(0)
  expect(out).toMatch(/^credential-stuffing +T1110\.004 +web, functions/m)
  expect(out).toMatch(/^session-reuse +T1539 T1550\.004 +web, functions/m)
  const listed = JSON.parse((await attack('list', '--json')).out) as { slug: string }[]
  expect(listed.map(({ slug }) => slug)).toEqual(attacks.map(({ slug }) => slug))
})

test('show prints the description of an attack, its detection and its runbook', async () => {
  const { out } = await attack('show', 'session-reuse')
  expect(out).toContain('detections/session-reuse/monitor.json')
  expect(out).toContain('runbooks/ATO-002-session-reuse.md')
  expect(out.split('\n').every((line) => line.length <= 120)).toBe(true)
})

const OTHER_TARGET = [
  'run',
  'session-reuse',
  '--target',
  'web',
  '--base-url',
  'http://localhost:1',
  '--dir',
  '/nowhere',
]

test.each([
  [[], 'Missing command: list, show or run.'],
  [['detonate'], 'Unknown command "detonate". Known: list, show, run.'],
  [['show'], 'Missing <slug>. See "npm run attack -- list".'],
  [['run', 'phishing'], 'Unknown attack "phishing". Known: credential-stuffing'],
  [['run', 'session-reuse', 'credential-stuffing'], 'Unexpected argument "credential-stuffing"'],
  [['run', 'session-reuse', '--target', 'mobile'], '--target mobile: must be web, functions or both'],
  [['run', 'telemetry-silence', '--target', 'web'], '--target web: telemetry-silence supports only functions'],
  [['run', 'session-reuse', '--seed', '-1'], '--seed'],
  [['run', 'session-reuse', '--base-url', 'http://localhost:1'], '--base-url needs one target'],
  [['run', 'otp-replay', '--mine'], '--mine: otp-replay invents its victims; use session-reuse'],
  [['run', 'session-reuse', '--mine', '--twin'], '--mine is for your browser at the lab'],
  [['run', 'session-reuse', '--sid', 'x'], '--sid needs --mine'],
  [['run', 'session-reuse', '--accounts', 'x'], '--accounts needs --base-url'],
  [['run', 'session-reuse', '--mailbox', 'http://localhost:1'], '--mailbox needs --base-url'],
  [[...OTHER_TARGET, '--accounts', '/nowhere/x'], '/nowhere/x cannot be read: there is no such file'],
  [[...OTHER_TARGET, '--accounts', 'x', '--mailbox', 'http://localhost:1'], 'not both'],
  [[...OTHER_TARGET], 'This needs 1 existing account. Give a file of them: --accounts FILE.'],
])('words that do not fit are a usage error: %j', async (argv, message) => {
  await expect(attack(...argv)).rejects.toThrow(message)
})

test('verify refuses unusable arguments before it starts anything', async () => {
  const refused = (...argv: string[]) => expect(runCaptured(verify, argv)).rejects
  await refused('phishing').toThrow(UsageError)
  await refused('--cadence', '0').toThrow(UsageError)
  await refused('telemetry-silence', '--target', 'web').toThrow('supports only functions')
})

test('without a lab the message says how to start one', async () => {
  await expect(attack('run', 'session-reuse', '--dir', empty)).rejects.toThrow('npm start')
})

test('a host other than this machine is refused before anything is sent, with exit code 2', async () => {
  const url = ['--target', 'web', '--base-url', 'https://app.example.com', '--dir', empty]
  const { code, err, out } = await attack('run', 'session-reuse', ...url)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('--allow-host app.example.com')
})

test('a target that does not answer gives exit code 1', async () => {
  const accounts = join(empty, 'accounts.jsonl')
  await writeFile(accounts, JSON.stringify({ email: 'anna@example.com', password: 'a password' }))
  const url = ['--target', 'functions', '--base-url', 'http://127.0.0.1:1', '--dir', empty, '--accounts', accounts]
  const { code, err } = await attack('run', 'session-reuse', ...url)
  expect(code).toBe(1)
  expect(err).toContain('http://127.0.0.1:1')
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attacks } from '../../attacks/index.ts'
import { UsageError } from '../command.ts'
import { command } from './attack.ts'
import { command as verify } from './verify.ts'

let empty: string
beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), 'ato attack '))
})
afterAll(() => rm(empty, { recursive: true, force: true }))

async function attack(...argv: string[]) {
  const told = { out: '', err: '' }
  const code = await command.run(argv, {
    out: (text) => {
      told.out += text
    },
    err: (text) => {
      told.err += text
    },
    color: false,
    signal: new AbortController().signal,
  })
  return { code, ...told }
}

test('list names every attack with its techniques; --json is one document', async () => {
  const { code, out } = await attack('list')
  expect(code).toBe(0)
  expect(out).toMatch(/^credential-stuffing +T1110\.004 +web, functions/m)
  expect(out).toMatch(/^session-reuse +T1539 T1550\.004 +web, functions/m)
  const listed = JSON.parse((await attack('list', '--json')).out) as { slug: string }[]
  expect(listed.map(({ slug }) => slug)).toEqual(attacks.map(({ slug }) => slug))
})

test('show tells what an attack does and which detection and runbook belong to it', async () => {
  const { out } = await attack('show', 'session-reuse')
  expect(out).toContain('detections/session-reuse/monitor.json')
  expect(out).toContain('runbooks/ATO-002-session-reuse.md')
  expect(out.split('\n').every((line) => line.length <= 120)).toBe(true)
})

const ELSEWHERE = ['run', 'session-reuse', '--target', 'web', '--base-url', 'http://localhost:1', '--dir', '/nowhere']

test.each([
  [[], 'list, show or run'],
  [['detonate'], 'detonate: must be list, show or run'],
  [['show'], 'show takes one attack'],
  [['run', 'phishing'], 'There is no attack phishing; there are: credential-stuffing'],
  [['run', 'session-reuse', 'credential-stuffing'], 'run takes one attack'],
  [['run', 'session-reuse', '--target', 'mobile'], '--target mobile: must be web, functions or both'],
  [['run', 'telemetry-silence', '--target', 'web'], '--target web: telemetry-silence has only functions'],
  [['run', 'session-reuse', '--seed', '-1'], '--seed'],
  [['run', 'session-reuse', '--base-url', 'http://localhost:1'], '--base-url is of one target'],
  [['run', 'session-reuse', '--accounts', 'x'], '--accounts goes with --base-url'],
  [['run', 'session-reuse', '--mailbox', 'http://localhost:1'], '--mailbox goes with --base-url'],
  [[...ELSEWHERE, '--accounts', '/nowhere/x'], '/nowhere/x cannot be read: ENOENT'],
  [[...ELSEWHERE, '--accounts', 'x', '--mailbox', 'http://localhost:1'], 'name one of them'],
  [[...ELSEWHERE], 'This needs 1 account that is open already. Name a file of them: --accounts FILE.'],
])('words that do not fit are a usage error: %j', async (argv, message) => {
  await expect(attack(...argv)).rejects.toThrow(message)
})

test('verify refuses words that do not fit before it starts anything', async () => {
  const io = { out: () => {}, err: () => {}, color: false, signal: new AbortController().signal }
  await expect(verify.run(['phishing'], io)).rejects.toThrow(UsageError)
  await expect(verify.run(['--cadence', '0'], io)).rejects.toThrow(UsageError)
  await expect(verify.run(['telemetry-silence', '--target', 'web'], io)).rejects.toThrow('has only functions')
})

test('without a lab there is nothing to attack, and the message says what to do', async () => {
  await expect(attack('run', 'session-reuse', '--dir', empty)).rejects.toThrow('npm start')
})

test('a host that is not this machine is refused before anything is sent, exit code 2', async () => {
  const url = ['--target', 'web', '--base-url', 'https://app.example.com', '--dir', empty]
  const { code, err, out } = await attack('run', 'session-reuse', ...url)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain('--allow-host app.example.com')
})

test('a target that does not answer is a failed run, exit code 1', async () => {
  const accounts = join(empty, 'accounts.jsonl')
  await writeFile(accounts, JSON.stringify({ email: 'anna@example.com', password: 'a password' }))
  const url = ['--target', 'functions', '--base-url', 'http://127.0.0.1:1', '--dir', empty, '--accounts', accounts]
  const { code, err } = await attack('run', 'session-reuse', ...url)
  expect(code).toBe(1)
  expect(err).toContain('http://127.0.0.1:1')
})

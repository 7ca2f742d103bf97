import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { frameLine } from '../../intake/index.ts'
import { type Io, UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './search.ts'

const lines = [
  '{"evt":"login",  "outcome":"fail","env":"prod","service":"web","ip":"203.0.113.9"}',
  '{"evt":"login","outcome":"success","env":"staging","service":"web","message":"Signed in"}',
  'plain text, signed off',
]

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'search-'))
  await writeFile(join(dir, 'log'), `${lines.join('\n')}\n`)
  return () => rm(dir, { recursive: true })
})

const run = (...argv: string[]) => runWith({}, ...argv)

async function runWith(more: Partial<Io>, ...argv: string[]) {
  return runCaptured(command, argv, more)
}

const found = async (query: string) => {
  const { out } = await run(query, join(dir, 'log'))
  return lines.flatMap((line, i) => (out.split('\n').includes(line) ? [i] : []))
}

test.each([
  ['@evt:login', [0, 1]],
  ['-@evt:login', [2]],
  ['service:web env:prod', [0]],
  ['signed', [1, 2]],
  ['CIDR(@ip, 203.0.113.0/24)', [0]],
  ['*', [0, 1, 2]],
])('%s prints lines %j unchanged', async (query, expected) => {
  expect(await found(query)).toEqual(expected)
})

test('the exit code says whether a line was found', async () => {
  expect((await run('@evt:login', join(dir, 'log'))).code).toBe(0)
  expect(await run('@evt:mfa', join(dir, 'log'))).toEqual({ code: 1, out: '', err: '`@evt:mfa` matched no event\n' })
  expect(await run('evt:login', join(dir, 'log'))).toEqual({
    code: 1,
    out: '',
    err: '`evt:login` matched no event; did you mean `@evt:login`?\n',
  })
})

test('control characters of a file name or a query do not reach the terminal', async () => {
  expect((await run('*', 'none\u001b[31m')).err).toMatch(/^none\\u\{1b\}\[31m cannot be read: /)
  expect((await run('@a:\u001b=', join(dir, 'log'))).err).toMatch(/^@a:\ufffd=\n {4}\^ /)
})

test('a fault in the query is shown with a caret under its position', async () => {
  expect(await run('@evt:login @a:b=c', join(dir, 'log'))).toEqual({
    code: 2,
    out: '',
    err: '@evt:login @a:b=c\n               ^ `=` must be escaped as \\=, or the value quoted\n',
  })
})

test('a missing file gives exit code 3, a missing query is a usage error', async () => {
  expect(await run('a', join(dir, 'none'))).toMatchObject({
    code: 3,
    err: expect.stringContaining('there is no such file'),
  })
  await expect(run()).rejects.toThrow(UsageError)
})

test('an export is printed with one record per line, frames with one message per line', async () => {
  const record = (id: string, status: number) => ({
    id,
    type: 'log',
    attributes: {
      timestamp: '2026-01-05T09:00:00Z',
      service: 'shop',
      tags: ['env:prod'],
      attributes: { http: { status_code: status } },
    },
  })
  const page = join(dir, 'page.json')
  await writeFile(page, JSON.stringify({ data: [record('a', 200), record('b', 503)], meta: {} }, undefined, 2))
  expect(await run('service:shop env:prod @http.status_code:>=500', page)).toEqual({
    code: 0,
    out: `${JSON.stringify(record('b', 503))}\n`,
    err: `${page} is read as export: pages of the API, records or archives of Datadog.\n`,
  })
  const frames = join(dir, 'frames')
  const message = (text: string) => frameLine({ pri: 190, at: 0, appname: 'app', procid: 'web.1', message: text })
  await writeFile(frames, Buffer.concat([message('{"evt":"login"}'), message('signed off'), Buffer.from('oops\n')]))
  expect(await run('signed @syslog.procid:web.1', frames)).toMatchObject({ code: 0, out: 'signed off\n' })
  expect((await run('*', frames)).err).toMatch(/\nbyte \d+ is not a frame\n$/)
  expect(await run('service:shop env:prod', frames, '--drain', 'service=shop&ddtags=env:prod')).toMatchObject({
    out: '{"evt":"login"}\nsigned off\n',
  })
})

test('a log archive is read in the form that Datadog stores', async () => {
  const archive = join(dir, 'archive.json.gz')
  const stored = {
    _id: 'a',
    date: '2026-01-05T09:00:00Z',
    source: 'nginx',
    message: 'GET / 502',
    tags: ['env:prod'],
    attributes: { n: 1 },
  }
  await writeFile(archive, gzipSync(`${JSON.stringify(stored)}\n`))
  expect(await run('source:nginx env:prod @n:1', archive)).toMatchObject({
    code: 0,
    out: `${JSON.stringify(stored)}\n`,
  })
  await writeFile(archive, '{"n":1}\n')
  expect(await run('@n:1', archive)).toMatchObject({
    ...{ code: 0, out: '{"n":1}\n' },
    err: expect.stringContaining('archive.json.gz is not packed, as its name says: it is read as it is.'),
  })
  await writeFile(archive, Buffer.alloc(20))
  expect(await run('*', archive)).toMatchObject({
    code: 3,
    err: expect.stringContaining('archive.json.gz cannot be read'),
  })
})

test('a terminal is not given the control characters of a log, and whatever else takes the output is', async () => {
  const file = join(dir, 'control.jsonl')
  await writeFile(file, 'a\u001b[2J\u009b1m\u202eb\tc é\n')
  expect((await run('*', file)).out).toBe('a\u001b[2J\u009b1m\u202eb\tc é\n')
  const { out } = await runCaptured(command, ['*', file, '--lines'], { isTerminal: true })
  expect(out).toBe('a\\u{1b}[2J\\u{9b}1m\\u{202e}b\tc é\n')
})

test('several files and folders are searched one after another, and a fault names its file', async () => {
  const folder = join(dir, 'several')
  await mkdir(join(folder, 'b'), { recursive: true })
  await writeFile(join(folder, 'a.jsonl'), '{"n":1}')
  await writeFile(join(folder, 'b', 'packed'), gzipSync('{"n":2}\n{"n":30}'))
  await writeFile(join(folder, 'c.json'), '[{"n":4},{"n":50},oops]')
  await writeFile(join(dir, 'last.jsonl'), '{"n":5}')
  const { out, err } = await run('@n:<10', folder, join(dir, 'last.jsonl'))
  expect(out).toBe('{"n":1}\n{"n":2}\n{"n":4}\n{"n":5}\n')
  expect(await run('--strict', '@n:<10', join(folder, 'a.jsonl'))).toMatchObject({ code: 0 })
  await writeFile(join(dir, 'broken.json'), '[{"n":1},\n{"n":\n{"n":3}]')
  expect(await run('@n:<10', join(dir, 'broken.json'))).toMatchObject({ code: 0 })
  expect(await run('@n:<10', join(dir, 'broken.json'), '--strict')).toMatchObject({ code: 3 })
  expect(err).toBe(`${join(folder, 'c.json')} is read as export: pages of the API, records or archives of Datadog.\n`)
})

test('a query may begin with -, and an unknown option is refused', async () => {
  const file = join(dir, 'log')
  expect((await run('--format', 'jsonl', '-@evt:login', file)).out).toBe(`${lines[2]}\n`)
  expect((await run('--', '-@evt:login', file)).out).toBe(`${lines[2]}\n`)
  await expect(run('a', file, '--format', 'xml')).rejects.toThrow(UsageError)
  await expect(run('a', file, '--from=now')).rejects.toThrow(/--from/)
})

test('no more is read until the reader has taken the output', async () => {
  const file = join(dir, 'many')
  const many = Buffer.from(`${lines[0]}\n`.repeat(30_000))
  await writeFile(file, many)
  const taken: Buffer[] = []
  let [waiting, mostWaiting] = [0, 0]
  const write = async (bytes: Buffer) => {
    mostWaiting = Math.max(mostWaiting, ++waiting)
    await setImmediate()
    taken.push(bytes)
    waiting--
  }
  expect(await runWith({ write }, '@evt:login', file)).toMatchObject({ code: 0, out: '' })
  expect(taken.length).toBeGreaterThan(3)
  expect(mostWaiting).toBe(1)
  expect(Buffer.concat(taken).equals(many)).toBe(true)
})

test('a line that is not UTF-8 is printed unchanged', async () => {
  const file = join(dir, 'latin')
  const line = Buffer.concat([Buffer.from('{"m":"'), Buffer.of(0xff, 0xfe), Buffer.from('"}\r\n')])
  await writeFile(file, line)
  const taken: Buffer[] = []
  await runWith({ write: async (bytes) => void taken.push(bytes) }, '@m:*', file)
  expect(Buffer.concat(taken).equals(line)).toBe(true)
})

test('--json prints the logs that Datadog makes of lines, records and frames', async () => {
  const file = join(dir, 'dated')
  await writeFile(file, '{"timestamp":"2026-01-05T09:00:00Z","env":"prod","service":"web","n":1}\nplain n\n')
  const { out } = await run('--json', 'service:web OR plain', file)
  expect(
    out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { timestamp: '2026-01-05T09:00:00.000Z', service: 'web', tags: ['env:prod'], attributes: { n: 1 } },
    { timestamp: null, message: 'plain n', attributes: {} },
  ])
  const record = {
    id: 'a',
    type: 'log',
    attributes: { timestamp: '2026-01-05T09:00:00Z', service: 'shop', attributes: { n: 2 } },
  }
  await writeFile(file, JSON.stringify({ data: [record], meta: {} }))
  expect(JSON.parse((await run('@n:2', file, '--json')).out)).toMatchObject({ service: 'shop', attributes: { n: 2 } })
})

test('input of which nothing can be read is not an answer', async () => {
  const file = join(dir, 'garbage')
  await writeFile(file, 'garbage')
  for (const form of ['export', 'logplex']) {
    expect(await run('*', file, '--format', form)).toMatchObject({
      code: 3,
      out: '',
      err: expect.stringMatching(/is not/),
    })
  }
  await writeFile(file, '')
  expect((await run('*', file)).code).toBe(1)
})

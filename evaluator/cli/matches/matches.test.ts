import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from '../verbs/search.ts'

const MINUTE_MS = 60_000
const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString()
const EVENTS = [
  { timestamp: at(0), service: 'shop', evt: 'login', ip: '203.0.113.9', tag: ['a', 'b'] },
  { timestamp: at(1), service: 'shop', evt: 'login', ip: '203.0.113.9', usr: { id: 'u1' } },
  { timestamp: at(2), service: 'api', evt: 'login', ip: '198.51.100.4', tag: ['b'] },
  { evt: 'login', ip: '198.51.100.4' },
]

let dir: string
let file: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'matches '))
  file = join(dir, 'log.jsonl')
  await writeFile(file, EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(''))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const search = (...argv: string[]) => runCaptured(command, ['@evt:login', file, ...argv])

test('a field that no log has, and a time of which no log is, are told', async () => {
  const { err } = await search('--by', 'ip,@evt')
  expect(err).toBe('no event has the facet `ip`; did you mean `@ip`?\n')
  expect((await search('--columns', 'time,@ipp')).err).toBe('no event has the facet `@ipp`; did you mean `@ip`?\n')
  expect(await search('--to', '2026-01-05T10:00:00Z')).toEqual({
    code: 1,
    out: '',
    err: `1 log without a time: left out by --from and --to
no log is of the time that is asked for: they are from ${at(0)} to ${at(2)}
`,
  })
  await expect(search('--from', '2026-02-30T10:00:00Z')).rejects.toThrow('--from 2026-02-30T10:00:00Z: must be a time')
})

describe('counts', () => {
  test('are of all matches, or for each value, the most frequent first and then by the value', async () => {
    expect(await search('--count')).toMatchObject({ code: 0, out: '4\n' })
    expect((await search('--by', '@ip')).out).toBe('count  @ip\n2      198.51.100.4\n2      203.0.113.9\n')
    expect((await search('--by', 'service,@tag')).out).toBe(
      [
        'count  service  @tag',
        '1      api      b',
        '1      shop     a',
        '1      shop     b',
        '1      shop     -',
        '1      -        -',
        '',
      ].join('\n'),
    )
  })

  test('are one JSON object each, with null for what a log lacks', async () => {
    expect((await search('--count', '--json')).out).toBe('{"count":4}\n')
    expect((await search('--by', '@usr.id', '--json')).out).toBe(
      '{"by":{"@usr.id":null},"count":3}\n{"by":{"@usr.id":"u1"},"count":1}\n',
    )
  })

  test('of nothing are 0, and exit with 1', async () => {
    expect(await runCaptured(command, ['@evt:none', file, '--count'])).toMatchObject({ code: 1, out: '0\n' })
    expect(await runCaptured(command, ['@evt:none', file, '--by', '@ip'])).toMatchObject({ code: 1, out: '' })
  })
})

describe('a range of time', () => {
  test('includes its first instant and not its last; a log without a time is outside, and said', async () => {
    const { out, err } = await search('--from', at(1), '--to', at(2), '--count')
    expect(out).toBe('1\n')
    expect(err).toBe('1 log without a time: left out by --from and --to\n')
  })

  test('may begin before now', async () => {
    const minutes = Math.ceil((Date.now() - Date.parse(at(1))) / MINUTE_MS)
    expect((await search('--from', `${minutes}m`, '--count')).out).toBe('2\n')
    expect((await search('--from', '1s', '--count')).out).toBe('0\n')
  })

  test.each([
    ['--from', 'yesterday'],
    ['--to', '15'],
    ['--from', '2026-01-05'],
    ['--from=2026-01-05T10:00:00Z', '--to=2026-01-05T10:00:00Z'],
  ])('%s %s is refused', async (...argv) => {
    await expect(search(...argv)).rejects.toThrow(UsageError)
  })
})

describe('a table', () => {
  test('has a row for each match with the fields that are asked for', async () => {
    expect((await search('--columns', 'time,@usr.id,@tag')).out).toBe(
      [
        'time                      @usr.id  @tag',
        '2026-01-05T10:00:00.000Z           a, b',
        '2026-01-05T10:01:00.000Z  u1',
        '2026-01-05T10:02:00.000Z           b',
        '',
        '',
      ].join('\n'),
    )
  })

  test('is what a terminal shows, one line a match, without the control characters of a log', async () => {
    await writeFile(join(dir, 'hostile'), `${JSON.stringify({ message: `x\u001b[2J${'y'.repeat(200)}` })}\n`)
    const io = { isTerminal: true, width: 60 }
    const { out } = await runCaptured(command, ['x*', join(dir, 'hostile')], io)
    const [head, row, end] = out.split('\n')
    expect([head, end]).toEqual(['time  service  content', ''])
    expect(row).toHaveLength(60)
    expect(row).toMatch(/x\\u\{1b\}\[2Jy+…$/)
    const events = await runCaptured(command, ['@usr.id:u1', file], { isTerminal: true, width: 200 })
    expect(events.out).toContain('shop     evt=login ip=203.0.113.9 usr.id=u1')
    const raw = await runCaptured(command, ['@usr.id:u1', file, '--lines'], { isTerminal: true })
    expect(raw.out).toBe(`${JSON.stringify(EVENTS[1])}\n`)
  })

  test('of any number of rows begins before the end of the log', async () => {
    const many = join(dir, 'many')
    await writeFile(many, '{"n":1}\n'.repeat(100_000))
    const written: string[] = []
    const write = async (bytes: Buffer) => void written.push(bytes.toString())
    await runCaptured(command, ['@n:1', many, '--columns', '@n'], { write })
    expect(written.length).toBeGreaterThan(2)
    expect(written.join('')).toBe(`@n\n${'1\n'.repeat(100_000)}`)
  })
})

test.each([
  ['--columns', 'a b'],
  ['--by', '@'],
  ['--count', '--columns', '@ip'],
  ['--json', '--columns', '@ip'],
  ['--json', '--lines'],
])('%s is a usage error', async (...argv) => {
  await expect(search(...argv)).rejects.toThrow(UsageError)
})

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { changesOf, rowsOf } from '../../testing/duckdb.ts'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './sql.ts'

const EVALUATOR = join(import.meta.dirname, '../..')
let page: string
let dir: string
beforeAll(async () => {
  page = await readFile(join(EVALUATOR, 'docs/sql.md'), 'utf8')
  dir = await mkdtemp(join(tmpdir(), 'sql-'))
  const readme = await readFile(join(EVALUATOR, 'README.md'), 'utf8')
  for (const [, path = '', text = ''] of `${readme}${page}`.matchAll(/`([\w./-]+)`:\n\n```\w+\n([\s\S]*?)```/g)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
  return () => rm(dir, { recursive: true })
})

const run = (detections: string, from: string, ...argv: string[]) =>
  runCaptured(command, [
    '--dialect',
    'duckdb',
    '--detections',
    join(dir, detections),
    '--from',
    join(dir, from),
    ...argv,
  ])

const blockOf = (language: string): string => new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? ''

test('the SQL of the page answers with the rows of the page', async () => {
  const { code, out, err } = await run('monitors/failed-logins.json', 'shop.jsonl')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain(blockOf('sql'))
  const rows = (await changesOf(out)).map((row) => `${JSON.stringify(row)}\n`)
  expect(rows.join('')).toBe(blockOf('json'))
})

test('--unread prints the query that counts lines and logs, and --json one document', async () => {
  const { out } = await run('monitors/failed-logins.json', 'shop.jsonl', '--unread')
  expect(await rowsOf(out)).toEqual([{ lines: 4n, logs: 4n }])
  const { out: document } = await run('monitors/failed-logins.json', 'shop.jsonl', '--json')
  const { sql, ...rest } = JSON.parse(document) as { sql: string }
  expect(await changesOf(sql)).toHaveLength(2)
  expect(rest).toEqual({ dialect: 'duckdb', monitors: ['failed-logins'], refused: [] })
})

test('a monitor that is not in the SQL is named with the reason, and is exit code 1', async () => {
  const { code, out, err } = await run('low.json', 'shop.jsonl', '--json')
  expect(code).toBe(1)
  expect(err).toBe(
    `not in the SQL: low: ${(JSON.parse(out) as { refused: { reason: string }[] }).refused[0]?.reason}\n`,
  )
})

test('unusable options are named', async () => {
  const refused = async (...argv: string[]) => {
    const error = await runCaptured(command, argv).catch((thrown: unknown) => thrown)
    return error instanceof UsageError ? error.message : error
  }
  expect(await refused()).toBe('Missing --dialect: duckdb.')
  expect(await refused('--dialect', 'ansi')).toBe('--dialect ansi: must be one of duckdb')
  expect(await refused('--dialect', 'duckdb')).toContain('Missing --detections PATH')
  expect(await refused('--dialect', 'duckdb', '--detections', dir)).toContain('Missing --from FILES')
  const given = ['--dialect', 'duckdb', '--detections', dir, '--from', 'x.jsonl']
  expect(await refused(...given, '--format', 'csv')).toBe('--format csv: must be one of jsonl, archive')
  expect(await refused(...given, '--cadence', '0')).toContain('--cadence 0')
})

test('a rule of Cloud SIEM is in the SQL, and one that is refused is named', async () => {
  const rule = {
    ...{ name: 'r', type: 'log_detection', message: 'm', isEnabled: true },
    queries: [{ query: '*', aggregation: 'count', groupByFields: ['@ip'] }],
    cases: [
      { name: '', status: 'high', condition: 'a > 2' },
      { name: '', status: 'low', condition: 'a > 0' },
    ],
    options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
  }
  const folder = await mkdtemp(join(tmpdir(), 'sql-rule-'))
  await writeFile(join(folder, 'seen.json'), JSON.stringify(rule))
  const alone = { ...rule, options: { ...rule.options, evaluationWindow: 0 } }
  await writeFile(join(folder, 'alone.json'), JSON.stringify(alone))
  const given = ['--dialect', 'duckdb', '--from', 'x.jsonl', '--json', '--detections']
  const { code, out, err } = await runCaptured(command, [...given, folder])
  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ monitors: ['seen'], refused: [{ monitor: 'alone' }] })
  expect(err).toContain('not in the SQL: alone: evaluationWindow 0 judges the events of one instant in their order')
  expect((await runCaptured(command, [...given, join(folder, 'seen.json')])).code).toBe(0)
  await rm(folder, { recursive: true })
})

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { type Monitor, readMonitor, replay } from '../index.ts'
import { changesOf, rowsOf } from '../testing/duckdb.ts'
import { sqlOf } from './index.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sql-'))
  return () => rm(dir, { recursive: true })
})

const monitorOf = (query: string, options: object = {}): Monitor => {
  const critical = Number(/-?[\d.]+$/.exec(query)?.[0])
  const all = { thresholds: { critical }, on_missing_data: 'resolve', ...options }
  return readMonitor({ name: 'Logins', type: 'log alert', query, message: 'm', options: all })
}

const byFacet = (facet: string, rollup = '"count"') =>
  monitorOf(`logs("*").rollup(${rollup}).by("${facet}").last("5m") > 0`, { new_group_delay: 0 })

async function written(name: string, lines: readonly string[]): Promise<string> {
  const file = join(dir, name)
  await writeFile(file, name.endsWith('.gz') ? gzipSync(lines.join('\n')) : lines.join('\n'))
  return file
}

/** Evaluates a log both ways. */
async function both(monitors: readonly Monitor[], lines: readonly string[], options = {}) {
  const file = await written('log.jsonl', lines)
  const { sql, refused } = sqlOf(monitors, { from: [file], ...options })
  expect(refused).toEqual([])
  return { found: await changesOf(sql), expected: (await replay(monitors, lines, options)).changes }
}

test('each date that the evaluator reads is read as the same time', async () => {
  const dates: readonly unknown[] = [
    ...['2026-01-05T09:00:00Z', '2026-01-05 09:00:00.123', '2026-01-05T09:00:00,987654321+02:00', '2026-01-05t09:00z'],
    ...[
      '2026-01-05T09:00:00-0530',
      ...['2026-01-05T09:00:60Z', '2026-01-05T09:00:60.5-0330', '2026-01-05 23:59:60', '2026-01-05T09:00:61Z'],
      ...['2026-01-05T24:00:00Z', '2026-01-05T09:00:00+2400', '2026-01-05T09:00:00+0360', '2026-01-05T09:00-2359'],
      '2024-02-29T23:59:59.9999Z',
      '2026-02-30T00:00:00Z',
      '2026-13-01T00:00:00Z',
      'today',
    ],
    ...[
      1767603600,
      1767603600.29,
      1767603600123,
      1767603600123456,
      1767603600.5e9,
      '1767603600',
      '1767603600123',
      99_999_999,
      -5,
    ],
    ...[
      '1767603600123456789',
      '1767603600123.9',
      '17676036001234567890',
      1e20,
      true,
      null,
      ['2026-01-05T09:00:00Z'],
      {},
    ],
  ]
  const keys = ['timestamp', '@timestamp', 'Timestamp', 'date', 'eventTime', 'syslog.timestamp', 'other']
  const lines = dates.flatMap((date, i) => keys.map((key) => JSON.stringify({ [key]: date, group: `${key} ${i}` })))
  lines.push(
    `{"timestamp":1767603600123456789,"group":"nanoseconds"}`,
    JSON.stringify({ timestamp: 'no date', date: '2026-01-05T09:00:00Z', group: 'second key' }),
    JSON.stringify({ syslog: { timestamp: '2026-01-05T09:00:00Z' }, group: 'nested' }),
    JSON.stringify({
      message: '{"timestamp":"2026-01-05T09:07:00Z"}',
      timestamp: '2026-01-05T09:00:00Z',
      group: 'message',
    }),
  )
  const { found, expected } = await both([byFacet('@group')], lines)
  expect(found.length).toBeGreaterThan(100)
  expect(found).toEqual(expected)
})

test('groups and values have the texts that the evaluator gives them', async () => {
  const tokens = [
    '1.0',
    '1e21',
    '1.5e-7',
    '0.00001',
    '123456789012345680',
    '9007199254740993',
    '-0.0',
    '1e2',
    '1E400',
    '5e-324',
    '0.1',
  ]
  const more = [
    '1.7976931348623157e308',
    '123456789012345678901.5',
    '-1e-6',
    '100000000000000000000',
    'true',
    '"x"',
    '[1,[1.0,"1"],null,{}]',
    '{}',
    'null',
  ]
  const lines = [...tokens, ...more].map(
    (token) => `{"timestamp":"2026-01-05T09:00:00Z","n":${token},"usr":{"id":["a","b"]},"env":"Prod,eu"}`,
  )
  const monitors = [
    byFacet('@n'),
    byFacet('@usr.id,@n,env'),
    byFacet('env', '"cardinality", "@n"'),
    byFacet('env', '"sum", "@n"'),
  ]
  const named = monitors.map((monitor, i) => ({ ...monitor, slug: `m${i}` }))
  const { found, expected } = await both(named, lines)
  expect(found.length).toBeGreaterThan(50)
  expect(found).toEqual(expected)
})

test('packed archives, tables and Parquet are read, and lines that are no logs are counted', async () => {
  const monitor = monitorOf('logs("service:shop @evt:login env:prod").rollup("count").by("@ip").last("5m") > 1', {
    new_group_delay: 0,
  })
  const record = (i: number) => ({
    _id: `id${i}`,
    date: `2026-01-05T09:0${i}:00.000Z`,
    service: 'shop',
    tags: ['env:prod'],
    attributes: { evt: 'login', ip: '203.0.113.9' },
  })
  const records = [0, 1, 2].map((i) => JSON.stringify(record(i)))
  await written('archive_1.json.gz', [...records.slice(0, 2), '{"broken', '[1]', '5', '{"no":"date"}'])
  await written('archive_2.json.gz', records.slice(2))
  const from = [join(dir, 'archive_*.json.gz')]
  const { changes } = await replay([monitor], records)
  expect(changes).toHaveLength(2)
  const { sql, unread } = sqlOf([monitor], { from })
  expect(await changesOf(sql)).toEqual(changes)
  expect(await changesOf(sqlOf([monitor], { from, format: 'archive' }).sql)).toEqual(changes)
  expect(await changesOf(sqlOf([monitor], { from, format: 'jsonl' }).sql)).toEqual([])
  expect(await rowsOf(unread)).toEqual([{ lines: 7n, logs: 3n }])
  const parquet = join(dir, 'logs.parquet')
  const table = `CREATE TABLE shop_logs AS SELECT * FROM read_json('${await written('records.jsonl', records)}');`
  const ofTable = sqlOf([monitor], { from: ['shop_logs'] }).sql
  expect(await changesOf(`${table}\n${ofTable}`)).toEqual(changes)
  await rowsOf(`${table} COPY shop_logs TO '${parquet}' (FORMAT parquet)`)
  expect(await changesOf(sqlOf([monitor], { from: [parquet] }).sql)).toEqual(changes)
})

test('a key for the time that begins with @ is found as it is written', async () => {
  const lines = ['@t', 't', '@t'].map((key, i) => JSON.stringify({ [key]: `2026-01-05T09:0${i}:00Z`, group: key }))
  const monitor = byFacet('@group')
  const file = await written('log.jsonl', lines)
  const { sql } = sqlOf([monitor], { from: [file], timeField: '@t' })
  const dated = lines.map((line) => line.replace(/"@?t":/, '"timestamp":'))
  const { changes } = await replay([monitor], dated)
  expect(changes.length).toBeGreaterThan(2)
  expect(await changesOf(sql)).toEqual(changes)
})

test('another cadence and another key for the time give the changes of a replay with these', async () => {
  const monitor = monitorOf('logs("*").rollup("count").last("5m") > 2')
  const lines = Array.from({ length: 9 }, (_, i) => JSON.stringify({ made: { at: 1767603600 + i * 61 } }))
  const named = lines.map((line) =>
    JSON.stringify({ timestamp: (JSON.parse(line) as { made: { at: number } }).made.at }),
  )
  const file = await written('log.jsonl', lines)
  for (const cadenceSeconds of [7, 60, 450]) {
    const { changes } = await replay([monitor], named, { cadenceSeconds })
    const { sql } = sqlOf([monitor], { from: [file], timeField: '@made.at', cadenceSeconds })
    expect(changes.length).toBeGreaterThan(0)
    expect(await changesOf(sql)).toEqual(changes)
  }
})

test.each([
  [
    'a formula',
    { variables: [{ name: 'q', data_source: 'logs', search: { query: '*' }, compute: { aggregation: 'count' } }] },
    /formula/,
  ],
  ['reminders of shared notifications', { notify_by: ['*'], renotify_interval: 10 }, /notify_by/],
  ['an alert in silence that times out', { timeout_h: 1, on_missing_data: 'default' }, /timeout_h/],
] as const)('what is not said in SQL is refused by name: %s', (_, options, reason) => {
  const query =
    'variables' in options ? 'formula("q").last("5m") < 5' : 'logs("*").rollup("count").by("@ip").last("5m") < 5'
  const { sql, monitors, refused } = sqlOf([monitorOf(query, options)], { from: ['log.jsonl'] })
  expect({ sql, monitors }).toEqual({ sql: '', monitors: [] })
  expect(refused).toEqual([{ monitor: 'logins', reason: expect.stringMatching(reason) }])
})

test('names in a monitor are literals in the SQL, whatever they hold', async () => {
  const monitor = {
    ...monitorOf(`logs("@a\\\\'b:\\"it's\\"").rollup("count").by("@it").last("5m") > 0`),
    slug: "it's; --",
  }
  const lines = [JSON.stringify({ timestamp: '2026-01-05T09:00:00Z', "a'b": "it's", it: "'" })]
  const { found, expected } = await both([monitor], lines)
  expect(found).toEqual(expected)
})

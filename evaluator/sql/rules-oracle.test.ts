import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Replay, readMonitor, readRule, replay } from '../index.ts'
import type { SiemRule } from '../siem/rule.ts'
import { rowsOf } from '../testing/duckdb.ts'
import { sqlOf } from './index.ts'

const SECOND_MS = 1_000
const BEGIN = Date.UTC(2026, 0, 5, 9)

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sql-rules-'))
  return () => rm(dir, { recursive: true })
})

const field = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown>('a', 'b') },
  fc.constantFrom<unknown>(undefined, ['a', 'b'], 1, '', null, {}),
)
const event = fc
  .record({
    at: fc.oneof(
      { weight: 8, arbitrary: fc.nat(120).map((n) => n * 10 * SECOND_MS) },
      fc.nat(3 * 3600 * SECOND_MS),
      fc.nat(2 * 86_400).map((n) => n * SECOND_MS),
    ),
    kind: fc.constantFrom('fail', 'fail', 'good', 'other'),
    ip: field,
    app: fc.constantFrom('shop', 'bank'),
    n: fc.oneof(
      fc.integer({ min: -8, max: 40 }).map((n) => n / 4),
      fc.constantFrom<unknown>('1.5', undefined, 'x'),
    ),
  })
  .map(({ at, ...rest }) => JSON.stringify({ timestamp: new Date(BEGIN + at).toISOString(), ...rest }))

const counted = fc.constantFrom<object>(
  { aggregation: 'count' },
  { aggregation: 'count' },
  { aggregation: 'cardinality', distinctFields: ['@n'] },
  { aggregation: 'cardinality', distinctFields: ['@n', '@app'] },
  { aggregation: 'sum', metrics: ['@n'] },
  { aggregation: 'max', metrics: ['@n'] },
)

const CONDITIONS = [
  ...['a > 0', 'a > 2', 'a >= 1 && b > 0', 'a > 3 || b > 1', 'a > 2 * b', '4 < a', '(a > 0 || b > 0) && a <= 3'],
  ...['b > 0 && a > 1', 'a < 2', '2 * a >= 3 * b', 'b >= a'],
]
const ORDERED = ['a > 0 THEN b > 0', '(a > 1 && b >= 0) THEN b > 0', 'b > 0 THEN a >= 2', 'a > 0 THEN (a > 0 || b > 1)']
const STATUSES = ['info', 'low', 'medium', 'high', 'critical']

const rule = fc
  .record({
    counted: fc.tuple(counted, counted),
    optional: fc.boolean(),
    groups: fc.constantFrom<readonly [string[], string[]]>(
      [[], []],
      [['@ip'], ['@ip']],
      [['@ip'], ['@app']],
      [
        ['@ip', '@app'],
        ['@ip', '@app'],
      ],
    ),
    signals: fc.constantFrom<(by: string[]) => string[]>(
      () => [],
      (by) => by.slice(0, 1),
      (by) => by.slice(-1),
    ),
    times: fc.constantFrom([60, 60, 60], [60, 300, 600], [300, 300, 300], [300, 900, 3600], [3600, 3600, 86_400]),
    cases: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.array(fc.tuple(fc.constantFrom(...CONDITIONS), fc.constantFrom(...STATUSES)), {
          minLength: 1,
          maxLength: 3,
        }),
      },
      fc.constantFrom(...ORDERED).map((condition): [string, string][] => [[condition, 'high']]),
    ),
  })
  .map(({ counted: [a, b], optional, groups: [first, second], signals, times, cases }): SiemRule => {
    const [evaluationWindow, keepAlive, maxSignalDuration] = times
    const more = optional ? { hasOptionalGroupByFields: true } : {}
    return readRule({
      ...{ name: 'n', message: 'm', isEnabled: true, type: 'log_detection' },
      queries: [
        { query: '@kind:fail', groupByFields: first, ...a, ...more },
        { query: '@kind:good', groupByFields: second, ...b },
      ],
      cases: cases.map(([condition, status]) => ({ name: '', status, condition })),
      options: { detectionMethod: 'threshold', evaluationWindow, keepAlive, maxSignalDuration },
      groupSignalsBy: signals(first),
    })
  })

/** The changes that the statements answer with, in one order. */
async function rowsIn(sql: string): Promise<string[]> {
  const rows = await rowsOf(sql)
  return rows
    .map(({ monitor, transition, group, at, value, severity }) =>
      JSON.stringify([monitor, transition, JSON.parse(String(group)), at, Number(value), severity ?? null]),
    )
    .sort()
}

const expectedRows = (changes: Replay['changes']): string[] =>
  changes
    .map((change) => {
      const { monitor, transition, group, at, value } = change
      return JSON.stringify([monitor, transition, group, at, value, 'severity' in change ? change.severity : null])
    })
    .sort()

test('200 pairs of rules and logs have the same signals as in the evaluator', { timeout: 300_000 }, async () => {
  let changed = 0
  const some = fc.array(rule, { minLength: 6, maxLength: 6 })
  const log = fc.array(event, { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(some, log, async (rules, lines) => {
      const named = rules.map((each, i) => ({ ...each, slug: `r${i}` }))
      const file = join(dir, 'log.jsonl')
      await writeFile(file, lines.join('\n'))
      const { sql, refused } = sqlOf(named, { from: [file] })
      expect(refused).toEqual([])
      const { changes } = await replay(named, lines)
      changed += changes.length
      expect(await rowsIn(sql)).toEqual(expectedRows(changes))
    }),
    { numRuns: 40, endOnFailure: true },
  )
  expect(changed).toBeGreaterThan(500)
})

const failures = [0, 1, 2, 400].map((second) =>
  JSON.stringify({ timestamp: new Date(BEGIN + second * 1000).toISOString(), kind: 'fail', ip: 'a' }),
)
const base = {
  ...{ name: 'n', message: 'm', isEnabled: true, type: 'log_detection' },
  queries: [{ query: '@kind:fail', aggregation: 'count', groupByFields: ['@ip'] }],
  cases: [{ name: '', status: 'low', condition: 'a > 0' }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 300, maxSignalDuration: 300 },
}

test('monitors and rules are said together: a change of a monitor has no severity', async () => {
  const monitor = readMonitor({
    ...{ name: 'Fails', type: 'log alert', message: 'm' },
    query: 'logs("@kind:fail").rollup("count").by("@ip").last("5m") > 1',
    options: { thresholds: { critical: 1 }, new_group_delay: 0, on_missing_data: 'resolve' },
  })
  const file = join(dir, 'both.jsonl')
  await writeFile(file, failures.join('\n'))
  const both = [monitor, readRule(base)]
  const { sql, monitors } = sqlOf(both, { from: [file] })
  expect(monitors).toEqual(['fails', 'n'])
  const { changes } = await replay(both, failures)
  expect(changes.length).toBeGreaterThan(4)
  expect(await rowsIn(sql)).toEqual(expectedRows(changes))
})

test('with a window of 0 each event is judged by itself, where their order does not matter', async () => {
  const options = { ...base.options, evaluationWindow: 0 }
  const file = join(dir, 'zero.jsonl')
  await writeFile(file, failures.join('\n'))
  const alone = readRule({ ...base, options })
  const { sql } = sqlOf([alone], { from: [file] })
  expect(await rowsIn(sql)).toEqual(expectedRows((await replay([alone], failures)).changes))
  const cases = [{ name: '', status: 'high', condition: 'a > 1' }, ...base.cases]
  for (const change of [{ cases }, { queries: [{ ...base.queries[0], aggregation: 'max', metrics: ['@n'] }] }]) {
    const { refused } = sqlOf([readRule({ ...base, options, ...change })], { from: [file] })
    expect(refused).toEqual([
      {
        monitor: 'n',
        reason: expect.stringContaining('evaluationWindow 0 judges the events of one instant in their order'),
      },
    ])
  }
})

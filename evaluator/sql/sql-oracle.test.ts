import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Monitor, type Replay, readMonitor, replay } from '../index.ts'
import { MEASURES, type Operator } from '../monitor/monitor-query.ts'
import { changesOf } from '../testing/duckdb.ts'
import { sqlOf } from './index.ts'

const SECOND_MS = 1_000
const BEGIN = Date.UTC(2026, 0, 5, 9)

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sql-'))
  return () => rm(dir, { recursive: true })
})

const quarter = fc.integer({ min: -8, max: 40 }).map((n) => n / 4)
const measure = fc.oneof(
  { weight: 6, arbitrary: quarter },
  quarter.map(String),
  fc.array(fc.oneof(quarter, fc.constantFrom(null, ['1', 2.5], 'x')), { maxLength: 3 }),
  fc.constantFrom<unknown>('text', undefined, null, true, { a: 1 }, 9007199254740992),
)
const address = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c') },
  fc.constantFrom<unknown>(undefined, ['a', 'b'], ['b', ['b', 'a']], 1, '1', 1.5, true, null, {}),
)
/** Most logs lie within some minutes; some come a day later, so that groups are forgotten or new again. */
const instant = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 0, max: 360 }).map((n) => n * 5 * SECOND_MS) },
  fc.integer({ min: 0, max: 4 * 86_400 }).map((n) => n * SECOND_MS),
)
const event = fc
  .record({
    at: instant,
    ip: address,
    user: fc.constantFrom<unknown>({ id: 'u1' }, { id: 'u2' }, { id: ['u1', 'u3'] }, undefined, [
      { id: 'u4' },
      { id: 'u1' },
    ]),
    n: measure,
    evt: fc.constantFrom('login', 'session', 'Login'),
    env: fc.constantFrom('prod', 'Test', undefined),
  })
  .map(({ at, user, ...rest }) => JSON.stringify({ timestamp: new Date(BEGIN + at).toISOString(), usr: user, ...rest }))

const operators = ['>', '>=', '<', '<=', '==', '!='] as const

/** Thresholds in an order that the reader of monitors accepts. */
const thresholdsOf = (operator: Operator) =>
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }), fc.nat(7))
    .map(([critical, toWarning, toRecovery, which]) => {
      if (operator === '==' || operator === '!=') return { critical }
      const quieter = operator.startsWith('>') ? -1 : 1
      const warning = critical + quieter * toWarning
      return {
        critical,
        ...(which & 1 && { warning }),
        ...(which & 2 && { critical_recovery: critical + quieter * toRecovery }),
        ...((which & 5) === 5 && { warning_recovery: warning + quieter * toRecovery }),
      }
    })

const REMINDS_OF_ALL = {
  renotify_interval: 15,
  renotify_statuses: ['alert', 'warn', 'no data'],
  renotify_occurrences: 3,
}

const monitor = fc
  .record({
    kind: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('count', 'cardinality') }, fc.constantFrom(...MEASURES)),
    search: fc.constantFrom('*', '*', '@evt:login', '-@n:text', '@n:>1', 'env:(prod OR test)'),
    by: fc.constantFrom('', '@ip', '@ip', '@usr.id,@ip', 'env'),
    window: fc.constantFrom('1m', '5m', '5m', '1h', '24h', '2880m'),
    operator: fc.constantFrom(...operators),
    missing: fc.constantFrom('default', 'default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
    newGroupDelay: fc.constantFrom(0, 0, 60, 90, 600),
    delay: fc.constantFrom(0, 0, 0, 30, 120),
    retention: fc.constantFrom(undefined, undefined, '60m', '25h'),
    timeout: fc.constantFrom(undefined, undefined, 1, 3),
    shared: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      () => ['*'],
      (by: string) => by.split(',').slice(0, 1),
    ),
    renotify: fc.constantFrom(
      undefined,
      undefined,
      { renotify_interval: 10 },
      { renotify_interval: 600 },
      REMINDS_OF_ALL,
    ),
  })
  .chain((asked) => thresholdsOf(asked.operator).map((thresholds) => ({ ...asked, thresholds })))
  .map(
    ({
      kind,
      search,
      by,
      window,
      operator,
      missing,
      newGroupDelay,
      delay,
      retention,
      timeout,
      renotify,
      shared,
      thresholds,
    }): Monitor => {
      const rollup = kind === 'count' ? '"count"' : `"${kind}","@n"`
      const grouped = by !== ''
      const query = `logs("${search}").rollup(${rollup})${grouped ? `.by("${by}")` : ''}.last("${window}") ${operator} ${thresholds.critical}`
      const options = {
        thresholds,
        on_missing_data: missing,
        evaluation_delay: delay,
        ...(grouped && { new_group_delay: newGroupDelay }),
        ...(grouped && retention !== undefined && { group_retention_duration: retention }),
        ...(timeout !== undefined && { timeout_h: timeout }),
        ...(shared !== undefined && grouped ? { notify_by: shared(by) } : renotify),
      }
      return readMonitor({ name: 'n', type: 'log alert', query, message: 'm', options })
    },
  )

/** The changes in one order: of those at one instant, the evaluator's order is that of its groups. */
const rows = (changes: Replay['changes']): string[] => changes.map((change) => JSON.stringify(change)).sort()

test('200 pairs of monitors and logs have the same changes as in the evaluator', { timeout: 300_000 }, async () => {
  let pairs = 0
  const some = fc.array(monitor, { minLength: 6, maxLength: 6 })
  const log = fc.array(event, { minLength: 1, maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(some, log, fc.boolean(), async (monitors, lines, silenceAfterEnd) => {
      const named = monitors.map((each, i) => ({ ...each, slug: `m${i}` }))
      const file = join(dir, 'log.jsonl')
      await writeFile(file, lines.join('\n'))
      const { sql, refused } = sqlOf(named, { from: [file], silenceAfterEnd })
      const said = named.filter(({ slug }) => !refused.some((refusal) => refusal.monitor === slug))
      pairs += said.length
      const { changes } = await replay(said, lines, { silenceAfterEnd })
      expect(rows(said.length > 0 ? await changesOf(sql) : [])).toEqual(rows(changes))
    }),
    { numRuns: 40, endOnFailure: true },
  )
  expect(pairs).toBeGreaterThanOrEqual(200)
})

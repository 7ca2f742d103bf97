import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Replayer } from '../replay/replay.ts'
import type { ReplayOptions } from '../replay/replay-options.ts'
import { BEGIN } from '../testing/random-monitors.ts'
import { ruleOf } from './state.ts'

const THRESHOLDS = [-1, 0, 1, 2, 3, 4, 6]
const FORMULAS = ['fail / pass', 'default_zero(fail) - default_zero(pass)', 'default_zero(fail)']

const variables = (by: readonly string[]) =>
  ['fail', 'pass'].map((outcome) => ({
    ...{ name: outcome, data_source: 'logs', search: { query: `@outcome:${outcome}` } },
    ...{ compute: { aggregation: 'count' }, group_by: by.map((facet) => ({ facet, limit: 2 })) },
  }))

/** The same monitor with each threshold, with every option that holds alerts back or ends them. */
const alike = fc
  .record({
    kind: fc.constantFrom('count', 'count', 'count', 'cardinality', 'avg', 'max', 'min', 'formula'),
    formula: fc.constantFrom(...FORMULAS),
    by: fc.constantFrom([], ['@ip'], ['@ip'], ['@ip', '@a', '@b', '@c']),
    operator: fc.constantFrom('>', '>', '>=', '<', '<=', '==', '!='),
    apart: fc.constantFrom(undefined, 1, 2),
    warns: fc.boolean(),
    minutes: fc.constantFrom(1, 2, 5),
    delays: fc.constantFrom(0, 60, 300),
    evaluationDelay: fc.constantFrom(0, 0, 90),
    missing: fc.constantFrom('default', 'default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
    retention: fc.constantFrom(undefined, '1h'),
    timeout: fc.constantFrom(undefined, 1),
    renotifies: fc.boolean(),
    notifyBy: fc.constantFrom(undefined, ['*'], ['@ip']),
  })
  .map(({ kind, formula, by, operator, apart, warns, ...more }): Monitor[] => {
    const isFormula = kind === 'formula'
    const facets = isFormula ? by.slice(0, 1) : by
    const rollup = kind === 'count' ? '"count"' : `"${kind}", "@n"`
    const grouped = facets.length > 0 ? `.by("${facets.join(',')}")` : ''
    const measured = isFormula
      ? `formula("${formula}")`
      : `logs("@outcome:fail").index("*").rollup(${rollup})${grouped}`
    const quieter = operator.startsWith('>') ? -1 : 1
    const isRanged = operator.length > 0 && !['==', '!='].includes(operator)
    return THRESHOLDS.map((critical, i) =>
      readMonitor({
        ...{ name: `number ${i}`, type: 'log alert', message: 'm' },
        query: `${measured}.last("${more.minutes}m") ${operator} ${critical}`,
        options: {
          thresholds: {
            critical,
            ...(isRanged && warns && { warning: critical + 2 * quieter }),
            ...(isRanged && apart !== undefined && { critical_recovery: critical + apart * quieter }),
          },
          ...(isFormula && { variables: variables(facets) }),
          ...(facets.length > 0 && {
            new_group_delay: more.delays,
            ...(more.retention && { group_retention_duration: more.retention }),
            ...(more.notifyBy && { notify_by: more.notifyBy }),
          }),
          ...(more.renotifies && { renotify_interval: 10 }),
          ...(more.timeout && { timeout_h: more.timeout }),
          ...{ evaluation_delay: more.evaluationDelay, on_missing_data: more.missing },
        },
      }),
    )
  })

const facet = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')
const log = fc
  .record({
    // Two bursts, the second after what has a duration has ended.
    at: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 7000, max: 7600 }), fc.constant(100_000)),
    outcome: fc.constantFrom('fail', 'fail', 'pass'),
    ip: fc.oneof({ weight: 8, arbitrary: facet as fc.Arbitrary<unknown> }, fc.constantFrom(undefined, ['a', 'b'])),
    ...{ a: fc.constant('1'), b: fc.constantFrom('1', '2'), c: fc.constant('1') },
    n: fc.integer({ min: 0, max: 6 }),
  })
  .map(
    ({ at, ...attributes }): IndexedLog => ({
      ...{ id: '', timestamp: BEGIN + at * 1000 },
      attributes: { ...attributes },
    }),
  )
const logs = fc
  .array(log, { minLength: 1, maxLength: 60 })
  .map((all) => all.toSorted((a, b) => a.timestamp - b.timestamp))

function transitionsOf(monitors: readonly Monitor[], all: readonly IndexedLog[], options: ReplayOptions) {
  const found: string[] = []
  const replayer = new Replayer(monitors, options, ({ monitor: { slug }, at, transition, group, value }) =>
    found.push(`${slug} ${at} ${JSON.stringify(group)} ${transition} ${value}`),
  )
  for (const each of all) replayer.push(each, each.timestamp)
  replayer.finish()
  return found.sort()
}

test('followers change their states when and how each would alone', () => {
  const mode = fc.record({ live: fc.boolean(), silenceAfterEnd: fc.boolean(), groupLimits: fc.boolean() })
  fc.assert(
    fc.property(alike, logs, mode, (monitors, all, options) => {
      const [low, high] = [true, false].map((fires) => monitors.filter((each) => ruleOf(each).firesOnLess === fires))
      const sets = [low ?? [], high ?? []].filter((set) => set.length > 0)
      const leaders = sets.flatMap(([first]) => first ?? [])
      const followersOf = (leader: Monitor) => sets.find(([first]) => first === leader)?.slice(1) ?? []
      expect(transitionsOf(leaders, all, { ...options, followersOf })).toEqual(transitionsOf(monitors, all, options))
    }),
    { numRuns: 300 },
  )
})

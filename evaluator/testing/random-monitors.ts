import fc from 'fast-check'
import { readMonitor } from '../estate/index.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'

const SECOND_MS = 1000
/** The start of every random log: on a full hour. */
export const BEGIN = Date.UTC(2026, 0, 5, 9)

/** A random monitor, and what it was made of. */
export interface RandomMonitor {
  readonly monitor: Monitor
  readonly kind: 'count' | 'cardinality' | 'avg' | 'max' | 'min' | 'formula'
  readonly grouped: boolean
  readonly operator: '>' | '>=' | '<' | '<='
  readonly critical: number
  readonly windowMs: number
  readonly newGroupDelayMs: number
  readonly evaluationDelayMs: number
}

const variables = (grouped: boolean) =>
  ['fail', 'pass'].map((outcome) => ({
    ...{ name: outcome, data_source: 'logs', search: { query: `@outcome:${outcome}` } },
    ...{ compute: { aggregation: 'count' }, group_by: grouped ? [{ facet: '@ip', limit: 2 }] : [] },
  }))

const FORMULAS = ['fail / pass', 'default_zero(fail) - default_zero(pass)', '2 * fail + default_zero(pass)']

/** Monitors of each form, over `@outcome`, `@ip` and `@n`, with any of the options that hold alerts back. */
export const randomMonitor: fc.Arbitrary<RandomMonitor> = fc
  .record({
    kind: fc.constantFrom('count', 'count', 'cardinality', 'avg', 'max', 'min', 'formula'),
    formula: fc.constantFrom(...FORMULAS),
    grouped: fc.boolean(),
    operator: fc.constantFrom('>', '>', '>=', '<', '<='),
    critical: fc.integer({ min: 1, max: 5 }),
    warns: fc.boolean(),
    recovers: fc.boolean(),
    minutes: fc.constantFrom(1, 2, 5),
    newGroupDelay: fc.constantFrom(0, 60, 300),
    evaluationDelay: fc.constantFrom(0, 0, 90),
    missing: fc.constantFrom('default', 'show_no_data', 'show_and_notify_no_data', 'resolve'),
    renotifies: fc.boolean(),
    together: fc.boolean(),
  })
  .map(({ kind, formula, grouped, operator, critical, minutes, newGroupDelay, evaluationDelay, ...more }) => {
    const quieter = operator.startsWith('>') ? -1 : 1
    const isFormula = kind === 'formula'
    const rollup = kind === 'count' ? '"count"' : `"${kind}", "@n"`
    const measured = isFormula
      ? `formula("${formula}")`
      : `logs("@outcome:fail").index("*").rollup(${rollup})${grouped ? '.by("@ip")' : ''}`
    const monitor = readMonitor({
      ...{ name: 'random', type: 'log alert', message: 'm' },
      query: `${measured}.last("${minutes}m") ${operator} ${critical}`,
      options: {
        thresholds: {
          critical,
          ...(more.warns && { warning: critical + quieter }),
          ...(more.recovers && { critical_recovery: critical + quieter }),
        },
        ...(isFormula && { variables: variables(grouped) }),
        ...(grouped && { new_group_delay: newGroupDelay, ...(more.together && { notify_by: ['*'] }) }),
        ...(more.renotifies && { renotify_interval: 10 }),
        ...{ evaluation_delay: evaluationDelay, on_missing_data: more.missing },
      },
    })
    return {
      ...{ monitor, kind, grouped, operator, critical, windowMs: minutes * 60 * SECOND_MS },
      newGroupDelayMs: grouped ? newGroupDelay * SECOND_MS : 0,
      evaluationDelayMs: evaluationDelay * SECOND_MS,
    }
  })

const randomLog = fc
  .record({
    at: fc.integer({ min: 0, max: 60 * 14 }),
    outcome: fc.constantFrom('fail', 'fail', 'pass', undefined),
    ip: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c') },
      fc.constantFrom(undefined, ['a', 'b']),
    ),
    n: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.constantFrom(undefined, 'text')),
  })
  .map(
    ({ at, ...attributes }): IndexedLog => ({
      ...{ id: '', timestamp: BEGIN + at * SECOND_MS },
      attributes: Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined)),
    }),
  )

/** Logs of a quarter of an hour, in order of time. */
export const randomLogs: fc.Arbitrary<IndexedLog[]> = fc
  .array(randomLog, { minLength: 1, maxLength: 30 })
  .map((logs) => logs.toSorted((a, b) => a.timestamp - b.timestamp))

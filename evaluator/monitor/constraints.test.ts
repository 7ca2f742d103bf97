import { expect, test } from 'vitest'
import { constraints, OPTION_VALUES } from './constraints.ts'
import { parseMonitorQuery } from './monitor-query.ts'

const rollup = (end: string, by = '') => parseMonitorQuery(`logs("a").rollup("count")${by}.last("5m") ${end}`)
const plain = rollup('> 10')
const grouped = rollup('> 10', '.by("@ip,host")')
const below = rollup('< 10')
const formula = parseMonitorQuery('formula("a").last("5m") > 10')

/** For each constraint: options that keep it, and options that break it. */
const sides: Readonly<Record<string, readonly [query: typeof plain, kept: object[], broken: object[]]>> = {
  'threshold-is-a-number': [plain, [{ thresholds: { critical: 10 } }], [{ thresholds: { critical: '10' } }]],
  'threshold-is-known': [plain, [{ thresholds: { critical: 10, warning: null } }], [{ thresholds: { ok: 1 } }]],
  'thresholds-need-critical': [
    plain,
    [{}, { thresholds: {} }, { thresholds: { ok: 1 } }, { thresholds: { critical: 10, warning: 1 } }],
    [{ thresholds: { warning: 1 } }, { thresholds: { critical: null, critical_recovery: 1 } }],
  ],
  'critical-is-the-number-of-the-query': [
    plain,
    [{ thresholds: { critical: 10.0 } }],
    [{ thresholds: { critical: 11 } }],
  ],
  'warning-is-on-the-quiet-side': [
    plain,
    [{ thresholds: { critical: 10, warning: 9.9 } }],
    [{ thresholds: { critical: 10, warning: 10 } }],
  ],
  'critical-recovery-is-on-the-quiet-side': [
    below,
    [{ thresholds: { critical: 10, critical_recovery: 11 } }],
    [{ thresholds: { critical: 10, critical_recovery: 10 } }],
  ],
  'warning-recovery-is-on-the-quiet-side': [
    plain,
    [{ thresholds: { critical: 10, warning: 5, warning_recovery: 4 } }],
    [{ thresholds: { critical: 10, warning: 5, warning_recovery: 5 } }, { thresholds: { warning_recovery: 5 } }],
  ],
  'new-group-delay-needs-groups': [
    plain,
    [{ new_group_delay: 0 }, { new_group_delay: null }],
    [{ new_group_delay: 60 }],
  ],
  'notify-by-needs-groups': [plain, [{ notify_by: [] }, { notify_by: ['*'] }], [{ notify_by: ['@ip'] }]],
  'notify-by-star-needs-groups': [plain, [{ notify_by: [] }], [{ notify_by: ['*'] }]],
  'notify-by-names-groups': [grouped, [{ notify_by: ['host'] }, { notify_by: ['*'] }], [{ notify_by: ['@sid'] }]],
  'notify-by-star-stands-alone': [grouped, [{ notify_by: ['*'] }], [{ notify_by: ['*', 'host'] }]],
  'notify-by-leaves-a-group-key-out': [grouped, [{ notify_by: ['host'] }], [{ notify_by: ['host', '@ip'] }]],
  'renotify-occurrences-needs-interval': [
    plain,
    [{ renotify_occurrences: 0 }, { renotify_occurrences: 2, renotify_interval: 10 }],
    [{ renotify_occurrences: 2 }, { renotify_occurrences: 2, renotify_interval: 0 }],
  ],
  'renotify-statuses-needs-interval': [
    plain,
    [{ renotify_statuses: [] }, { renotify_statuses: ['alert'], renotify_interval: 10 }],
    [{ renotify_statuses: ['alert'] }, { renotify_statuses: ['alert'], renotify_interval: null }],
  ],
  'escalation-message-needs-interval': [
    plain,
    [{ escalation_message: '' }, { escalation_message: 'm', renotify_interval: 10 }],
    [{ escalation_message: 'm' }],
  ],
  'group-retention-needs-groups': [plain, [{}], [{ group_retention_duration: '2h' }]],
  'evaluation-window-values': [
    plain,
    [
      {
        scheduling_options: { evaluation_window: { day_starts: '04:00', month_starts: 1, timezone: 'Europe/Zurich' } },
      },
      { scheduling_options: { evaluation_window: { hour_starts: 59, day_starts: null } } },
      { scheduling_options: {} },
    ],
    [
      { scheduling_options: { evaluation_window: { hour_starts: 60 } } },
      { scheduling_options: { evaluation_window: { day_starts: '24:00' } } },
      { scheduling_options: { evaluation_window: { month_starts: 2 } } },
    ],
  ],
  'evaluation-window-hours-stand-alone': [
    plain,
    [{ scheduling_options: { evaluation_window: { hour_starts: 0 } } }],
    [{ scheduling_options: { evaluation_window: { hour_starts: 0, day_starts: '04:00' } } }],
  ],
  'variables-have-different-names': [
    formula,
    [{ variables: [{ name: 'a' }, { name: 'b' }, {}] }],
    [{ variables: [{ name: 'a' }, { name: 'a' }] }],
  ],
}

test('each constraint is tried on both sides, and each has a source', () => {
  expect(Object.keys(sides).sort()).toEqual(constraints.map(({ id }) => id).sort())
  expect(constraints.filter(({ source }) => source === '')).toEqual([])
})

test.each(constraints)('$id', ({ id, find }) => {
  const [query, kept, broken] = sides[id] ?? [plain, [], []]
  for (const options of kept) expect(find({ options: { ...options }, query }), JSON.stringify(options)).toEqual([])
  for (const options of broken) {
    expect(find({ options: { ...options }, query }), JSON.stringify(options)).not.toEqual([])
  }
})

test('a formula is grouped by the facets of its variables', () => {
  const groups = [{ name: 'a', group_by: [{ facet: '@ip' }] }]
  const found = (options: object) =>
    constraints.flatMap(({ find }) => find({ options: { ...options }, query: formula })).map(({ path }) => path)
  expect(found({ variables: groups, new_group_delay: 60, notify_by: ['*'] })).toEqual([])
  expect(found({ variables: [{ name: 'a' }], new_group_delay: 60 })).toEqual(['new_group_delay'])
  expect(found({ variables: groups, notify_by: ['@sid'] })).toEqual(['notify_by'])
})

/** For each option: values that the API takes, and values that it refuses. */
const values: Readonly<Record<string, readonly [taken: unknown[], refused: unknown[]]>> = {
  thresholds: [[{}], [[], 5]],
  on_missing_data: [
    ['default', 'resolve', 'show_no_data', 'show_and_notify_no_data'],
    ['ok', true],
  ],
  group_retention_duration: [
    ['1h', '60m', '72h', '3d', '4320m'],
    ['59m', '73h', '4d', 3600],
  ],
  new_group_delay: [
    [0, 60, 86_400],
    [-1, 1.5, '60', 86_401],
  ],
  new_host_delay: [
    [0, 300],
    [-1, '300'],
  ],
  evaluation_delay: [
    [0, 900],
    [-1, 86_401],
  ],
  renotify_interval: [
    [0, 10],
    [-1, 1.5, 10_081],
  ],
  renotify_statuses: [
    [[], ['alert', 'warn', 'no data']],
    [['ok'], 'alert'],
  ],
  renotify_occurrences: [[1], [-1, '1']],
  escalation_message: [['m'], [5]],
  include_tags: [[true], ['true']],
  enable_logs_sample: [[false], [0]],
  notify_audit: [[false], [0]],
  notify_by: [
    [['*'], []],
    ['*', [1]],
  ],
  timeout_h: [
    [0, 24],
    [25, -1],
  ],
  notification_preset_name: [['show_all', 'hide_handles_and_footer'], ['hide']],
  groupby_simple_monitor: [[true], ['true']],
  scheduling_options: [[{}], [[]]],
  variables: [[[{}]], [{}, ['a']]],
}

test.each(Object.entries(OPTION_VALUES))('%s has the values that are documented', (name, { check, source }) => {
  const [taken, refused] = values[name] ?? [[], []]
  expect([taken.length > 0, refused.length > 0, source !== '']).toEqual([true, true, true])
  expect(taken.map(check).filter((fault) => fault !== undefined)).toEqual([])
  expect(refused.filter((value) => check(value) === undefined)).toEqual([])
})

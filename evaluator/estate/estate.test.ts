import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Estate, EstateError, loadEstate } from './estate.ts'

const monitor = {
  name: 'Errors by service',
  type: 'log alert',
  query: 'logs("status:error").index("*").rollup("count").by("service").last("5m") > 10',
  message: '@ops',
  options: { thresholds: { critical: 10 } },
}
/** As the UI exports it, with what it adds, and what was never set as null. */
const exported = {
  ...monitor,
  ...{
    id: 7,
    multi: true,
    created: '2026-01-01',
    creator: {},
    overall_state: 'OK',
    deleted: null,
    tags: null,
    priority: null,
  },
  restriction_policy: { bindings: [] },
  options: {
    ...{ thresholds: { critical: 10, warning: null }, new_host_delay: 300, silenced: {}, enable_logs_sample: null },
    ...{ notify_no_data: false, require_full_window: false, groupby_simple_monitor: false, locked: false },
  },
}

async function estateOf(files: Record<string, unknown>): Promise<{ dir: string; estate: Estate }> {
  const dir = await mkdtemp(join(tmpdir(), 'estate-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content))
  }
  return { dir, estate: await loadEstate(dir) }
}

const findingsOf = ({ readings }: Estate) =>
  readings.flatMap(({ slug, faults, refusals, notes }) =>
    [...faults, ...refusals, ...notes].map(({ place, reason }) => `${slug} ${place}: ${reason}`),
  )

test('each form of a monitor is found under the name of its file, folder or own', async () => {
  const { estate } = await estateOf({
    'errors.json': monitor,
    'logins/monitor.json': exported,
    'integration.json': { version: 2, title: 't', tags: [], definition: exported },
    'all.json': [
      { ...exported, name: 'Slow [prod]' },
      { name: 'a list', type: 'managed' },
    ],
    'more.json': { monitors: [{ ...exported, name: 'Fast' }] },
    'expect.json': { errors: [] },
    'dashboard.json': { title: 'd', widgets: [] },
    'node_modules/x.json': monitor,
    '.terraform/x.json': monitor,
  })
  expect(estate.monitors.map(({ slug }) => slug)).toEqual(['errors', 'fast', 'integration', 'logins', 'slow-prod'])
  expect(estate.passedOver).toEqual([expect.stringMatching(/dashboard\.json$/)])
  expect(findingsOf(estate)).toEqual([])
  expect(estate.readings.find(({ slug }) => slug === 'logins')?.stripped).toContain('overall_state')
  expect(estate.monitors[3]).toMatchObject({ tags: [], priority: null, options: { thresholds: { critical: 10 } } })
  expect(estate.monitors[3]?.options.thresholds).not.toHaveProperty('warning')
})

test('a monitor that is not evaluated here is reported by file, place and reason, and the others are read', async () => {
  const formula = { ...monitor, query: 'formula("a / b").last("5m") > 10', options: { variables: [{ name: 'a' }] } }
  const { estate, dir } = await estateOf({
    'cpu.json': { name: 'CPU', type: 'query alert', query: 'avg(last_5m):avg:system.cpu.user{*} > 90' },
    'formula.json': formula,
    'monthly.json': { ...monitor, query: monitor.query.replace('last("5m")', 'current("1mo")') },
    'typo.json': { ...monitor, query: monitor.query.replace('status:', 'status:=') },
    'off.json': { ...monitor, options: { thresholds: { critical: 11 } } },
    'odd.json': { name: 'x', type: 'logs alert', query: 'logs()' },
    'good.json': monitor,
    'twice.json': '{"name": "n",\n "name": "m"}',
    'broken.json': '{',
  })
  expect(estate.monitors.map(({ slug }) => slug)).toEqual(['good'])
  expect(findingsOf(estate)).toEqual([
    'cpu type: "query alert" is not evaluated here, only "log alert"',
    'formula options.variables[0].data_source: must be "logs"',
    'formula query: `b` is not the name of a query in options.variables',
    'monthly query: a cumulative window, .current("1mo"), is not evaluated here',
    'odd type: "logs alert" is not a type of monitor',
    'off options.thresholds.critical: Alert threshold (11) does not match that used in the query (10).',
    expect.stringMatching(/^typo query:14: `=` must be escaped/),
  ])
  expect(estate.broken.map(({ file, place, reason }) => `${file.slice(dir.length)}:${place} ${reason}`)).toEqual([
    expect.stringMatching(/^\/broken\.json:1:2 is not JSON/),
    '/twice.json:2:2 the key "name" occurs twice',
  ])
})

test('an entry of a list of monitors that is not an object is reported by its place; a list of other things is skipped', async () => {
  const { estate } = await estateOf({
    'all.json': [5, monitor, null],
    'more.json': { monitors: [{ ...monitor, name: 'Fast' }, 'x'] },
    'numbers.json': [5, null],
  })
  expect(estate.monitors.map(({ slug }) => slug)).toEqual(['errors-by-service', 'fast'])
  expect(findingsOf(estate)).toEqual([
    'monitor-1 [0]: must be an object',
    'monitor-2 monitors[1]: must be an object',
    'monitor-3 [2]: must be an object',
  ])
  expect(estate.passedOver).toEqual([expect.stringMatching(/numbers\.json$/)])
})

test('options without effect, or with a meaning that we chose, are notes', async () => {
  const options = {
    ...{
      thresholds: { critical: 10, ok: 0 },
      notify_no_data: true,
      no_data_timeframe: 20,
      groupby_simple_monitor: true,
    },
    ...{ silenced: { '*': null }, mystery: 1, new_host_delay: 60, timeout_h: 60, notify_audit: null },
  }
  const { estate } = await estateOf({ 'a.json': { ...monitor, draft_status: 'draft', colour: 'red', options } })
  expect(findingsOf(estate)).toEqual([
    'a colour: is not a key of a monitor',
    'a draft_status: a draft is evaluated but never notifies',
    'a options.no_data_timeframe: belongs to metric monitors; use on_missing_data in a log monitor',
    'a options.silenced: is deprecated: a muted monitor is evaluated like any other',
    'a options.mystery: is not an option of a log monitor',
    'a options.thresholds.ok: is not a threshold of a log monitor',
    'a options.groupby_simple_monitor: is read as notify_by ["*"]',
    'a options.new_host_delay: is deprecated, and applies to monitors grouped by host only',
    'a options.notify_no_data: is read as on_missing_data "show_and_notify_no_data"',
  ])
  expect(estate.monitors[0]?.options).toMatchObject({ notify_by: ['*'], on_missing_data: 'show_and_notify_no_data' })
})

test('monitors of one name are named by their paths, those of one list by a number', async () => {
  const { estate } = await estateOf({
    'a/errors.json': monitor,
    'b/errors/monitor.json': monitor,
    'c.json': [monitor, monitor],
  })
  expect(estate.monitors.map(({ slug }) => slug)).toEqual([
    'a/errors',
    'b/errors',
    'c/errors-by-service',
    'c/errors-by-service#2',
  ])
  expect(new Set(estate.monitors.map(({ id }) => id)).size).toBe(4)
})

/** What the provider writes into a state: blocks are lists, thresholds are texts, what was never set is empty. */
const terraform = {
  ...{ name: 'Errors', type: 'log alert', query: monitor.query, message: '@ops', tags: ['team:a'], priority: '2' },
  monitor_thresholds: [
    { critical: '10', critical_recovery: '5.5', warning: '', ok: '', unknown: '', warning_recovery: '' },
  ],
  ...{ monitor_threshold_windows: [], on_missing_data: 'resolve', group_retention_duration: '', new_group_delay: 0 },
  ...{ notify_no_data: false, no_data_timeframe: null, require_full_window: true, renotify_interval: 30, timeout_h: 0 },
  ...{
    renotify_statuses: [],
    renotify_occurrences: 0,
    notify_by: [],
    evaluation_delay: 0,
    notification_preset_name: '',
  },
  ...{
    id: '7',
    force_delete: null,
    validate: null,
    restricted_roles: null,
    enable_samples: null,
    effective_tags: ['team:a'],
  },
  ...{ scheduling_options: [], variables: [], include_tags: true, escalation_message: '', draft_status: 'published' },
}
const resource = (type: string, name: string, values: object) => ({
  ...{ address: `${type}.${name}`, mode: 'managed', type, name, values },
})

test('the output of terraform show -json is read as what the provider would send, by resource address', async () => {
  const values = {
    root_module: {
      resources: [
        resource('datadog_monitor', 'errors["eu"]', terraform),
        resource('datadog_monitor', 'daily', {
          ...terraform,
          query: terraform.query.replace('last("5m")', 'current("1d")'),
          scheduling_options: [
            { custom_schedule: [], evaluation_window: [{ day_starts: '04:00', month_starts: null }] },
          ],
        }),
        resource('datadog_monitor', 'ratio', {
          ...terraform,
          query: 'formula("a").last("5m") > 10',
          variables: [
            {
              cloud_cost_query: [],
              event_query: [
                {
                  ...{ name: 'a', data_source: 'logs', search: [{ query: '*' }] },
                  ...{ compute: [{ aggregation: 'count', interval: null, metric: '' }], indexes: ['*'] },
                  group_by: [{ facet: '@ip', limit: 5, sort: [{ aggregation: 'count', metric: '', order: 'asc' }] }],
                },
              ],
            },
          ],
        }),
        resource('datadog_monitor', 'old', { ...terraform, monitor_thresholds: [], thresholds: { critical: '10.0' } }),
        resource('datadog_dashboard', 'd', {}),
        { ...resource('datadog_monitor', 'read', terraform), mode: 'data' },
      ],
      child_modules: [
        {
          address: 'module.json',
          resources: [
            resource('datadog_monitor_json', 'good', { monitor: JSON.stringify(exported) }),
            resource('datadog_monitor_json', 'twice', { monitor: '{"type":"log alert","type":"log alert"}' }),
          ],
        },
      ],
    },
  }
  const { estate, dir } = await estateOf({
    'state.json': { format_version: '1.0', terraform_version: '1.9.0', values },
  })
  expect(estate.monitors.map(({ slug }) => slug)).toEqual([
    'datadog_monitor.errors["eu"]',
    'datadog_monitor.old',
    'datadog_monitor.ratio',
    'datadog_monitor_json.good',
  ])
  expect(estate.monitors[1]?.options.thresholds).toEqual({ critical: 10 })
  expect(findingsOf(estate)).toEqual([
    'datadog_monitor.daily datadog_monitor.daily.query: a cumulative window, .current("1d"), is not evaluated here',
    'datadog_monitor_json.twice datadog_monitor_json.twice.monitor:1:21: the key "type" occurs twice',
  ])
  expect(estate.monitors[0]).toMatchObject({
    name: 'Errors',
    priority: 2,
    tags: ['team:a'],
    options: { thresholds: { critical: 10, critical_recovery: 5.5 }, on_missing_data: 'resolve', new_group_delay: 0 },
  })

  await writeFile(join(dir, 'plan.json'), JSON.stringify({ format_version: '1.2', planned_values: values }))
  const plan = await loadEstate(join(dir, 'plan.json'))
  expect(plan.monitors.map(({ slug }) => slug)).toEqual(estate.monitors.map(({ slug }) => slug))
})

test('a place that is not there is an error, an empty one is an empty estate', async () => {
  await expect(loadEstate('/no/such/place')).rejects.toThrow(EstateError)
  expect((await estateOf({})).estate).toEqual({
    monitors: [],
    readings: [],
    rules: [],
    ruleReadings: [],
    broken: [],
    passedOver: [],
  })
})

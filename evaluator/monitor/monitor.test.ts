import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseFormula } from './formula.ts'
import { loadMonitors, MonitorError, readImportable } from './monitor.ts'
import { parseMonitorQuery, QueryError } from './monitor-query.ts'

const query = 'logs("service:web @evt:login").index("*").rollup("count").by("@ip").last("5m") > 10'
const monitor = {
  name: 'n',
  type: 'log alert',
  query,
  message: 'm',
  tags: [],
  options: { thresholds: { critical: 10 } },
}

test('a query is read into its parts', () => {
  expect(
    parseMonitorQuery('logs("a").index("main").rollup("cardinality", "@usr.email").by("@ip,env").last("2h") >= 2.5'),
  ).toMatchObject({
    search: 'a',
    index: 'main',
    rollup: { kind: 'cardinality', of: { name: '@usr.email', field: { kind: 'attribute', path: 'usr.email' } } },
    by: [{ name: '@ip' }, { name: 'env', field: { kind: 'tag', key: 'env' } }],
    windowMs: 7_200_000,
    operator: '>=',
    threshold: 2.5,
  })
  expect(parseMonitorQuery('logs("*").rollup("count").last("1d") < 1')).toMatchObject({
    by: [],
    index: '*',
    windowMs: 86_400_000,
  })
})

test.each(['<', '<=', '>', '>=', '==', '!='])('%s is an operator', (operator) => {
  expect(parseMonitorQuery(`logs("a").rollup("count").last("5m") ${operator} 1`).operator).toBe(operator)
})

test.each(['avg', 'sum', 'min', 'max', 'median', 'pc75', 'pc90', 'pc95', 'pc98', 'pc99'])('%s is a rollup', (kind) => {
  expect(parseMonitorQuery(`logs("a").rollup("${kind}", "@duration").last("5m") > 1.5e3`)).toMatchObject({
    form: 'logs',
    rollup: { kind, of: { name: '@duration' } },
    threshold: 1500,
  })
})

test('a cumulative window and a formula are read as what they are', () => {
  expect(parseMonitorQuery('logs("a").rollup("count").by("@ip").current("1mo") > 1')).toMatchObject({
    form: 'cumulative',
    since: '1mo',
    by: [{ name: '@ip' }],
  })
  expect(parseMonitorQuery('formula("100 * errors / all").last("5m") >= 2')).toEqual({
    form: 'formula',
    formula: '100 * errors / all',
    expression: parseFormula('100 * errors / all'),
    windowMs: 300_000,
    since: undefined,
    operator: '>=',
    threshold: 2,
  })
})

test('quotes inside the search are escaped, its own escapes are kept', () => {
  expect(parseMonitorQuery('logs("@a:\\"x y\\" @b:c\\:d @e:f\\\\:g").rollup("count").last("5m") > 1')).toMatchObject({
    search: '@a:"x y" @b:c\\:d @e:f\\:g',
  })
})

/** Forms met in monitors that others publish: DataDog/integrations-core assets, examples of the API clients, Terraform modules. */
test.each([
  'logs("source:a").rollup("count").last("1m")>0',
  'logs("service:a AND type:error").index("main").rollup("count").by("source").last("5m") > 2\n',
  'logs("source:a @evt.name:b.c.d").index("*").rollup("count").by("@e.sys.id,@f.sys.id,@g.sys.id,@h.sys.id").last("12h") >= 1',
  'logs("@n:<=0 status:(error OR critical) -@path:*/events").index("*").rollup("cardinality", "@id").last("26h") > 0.5',
  'logs("(-\\"/a/*\\" OR \\"/.well-known/b\\") host:*c\\-d*").rollup("pc95", "@duration").by("@http.url_details.path").last("1h") > 2.5e8',
  'logs("(error\\\\:*\\\\:* OR status:error) -@type:http-log a;b").rollup("count").last("5m") > 1',
  'logs("EdgeResponseStatus:>=500 version:1.2.3").rollup("count").by("WorkerScriptName").last("5m") > 50',
])('a published form is read: %s', (text) => {
  expect(parseMonitorQuery(text).form).toBe('logs')
})

test.each([
  'logs("service:auth")\n  .index("*")\n  .rollup("count").by("@network.client.ip")\n  .last("5m") > 5\n',
  '\n  logs( "service:auth" ) . index ( "*" ).rollup( "count" ) .by( "@network.client.ip" )\t.last( "5m" )\n > 5',
  'logs("\n  service:auth\r\n").index("*").rollup("count").by("@network.client.ip").last("5m") >\n5',
])('blanks and line breaks may stand between the parts of a query: %j', (text) => {
  expect(parseMonitorQuery(text)).toMatchObject({
    node: { kind: 'match', target: { kind: 'reserved', name: 'service' } },
    rollup: { kind: 'count' },
    by: [{ name: '@network.client.ip' }],
    threshold: 5,
  })
})

test('a count of a facet is a count of logs, and says so', () => {
  const text = 'logs("a").rollup( "count" , "@sender_id" ).last("1h") > 5'
  expect(parseMonitorQuery(text)).toMatchObject({ rollup: { kind: 'count' }, countedFacet: { name: '@sender_id' } })
  expect(faultsOf({ ...monitor, query: text, options: {} })).toEqual([expect.stringMatching(/^query: .* counts logs/)])
})

test.each([
  [
    String.raw`logs("@a:\"Number of \\"Alias set\\" Errors\"").rollup("count").last("15m") > 0`,
    'Number of "Alias set" Errors',
  ],
  [
    String.raw`logs("@a:\"Number of \\\"Alias set\\\" Errors\"").rollup("count").last("15m") > 0`,
    'Number of "Alias set" Errors',
  ],
  [String.raw`logs("@a:\"C:\\dir\"").rollup("count").last("15m") > 0`, 'C:\\dir'],
  [String.raw`logs("@a:\"C:\\\\dir\"").rollup("count").last("15m") > 0`, 'C:\\dir'],
  [String.raw`logs("@a:x\\:y").rollup("count").last("15m") > 0`, 'x:y'],
  [String.raw`logs("@a:x\:y").rollup("count").last("15m") > 0`, 'x:y'],
])('a backslash in the search is read in the spelling of the API and in that of others: %s', (text, value) => {
  expect(parseMonitorQuery(text)).toMatchObject({ node: { value: { text: value } } })
})

const refusedQueries: [query: string, position: number, reason: RegExp][] = [
  ["logs('a').rollup('count').last('5m') > 1", 5, /double quotes/],
  ['avg(last_5m):avg:system.load.1{*} > 1', 0, /must begin with logs/],
  ['formula("a").rollup("count") > 1', 12, /expected \.last\("5m"\)/],
  ['logs("a").rollup("count").over("last_5m") > 1', 25, /service checks/],
  ['logs("a").rollup("count").current("2h") > 1', 34, /not a cumulative window/],
  ['logs("a").rollup("count").by("@a","@b").last("5m") > 1', 33, /one string/],
  ['logs("a").rollup("count").by("@a,@b,@c,@d,@e").last("5m") > 1', 29, /at most 4/],
  ['logs("a").rollup("count").by("@a,@a").last("5m") > 1', 29, /twice/],
  ['logs("a").rollup("count").by("").last("5m") > 1', 29, /not the name/],
  ['logs("a").rollup("avg").last("5m") > 1', 22, /needs a measure/],
  ['logs("a").rollup("most").last("5m") > 1', 17, /not known/],
  ['logs("a").rollup("cardinality").last("5m") > 1', 30, /needs the facet/],
  ['logs("a").last("5m") > 1', 9, /rollup/],
  ['logs("a").rollup("count") > 1', 25, /last/],
  ['logs("a").rollup("count").last("0m") > 1', 31, /not a window/],
  ['logs("a").rollup("count").last("2881m") > 1', 31, /not a window/],
  ['logs("a").rollup("count").last("49h") > 1', 31, /not a window/],
  ['logs("a").rollup("count").last("5m") ~ 1', 37, /operator/],
  ['logs("a").rollup("count").last("5m") > ten', 39, /number/],
  ['logs("a").rollup("count").last("5m") > 1 and more', 39, /number/],
  ['logs("@a:\\"b\\" @c:d=e").rollup("count").last("5m") > 1', 19, /`=` must be escaped/],
  ['logs("a', 5, /not closed/],
  ['logs("a").rollup("count").last("5m") - logs("b").rollup("count").last("5m") > 1', 37, /formula/],
  ['logs("a\\\\\\\\b=").rollup("count").last("5m") > 1', 12, /escaped/],
  ['logs("a "b c"").rollup("count").last("5m") > 1', 9, /escape a quote/],
]

test.each(refusedQueries)('%s is refused at %i', (text, position, reason) => {
  let fault: unknown
  try {
    parseMonitorQuery(text)
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(QueryError)
  expect(fault).toMatchObject({ position, message: expect.stringMatching(reason) })
})

const faultsOf = (json: unknown): string[] => {
  try {
    readImportable(typeof json === 'string' ? json : JSON.stringify(json), 'detections/slug/monitor.json')
  } catch (error) {
    if (error instanceof MonitorError) return error.faults.map(({ place, reason }) => `${place}: ${reason}`)
    throw error
  }
  return []
}

const withOptions = (options: object) => ({ ...monitor, options: { thresholds: { critical: 10 }, ...options } })
const withThresholds = (thresholds: object, operator = '>') => ({
  ...monitor,
  query: query.replace('>', operator),
  options: { thresholds },
})

test('a monitor is what the API takes, under the name of its folder', () => {
  expect(readImportable(JSON.stringify(monitor), 'detections/slug/monitor.json')).toMatchObject({
    slug: 'slug',
    name: 'n',
    query,
  })
})

test.each<[string, unknown, RegExp]>([
  ['text that is not JSON', '{\n  "name": oops }', /^2:1\d: is not JSON/],
  ['a list', [], /: must be a JSON object/],
  ['a missing query', { ...monitor, query: undefined }, /^query: is missing/],
  ['an export with its id', { ...monitor, id: 7 }, /^id: is read-only/],
  ['an export with its state', { ...monitor, overall_state: 'OK' }, /^overall_state: is read-only/],
  ['an unknown key', { ...monitor, mesage: 'x' }, /^mesage: is not a key/],
  ['another type', { ...monitor, type: 'metric alert' }, /^type: "metric alert" is not evaluated here/],
  ['a draft', { ...monitor, draft_status: 'draft' }, /^draft_status/],
  [
    'a repeated key',
    '{\n  "name": "n",\n  "options": {"a": 1, "\\u0061": 2}}',
    /^3:23: the key "\\u0061" occurs twice/,
  ],
  [
    'a formula without its queries',
    { ...monitor, query: 'formula("a").last("5m") > 10' },
    /^query: `a` is not the name/,
  ],
  [
    'a formula in a catalogue, whose proofs are of one query',
    {
      ...monitor,
      query: 'formula("a").last("5m") > 10',
      options: {
        variables: [{ name: 'a', data_source: 'logs', search: { query: '*' }, compute: { aggregation: 'count' } }],
      },
    },
    /^query: a formula\("…"\) is not proved here/,
  ],
  ['a cumulative window', { ...monitor, query: query.replace('last("5m")', 'current("1h")') }, /^query: a cumulative/],
  ['an unknown type', { ...monitor, type: 'logs alert' }, /^type: "logs alert" is not a type/],
  ['a priority out of range', { ...monitor, priority: 6 }, /^priority/],
  ['tags that are one text', { ...monitor, tags: 'a,b' }, /^tags: must be a list/],
  ['a fault in the search', { ...monitor, query: query.replace('@evt:', '@evt:=') }, /^query:24: `=` must be escaped/],
  [
    'a threshold that is not the query’s',
    withThresholds({ critical: 11 }),
    /^options.thresholds.critical: Alert threshold \(11\) does not match/,
  ],
  [
    'a warning beyond critical',
    withThresholds({ critical: 10, warning: 10 }),
    /^options.thresholds.warning: 10 is not on the quiet side/,
  ],
  ['a warning below critical for <', withThresholds({ critical: 10, warning: 9 }, '<'), /^options.thresholds.warning/],
  [
    'a recovery beyond critical',
    withThresholds({ critical: 10, critical_recovery: 12 }),
    /^options.thresholds.critical_recovery/,
  ],
  [
    'a warning recovery without a warning',
    withThresholds({ critical: 10, warning_recovery: 3 }),
    /needs warning as well/,
  ],
  ['a warning with ==', withThresholds({ critical: 10, warning: 3 }, '=='), /no meaning with ==/],
  [
    'a threshold of service checks',
    withThresholds({ critical: 10, ok: 1 }),
    /^options.thresholds.ok: is not a threshold/,
  ],
  [
    'a formula over a search with a fault',
    {
      ...monitor,
      query: 'formula("a / b").last("5m") > 10',
      options: { variables: [{ name: 'a', data_source: 'logs', search: { query: '@a:b=c' } }] },
    },
    /^options.variables\[0\].search.query:5: `=` must be escaped/,
  ],
  [
    'two queries of one name',
    withOptions({
      variables: [
        { name: 'a', data_source: 'metrics' },
        { name: 'a', data_source: 'logs' },
      ],
    }),
    /^options.variables\[1\].name: "a" is used twice/,
  ],
  ['an unknown option', withOptions({ new_group_dely: 0 }), /^options.new_group_dely: is not an option/],
  [
    'an option of metric monitors',
    withOptions({ notify_no_data: true }),
    /^options.notify_no_data: belongs to metric monitors/,
  ],
  ['notify_by with another facet', withOptions({ notify_by: ['@sid'] }), /^options.notify_by: @sid is not one/],
  [
    'notify_by of all and one',
    withOptions({ notify_by: ['*', '@ip'] }),
    /^options.notify_by: "\*" must be the only entry/,
  ],
  ['a time-out of two days', withOptions({ timeout_h: 48 }), /^options.timeout_h: must be a whole number from 0 to 24/],
  [
    'an unknown preset',
    withOptions({ notification_preset_name: 'hide' }),
    /^options.notification_preset_name: must be one of/,
  ],
  ['a simple alert by its old name', withOptions({ groupby_simple_monitor: true }), /use notify_by \["\*"\]/],
  ['a muted monitor', withOptions({ silenced: { '*': null } }), /^options.silenced: is deprecated/],
  [
    'a window that begins with the clock',
    withOptions({ scheduling_options: { evaluation_window: { day_starts: '04:00' } } }),
    /^options.scheduling_options.evaluation_window: .* not evaluated here/,
  ],
  ['an unknown on_missing_data', withOptions({ on_missing_data: 'ok' }), /^options.on_missing_data: must be one of/],
  [
    'a retention of an hour short',
    withOptions({ group_retention_duration: '30m' }),
    /^options.group_retention_duration/,
  ],
])('%s is refused by name', (_, json, fault) => {
  expect(faultsOf(json)).toEqual(expect.arrayContaining([expect.stringMatching(fault)]))
})

test.each([
  withThresholds({ critical: 10, warning: 5, critical_recovery: 8, warning_recovery: 4 }),
  withThresholds({ critical: 10, warning: 15, critical_recovery: 12, warning_recovery: 16 }, '<'),
  withOptions({
    on_missing_data: 'resolve',
    new_group_delay: 0,
    renotify_interval: 10,
    renotify_statuses: ['alert'],
    timeout_h: 4,
    notify_by: ['*'],
    notification_preset_name: 'hide_query',
  }),
  withOptions({ group_retention_duration: '2d', evaluation_delay: 900, new_host_delay: 300, silenced: {} }),
])('a monitor with %j is taken', (json) => {
  expect(faultsOf(json)).toEqual([])
})

test('all faults of all files are reported together', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'monitors-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [slug, json] of [
    ['deep/one', { ...monitor, id: 1, options: { thresholds: { critical: 1 } } }],
    ['two', { ...monitor, query: 'x' }],
    ['three', monitor],
  ] as const) {
    await mkdir(join(dir, slug), { recursive: true })
    await writeFile(join(dir, slug, 'monitor.json'), JSON.stringify(json))
  }
  const fault = await loadMonitors(dir).catch((error: MonitorError) => error)
  expect(fault).toBeInstanceOf(MonitorError)
  expect((fault as MonitorError).faults.map(({ file, place }) => `${file.slice(dir.length)} ${place}`)).toEqual([
    '/deep/one/monitor.json id',
    '/deep/one/monitor.json options.thresholds.critical',
    '/two/monitor.json query:1',
  ])
  await rm(join(dir, 'deep'), { recursive: true })
  await rm(join(dir, 'two'), { recursive: true })
  expect((await loadMonitors(dir)).map(({ slug }) => slug)).toEqual(['three'])
})

test('a group by * is no group at all, and * beside a facet is no name', () => {
  expect(parseMonitorQuery('logs("a").rollup("count").by("*").last("5m") > 1')).toMatchObject({ by: [] })
  expect(() => parseMonitorQuery('logs("a").rollup("count").by("*,host").last("5m") > 1')).toThrow('not the name')
})

test('a folder without monitors, or none at all, is a fault and not an empty result', async () => {
  await expect(loadMonitors(import.meta.dirname)).rejects.toThrow(/holds no monitor.json/)
  await expect(loadMonitors('/no/such/folder')).rejects.toThrow(/does not exist/)
})

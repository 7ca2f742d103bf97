import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { logOfEvent } from '../app-event.ts'
import { EstateError } from '../estate/index.ts'
import { checkMonitors } from './check.ts'
import { rules } from './rules.ts'

const monitor = {
  name: 'Failed sign-ins',
  type: 'log alert',
  query: 'logs("service:web @evt:login").index("*").rollup("count").by("@ip").last("5m") > 10',
  message: '{{#is_alert}}{{@ip.name}} failed {{value}} times @slack-team{{/is_alert}}',
  options: { thresholds: { critical: 10 }, new_group_delay: 0 },
}

async function folderOf(files: Record<string, unknown>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'check-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2))
  }
  return dir
}

const lineOf = (text: string, part: string): number => text.split('\n').findIndex((line) => line.includes(part)) + 1

/** What is found in one monitor, without the notes. */
async function found(change: object, options: object = {}): Promise<string[]> {
  const json = { ...monitor, ...change, options: { ...monitor.options, ...options } }
  const { findings } = await checkMonitors([await folderOf({ 'm.json': json })])
  return findings
    .filter(({ level }) => level !== 'note')
    .map(({ level, rule, place, message }) => `${level} ${rule} ${place}: ${message}`)
}

test('a monitor that Datadog takes and that does what it looks has no finding but what it costs', async () => {
  const { findings, checked, unreadable } = await checkMonitors([await folderOf({ 'm.json': monitor })])
  expect(findings.map(({ level, rule }) => `${level} ${rule}`)).toEqual(['note group-limit'])
  expect(checked).toHaveLength(1)
  expect(unreadable).toBe(false)
})

test.each<[what: string, change: object, options: object, found: RegExp]>([
  [
    'a search with a fault',
    { query: monitor.query.replace('@evt:', '@evt:=') },
    {},
    /^error query query:24: `=` must be/,
  ],
  ['an unknown type', { type: 'logs alert' }, {}, /^error schema type: "logs alert" is not a type/],
  ['an unknown priority', { priority: 9 }, {}, /^error schema priority: must be 1 to 5/],
  ['an option with another value', {}, { timeout_h: '5' }, /^error schema options\.timeout_h: must be a whole number/],
  ['a time-out that accounts may have kept', {}, { timeout_h: 25 }, /^error schema options\.timeout_h: .* 0 to 24/],
  [
    'a warning without critical',
    {},
    { thresholds: { warning: 1 } },
    /^error thresholds-need-critical options\.thresholds\.warning/,
  ],
  [
    'a limit that is not the query’s',
    {},
    { thresholds: { critical: 9 } },
    /^error critical-is-the-number-of-the-query/,
  ],
  ['an unknown option', {}, { new_group_dely: 0 }, /^warning no-effect options\.new_group_dely/],
  ['reminders without interval', {}, { renotify_statuses: ['alert'] }, /^error renotify-statuses-needs-interval/],
  ['a facet that does not group', {}, { notify_by: ['@sid'] }, /^error notify-by-names-groups options\.notify_by/],
  ['a window of a minute', { query: monitor.query.replace('5m', '1m') }, {}, /^warning short-window query/],
  [
    'an undocumented form',
    { query: monitor.query.replace('@evt:', '_exists_:evt @evt:') },
    {},
    /^warning undocumented-search query:19/,
  ],
  [
    'an and that is a word',
    { query: monitor.query.replace('@evt:', 'and @evt:') },
    {},
    /^warning search-slip query: `and` is searched as it stands; did you mean `AND`\?/,
  ],
  [
    'a network without CIDR',
    { query: monitor.query.replace('@evt:', '-@ip:10.0.0.0/8 @evt:') },
    {},
    /^warning search-slip query: .*did you mean `-CIDR\(@ip, 10\.0\.0\.0\/8\)`\?/,
  ],
  [
    'a threshold that is a text',
    {},
    { thresholds: { critical: '10' } },
    /^warning no-effect options\.thresholds: holds/,
  ],
  ['a priority that is a text', { priority: '3' }, {}, /^warning no-effect priority: is a text/],
  [
    'a cardinality that keeps its status',
    { query: monitor.query.replace('"count"', '"cardinality","@sid"') },
    {},
    /^warning status-may-stay options: .*on_missing_data "resolve"/,
  ],
  ['a block that is never closed', { message: 'a {{#is_alert}}b @x' }, {}, /^error template message:3: .*not closed/],
  ['a block that another closes', { message: '{{#is_alert}}b{{/is_warning}} @x' }, {}, /^error template message:15: /],
  ['an unknown condition', { message: '{{#is_alerting}}b{{/is_alerting}} @x' }, {}, /^error template message:1: /],
  [
    'an escalation with a fault',
    {},
    { escalation_message: '{{x', renotify_interval: 10 },
    /^error template options\.escalation_message:1/,
  ],
  ['a name with a fault', { name: 'a {{b' }, {}, /^error template name:3/],
  [
    'a group without its name',
    { message: '{{@ip}} @x' },
    {},
    /^warning unknown-variable message:3: .*write {{@ip\.name}}/,
  ],
  [
    'a facet that does not group',
    { message: '{{@sid.name}} @x' },
    {},
    /^warning unknown-variable message:3: .*groups by @ip/,
  ],
  ['an attribute as if it were a group', { message: '{{usr.id}} @x' }, {}, /{{log\.attributes\.usr\.id}}/],
  [
    'a variable of other monitors',
    { message: '{{hostname}} @x' },
    {},
    /^warning unknown-variable message:3: .*not a variable/,
  ],
  ['a part that logs lack', { message: '{{log.level}} @x' }, {}, /^warning unknown-variable message:3: .*a log has/],
  [
    'a condition over nothing',
    { message: '{{#is_match "@sid.name" "x"}}b{{/is_match}} @x' },
    {},
    /^warning unknown-variable/,
  ],
  ['a message that reaches nobody', { message: 'failed' }, {}, /^warning no-handle message/],
  ['a mail address, which is no handle', { message: 'ask ops@example.test' }, {}, /^warning no-handle message/],
  [
    'a variable of payloads',
    { message: 'see $ALERT_SCOPE @x' },
    {},
    /^warning payload-variable message:5: \$ALERT_SCOPE is a variable of webhook payloads/,
  ],
  ['no message at all', { message: undefined }, {}, /^warning no-handle message: is missing/],
  [
    'a webhook that runs into a word',
    { message: 'call @webhook-contain, please' },
    {},
    /^warning handle-not-set-apart message:6: @webhook-contain,/,
  ],
])('%s is reported', async (_, change, options, pattern) => {
  expect(await found(change, options)).toEqual(expect.arrayContaining([expect.stringMatching(pattern)]))
})

test.each([
  '{{[@network.client.ip].name}} {{@sid.name}} {{value}} {{threshold}} {{last_triggered_at_epoch}} @slack-x',
  '{{#is_match "@sid" "x"}}{{log.attributes.[a.b]}} {{log.tags.env}} {{log.message}}{{/is_match}} @someone@example.test',
  "{{local_time 'last_triggered_at' 'Europe/Zurich'}} {{eval \"value*2\"}} {{!-- note --}} {{{{raw}}}}{{x}}{{{{/raw}}}} @all",
  '{{#is_alert}}@webhook-contain{{/is_alert}}{{#is_recovery}} @webhook-contain\n{{/is_recovery}}',
])('a message as documented has no finding: %s', async (message) => {
  const query = monitor.query.replace('"@ip"', '"@network.client.ip,@sid"')
  expect(await found({ message, query })).toEqual([])
})

test('delays and limits are reported with their cost', async () => {
  const query = monitor.query.replace('"@ip"', '"@ip,host"').replace('5m', '1d')
  const options = { thresholds: { critical: 10 }, evaluation_delay: 300, new_host_delay: 120 }
  const { findings } = await checkMonitors([await folderOf({ 'm.json': { ...monitor, query, options } })])
  expect(findings.map(({ level, rule, place }) => `${level} ${rule} ${place}`).sort()).toEqual([
    'note evaluation-delay options.evaluation_delay',
    'note group-limit query',
    'note new-group-delay options.new_host_delay',
    'note slow-cadence query',
  ])
  const { findings: defaults } = await checkMonitors([
    await folderOf({ 'm.json': { ...monitor, options: { thresholds: { critical: 10 } } } }),
  ])
  expect(defaults.find(({ rule }) => rule === 'new-group-delay')?.message).toMatch(/60 s, which is the default/)
})

test('a finding stands on the line of the key, and within the query at the character', async () => {
  const text = `{
  "name": "n", "type": "log alert",
  "query": "logs(\\"@a:\\\\\\"x\\\\\\" @b:=c\\").rollup(\\"count\\").last(\\"5m\\") > 1",
  "message": "m @x",
  "options": {
\t"thresholds": {"critical": 1,
      "warning": "x"}}
}`
  const list = JSON.stringify([monitor, { ...monitor, name: 'b', priority: 7 }], undefined, 2)
  const dir = await folderOf({ 'm.json': text, 'list.json': list })
  const { findings } = await checkMonitors([dir])
  const errors = findings.filter(({ level }) => level === 'error')
  expect(errors.map(({ file, line, column, place }) => [file.slice(dir.length + 1), line, column, place])).toEqual([
    ['list.json', lineOf(list, '"priority": 7'), 5, '[1].priority'],
    ['m.json', 3, (text.split('\n')[2]?.indexOf('=') as number) + 1, expect.stringMatching(/^query:\d+$/)],
    ['m.json', 7, 7, 'options.thresholds.warning'],
  ])
})

test('the output of Terraform is checked under the line of its resource', async () => {
  const values = {
    ...monitor,
    options: undefined,
    monitor_thresholds: [{ critical: '10' }],
    new_group_delay: 0,
    priority: '8',
  }
  const resources = ['a', 'b'].map((name) => ({
    ...{ address: `datadog_monitor.${name}`, mode: 'managed', type: 'datadog_monitor', name },
    values: name === 'a' ? { ...values, priority: '3' } : values,
  }))
  const plan = { format_version: '1.2', planned_values: { root_module: { resources } } }
  const dir = await folderOf({ 'plan.json': plan })
  const { findings } = await checkMonitors([join(dir, 'plan.json')])
  const [error, ...more] = findings.filter(({ level }) => level === 'error')
  expect(more).toEqual([])
  expect(error).toMatchObject({ monitor: 'datadog_monitor.b', rule: 'schema', message: 'must be 1 to 5 or null' })
  const lines = JSON.stringify(plan, undefined, 2).split('\n')
  expect(lines[(error?.line ?? 0) - 1]).toContain('"address": "datadog_monitor.b"')
})

test('files that are not JSON, repeated keys and monitors of other types are reported', async () => {
  const dir = await folderOf({
    'broken.json': '{\n "name": oops }',
    'twice.json': '{"name": "n",\n "name": "m"}',
    'cpu.json': { name: 'CPU', type: 'query alert', query: 'avg(last_5m):avg:system.cpu.user{*} > 90' },
  })
  const { findings, unreadable } = await checkMonitors([dir])
  expect(findings.map(({ file, line, level, rule }) => [file.slice(dir.length + 1), line, level, rule])).toEqual([
    ['broken.json', 2, 'error', 'not-json'],
    ['cpu.json', 3, 'note', 'not-a-log-alert'],
    ['twice.json', 2, 'error', 'repeated-key'],
  ])
  expect(unreadable).toBe(true)
  await expect(checkMonitors(['/no/such/place'])).rejects.toThrow(EstateError)
})

test('with a log, terms and facets that no event has are reported', async () => {
  const dir = await folderOf({ 'm.json': { ...monitor, query: monitor.query.replace('@evt', 'evt') } })
  const { findings } = await checkMonitors([dir], async (take) => {
    take(logOfEvent({ service: 'web', evt: 'login', ip_address: '203.0.113.9' }))
  })
  expect(findings.filter(({ rule }) => rule === 'silent-term').map(({ message }) => message)).toEqual([
    '`evt:login` matched no event; did you mean `@evt:login`?',
    expect.stringMatching(/^no event has the facet `@ip`/),
  ])
})

test('every finding has a rule that is described', async () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length)
  const { findings } = await checkMonitors([join(import.meta.dirname, '../../detections')])
  const known = rules.map(({ id, level }) => `${id} ${level}`)
  expect(findings.filter(({ rule, level }) => !known.includes(`${rule} ${level}`))).toEqual([])
})

test('our own detections pass', async () => {
  const { findings, checked } = await checkMonitors([join(import.meta.dirname, '../../detections')])
  expect(checked.length).toBeGreaterThan(10)
  expect(findings.filter(({ level }) => level === 'error')).toEqual([])
  // Silence of the app itself is reported within two minutes: a timer writes its events, which are never late.
  const warned = findings.filter(({ level }) => level === 'warning').map(({ monitor: slug, rule }) => `${slug} ${rule}`)
  expect(warned).toEqual(['telemetry-silence short-window'])
})

import { expect, test } from 'vitest'
import { readMonitor } from '../api.ts'
import { logOfEvent } from '../app-event.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { ExplainOptions } from './evaluations.ts'
import { explainFrom } from './explain.ts'
import type { Explanation } from './explanation.ts'
import type { Question } from './question.ts'
import { sourceOfLogs } from './source.ts'
import { svgOf } from './svg.ts'
import { pageOf } from './text.ts'

const BEGIN = Date.UTC(2026, 0, 5, 9)

const log = (second: number, event: Record<string, unknown>): IndexedLog =>
  logOfEvent({ timestamp: new Date(BEGIN + second * 1000).toISOString(), ...event })

const login = (second: number, event: Record<string, unknown> = {}): IndexedLog =>
  log(second, { service: 'shop', evt: 'login', outcome: 'fail', ip: '203.0.113.9', ...event })

function monitorOf(query: string, options: Record<string, unknown> = {}): Monitor {
  const critical = Number(/[<>=] *(\S+)$/.exec(query)?.[1])
  return readMonitor({
    ...{ name: 'Failed logins', type: 'log alert', message: 'm', query },
    options: { thresholds: { critical }, on_missing_data: 'resolve', ...options },
  })
}

const failures = monitorOf(
  'logs("service:shop @evt:login @outcome:(fail OR error) -@reason:(busy OR blocked)").index("*").rollup("count").by("@ip").last("5m") > 2',
  { new_group_delay: 0 },
)

const explained = async (
  monitor: Monitor,
  logs: readonly IndexedLog[],
  question: Question = {},
  options: ExplainOptions = {},
): Promise<Explanation> => (await explainFrom(sourceOfLogs(logs), monitor, question, options)).explanation

const page = (explanation: Explanation): string =>
  pageOf(explanation)
    .map(({ text }) => text)
    .join('\n')

test.each([
  [{ outcome: 'success' }, '@outcome:(fail OR error)', ['success'], null],
  [{ evt: undefined, event: { evt: 'login' } }, '@evt:login', [], '@event.evt:login'],
  [{ evt: 'logni' }, '@evt:login', ['logni'], '@evt:logni'],
  [{ reason: 'busy' }, '-@reason:(busy OR blocked)', ['busy'], null],
  [{ service: 'other', evt: 'mfa' }, 'service:shop', ['other'], null],
])(
  'an event with %j fails at the first term of the search that it does not match',
  async (event, term, values, suggestion) => {
    const { verdict, group } = await explained(failures, [login(0), login(1, event)], { event: { line: 2 } })
    expect(verdict).toEqual({ fired: false, kind: 'not-matched', failed: { term, values, suggestion } })
    expect(group).toBeNull()
  },
)

test('the search is a tree: each part with its result, and what the event has there', async () => {
  const { event } = await explained(failures, [login(1, { reason: 'blocked' })], { event: { line: 1 } })
  expect(event?.queries[0]?.search).toMatchObject({
    ...{ kind: 'and', holds: false },
    parts: [
      { kind: 'term', text: 'service:shop', holds: true, values: ['shop'] },
      { kind: 'term', text: '@evt:login', holds: true },
      {
        ...{ kind: 'or', text: '@outcome:(fail OR error)', holds: true },
        parts: [
          { text: '@outcome:fail', holds: true },
          { text: '@outcome:error', holds: false, values: ['fail'] },
        ],
      },
      { kind: 'not', text: '-@reason:(busy OR blocked)', holds: false, parts: [{ kind: 'or', holds: true }] },
    ],
  })
})

test.each([
  ['by("@ip")', '"count"', { ip: undefined, client_ip: '203.0.113.9' }, '@ip', null],
  ['by("@ip")', '"count"', { ip: undefined, client: { ip: '203.0.113.9' } }, '@ip', '@client.ip'],
  ['by("@ip")', '"avg", "@ms"', { ms: 'slow' }, '@ms', null],
  ['by("@ip")', '"cardinality", "@usr.id"', { usr_id: '7' }, '@usr.id', '@usr_id'],
])('an event that matches, but lacks a value of %s or %s, is told so', async (by, rollup, event, facet, suggestion) => {
  const monitor = monitorOf(`logs("service:shop").index("*").rollup(${rollup}).${by}.last("5m") > 2`)
  const explanation = await explained(monitor, [login(1, event)], { event: { line: 1 } })
  expect(explanation.verdict).toEqual({ fired: false, kind: 'no-facet', facet, suggestion })
  expect(page(explanation)).toContain(`but it has no ${facet === '@ms' ? 'number in @ms' : facet}`)
})

test.each([
  ['timeout', { message: 'Connection reset' }, 'timeout: the event has "Connection reset".'],
  ['\\"time out\\"', {}, '"time out": the event has no message.'],
  ['*:timeout', {}, '*:timeout: no attribute of the event has it.'],
  ['@usr.id:*', {}, '@usr.id:*: the event has no such field.'],
  ['CIDR(@ip, 198.51.100.0/24)', {}, 'CIDR(@ip, 198.51.100.0/24): the event has "203.0.113.9".'],
  ['CIDR(@peer, 198.51.100.0/24)', {}, 'CIDR(@peer, 198.51.100.0/24): the event has no such field.'],
])('what the event has in place of %s is said', async (search, event, text) => {
  const monitor = monitorOf(`logs("${search}").index("*").rollup("count").last("5m") > 1`)
  const explanation = await explained(monitor, [login(1, event)], { event: { line: 1 } })
  expect(page(explanation).replace(/\n/g, ' ')).toContain(text)
})

test('an event is chosen by a search, and the places of the others are told', async () => {
  const source = sourceOfLogs([login(0), login(1), login(2, { ip: 'b' }), login(3)])
  const { explanation, more } = await explainFrom(source, failures, { event: { search: '@ip:203.0.113.9' } })
  expect(explanation.event?.place).toBe('event 1')
  expect(more).toEqual({ places: ['event 2', 'event 4'], count: 2 })
})

test('an event that is left out as too late is told by how much', async () => {
  const logs = [login(0), login(300, { ip: 'b' }), login(100)]
  const question = { event: { line: 3 } }
  const late = await explained(failures, logs, question, { follow: true, latenessSeconds: 60 })
  expect(late.verdict).toEqual({ fired: false, kind: 'too-late', behind_seconds: 200 })
  const counted = await explained(failures, logs, question, { follow: true, latenessSeconds: 300 })
  expect(counted.verdict).toMatchObject({ kind: 'not-reached', value: 2 })
  expect(counted.event?.behind_seconds).toBe(200)
})

test.each([
  [{ '@ip': '203.0.113.8' }, { with_group: 0, suggestion: '@ip:203.0.113.9' }],
  [{ '@ip': 'b' }, { with_group: 2, suggestion: null }],
])('of the group %j no event counts, and the nearest one is shown', async (group, reason) => {
  const logs = [
    login(0),
    login(1, { ip: 'b', outcome: 'success', evt: 'mfa' }),
    login(2, { ip: 'b', outcome: 'success' }),
  ]
  const { verdict, event } = await explained(failures, logs, { group })
  expect(verdict).toEqual({ fired: false, kind: 'nothing-counted', ...reason })
  expect(event?.place).toBe(reason.with_group === 0 ? undefined : 'event 3')
})

test('without a question, the group that fired, else the one that came nearest is explained', async () => {
  const few = [login(0), login(1, { ip: 'b' }), login(2, { ip: 'b' })]
  expect(await explained(failures, few)).toMatchObject({
    ...{ verdict: { kind: 'not-reached', value: 2 }, group: { group: { '@ip': 'b' } } },
  })
  const fired = await explained(failures, [...few, login(3), login(4)])
  expect(fired).toMatchObject({ verdict: { fired: true }, group: { group: { '@ip': '203.0.113.9' } } })
})

test('with some facets of a group, the best of those that have them is explained', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("count").by("@ip,@usr").last("5m") > 1', {
    new_group_delay: 0,
  })
  const logs = [login(0, { usr: 'x' }), login(1, { usr: 'y' }), login(2, { usr: 'y' }), login(3, { ip: 'b', usr: 'y' })]
  const { group, verdict } = await explained(monitor, logs, { group: { '@ip': '203.0.113.9' } })
  expect(group?.group).toEqual({ '@ip': '203.0.113.9', '@usr': 'y' })
  expect(group?.events).toBeNull()
  const whole = await explained(monitor, logs, { group: { '@ip': '203.0.113.9', '@usr': 'y' } })
  expect(whole.group?.events).toBe(2)
  expect(verdict.fired).toBe(true)
})

test('a group by a facet that the monitor does not have is refused', async () => {
  await expect(explained(failures, [login(0)], { group: { ip: 'x' } })).rejects.toThrow('It groups by @ip.')
  const alone = monitorOf('logs("*").index("*").rollup("count").last("5m") > 1')
  await expect(explained(alone, [login(0)], { group: { '@ip': 'x' } })).rejects.toThrow('has no groups')
  await expect(explained(alone, [])).rejects.toThrow('The log holds no event.')
})

test('the time from the crossing to the alert is divided among the settings that cost it', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("count").by("@ip").last("5m") > 1', {
    ...{ new_group_delay: 180, evaluation_delay: 90 },
  })
  const { group } = await explained(monitor, [login(1), login(7.12)])
  expect(group?.costs).toEqual([
    { cause: 'cadence', from: '2026-01-05T09:00:07.120Z', until: '2026-01-05T09:01:00.000Z', seconds: 52.88 },
    { cause: 'evaluation_delay', from: '2026-01-05T09:01:00.000Z', until: '2026-01-05T09:02:00.000Z', seconds: 60 },
    { cause: 'new_group_delay', from: '2026-01-05T09:02:00.000Z', until: '2026-01-05T09:04:00.000Z', seconds: 120 },
  ])
  expect(group?.story).toMatchObject([
    { kind: 'crossed', at: '2026-01-05T09:00:07.120Z', value: 2 },
    { kind: 'held', at: '2026-01-05T09:02:00.000Z', held: { until: '2026-01-05T09:04:00.000Z' } },
    { kind: 'changed', at: '2026-01-05T09:04:00.000Z', state: 'Alert', notified: true },
    { kind: 'returned' },
    { kind: 'changed', state: 'OK', notified: true },
  ])
})

test.each([
  [
    30,
    {
      fired: false,
      kind: 'not-evaluated-yet',
      at: '2026-01-05T09:00:20.000Z',
      value: 3,
      next: '2026-01-05T09:01:00.000Z',
    },
  ],
  [60, { fired: true, kind: 'triggered', at: '2026-01-05T09:01:00.000Z', value: 3 }],
  [130, { fired: true, kind: 'alerting', since: '2026-01-05T09:01:00.000Z', kept: false }],
  [340, { fired: true, kind: 'alerting' }],
  [400, { fired: false, kind: 'not-reached', value: 1 }],
  [500, { fired: false, kind: 'empty-window', at: '2026-01-05T09:07:00.000Z' }],
  [-60, { fired: false, kind: 'not-begun', first: '2026-01-05T09:00:00.000Z' }],
])('at second %d the state then is explained', async (second, verdict) => {
  const logs = [login(0), login(10), login(20), login(70), login(80, { ip: 'b' })]
  const found = await explained(failures, logs, { at: BEGIN + second * 1000, group: { '@ip': '203.0.113.9' } })
  expect(found.verdict).toMatchObject(verdict)
})

test('at an instant the groups are listed: those that alert, then those nearest to the threshold', async () => {
  const logs = [login(0), login(1), login(2), login(3, { ip: 'a' }), login(4, { ip: 'b' }), login(5, { ip: 'b' })]
  const { others, groups, group } = await explained(failures, logs, { at: BEGIN + 90_000 })
  expect(others).toEqual([
    { group: { '@ip': '203.0.113.9' }, value: 3, state: 'Alert' },
    { group: { '@ip': 'b' }, value: 2, state: 'OK' },
    { group: { '@ip': 'a' }, value: 1, state: 'OK' },
  ])
  expect(groups).toBe(3)
  expect(group?.group).toEqual({ '@ip': '203.0.113.9' })
})

test('an alert that a missing recovery keeps is told as such', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("cardinality", "@ip").last("5m") > 1', {
    on_missing_data: 'default',
  })
  const both = (second: number) => [login(second), login(second + 1, { ip: 'b' })]
  const explanation = await explained(monitor, [...both(0), ...both(3600)], { event: { line: 4 } })
  expect(explanation.verdict).toEqual({ fired: true, kind: 'alerting', since: '2026-01-05T09:01:00.000Z', kept: true })
  expect(page(explanation)).toContain('Set on_missing_data to "resolve"')
  expect(page(explanation)).toContain('no event in the window: on_missing_data default keeps Alert')
})

test('groups beyond the limits are told, whether they are left out or not', async () => {
  const crowd = Array.from({ length: 1001 }, (_, i) =>
    [0, 1, 2, 3].map((second) => login(second, { ip: `a${i}` })),
  ).flat()
  const logs = [...crowd, login(4), login(5), login(6)]
  const question = { group: { '@ip': '203.0.113.9' } }
  const all = await explained(failures, logs, question)
  expect(all).toMatchObject({
    verdict: { fired: true },
    log: { limits: { beyond: 2 } },
    group: { beyond_limits: true },
  })
  const limited = await explained(failures, logs, question, { groupLimits: true })
  expect(limited.verdict).toEqual({ fired: false, kind: 'group-limit', at: '2026-01-05T09:01:00.000Z', value: 3 })
})

test('groups that are notified together are told apart from those that were notified', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("count").by("@ip").last("5m") > 1', {
    ...{ new_group_delay: 0, notify_by: ['*'] },
  })
  const logs = [login(0), login(1), login(70, { ip: 'b' }), login(71, { ip: 'b' })]
  const explanation = await explained(monitor, logs, { group: { '@ip': 'b' } })
  expect(explanation.group?.triggers).toEqual([{ at: '2026-01-05T09:02:00.000Z', value: 2, notified: false }])
  expect(page(explanation)).toContain('notify_by ["*"]: a group that alerts beside others')
})

const variables = ['fail', 'success'].map((outcome) => ({
  ...{
    name: outcome,
    data_source: 'logs',
    search: { query: `@outcome:${outcome}` },
    compute: { aggregation: 'count' },
  },
  group_by: [{ facet: '@ip', limit: 10 }],
}))

test('a formula is explained with the value of each query', async () => {
  const monitor = monitorOf('formula("fail / success").last("5m") > 1', { variables, new_group_delay: 0 })
  const logs = [login(0), login(1), login(70, { outcome: 'success' }), login(130, { ip: 'b' })]
  const explanation = await explained(monitor, logs, { group: { '@ip': '203.0.113.9' } })
  expect(explanation.group?.evaluations).toMatchObject([
    { value: null, parts: { fail: 2, success: null } },
    { value: 2, parts: { fail: 2, success: 1 }, state: 'Alert' },
    { value: null, parts: { fail: null, success: 1 } },
    { events: 0 },
  ])
  expect(page(explanation)).toContain('fail = count of @outcome:fail')
  const without = await explained(monitor, logs, { group: { '@ip': 'b' } })
  expect(without.verdict).toMatchObject({ fired: false, kind: 'no-value' })
  const event = await explained(monitor, [...logs, login(200, { outcome: 'busy' })], { event: { line: 5 } })
  expect(event.event?.queries.map(({ name, counted }) => ({ name, counted }))).toEqual([
    { name: 'fail', counted: false },
    { name: 'success', counted: false },
  ])
})

test('an event that counts in every group of a formula is told by the group that fired', async () => {
  const shared = [variables[0], { ...variables[1], group_by: [] }]
  const monitor = monitorOf('formula("fail / success").last("5m") > 1', { variables: shared, new_group_delay: 0 })
  const logs = [login(0), login(1), login(2, { outcome: 'success', ip: 'b' })]
  const { verdict, group } = await explained(monitor, logs, { event: { line: 3 } })
  expect(verdict).toMatchObject({ fired: true, kind: 'triggered' })
  expect(group?.group).toEqual({ '@ip': '203.0.113.9' })
})

test.each([
  ['>', 2, [1, 2, 3, 9]],
  ['>=', 100, [99, 100, 1]],
  ['<', 3, [4, 3, 2, 1]],
  ['>', 0.5, [1]],
  ['<=', 1000, [1001, 1000]],
])(
  'a page with a chart for %s %d fits a terminal of 80 columns, and the chart has one line for the threshold',
  async (operator, critical, values) => {
    const monitor = monitorOf(`logs("*").index("*").rollup("max", "@n").last("1m") ${operator} ${critical}`)
    const logs = values.map((n, i) => login(i * 120, { n }))
    const explanation = await explained(monitor, logs, {}, { silenceAfterEnd: true })
    const text = page(explanation)
    const chart = text.split('\n').filter((line) => /[┤┼]/.test(line))
    expect(chart.length).toBeGreaterThan(1)
    for (const line of text.split('\n')) if (!line.includes('logs("')) expect(line.length).toBeLessThanOrEqual(80)
    for (const line of chart) expect(line.length).toBeLessThanOrEqual(80)
    expect(chart.filter((line) => line.trimStart().startsWith(operator))).toHaveLength(1)
  },
)

test('a chart is one SVG, in which hostile text is text', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("count").by("@ip").last("5m") > 1', { new_group_delay: 60 })
  const hostile = '</text><script>alert("x")</script>'
  const explanation = await explained(monitor, [login(0, { ip: hostile }), login(1, { ip: hostile })])
  const svg = svgOf(explanation) ?? ''
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" [^>]*>\n[\s\S]*<\/svg>\n$/)
  expect(svg).not.toContain('<script')
  expect(svg).not.toMatch(/href|url\(|NaN|undefined/)
  expect(svg).toContain('&lt;/text&gt;')
  expect(svg).toContain('Triggered 09:01:00')
  expect(svgOf({ ...explanation, group: null })).toBeUndefined()
})

test('the labels of a chart are inside of it and not over each other, and it says its day', async () => {
  const labelsOf = (svg = '') =>
    [...svg.matchAll(/x="52" y="([\d.]+)"[^>]*>([^<]*)</g)].map(([, y, text]) => [Number(y), text])
  const nanoseconds = monitorOf('logs("*").index("*").rollup("max", "@n").by("@ip").last("5m") > 1000000000')
  const ip = 'x'.repeat(300)
  const svg = svgOf(await explained(nanoseconds, [login(0, { ip, n: 3e9 })])) ?? ''
  expect(labelsOf(svg).map(([, text]) => text)).toEqual(['0', '3B'])
  expect(/font-weight="bold">([^<]*)</.exec(svg)?.[1]).toMatch(/^.{83}…$/)
  expect(svg).toContain('>2026-01-05, UTC</text>')
  const far = svgOf(await explained(nanoseconds, [login(0, { ip, n: 60 })]))
  expect(labelsOf(far).map(([, text]) => text)).toEqual(['0'])
})

test('an explanation is the same after JSON', async () => {
  const explanation = await explained(failures, [login(0), login(1), login(2)])
  expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation)
})

test('of a value that crosses the threshold all the time, what happened around the verdict is told', async () => {
  const monitor = monitorOf('logs("*").index("*").rollup("max", "@n").last("1m") > 5')
  const flaps = Array.from({ length: 100 }, (_, i) => login(i * 100, { n: i % 2 === 0 ? 9 : 1 }))
  const wide = monitorOf('logs("*").index("*").rollup("avg", "@n").last("1h") > 4.99')
  for (const each of [monitor, wide]) {
    const explanation = await explained(each, flaps, { event: { line: 51 } })
    const { verdict, group } = explanation
    expect(group?.story.length).toBeLessThanOrEqual(40)
    const at = 'since' in verdict ? verdict.since : 'at' in verdict ? verdict.at : ''
    expect(group?.story.some((step) => step.at === at)).toBe(true)
    expect(
      page(explanation)
        .split('\n')
        .filter((line) => /^ {2}\d\d:\d\d:\d\d/.test(line)).length,
    ).toBeLessThanOrEqual(14)
  }
})

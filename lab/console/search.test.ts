import { readImportable } from 'alertproof'
import { readImportableRule } from 'alertproof/siem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Explained, Found, MonitorView } from './api.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

const NOW = Date.now()
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()
const failure = (seconds: number, ip: string, more: object = {}) => ({
  ...{ timestamp: at(seconds), evt: 'login', outcome: 'fail', ip, request_id: `r${-seconds}`, ...more },
})

const MONITOR = readImportable(
  JSON.stringify({
    ...{ name: 'Stuffing', type: 'log alert', message: 'm', tags: [] },
    query: 'logs("env:prod @evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
    options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
  }),
  'detections/stuffing/monitor.json',
)
const RULE = readImportableRule(
  JSON.stringify({
    name: 'Stuffing',
    type: 'log_detection',
    isEnabled: true,
    queries: [{ name: 'failed', query: '@evt:login @outcome:fail', aggregation: 'count', groupByFields: ['@ip'] }],
    cases: [{ name: 'many', status: 'high', condition: 'failed > 2', notifications: [] }],
    options: { evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400, detectionMethod: 'threshold' },
    message: 'm',
    tags: [],
  }),
  'detections/stuffing/siem.json',
)

let lab: StandIn
beforeEach(async () => {
  lab = await startStandIn({ monitors: [MONITOR], rules: [RULE] })
  await lab.submit(
    failure(-200, '203.0.113.1'),
    failure(-100, '203.0.113.1'),
    failure(-50, '203.0.113.2', { note: 'x' }),
    failure(-40, '203.0.113.1'),
    { timestamp: at(-30), evt: 'logout' },
  )
})
afterEach(() => lab.close())

const found = (query: Record<string, string>) => lab.get<Found>(`/lab/search?${new URLSearchParams(query)}`)

describe('a search', () => {
  test('finds the newest first, with columns, counts, times and whole lines', async () => {
    const all = await found({ query: '@evt:login', columns: 'time,@ip,@note', by: '@ip', limit: '2' })
    expect(all).toMatchObject({
      matched: 4,
      columns: ['time', '@ip', '@note'],
      counts: [
        { value: '203.0.113.1', count: 3 },
        { value: '203.0.113.2', count: 1 },
      ],
      hints: [],
    })
    expect(all.rows.map(({ cells }) => cells)).toEqual([
      [at(-40), '203.0.113.1', ''],
      [at(-50), '203.0.113.2', 'x'],
    ])
    expect(JSON.parse(all.rows[1]?.line ?? '')).toMatchObject({ evt: 'login', note: 'x', service: 'mini-ato-saas' })
    expect(all.buckets.length).toBeLessThanOrEqual(60)
    expect(all.buckets.reduce((sum, [, count]) => sum + count, 0)).toBe(4)
  })

  test('keeps to its range, the first instant included and the last one not', async () => {
    expect((await found({ from: at(-100), to: at(-40) })).matched).toBe(2)
    expect((await found({ from: String(NOW - 50_000) })).matched).toBe(3)
    expect((await found({ from: '1m' })).matched).toBeLessThanOrEqual(3)
  })

  test('says what was probably meant', async () => {
    expect((await found({ query: 'evt:login' })).hints).toEqual([
      '`evt:login` matched no event; did you mean `@evt:login`?',
    ])
    expect((await found({ by: 'ip' })).hints).toEqual(['no event has the facet `ip`; did you mean `@ip`?'])
  })

  test('by more groups than can be shown is refused, also when one log alone makes them', async () => {
    const list = (name: string) => Array.from({ length: 500 }, (_, i) => `${name}${i}`)
    await lab.submit({ evt: 'hostile', a: list('a'), b: list('b'), c: list('c') })
    const asked = new URLSearchParams({ query: '@evt:hostile', by: '@a,@b,@c' })
    const response = await fetch(`${lab.datadog.url}/lab/search?${asked}`)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('group by fewer fields')])
  })

  test.each([
    [{ query: '@evt:(' }, 'query'],
    [{ from: 'yesterday' }, 'from yesterday: must be a time'],
    [{ columns: '@' }, 'columns @'],
    [{ limit: '0' }, 'limit'],
  ])('that cannot be read is refused: %j', async (query, words) => {
    const response = await fetch(
      `${lab.datadog.url}/lab/search?${new URLSearchParams(query as Record<string, string>)}`,
    )
    const { errors } = (await response.json()) as { errors: { detail: string }[] }
    expect(response.status).toBe(400)
    if (words !== 'query') expect(errors[0]?.detail).toContain(words)
  })
})

describe('an explanation', () => {
  const explained = (query: Record<string, string>) => lab.get<Explained>(`/lab/explain?${new URLSearchParams(query)}`)

  test('says why a group did or did not fire, by the monitor or the rule', async () => {
    const quiet = { monitor: 'stuffing', group: '{"@ip":"203.0.113.2"}' }
    expect((await explained(quiet)).text).toMatch(/^stuffing did not fire for @ip:203\.0\.113\.2/)
    expect((await explained({ ...quiet, group: '{"@ip":"203.0.113.1"}' })).text).toMatch(/^stuffing fired/)
    expect((await explained({ ...quiet, by: 'rule' })).text).toMatch(/^stuffing did not fire/)
  })

  test.each(['monitor', 'rule'])('of a %s says nothing about a time that has not come', async (by) => {
    const { text } = await explained({ monitor: 'stuffing', by, group: '{"@ip":"203.0.113.1"}' })
    expect(text).toMatch(/fired|opened/)
    // The axis of the chart shows the window that follows; what happened is listed below it.
    const [, happened = ''] = text.split('What happened\n')
    const day = new Date(NOW).toISOString().slice(0, 11)
    const instants = [...happened.matchAll(/^ +(\d\d:\d\d:\d\d\.\d+) /gm)].map(([, time]) =>
      Date.parse(`${day}${time}Z`),
    )
    expect(instants.length).toBeGreaterThan(0)
    for (const instant of instants) expect(instant).toBeLessThanOrEqual(Date.now())
  })

  test('says why an event did not count', async () => {
    expect((await explained({ monitor: 'stuffing', event: 'r50' })).text).toContain('203.0.113.2')
  })

  test.each([
    [{ monitor: 'nothing' }, 404],
    [{ monitor: 'stuffing', event: 'not there' }, 400],
    [{ monitor: 'stuffing', event: 'nobody' }, 400],
    [{ monitor: 'stuffing', group: '[]' }, 400],
    [{ monitor: 'stuffing', group: '{"@user":"x"}' }, 400],
    [{ monitor: 'stuffing', at: 'now' }, 400],
  ])('that is not possible is refused: %j', async (query, status) => {
    const response = await fetch(
      `${lab.datadog.url}/lab/explain?${new URLSearchParams(query as Record<string, string>)}`,
    )
    expect(response.status).toBe(status)
  })
})

test('a rule has values too, and its group is in alert while its signal is open', async () => {
  const { monitors } = await lab.get<{ monitors: MonitorView[] }>('/lab/values')
  expect(monitors.find(({ by }) => by === 'rule')).toMatchObject({
    ...{ detection: 'stuffing', critical: 2, comparator: '>', window_seconds: 300, facets: ['@ip'] },
    groups: [
      {
        group: { '@ip': '203.0.113.1' },
        state: 'Alert',
        points: [
          [NOW - 200_000, 1],
          [NOW - 100_000, 2],
          [NOW - 40_000, 3],
        ],
      },
      { group: { '@ip': '203.0.113.2' }, state: 'OK', points: [[NOW - 50_000, 1]] },
    ],
  })
})

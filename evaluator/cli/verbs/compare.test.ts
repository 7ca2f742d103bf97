import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { FAKE_KEYS, type FakeAccount, serveReads } from '../../testing/datadog-reads.ts'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './compare.ts'

const MONITOR = {
  id: 7,
  name: 'Failed logins',
  type: 'log alert',
  query: 'logs("@outcome:fail").index("main").rollup("count").by("@ip").last("5m") > 2',
  message: 'm',
  options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
}
const log = (second: number) => ({
  id: `l${second}`,
  type: 'log',
  attributes: {
    timestamp: `2026-01-05T09:00:0${second}.000Z`,
    attributes: { outcome: 'fail', ip: '203.0.113.9' },
  },
})
const alertEvent = (at: string, type: string) => ({
  id: at,
  type: 'event',
  attributes: {
    timestamp: at,
    attributes: { monitor: { id: 7, transition: { transition_type: type }, groups: ['@ip:203.0.113.9'] } },
  },
})
const ACCOUNT: FakeAccount = {
  monitor: MONITOR,
  logs: [1, 2, 3, 4, 5].map(log),
  events: [alertEvent('2026-01-05T09:02:31Z', 'alert'), alertEvent('2026-01-05T09:07:10Z', 'alert recovery')],
}
const PERIOD = ['--from', '2026-01-05T09:00:00Z', '--to', '2026-01-05T10:00:00Z']

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'compare-'))
  vi.stubEnv('DD_API_KEY', FAKE_KEYS.api)
  vi.stubEnv('DD_APP_KEY', FAKE_KEYS.app)
  return () => {
    vi.unstubAllEnvs()
    return rm(dir, { recursive: true })
  }
})
const run = (...argv: string[]) => runCaptured(command, argv)

async function serve(account: FakeAccount) {
  const server = await serveReads(account)
  onTestFinished(async () => void (await server.close()))
  return server
}

test('a monitor, its logs and its alerts are read from an account, page by page, and kept', async () => {
  const { url, asked } = await serve({ ...ACCOUNT, limited: 2 })
  const kept = join(dir, 'kept')
  const fetched = await run('7', ...PERIOD, '--site', url, '--latency', '90', '--save', kept)
  const changes =
    'agrees     2026-01-05T09:01:00.000Z  Triggered  @ip:203.0.113.9\n' +
    'agrees     2026-01-05T09:06:00.000Z  Recovered  @ip:203.0.113.9\n'
  expect(fetched).toMatchObject({ code: 0, out: changes })
  expect(fetched.err).toContain('2 of 2 changes agree, over 5 logs.\nAssumed: Datadog reports a change 90 s after')
  expect(asked.map(({ path }) => path)).toEqual([
    ...Array(3).fill('/api/v1/monitor/7'),
    ...Array(3).fill('/api/v2/logs/events/search'),
    '/api/v2/events/search',
  ])
  expect(asked[3]?.body).toEqual({
    filter: {
      query: '@outcome:fail',
      indexes: ['main'],
      from: '2026-01-05T08:50:00.000Z',
      to: '2026-01-05T10:00:00.000Z',
    },
    sort: 'timestamp',
    page: { limit: 1000 },
  })
  expect(asked.at(-1)?.body?.filter).toEqual({
    query: 'source:alert @monitor.id:7',
    from: '2026-01-05T09:00:00.000Z',
    to: '2026-01-05T10:01:30.000Z',
  })
  expect((await stat(join(kept, 'logs.json'))).mode & 0o777).toBe(0o600)
  const files = ['--monitor', join(kept, 'monitor.json'), '--logs', join(kept, 'logs.json')]
  const again = await run(...files, '--reported', join(kept, 'reported.json'), '--latency', '90')
  expect(again).toMatchObject({ code: 0, out: changes })
})

const RULE = {
  id: 'abc-def-ghi',
  ...{ name: 'Guessing', type: 'log_detection', message: 'm', isEnabled: true, version: 3 },
  queries: [
    { name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'] },
    { name: 'good', query: '@outcome:success', aggregation: 'count', groupByFields: ['@ip'] },
  ],
  cases: [{ name: '', status: 'low', condition: 'failed > 2 && good >= 0' }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
}
const signal = (ip: string, seen: string) => ({
  id: `AAAA${ip}`,
  type: 'signal',
  attributes: {
    ...{ message: 'm', tags: ['security:attack'], timestamp: seen },
    custom: { ip, workflow: { first_seen: seen, last_seen: seen, rule: { id: RULE.id, name: RULE.name, version: 3 } } },
  },
})

test('a rule, its logs and its signals are read from an account, page by page, and kept', async () => {
  const seen = '2026-01-05T09:00:04.000Z'
  const signals = [signal('203.0.113.9', seen), signal('192.0.2.1', '2026-01-05T09:20:00.000Z')]
  const { url, asked } = await serve({ ...ACCOUNT, rule: RULE, signals })
  const kept = join(dir, 'kept')
  const fetched = await run(RULE.id, ...PERIOD, '--site', url, '--save', kept)
  const changes =
    'agrees     2026-01-05T09:00:03.000Z  Triggered  @ip:203.0.113.9\n' +
    'DISAGREES  2026-01-05T09:20:00.000Z  Triggered  @ip:192.0.2.1: reported, and not found here\n' +
    '           likely: rule-at-each-event, join-by-position, signal-first-seen\n'
  expect(fetched).toMatchObject({ code: 1, out: changes })
  expect(fetched.err).toContain('those that are not indexed are missing here')
  expect(asked.map(({ path }) => path)).toEqual([
    '/api/v2/security_monitoring/rules/abc-def-ghi',
    ...Array(3).fill('/api/v2/logs/events/search'),
    '/api/v2/security_monitoring/signals/search',
  ])
  expect(asked[1]?.body?.filter).toEqual({
    query: '(@outcome:fail) OR (@outcome:success)',
    indexes: ['*'],
    from: '2026-01-05T07:55:00.000Z',
    to: '2026-01-05T10:00:00.000Z',
  })
  expect(asked.at(-1)?.body?.filter).toEqual({
    query: '@workflow.rule.id:abc-def-ghi',
    from: '2026-01-05T09:00:00.000Z',
    to: '2026-01-05T10:00:00.000Z',
  })
  const files = ['--monitor', join(kept, 'monitor.json'), '--logs', join(kept, 'logs.json')]
  const again = await run(...files, '--reported', join(kept, 'reported.json'))
  expect(again).toMatchObject({ code: 1, out: changes })
  expect(await run('abc-def-xxx', ...PERIOD, '--site', url)).toMatchObject({
    code: 3,
    err: expect.stringContaining('404: there is no such rule'),
  })
})

test('each disagreement is printed with the decisions that likely make it', async () => {
  const { url } = await serve({ ...ACCOUNT, events: [alertEvent('2026-01-05T09:05:00Z', 'alert')] })
  const { code, out } = await run('7', ...PERIOD, '--site', url)
  expect(code).toBe(1)
  expect(
    out,
  ).toBe(`DISAGREES  2026-01-05T09:01:00.000Z  Triggered  @ip:203.0.113.9: reported for 2026-01-05T09:05:00.000Z
           likely: window-half-open, sorted-by-time
DISAGREES  2026-01-05T09:06:00.000Z  Recovered  @ip:203.0.113.9: not reported
           likely: recording-ends, missing-facet-excluded, window-half-open
`)
  const lines = (await run('7', ...PERIOD, '--site', url, '--json')).out.trimEnd().split('\n')
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    verdict: 'time',
    transition: 'Triggered',
    group: { '@ip': '203.0.113.9' },
    here: '2026-01-05T09:01:00.000Z',
    reported: '2026-01-05T09:05:00.000Z',
    likely: ['window-half-open', 'sorted-by-time'],
  })
})

test('an account that refuses, is slow or does not exist gives exit code 3 and never prints a key', async () => {
  const { url } = await serve({ ...ACCOUNT, limited: 99 })
  const limited = await run('7', ...PERIOD, '--site', url)
  expect(limited).toMatchObject({
    code: 3,
    err: '/api/v1/monitor/7: Datadog answered 429: the rate limit is exhausted\n',
  })
  const open = await serve(ACCOUNT)
  expect(await run('8', ...PERIOD, '--site', open.url)).toMatchObject({
    code: 3,
    err: expect.stringContaining('404: there is no such'),
  })
  await open.close()
  expect(await run('7', ...PERIOD, '--site', open.url)).toMatchObject({
    code: 3,
    err: expect.stringContaining('no answer'),
  })
  for (const key of ['a-secret-key', 'a-secret\nkey']) {
    vi.stubEnv('DD_APP_KEY', key)
    const { code, out, err } = await run('7', ...PERIOD, '--site', url)
    expect(code).toBe(3)
    expect(out + err).not.toContain('secret')
  }
})

test('files: lines as replay prints them; what cannot be read gives exit code 3', async () => {
  const file = async (name: string, content: string) => {
    await writeFile(join(dir, name), content)
    return join(dir, name)
  }
  const monitor = await file('failed.json', JSON.stringify(MONITOR))
  const logs = await file('logs.json', JSON.stringify({ data: ACCOUNT.logs }))
  const group = { '@ip': '203.0.113.9' }
  const reported = await file(
    'reported.jsonl',
    [
      { monitor: 'failed', transition: 'Triggered', group, at: '2026-01-05T09:01:20Z' },
      { monitor: 'failed', transition: 'Re-Triggered', group, at: '2026-01-05T09:02:20Z' },
      { monitor: 'other', transition: 'Triggered', group, at: '2026-01-05T09:03:20Z' },
      { monitor: 'failed', transition: 'Recovered', group, at: '2026-01-05T09:06:59Z' },
    ]
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
  )
  const given = ['--monitor', monitor, '--logs', logs]
  expect((await run(...given, '--reported', reported)).code).toBe(0)
  expect((await run(...given, '--reported', reported, '--tolerance', '30')).code).toBe(1)
  expect((await run(...given, '--reported', await file('none.json', '[]'))).code).toBe(1)
  for (const wrong of [await file('bad.json', '{'), await file('bad.jsonl', '{"at": 1}\n'), join(dir, 'none')]) {
    expect((await run(...given, '--reported', wrong)).code, wrong).toBe(3)
  }
  expect((await run('--monitor', logs, '--logs', logs, '--reported', reported)).code).toBe(3)
  expect((await readFile(logs, 'utf8')).length).toBeGreaterThan(0)
})

test.each([
  [[]],
  [['7']],
  [['x', ...PERIOD]],
  [['7', '8', ...PERIOD]],
  [['7', ...PERIOD, '--site', 'example.test']],
  [['7', ...PERIOD, '--logs', 'x']],
  [['7', '--from', '2026-01-05T09:00:00Z']],
  [['7', '--from', 'noon', '--to', '2026-01-05T10:00:00Z']],
  [['7', '--from', '2026-01-05T11:00:00Z', '--to', '2026-01-05T10:00:00Z']],
  [['7', ...PERIOD, '--latency', 'x']],
  [['--monitor', 'a', '--logs', 'b']],
  [['--monitor', 'a', '--logs', 'b', '--reported', 'c', '--save', 'd']],
])('unusable arguments: %j', async (argv) => {
  await expect(run(...argv)).rejects.toThrow(UsageError)
})

test('an account needs both keys', async () => {
  vi.stubEnv('DD_APP_KEY', '')
  await expect(run('7', ...PERIOD)).rejects.toThrow('Set DD_API_KEY and DD_APP_KEY')
})

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type Event, replay } from '../api.ts'
import { checkMonitors } from '../check/index.ts'
import { runCaptured } from '../cli/testing.ts'
import { command } from '../cli/verbs/replay.ts'
import { readRuleJson } from './rule-reading.ts'

const BEGIN = Date.UTC(2026, 0, 5, 9)

const rule = {
  name: 'Guessing',
  message: 'Look @slack-team',
  type: 'log_detection',
  isEnabled: true,
  queries: [{ query: '@evt:login @outcome:fail', aggregation: 'count', groupByFields: ['@ip'] }],
  cases: [
    { name: '', status: 'high', condition: 'a > 4' },
    { name: '', status: 'low', condition: 'a > 1' },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
}
const monitor = {
  name: 'Guessing',
  type: 'log alert',
  query: 'logs("@evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 1',
  message: 'm',
  options: { thresholds: { critical: 1 }, new_group_delay: 0, on_missing_data: 'resolve' },
}
const failure = (second: number, more: object = {}): Event => ({
  timestamp: new Date(BEGIN + second * 1000).toISOString(),
  ...{ evt: 'login', outcome: 'fail', ip: '203.0.113.9' },
  ...more,
})

async function changes(change: object, events: readonly Event[]): Promise<string[]> {
  const { rule: read, faults } = readRuleJson({ ...rule, ...change }, { slug: 's', file: 'f' }, false)
  if (!read) throw new Error(JSON.stringify(faults))
  const found = await replay([], events, { rules: [read] })
  return found.changes.map(
    (each) =>
      `${(Date.parse(each.at) - BEGIN) / 1000} ${each.transition} ${'severity' in each ? each.severity : ''} ${Object.values(each.group).join('+')} ${each.value}`,
  )
}

test('a signal opens, rises in severity and closes when no case matched for as long as keepAlive', async () => {
  expect(
    await changes(
      {},
      [0, 1, 2, 3, 4, 290].map((second) => failure(second)),
    ),
  ).toEqual(['1 Triggered low 203.0.113.9 2', '4 Raised high 203.0.113.9 5', '890 Closed high 203.0.113.9 6'])
})

test('a signal closes after maxSignalDuration, and the next match opens another', async () => {
  const options = { ...rule.options, keepAlive: 300, maxSignalDuration: 300 }
  expect(
    await changes(
      { options },
      [0, 1, 200, 301, 302].map((second) => failure(second)),
    ),
  ).toEqual([
    '1 Triggered low 203.0.113.9 2',
    '301 Closed low 203.0.113.9 2',
    '302 Triggered low 203.0.113.9 3',
    '602 Closed low 203.0.113.9 3',
  ])
})

test('an event leaves the window when it is as old as the window is long', async () => {
  expect(await changes({}, [failure(0), failure(300)])).toEqual([])
  expect(await changes({}, [failure(0), failure(299.999)])).toEqual([
    '299.999 Triggered low 203.0.113.9 2',
    '899.999 Closed low 203.0.113.9 2',
  ])
})

test('with a window of 0 each event is judged by itself', async () => {
  const options = { ...rule.options, evaluationWindow: 0 }
  const each = { options, cases: [{ status: 'low', condition: 'a > 0' }] }
  expect(await changes(each, [failure(0), failure(0)])).toEqual([
    '0 Triggered low 203.0.113.9 1',
    '600 Closed low 203.0.113.9 1',
  ])
  expect(await changes({ options }, [failure(0), failure(0)])).toEqual([])
})

test('queries are joined by the values of their groups, whatever the names of the fields', async () => {
  const joined = {
    queries: [
      { name: 'probe', query: '@evt:probe', groupByFields: ['@source'] },
      { name: 'login', query: '@evt:login', groupByFields: ['@ip'] },
    ],
    cases: [{ status: 'high', condition: 'probe > 0 && login > 0' }],
  }
  const probe = { timestamp: new Date(BEGIN).toISOString(), evt: 'probe', source: '203.0.113.9' }
  expect(await changes(joined, [probe, failure(1, { ip: '203.0.113.8' }), failure(2)])).toEqual([
    '2 Triggered high 203.0.113.9 1',
    '602 Closed high 203.0.113.9 1',
  ])
})

test('THEN requires its left side before its right side', async () => {
  const ordered = {
    queries: [
      { name: 'failed', query: '@outcome:fail', groupByFields: ['@ip'] },
      { name: 'good', query: '@outcome:success', groupByFields: ['@ip'] },
    ],
    cases: [{ status: 'high', condition: 'failed > 1 THEN good > 0' }],
  }
  const good = (second: number) => failure(second, { outcome: 'success' })
  expect(await changes(ordered, [good(0), failure(1), failure(2)])).toEqual([])
  expect(await changes(ordered, [failure(1), failure(2), good(2)])).toEqual([])
  expect(await changes(ordered, [failure(1), failure(2), good(3)])).toEqual([
    '3 Triggered high 203.0.113.9 2',
    '603 Closed high 203.0.113.9 2',
  ])
})

test('several distinct fields count distinct combinations; a sum adds numbers; an optional group is N/A where it lacks', async () => {
  const tuples = {
    queries: [
      { query: '@evt:login', aggregation: 'cardinality', distinctFields: ['@a', '@b'], groupByFields: ['@ip'] },
    ],
    cases: [{ status: 'low', condition: 'a > 2' }],
  }
  const pairs = [
    [1, 1],
    [1, 2],
    [1, 1],
    [2, 1],
  ]
  const paired = pairs.map(([a, b], i) => failure(i, { a, b }))
  expect((await changes(tuples, paired))[0]).toBe('3 Triggered low 203.0.113.9 3')
  const sum = {
    queries: [{ query: '@evt:login', aggregation: 'sum', metrics: ['@bytes'], groupByFields: ['@ip'] }],
    cases: [{ status: 'low', condition: 'a >= 30' }],
  }
  expect((await changes(sum, [failure(0, { bytes: 10 }), failure(1, { bytes: 20 })]))[0]).toBe(
    '1 Triggered low 203.0.113.9 30',
  )
  const optional = {
    queries: [{ query: '@evt:login', groupByFields: ['@ip', '@org'], hasOptionalGroupByFields: true }],
    cases: [{ status: 'low', condition: 'a > 1' }],
  }
  expect((await changes(optional, [failure(0), failure(1)]))[0]).toBe('1 Triggered low 203.0.113.9+N/A 2')
})

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'siem-'))
  await writeFile(join(dir, 'rule.json'), JSON.stringify(rule))
  await writeFile(join(dir, 'monitor-of-guessing.json'), JSON.stringify(monitor))
  await writeFile(
    join(dir, 'log.jsonl'),
    [0, 1, 2, 3, 4].map((second) => `${JSON.stringify(failure(second))}\n`).join(''),
  )
  return () => rm(dir, { recursive: true })
})

test('a folder with monitors and rules is replayed, expected, reported and continued as one', async () => {
  const log = join(dir, 'log.jsonl')
  const expected = join(dir, 'expect.json')
  const groups = [{ '@ip': '203.0.113.9' }]
  await writeFile(expected, JSON.stringify({ rule: groups, 'monitor-of-guessing': groups }))
  const junit = join(dir, 'replay.xml')
  const run = await runCaptured(command, [log, '--detections', dir, '--json', '--junit', junit, '--live'])
  expect(run).toMatchObject({ code: 0 })
  expect(run.err).toContain('5 events, 1 monitor, 1 rule, 2 alerts.')
  expect(run.out.split('\n')[1]).toBe(
    '{"monitor":"rule","transition":"Triggered","group":{"@ip":"203.0.113.9"},"at":"2026-01-05T09:00:01.000Z","value":2,"severity":"low"}',
  )
  expect(await readFile(junit, 'utf8')).toContain('name="rule"')
  await writeFile(expected, JSON.stringify({ rule: [] }))
  expect(await runCaptured(command, [log, '--detections', dir])).toMatchObject({ code: 1 })
  const whole = await runCaptured(command, [log, '--detections', dir, '--state', join(dir, 'a'), '--finish'])
  const lines = (await readFile(log, 'utf8')).split('\n')
  const state = join(dir, 'b')
  let out = ''
  for (const [i, part] of [lines.slice(0, 3), lines.slice(3)].entries()) {
    const file = join(dir, `part-${i}.jsonl`)
    await writeFile(file, part.join('\n'))
    const finish = i === 0 ? [] : ['--finish']
    out += (await runCaptured(command, [file, '--detections', dir, '--state', state, ...finish])).out
  }
  expect(out).toBe(whole.out)
  await rm(expected)
})

test('a saved state is refused once a condition has changed', async () => {
  const log = join(dir, 'log.jsonl')
  const other = await mkdtemp(join(tmpdir(), 'siem-'))
  const file = join(other, 'rule.json')
  await writeFile(file, JSON.stringify(rule))
  const argv = [log, '--detections', file, '--state', join(other, 'state')]
  await runCaptured(command, argv)
  await writeFile(file, JSON.stringify({ ...rule, cases: rule.cases.slice(0, 1) }))
  const { code, err } = await runCaptured(command, argv)
  expect(code).toBe(3)
  expect(err).toContain('the query or the options of rule changed')
  await rm(other, { recursive: true })
})

test('check finds the line of a fault in a rule, a hidden case, and a term that no event has', async () => {
  const other = await mkdtemp(join(tmpdir(), 'siem-'))
  const file = join(other, 'rule.json')
  const slip = [{ ...rule.queries[0], query: 'evt:login' }]
  await writeFile(file, JSON.stringify({ ...rule, queries: slip, cases: rule.cases.toReversed() }, undefined, 2))
  const report = await checkMonitors([other], async (take) => {
    take({ attributes: { evt: 'login', ip: '203.0.113.9' } })
  })
  const found = report.findings.map(({ level, rule: id, place }) => `${level} ${id} ${place}`)
  expect(found).toEqual(['warning silent-term queries[0].query', 'warning hidden-case cases[1]'])
  await writeFile(file, JSON.stringify({ ...rule, cases: [{ status: 'low', condition: '> 3' }] }, undefined, 2))
  const { findings } = await checkMonitors([other])
  const text = (await readFile(file, 'utf8')).split('\n')
  expect(findings).toMatchObject([{ level: 'error', rule: 'condition', monitor: 'rule' }])
  expect(text[(findings[0]?.line ?? 0) - 1]).toContain('"> 3"')
  await rm(other, { recursive: true })
})

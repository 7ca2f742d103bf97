import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command } from './tune.ts'

const monitor = {
  ...{ name: 'Failed logins', type: 'log alert', message: 'm' },
  query: 'logs("@outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
  options: { thresholds: { critical: 2 }, new_group_delay: 0 },
}
const rule = {
  ...{ name: 'Spraying', type: 'log_detection', message: 'm', isEnabled: true, tags: [] },
  queries: [{ name: 'a', query: '@outcome:fail', aggregation: 'count', distinctFields: [], groupByFields: ['@ip'] }],
  cases: [{ name: '', status: 'high', condition: 'a > 2', notifications: [] }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86_400 },
}
const log = ['203.0.113.9', '198.51.100.7', '203.0.113.9', '203.0.113.9', '203.0.113.9', '198.51.100.7'].map(
  (ip, i) => `${JSON.stringify({ timestamp: `2026-01-12T14:00:0${i}Z`, outcome: 'fail', ip })}\n`,
)

let dir: string
const at = (name: string) => join(dir, name)
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tune '))
  await writeFile(at('failed-logins.json'), JSON.stringify(monitor))
  await writeFile(at('rule.json'), JSON.stringify(rule))
  await writeFile(at('both.json'), JSON.stringify([monitor, rule]))
  await writeFile(at('log.jsonl'), log.join(''))
  await writeFile(at('expect.json'), JSON.stringify({ 'failed-logins': [{ '@ip': '203.0.113.9' }] }))
  await writeFile(at('more.json'), JSON.stringify({ 'failed-logins': [{ '@ip': '192.0.2.1' }] }))
  return () => rm(dir, { recursive: true })
})

const tuned = (...argv: string[]) => runCaptured(command, [at('log.jsonl'), ...argv])
const one = () => ['--detections', at('failed-logins.json')]

test('the table has a row for each threshold and window, and no line of it is longer than 80 characters', async () => {
  const { code, out, err } = await tuned(
    ...one(),
    '--thresholds',
    '1..5',
    '--windows',
    '1m,5m',
    '--expect',
    at('expect.json'),
  )
  expect(code).toBe(0)
  expect(out.split('\n').slice(0, 5)).toEqual([
    'failed-logins',
    'window  threshold   alerts  a day  expected  nearest miss',
    '1m            > 1        2      2  +1        -',
    '              > 2        1      1  holds     2 at 01-12 14:01 @ip:198.51.100.7',
    '              > 3        1      1  holds     2 at 01-12 14:01 @ip:198.51.100.7',
  ])
  expect(out).toContain('5m: > 2 to > 3 alerts for all that is expected, and for nothing else.\n')
  expect(Math.max(...out.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  expect(err).toBe('6 events from 2026-01-12T14:00:00.000Z to 2026-01-12T14:00:05.000Z, counted as 1 day.\n')
})

test('thresholds of any length stand in one column', async () => {
  const { out } = await tuned(...one(), '--thresholds', '2,1000000000,20000000000')
  const lines = out.split('\n').slice(2, 5)
  expect(lines.map((line) => line.slice(8, 21))).toEqual(['          > 2', ' > 1000000000', '> 20000000000'])
  expect(lines.map((line) => line.slice(21, 30))).toEqual(['        1', '        0', '        0'])
})

test('without a range it says what stands in the way, and exits with 1', async () => {
  const { code, out } = await tuned(...one(), '--thresholds', '2,9', '--expect', at('more.json'))
  expect(code).toBe(1)
  expect(out).toContain(
    [
      'No threshold alerts for all that is expected, and for nothing else:',
      '  5m: none alerts for all that is expected',
      '      > 9 alerts for nothing else, and misses @ip:192.0.2.1\n',
    ].join('\n'),
  )
})

test('--json is one line for each monitor, and --svg a file of its own', async () => {
  const { out } = await tuned(...one(), '--json', '--svg', at('chart.svg'), '--expect', at('expect.json'))
  const [line, rest] = out.split('\n')
  expect(rest).toBe('')
  expect(JSON.parse(line ?? '')).toMatchObject({
    ...{ monitor: 'failed-logins', query: monitor.query, days: 1 },
    ranges: [{ window: '5m', from: 2, to: 3 }],
    cells: [
      { threshold: 1 },
      { threshold: 2, alerts: 1, missing: [], unexpected: [] },
      { threshold: 3 },
      { threshold: 4 },
    ],
  })
  const svg = await readFile(at('chart.svg'), 'utf8')
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /)
  expect(svg.match(/<circle /g)).toHaveLength(4)
  expect(svg.match(/class="range"/g)).toHaveLength(1)
  expect(svg).not.toMatch(/href|url\(|<script/)
  await tuned(...one(), '--svg', at('many.svg'), '--thresholds', '1,2,1000000000..4000000000/100000000')
  const labels = [...(await readFile(at('many.svg'), 'utf8')).matchAll(/text-anchor="middle">([^<]*)</g)]
  expect(labels.map(([, text]) => text)).toEqual([
    '1',
    '1.1B',
    '1.4B',
    '1.7B',
    '2B',
    '2.3B',
    '2.6B',
    '2.9B',
    '3.2B',
    '3.5B',
    '3.8B',
  ])
})

test('a chart in a folder that does not exist is refused with exit code 3', async () => {
  const { code, err } = await tuned(...one(), '--svg', at('none/chart.svg'))
  expect([code, err]).toEqual([3, expect.stringContaining('cannot be written: there is no such folder')])
})

test('a rule of Cloud SIEM is tuned beside a monitor; one without a number is refused by name', async () => {
  const { code, out } = await tuned('--detections', at('both.json'), '--thresholds', '3..4')
  expect(code).toBe(0)
  expect(out).toContain('spraying, the case for high: a > N\n')
  expect(out).toContain('5m          a > 3        1      1  2 at 01-12 14:00 @ip:198.51.100.7\n')
  const [line = ''] = (await tuned('--detections', at('rule.json'), '--thresholds', '3', '--json')).out.split('\n')
  expect(JSON.parse(line)).toMatchObject({ monitor: 'rule', kind: 'rule', operator: 'a >', cells: [{ alerts: 1 }] })
  const queries = [...rule.queries, { ...rule.queries[0], name: 'b' }]
  const cases = [{ name: '', status: 'high', condition: 'a > b', notifications: [] }]
  await writeFile(at('numberless.json'), JSON.stringify({ ...rule, queries, cases }))
  expect(await tuned('--detections', at('numberless.json'))).toMatchObject({
    code: 3,
    err: expect.stringMatching(
      /^not tuned: numberless: no case compares a query with a number\n[\s\S]*holds no monitor that can be tuned/,
    ),
  })
})

test('what is expected of a rule is looked for, and of what is not tuned does not hold', async () => {
  await writeFile(at('of-rule.json'), JSON.stringify({ Spraying: [{ '@ip': '203.0.113.9' }] }))
  const expecting = ['--expect', at('of-rule.json'), '--thresholds', '3']
  const both = await tuned('--detections', at('both.json'), ...expecting)
  expect(both.out).toContain('5m: a > 3 alerts for all that is expected, and for nothing else.')
  const metric = { ...monitor, name: 'CPU', type: 'query alert', query: 'avg(last_5m):a > 2' }
  await writeFile(at('metric.json'), JSON.stringify([monitor, metric]))
  await writeFile(at('of-metric.json'), JSON.stringify({ CPU: [{ '@ip': '203.0.113.9' }] }))
  const { code, err } = await tuned(
    '--detections',
    at('metric.json'),
    '--expect',
    at('of-metric.json'),
    '--thresholds',
    '9',
  )
  expect([code, err]).toEqual([1, expect.stringContaining('expected and not tuned: ')])
})

test('--monitor picks by slug or name', async () => {
  const { code, out } = await tuned('--detections', at('both.json'), '--monitor', 'Failed logins')
  expect([code, out]).toEqual([0, expect.stringContaining('nearest miss')])
  await expect(tuned(...one(), '--monitor', 'failed-login')).rejects.toThrow('Did you mean "failed-logins"?')
})

test.each([
  [['--thresholds', '9..1'], /--thresholds 9\.\.1: "9\.\.1" holds no threshold/],
  [['--windows', '5'], /--windows 5: "5" is not a window/],
  [['--live', '--cadence', '60'], /leave out --cadence/],
  [['--thresholds', '1..900', '--windows', '1m,2m,3m,4m,5m,6m,7m,8m,9m,10m,11m,12m'], /at most 10000/],
])('%j is refused', async (argv, reason) => {
  await expect(tuned(...one(), ...argv)).rejects.toThrow(UsageError)
  await expect(tuned(...one(), ...argv)).rejects.toThrow(reason)
})

test('what cannot be read is told, and fails with --strict', async () => {
  await writeFile(at('broken.jsonl'), `${log.join('')}no event\n`)
  const run = (...argv: string[]) => runCaptured(command, [at('broken.jsonl'), ...one(), ...argv])
  expect(await run()).toMatchObject({ code: 0, err: expect.stringContaining('line 7 is not JSON') })
  expect((await run('--strict')).code).toBe(3)
  await writeFile(at('empty.jsonl'), '')
  expect(await runCaptured(command, [at('empty.jsonl'), ...one()])).toMatchObject({ code: 0 })
  expect(await runCaptured(command, [at('empty.jsonl'), ...one(), '--strict'])).toMatchObject({ code: 3 })
})

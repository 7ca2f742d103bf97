import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command as explain } from '../verbs/explain.ts'
import { command as replay } from '../verbs/replay.ts'

const HOSTILE = `"'><script>alert(1)</script><img src=x onerror=alert(1)>\u202e</svg></title>&lt;b&gt;`
const monitor = (query: string, options: object = {}, name = 'Failed logins') => ({
  ...{ name, type: 'log alert', message: 'm', query },
  options: {
    thresholds: { critical: Number(/[\d.]+$/.exec(query)?.[0]) },
    new_group_delay: 0,
    on_missing_data: 'resolve',
    ...options,
  },
})
const counting = (more: string, search = '@outcome:fail') => `logs("${search}").index("*").rollup("count")${more}`
const rule = {
  ...{ name: 'Failures <i>', type: 'log_detection', message: 'm', isEnabled: true, tags: [] },
  queries: [{ query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'], distinctFields: [] }],
  cases: [{ status: 'high', condition: 'a > 2', notifications: [] }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
}
const fail = (second: number, ip: string) => ({
  timestamp: new Date(Date.UTC(2026, 0, 5, 9, 0, second)).toISOString(),
  ...{ outcome: 'fail', ip },
})
const events = [
  ...[0, 1, 2].map((second) => fail(second, '203.0.113.9')),
  ...[600, 601, 602].map((second) => fail(second, HOSTILE)),
  ...[1200, 1201].map((second) => fail(second, '192.0.2.7')),
]
const lines = (list: readonly object[]) => list.map((each) => `${JSON.stringify(each)}\n`).join('')

let folder: string
const at = (path: string) => join(folder, path)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report '))
  await mkdir(at('monitors'))
  const files = {
    'log.jsonl': lines(events),
    'late.jsonl': lines([...events.slice(3), ...events.slice(0, 3)]),
    'monitors/by-address.json': JSON.stringify(monitor(counting('.by("@ip").last("5m") > 2'))),
    'monitors/hostile.json': JSON.stringify(
      monitor(counting('.by("@ip").last("5m") > 900', `@note:\\"${HOSTILE.replaceAll('"', '')}\\"`), {}, HOSTILE),
    ),
    'monitors/far.json': JSON.stringify(monitor(counting('.by("@ip").last("5m") > 900'))),
    'monitors/rule.json': JSON.stringify(rule),
    'delayed.json': JSON.stringify(monitor(counting('.by("@ip").last("1m") > 2'), { new_group_delay: 300 })),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(at(name), text)
  return () => rm(folder, { recursive: true })
})

async function reportOf(log: string, detections: string, ...argv: string[]): Promise<string> {
  const { code, err } = await runCaptured(replay, [
    ...[at(log), '--detections', at(detections), '--html', at('report.html'), ...argv],
  ])
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('8 events') })
  return readFile(at('report.html'), 'utf8')
}

const chartsIn = (page: string): string[] => page.match(/<svg [\s\S]*?<\/svg>/g) ?? []

test('each group that fired is drawn as explain draws it, and the nearest of the others too', async () => {
  for (const mode of [[], ['--live'], ['--cadence', '10']]) {
    const charts = chartsIn(await reportOf('log.jsonl', 'monitors/by-address.json', ...mode))
    for (const ip of ['203.0.113.9', HOSTILE, '192.0.2.7']) {
      await runCaptured(explain, [
        ...[at('log.jsonl'), '--detections', at('monitors/by-address.json'), '--group', `@ip:${ip}`],
        ...['--svg', at('chart.svg'), ...mode],
      ])
      expect(charts).toContain((await readFile(at('chart.svg'), 'utf8')).trimEnd())
    }
    expect(charts).toHaveLength(3)
  }
})

test('a log that is not in order gives the same report and the same explanation', async () => {
  const [page, late] = [await reportOf('log.jsonl', 'monitors'), await reportOf('late.jsonl', 'monitors')]
  expect(late.replaceAll('late.jsonl', 'log.jsonl')).toBe(page)
  const [one, other] = await Promise.all(
    ['log.jsonl', 'late.jsonl'].map((log) =>
      runCaptured(explain, [at(log), '--detections', at('monitors/by-address.json'), '--group', `@ip:${HOSTILE}`]),
    ),
  )
  expect(other?.out).toBe(one?.out)
})

test('hostile text of a log, of a monitor and of a rule is text', async () => {
  const page = await reportOf('log.jsonl', 'monitors')
  expect(page).toContain('@ip:&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).toContain('\\u{202e}')
  expect(page).toContain('Failures &lt;i&gt;')
  expect(page).not.toMatch(/<script|<img|<i>|<b>|&lt;b&gt;|\u202e/)
  expect(page.match(/<title>/g)).toHaveLength(chartsIn(page).length + 1)
})

test('monitors without a group that fired or came near have a row and no section', async () => {
  const page = await reportOf('log.jsonl', 'monitors')
  const headings = [...page.matchAll(/<h2 id="m\d">([^<]*)</g)].map(([, name]) => name)
  expect(headings).toEqual(['by-address', 'rule'])
  expect(page).toContain('<td>far</td><td>0</td><td>0</td><td>3</td><td>above 900</td><td>evaluated</td>')
  expect(page).toContain('<td>Triggered, high</td><td>3</td>')
  expect(page).toContain('rule fired for @ip:203.0.113.9.')
  expect(page).toContain('It opened a signal of severity high.')
  expect(page).toMatch(/hostile: <code>@note:.*&lt;script&gt;.*<\/code> matched no event/)
})

test('a group that was held back is drawn, with the setting that held it', async () => {
  const page = await reportOf('log.jsonl', 'delayed.json')
  expect(page).toContain('but new_group_delay held the new group back')
  expect(chartsIn(page)).toHaveLength(1)
})

test('the report says whether the expectations hold, and a log without events is reported', async () => {
  await writeFile(at('expect.json'), JSON.stringify({ 'by-address': [{ '@ip': '203.0.113.9' }] }))
  const given = [
    at('log.jsonl'),
    '--detections',
    at('monitors'),
    '--html',
    at('report.html'),
    '--expect',
    at('expect.json'),
  ]
  expect((await runCaptured(replay, given)).code).toBe(1)
  const page = await readFile(at('report.html'), 'utf8')
  expect(page).toContain('the expectations do not hold')
  expect(page).toContain('which was not expected')
  await writeFile(at('empty.jsonl'), '')
  await runCaptured(replay, [at('empty.jsonl'), '--detections', at('monitors'), '--html', at('report.html')])
  expect(await readFile(at('report.html'), 'utf8')).toContain('<dd>0 events</dd>')
})

test('--html is refused where the log cannot be read again, and a file that cannot be written is named', async () => {
  for (const more of [['--follow'], ['--state', at('a.state')]]) {
    const given = [at('log.jsonl'), '--detections', at('monitors'), '--html', at('report.html'), ...more]
    await expect(runCaptured(replay, given)).rejects.toThrow(UsageError)
  }
  const { code, err } = await runCaptured(replay, [
    ...[at('log.jsonl'), '--detections', at('monitors'), '--html', join(folder, 'no', 'report.html')],
  ])
  expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining('report.html cannot be written') })
})

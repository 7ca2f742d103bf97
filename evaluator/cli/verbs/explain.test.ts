import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { runCaptured } from '../testing.ts'
import { command } from './explain.ts'

const monitor = (query: string, options: Record<string, unknown> = {}) => ({
  ...{ name: 'n', type: 'log alert', message: 'm', query },
  options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve', ...options },
})
const byAddress = 'logs("@outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2'
const events = [0, 1, 2, 3].map((second) => ({
  timestamp: `2026-01-05T09:00:0${second}Z`,
  ...{ outcome: second === 3 ? 'success' : 'fail', ip: '203.0.113.9' },
}))
const lines = (list: readonly unknown[]) => list.map((each) => `${JSON.stringify(each)}\n`).join('')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'explain '))
  await mkdir(join(folder, 'logs'))
  await mkdir(join(folder, 'monitors'))
  await Promise.all([
    writeFile(join(folder, 'log.jsonl'), lines(events)),
    writeFile(join(folder, 'logs/a.jsonl'), lines(events.slice(0, 1))),
    writeFile(join(folder, 'logs/b.json.gz'), gzipSync(JSON.stringify({ data: [] }))),
    writeFile(join(folder, 'logs/c.jsonl'), lines(events.slice(1))),
    writeFile(join(folder, 'empty.jsonl'), ''),
    writeFile(join(folder, 'broken.jsonl'), `${lines(events.slice(0, 1))}no event\n`),
    writeFile(join(folder, 'logs/broken.log'), `${lines(events.slice(3))}no event\n`),
    writeFile(join(folder, 'one.json'), JSON.stringify(monitor(byAddress))),
    writeFile(join(folder, 'monitors/by-address.json'), JSON.stringify(monitor(byAddress))),
    writeFile(
      join(folder, 'monitors/all.json'),
      JSON.stringify(monitor(byAddress.replace('.by("@ip")', ''), { new_group_delay: undefined })),
    ),
    writeFile(
      join(folder, 'monitors/metric.json'),
      JSON.stringify({ ...monitor('avg(last_5m):a > 2'), type: 'query alert' }),
    ),
    writeFile(
      join(folder, 'rule.json'),
      JSON.stringify({
        ...{ name: 'r', type: 'log_detection', message: 'm', isEnabled: true, tags: [] },
        queries: [{ query: '*', aggregation: 'count', groupByFields: [], distinctFields: [] }],
        cases: [{ status: 'high', condition: 'a > 2', notifications: [] }],
        options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 3600 },
      }),
    ),
  ])
  return () => rm(folder, { recursive: true })
})

const at = (path: string) => join(folder, path)
const run = (...argv: string[]) => runCaptured(command, argv)

test('the event on a line is explained, with exit code 1 if the monitor did not fire for it', async () => {
  const { code, out, err } = await run(`${at('log.jsonl')}:4`, '--detections', at('one.json'))
  expect({ code, err }).toEqual({ code: 1, err: '' })
  expect(out).toContain(`one did not fire for ${at('log.jsonl')}:4.`)
  expect(out).toContain('NO   @outcome:fail   the event has "success"')
  expect((await run(`${at('log.jsonl')}:3`, '--detections', at('one.json'))).code).toBe(0)
})

test('a line of standard input is asked for as one of a file', async () => {
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  const argv = ['--import', 'tsx', main, 'explain', '-:4', '--detections', at('one.json')]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'] })
  createReadStream(at('log.jsonl')).pipe(child.stdin)
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  expect(out).toContain('one did not fire for line 4.')
  expect(code).toBe(1)
})

test('the event may lie in one of several files, or in a folder', async () => {
  const detections = ['--detections', at('one.json')]
  for (const paths of [
    [at('logs'), `${at('logs/c.jsonl')}:2`],
    [at('logs/a.jsonl'), `${at('logs/c.jsonl')}:2`],
  ]) {
    const { code, out } = await run(...paths, ...detections)
    expect(code).toBe(0)
    expect(out).toContain(`fired for ${at('logs/c.jsonl')}:2, group @ip:203.0.113.9.`)
  }
})

test('a group, an instant and a search are explained', async () => {
  const given = [at('log.jsonl'), '--detections', at('one.json')]
  expect(await run(...given, '--group', '@ip:203.0.113.9')).toMatchObject({ code: 0, err: '' })
  const then = await run(...given, '--at', '2026-01-05T09:00:30Z')
  expect(then).toMatchObject({ code: 1 })
  expect(then.out).toContain('one did not fire at 2026-01-05T09:00:30.000Z.')
  const found = await run(...given, '--event', '@outcome:fail')
  expect(found.code).toBe(0)
  expect(found.err).toBe(
    `The search finds 3 events: the first is explained. Others: ${at('log.jsonl')}:2, ${at('log.jsonl')}:3\n`,
  )
})

test('--json prints the facts alone, --live evaluates at each event, --svg writes the chart', async () => {
  const given = [at('log.jsonl'), '--detections', at('one.json'), '--live', '--json', '--svg', at('chart.svg')]
  const { out, err } = await run(...given)
  expect(err).toBe('')
  expect(JSON.parse(out)).toMatchObject({
    monitor: { slug: 'one', cadence_seconds: null },
    verdict: { fired: true, kind: 'triggered', at: '2026-01-05T09:00:02.000Z', value: 3 },
    group: { group: { '@ip': '203.0.113.9' } },
  })
  expect(await readFile(at('chart.svg'), 'utf8')).toContain('one fired for @ip:203.0.113.9.')
})

test('a rule of Cloud SIEM is explained, with its facts as JSON and its chart', async () => {
  const given = [at('log.jsonl'), '--detections', at('rule.json'), '--detections', at('one.json'), '--monitor', 'rule']
  const { code, out, err } = await run(...given)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('rule fired.')
  expect(out).toContain('a > 2: a 3')
  const facts = await run(...given, '--json', '--svg', at('rule.svg'), '--at', '2026-01-05T08:00:00Z')
  expect(facts.code).toBe(1)
  expect(JSON.parse(facts.out)).toMatchObject({
    rule: { slug: 'rule', window_seconds: 300 },
    verdict: { fired: false, kind: 'not-begun' },
  })
  expect(await readFile(at('rule.svg'), 'utf8')).toContain('what a counts')
})

test.each([
  [[], 'Give a file or a folder'],
  [['log.jsonl'], 'Missing --detections'],
  [['log.jsonl', '--detections', 'monitors'], 'name one with --monitor. They are all, by-address.'],
  [['log.jsonl', '--detections', 'monitors', '--monitor', 'by-adress'], 'Did you mean "by-address"?'],
  [['log.jsonl', '--detections', 'one.json', '--group', 'ip:203.0.113.9'], 'write FACET:VALUE. one groups by @ip.'],
  [['log.jsonl', '--detections', 'one.json', '--group', '@ip:x', '--group', '@ip:y'], '@ip is given twice'],
  [['log.jsonl', '--detections', 'monitors', '--monitor', 'all', '--group', '@ip:x'], 'has no groups'],
  [['log.jsonl', '--detections', 'one.json', '--at', 'noon'], '--at noon: must be a time'],
  [['log.jsonl:1', '--detections', 'one.json', '--at', '2026-01-05T09:00:30Z'], 'leave out --group and --at'],
  [['log.jsonl:1', 'log.jsonl:2', '--detections', 'one.json'], 'Give one event'],
  [['log.jsonl', '--detections', 'one.json', '--event', '@a:('], '--event @a:('],
  [['log.jsonl', '--detections', 'one.json', '--live', '--cadence', '10'], 'leave out --cadence'],
  [['log.jsonl', '--detections', 'rule.json', '--cadence', '10'], '--cadence is for monitors'],
  [['log.jsonl', '--detections', 'rule.json', '--group-limits'], '--group-limits is for monitors'],
  [['log.jsonl', '--detections', 'rule.json', '--group', '@ip:x'], 'rule has no groups'],
  [['log.jsonl', '--detections', 'rule.json', '--detections', 'one.json'], 'holds 1 monitor and 1 rule: name one'],
])('%j is refused as unusable', async (argv, reason) => {
  const given = argv.map((word) => (/^(log|one|monitors|rule\.)/.test(word) ? at(word) : word))
  await expect(run(...given)).rejects.toThrow(reason)
})

test.each([
  [['log.jsonl:9', '--detections', 'one.json'], 'log.jsonl:9: there is no event.'],
  [['broken.jsonl:2', '--detections', 'one.json'], 'broken.jsonl:2 is not JSON.'],
  [['logs', 'logs/broken.log:2', '--detections', 'one.json'], 'logs/broken.log:2 is not JSON.'],
  [['log.jsonl', '--detections', 'one.json', '--event', '@outcome:busy'], 'No event matches @outcome:busy.\n'],
  [
    ['log.jsonl', '--detections', 'one.json', '--event', 'outcome:fail'],
    'No event matches outcome:fail. `outcome:fail` matched no event; did you mean `@outcome:fail`?\n',
  ],
  [['empty.jsonl', '--detections', 'one.json'], 'The log holds no event.'],
  [['none.jsonl', '--detections', 'one.json'], 'none.jsonl cannot be read'],
  [['log.jsonl', '--detections', 'monitors', '--monitor', 'metric'], 'not evaluated: metric'],
])('%j ends with exit code 3', async (argv, reason) => {
  const given = argv.map((word) => (/^(log|one|monitors|empty|none|broken|rule\.|chart)/.test(word) ? at(word) : word))
  const { code, out, err } = await run(...given)
  expect({ code, out }).toEqual({ code: 3, out: '' })
  expect(err).toContain(reason)
})

test.each([
  ['there is no value to draw', 'chart.svg', '@ip:x'],
  ['cannot be written', 'none/chart.svg', '@ip:203.0.113.9'],
])('a chart of which it is said that %s leaves the page, and ends with exit code 3', async (reason, svg, group) => {
  const { code, out, err } = await run(
    at('log.jsonl'),
    '--detections',
    at('one.json'),
    '--group',
    group,
    '--svg',
    at(svg),
  )
  expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining(reason) })
  expect(out).toContain('\nThe monitor\n')
})

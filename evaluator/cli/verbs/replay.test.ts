import { execFileSync } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { loadMonitors } from '../../index.ts'
import { frameLine } from '../../intake/index.ts'
import { UsageError } from '../command.ts'
import { runCaptured } from '../testing.ts'
import { command, replayOf } from './replay.ts'

const monitorOf = (search: string, threshold: number, facet: string, by: string) => ({
  name: `more than ${threshold} ${facet} by ${by}`,
  type: 'log alert',
  query: `logs("service:mini-ato-saas env:prod ${search}").index("*").rollup("cardinality","${facet}").by("${by}").last("5m") > ${threshold}`,
  message: 'm',
  options: { thresholds: { critical: threshold }, new_group_delay: 0, on_missing_data: 'resolve' },
})

async function writeMonitor(folder: string, slug: string, monitor: unknown): Promise<void> {
  await mkdir(join(folder, slug), { recursive: true })
  await writeFile(join(folder, slug, 'monitor.json'), JSON.stringify(monitor))
}

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'replay-'))
  const stuffing = monitorOf('@evt:login @outcome:fail', 10, '@request_id', '@network')
  await writeMonitor(join(dir, 'rules'), 'credential-stuffing', stuffing)
  return () => rm(dir, { recursive: true })
})

async function run(...argv: string[]) {
  const rules = argv.includes('--detections') ? [] : ['--detections', join(dir, 'rules')]
  return runCaptured(command, [...argv, ...rules])
}

const failure = (second: number, ip = '203.0.113.9') =>
  JSON.stringify({
    service: 'mini-ato-saas',
    env: 'prod',
    evt: 'login',
    outcome: 'fail',
    reason: 'wrong_password',
    ip,
    network: ip,
    request_id: `${ip}-${second}`,
    timestamp: new Date(Date.UTC(2026, 0, 5, 9, 0, second)).toISOString(),
  })
const attack = (ip?: string) => Array.from({ length: 11 }, (_, i) => failure(i, ip))

async function log(lines: string[]): Promise<string> {
  const file = join(dir, `${Math.random()}.jsonl`)
  await writeFile(file, lines.join('\n'))
  onTestFinished(() => rm(file))
  return file
}

test('--live evaluates at each event: an attack triggers an alert, which recovers after the end of the log', async () => {
  const { code, out, err } = await run(await log(attack()), '--live')
  expect(out.split('\n')).toEqual([
    '2026-01-05T09:00:10.000Z  Triggered     credential-stuffing      11  @network:203.0.113.9',
    '2026-01-05T09:05:00.000Z  Recovered     credential-stuffing      10  @network:203.0.113.9',
    '',
  ])
  expect(err).toBe('11 events, 1 monitor, 1 alert.\n')
  expect(code).toBe(0)
})

test('a term or facet that no event has is named with the nearest field', async () => {
  const rules = join(dir, 'slips')
  await writeMonitor(rules, 'seed', monitorOf('evt:login outcome:fail', 10, '@requestid', '@sid'))
  const { err, out } = await run(await log(attack()), '--detections', rules)
  expect(out).toBe('')
  expect(err.split('\n')[1]).toBe(
    'seed: `evt:login` matched no event; did you mean `@evt:login`? ' +
      '`outcome:fail` matched no event; did you mean `@outcome:fail`? ' +
      'no event has the facet `@sid`. no event has the facet `@requestid`; did you mean `@request_id`?',
  )
})

test('monitors are evaluated at full minutes, as by Datadog, and --json prints one line per transition', async () => {
  const file = await log(attack())
  const { out } = await run(file, '--json')
  expect((await run(file, '--json', '--cadence', '60')).out).toBe(out)
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      monitor: 'credential-stuffing',
      transition: 'Triggered',
      group: { '@network': '203.0.113.9' },
      at: '2026-01-05T09:01:00.000Z',
      value: 11,
    },
    {
      monitor: 'credential-stuffing',
      transition: 'Recovered',
      group: { '@network': '203.0.113.9' },
      at: '2026-01-05T09:06:00.000Z',
      value: 0,
    },
  ])
})

test('malformed lines are counted and the first ones named', async () => {
  const { code, err, out } = await run(await log(['{"a', ...attack(), '', '[]', ...Array(8).fill('x')]))
  expect(err).toContain('line 1 is not JSON\nline 14 is not a JSON object\nline 15 is not JSON\n')
  expect(err).toContain('line 17 is')
  expect(err).not.toContain('line 18 is')
  expect(err).toContain('10 lines could not be read as an event.')
  expect(out).toContain('Triggered')
  expect(code).toBe(0)
})

test('a log without any event cannot be read', async () => {
  expect((await run(await log(['hello']))).code).toBe(3)
  const rules = await estate({ 'expect.json': { 'credential-stuffing': [{ '@network': '203.0.113.9' }] } })
  expect((await run(await log(['hello']), '--detections', rules)).code).toBe(3)
  expect(await run(await log([]))).toMatchObject({ code: 0, err: '0 events, 1 monitor, 0 alerts.\n' })
})

test('--follow leaves out and counts events that arrive too late', async () => {
  const late = await log([...attack(), failure(300, '203.0.113.10'), failure(0)])
  const { err, out } = await run(late, '--lateness', '60', '--follow')
  expect(err).toContain('1 event that a monitor counts came more than 60 s late')
  expect(out).toContain('Triggered')
  const { err: many } = await run(await log([failure(10), ...attack()]), '--lateness', '5', '--follow')
  expect(many).toContain('5 events that a monitor counts')
})

test('logs in any order give what logs in order give, from files, folders and a pipe', async () => {
  const events = [...attack(), failure(90), ...Array.from({ length: 11 }, (_, i) => failure(300 + i, '203.0.113.10'))]
  const inOrder = await run(await log(events))
  const newestFirst = await run(await log(events.toReversed()))
  expect(newestFirst.out).toBe(inOrder.out)
  expect(newestFirst.out.split('\n')).toHaveLength(5)
  expect(newestFirst.err).toBe(`The logs are not in order of time: they are sorted first.\n${inOrder.err}`)
  const overlapping = await mkdtemp(join(dir, 'overlapping-'))
  await mkdir(join(overlapping, 'a'))
  await writeFile(join(overlapping, 'a', 'even.jsonl'), ['x', ...events.filter((_, i) => i % 2 === 0)].join('\n'))
  const page = { data: events.filter((_, i) => i % 2 === 1).map((event, id) => stored(event, id)) }
  await writeFile(join(overlapping, 'odd.json.gz'), gzipSync(JSON.stringify(page)))
  const both = await run(overlapping)
  expect(both.out).toBe(inOrder.out)
  expect(both.err.split('\n')).toEqual([
    `${join(overlapping, 'odd.json.gz')} is read as export: pages of the API, records or archives of Datadog.`,
    'The logs are not in order of time: they are sorted first.',
    `${join(overlapping, 'a', 'even.jsonl')}: line 1 is not JSON`,
    '23 events, 1 monitor, 2 alerts.',
    '1 piece could not be read as an event.',
    '',
  ])
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  const writing = writeFile(pipe, [...events.slice(12), ...events.slice(0, 12)].join('\n'))
  expect((await run(pipe)).out).toBe(inOrder.out)
  await writing
})

function stored(line: string, id: number) {
  const { timestamp, service, env, ...attributes } = JSON.parse(line)
  return { id, type: 'log', attributes: { timestamp, service, tags: [`env:${env}`], attributes } }
}

test('no control character of somebody’s monitors reaches the terminal', async () => {
  const rules = join(dir, 'hostile.json')
  const name = 'evil \u001b[31m'
  const query = 'logs("*").index("*").rollup("count").by("@ip").last("5m") > 0'
  const taken = { name, type: 'log alert', query, message: 'm', options: { thresholds: { critical: 0 }, [name]: 1 } }
  await writeFile(rules, JSON.stringify([taken, { ...taken, query: `${query} ${name}` }]))
  onTestFinished(() => rm(rules))
  const { err } = await run(await log(attack()), '--detections', rules)
  expect(err).toContain('evil \\u{1b}[31m')
  expect(err).not.toContain('\u001b')
})

test('no control character of a log reaches the terminal', async () => {
  const { out } = await run(await log(attack('\u001b[2J\u202e')))
  expect(out).toContain('@network:\\u{1b}[2J\\u{202e}')
  const rules = join(dir, 'odd')
  await writeMonitor(rules, 'odd', monitorOf('@evt:login', 10, '@sid', '@network'))
  const odd = JSON.stringify({ timestamp: '2026-01-05T09:00:00Z', 'si\u001bd': 'x' })
  const { err } = await run(await log([odd]), '--detections', rules)
  expect(err).toContain('did you mean `@si\\u{1b}d`?')
  expect(err).not.toContain('\u001b')
})

test('one of several files that cannot be read is named, and the others are evaluated', async () => {
  const { out } = await run(await log(attack()))
  const folder = await mkdtemp(join(dir, 'damaged-'))
  await writeFile(join(folder, 'a.jsonl'), attack().join('\n'))
  const damaged = join(folder, 'z.jsonl.gz')
  await writeFile(damaged, gzipSync(Buffer.alloc(100_000, '{}\n')).subarray(0, 100))
  const result = await run(folder)
  expect(result).toMatchObject({ code: 0, out, err: expect.stringContaining(`${damaged} cannot be read: `) })
  expect(result.err.match(/cannot be read: /g)).toHaveLength(1)
  expect(await run(folder, '--strict')).toMatchObject({ code: 3, out })
  expect(await run(damaged)).toMatchObject({ code: 3, out: '' })
  await rm(join(folder, 'a.jsonl'))
  await cp(damaged, join(folder, 'y.jsonl.gz'))
  expect(await run(folder)).toMatchObject({ code: 3, out: '' })
  const state = join(folder, 'state')
  await writeFile(join(folder, 'a.jsonl'), attack().join('\n'))
  const part = await run(folder, '--state', state)
  expect(part).toMatchObject({ code: 3, err: expect.stringContaining('y.jsonl.gz cannot be read: ') })
  await expect(readFile(state)).rejects.toThrow('ENOENT')
})

test('a file that is named twice counts once', async () => {
  const file = await log(attack())
  const { out, err } = await run(file)
  const again = await run(file, file)
  expect(again).toMatchObject({ code: 0, out, err: `${file} is named more than once: it is read once.\n${err}` })
})

test('an unusable monitor or file gives exit code 3 and every fault', async () => {
  const file = await log(attack())
  expect(await run(join(dir, 'none'))).toMatchObject({ code: 3, err: expect.stringContaining('there is no such file') })
  const empty = await mkdtemp(join(dir, 'empty-'))
  expect(await run(empty)).toMatchObject({ code: 3, err: expect.stringContaining('the folder holds no file') })
  expect(await run(file, '--detections', join(dir, 'none'))).toMatchObject({
    code: 3,
    err: expect.stringContaining('none: does not exist'),
  })
})

test('unusable options are refused', async () => {
  await expect(runCaptured(command, ['a'])).rejects.toThrow(/Missing --detections PATH/)
  await expect(run()).rejects.toThrow(UsageError)
  await expect(run('a', '--cadence', '0')).rejects.toThrow(/--cadence 0: must be a whole number from 1/)
  await expect(run('a', '--cadence', '60', '--live')).rejects.toThrow(/leave out --cadence/)
  await expect(run('a', '--lateness', '1m')).rejects.toThrow(/--lateness 1m: must be a whole number from 0/)
})

test('a log export and drain bodies give the same result as JSON lines', async () => {
  const events = attack().map((line) => JSON.parse(line) as Record<string, string>)
  const asStored = ({ timestamp, service, env, ...attributes }: Record<string, string>, id: number) => ({
    id: `${id}`,
    type: 'log',
    attributes: { timestamp, service, status: 'info', tags: [`env:${env}`], attributes },
  })
  const page = await log([JSON.stringify({ data: events.map(asStored), meta: {} }, undefined, 2)])
  const frames = await log([
    events
      .map((event) => frameLine({ pri: 190, at: 0, appname: 'app', procid: 'web.1', message: JSON.stringify(event) }))
      .join(''),
  ])
  const { out } = await run(await log(attack()))
  expect(out).toContain('Triggered')
  for (const file of [page, frames]) expect(await run(file)).toMatchObject({ code: 0, out })
  const elsewhere = await run(frames, '--drain', 'service=mini-ato-saas&ddtags=env:staging')
  expect(elsewhere).toMatchObject({ code: 0, out: '' })
  expect(await run(page, '--format', 'jsonl')).toMatchObject({ code: 3, err: expect.stringContaining('is not JSON') })
  await expect(run(page, '--format', 'xml')).rejects.toThrow(/one of jsonl, export, csv/)
})

async function estate(files: Record<string, unknown>): Promise<string> {
  const path = join(dir, `estate-${Math.random()}`)
  await cp(join(dir, 'rules'), path, { recursive: true })
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), JSON.stringify(content))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('a failed expectation gives exit code 1 and lists missing and unexpected triggers', async () => {
  const file = await log([...attack(), ...attack('203.0.113.10')])
  const holding = await estate({
    'expect.json': { 'credential-stuffing': [{ '@network': '203.0.113.10' }, { '@network': '203.0.113.9' }] },
  })
  expect(await run(file, '--detections', holding)).toMatchObject({
    code: 0,
    err: expect.stringContaining('As expected: 2 groups triggered, and nothing else.'),
  })
  const rules = await estate({
    'other.json': { 'credential-stuffing': [{ '@network': '198.51.100.1' }, { '@network': '203.0.113.9' }] },
  })
  const report = join(rules, 'junit.xml')
  const off = await run(file, '--detections', rules, '--expect', join(rules, 'other.json'), '--junit', report, '--json')
  expect(off.code).toBe(1)
  expect(off.out.trim().split('\n')).toHaveLength(4)
  expect(off.err).toContain(
    'missing: credential-stuffing did not trigger for @network:198.51.100.1\n' +
      'unexpected: credential-stuffing triggered for @network:203.0.113.10\n',
  )
  const xml = await readFile(report, 'utf8')
  expect(xml).toContain('tests="1" failures="1"')
  expect(xml).toContain('did not trigger for @network:198.51.100.1')
  expect(await run(file, '--detections', rules, '--expect', join(dir, 'none'))).toMatchObject({ code: 3 })
})

test('an expectation fails if events are left out, and the message says how to count them', async () => {
  const rules = await estate({ 'expect.json': { 'credential-stuffing': [] } })
  const report = join(rules, 'junit.xml')
  // The newest events come first, as in an export, so all others are too late to alert.
  const spread = Array.from({ length: 11 }, (_, i) => failure(i * 25))
  const file = await log(spread.toReversed())
  const off = await run(file, '--detections', rules, '--junit', report, '--follow')
  expect(off).toMatchObject({ code: 1, out: '' })
  expect(off.err).toContain('With a larger --lateness all count.\n')
  expect(off.err).toContain('not all counted: 8 events were left out as too late; with a larger --lateness SECONDS')
  expect(off.err).not.toContain('As expected')
  expect(await readFile(report, 'utf8')).toContain('tests="2" failures="1"')
  const counted = await run(file, '--detections', rules, '--lateness', '250')
  expect(counted.err).toContain('unexpected: credential-stuffing triggered for @network:203.0.113.9')
  await writeFile(
    join(rules, 'expect.json'),
    JSON.stringify({ 'credential-stuffing': [{ '@network': '203.0.113.9' }] }),
  )
  expect((await run(file, '--detections', rules, '--lateness', '250')).code).toBe(0)
})

test('a monitor that cannot be evaluated is named, and fails the run only if it is expected or the only one', async () => {
  const cpu = { name: 'CPU', type: 'query alert', query: 'avg(last_5m):avg:system.cpu.user{*} > 90', message: '' }
  const rules = await estate({ 'cpu.json': cpu })
  const file = await log(attack())
  const named = `not evaluated: cpu: ${join(rules, 'cpu.json')}: type: "query alert" is not evaluated here`
  expect(await run(file, '--detections', rules)).toMatchObject({ code: 0, err: expect.stringContaining(named) })
  const report = join(rules, 'junit.xml')
  await run(file, '--detections', rules, '--junit', report)
  expect(await readFile(report, 'utf8')).toContain('<skipped message="type: &quot;query alert&quot; is not')
  await writeFile(
    join(rules, 'expect.json'),
    JSON.stringify({ 'credential-stuffing': [{ '@network': '203.0.113.9' }], cpu: [] }),
  )
  const { code, err } = await run(file, '--detections', rules)
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('expected and not evaluated: cpu: type: ') })
  expect(await run(file, '--detections', join(rules, 'cpu.json'))).toMatchObject({
    code: 3,
    err: expect.stringContaining('holds no monitor that can be evaluated'),
  })
})

test('groups beyond those that Datadog evaluates are reported, and left out with --group-limits', async () => {
  const crowd = Array.from({ length: 1001 }, (_, i) => attack(`2001:db8::${i.toString(16)}`)).flat()
  const file = await log(crowd)
  const triggered = ({ out }: { out: string }) => out.split('\n').filter((line) => line.includes('Triggered')).length
  const all = await run(file)
  expect(triggered(all)).toBe(1001)
  expect(all.err).toContain(
    'credential-stuffing had 1 group or more beyond those that Datadog evaluates, from 2026-01-05T09:01:00.000Z.',
  )
  expect(triggered(await run(file, '--group-limits'))).toBe(1000)
})

test('the end of a log counts as silence only with --silence', async () => {
  const heartbeat = {
    name: 'h',
    type: 'log alert',
    query: 'logs("@evt:login").rollup("count").last("5m") < 1',
    message: 'm',
  }
  const rules = await estate({ 'heartbeat.json': heartbeat })
  const file = await log([failure(0), failure(400)])
  expect((await run(file, '--detections', rules)).out).not.toContain('09:12:00')
  expect((await run(file, '--detections', rules, '--silence')).out).toContain(
    '2026-01-05T09:12:00.000Z  Triggered     heartbeat',
  )
})

test('--state continues where the previous part ended, and --finish evaluates to the end', async () => {
  const state = join(dir, 'attack.state')
  const events = attack()
  const part = async (lines: string[], ...more: string[]) => run(await log(lines), '--state', state, ...more)
  const parts = [await part(events.slice(0, 4)), await part(events.slice(4)), await part([], '--finish')]
  expect(parts.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(parts.map(({ out }) => out).join('')).toBe((await run(await log(events))).out)
  expect(parts[1]?.out).toBe('')
  await expect(stat(state)).rejects.toThrow(/ENOENT/)
})

test('--detections may be repeated, and a file is read once', async () => {
  const [first, second] = [join(dir, 'first'), join(dir, 'second')]
  await writeMonitor(first, 'stuffing', monitorOf('@evt:login', 10, '@request_id', '@network'))
  await writeMonitor(second, 'other', monitorOf('@evt:login', 9, '@request_id', '@network'))
  const file = await log(attack())
  const both = ['--detections', first, '--detections', join(second, 'other/monitor.json'), '--detections', second]
  const { code, out, err } = await run(file, ...both)
  expect([code, err]).toEqual([0, expect.stringContaining('11 events, 2 monitors, 2 alerts.')])
  expect(out).toMatch(/ Triggered +stuffing /)
  for (const folder of [first, second]) await writeFile(join(folder, 'expect.json'), '{}')
  await expect(run(file, ...both)).rejects.toThrow('There are several expect.json: name one with --expect.')
})

test.each([
  ['--state', 'part.state'],
  ['--lock', 'monitors.lock', '--update-lock'],
  ['--junit', 'report.xml'],
  ['--summary', 'summary.md'],
])('%s in a folder that does not exist gives exit code 3 and the reason', async (option, name, ...more) => {
  const file = join(dir, 'none', name)
  const { code, err } = await run(await log(attack()), option, file, ...more)
  expect([code, err]).toEqual([3, expect.stringContaining(`${file} cannot be written: there is no such folder\n`)])
})

test('rows of a CSV that could be read in part only are counted, and fail with --strict', async () => {
  const row = '2026-01-05T09:00:00Z,mini-ato-saas,more,m'
  for (const late of [[], [`2026-01-04T09:00:00Z,mini-ato-saas,m`]]) {
    const file = await log(['Date,Service,Message', row, ...late])
    const { code, err } = await run(file)
    expect([code, err]).toEqual([0, expect.stringContaining('1 row could be read in part only.\n')])
    expect(err).toContain('row 2 has 4 cells, and the header 3')
    expect((await run(file, '--strict')).code).toBe(3)
  }
})

test('--state for other monitors or another cadence gives exit code 3 and names the difference', async () => {
  const state = join(dir, 'other.state')
  await run(await log(attack()), '--state', state)
  const file = await log(attack())
  expect(await run(file, '--state', state, '--live')).toMatchObject({
    code: 3,
    out: '',
    err: expect.stringContaining('it was --cadence 60 and is --live'),
  })
  const reuse = join(dir, 'reuse')
  await writeMonitor(reuse, 'session-reuse', monitorOf('@evt:session', 1, '@device_hash', '@sid'))
  expect(await run(file, '--state', state, '--detections', reuse)).toMatchObject({
    code: 3,
    err: expect.stringContaining('session-reuse is new; credential-stuffing is missing'),
  })
  await expect(run(file, '--finish')).rejects.toThrow(/--finish needs --state/)
})

test('an expectation is refused for a part of a log', async () => {
  const rules = await estate({ 'expect.json': { 'credential-stuffing': [{ '@network': '203.0.113.9' }] } })
  const file = await log(attack().slice(0, 3))
  expect((await run(file, '--detections', rules)).code).toBe(1)
  const state = join(rules, 'state')
  expect((await run(file, '--detections', rules, '--state', state)).code).toBe(0)
  await expect(run(file, '--state', state, '--expect', join(rules, 'expect.json'))).rejects.toThrow(/whole log/)
})

test('a project may have monitors of its own, which are the default', async () => {
  const own = { path: join(dir, 'rules'), load: () => loadMonitors(join(dir, 'rules')) }
  const file = await log(attack())
  const { code, out } = await runCaptured(replayOf(own), [file])
  expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('Triggered     credential-stuffing') })
  expect(replayOf(own).usage).toContain(`Default: ${own.path}, where each must be importable`)
})

test('--summary appends Markdown, in which the text of a log stays text', async () => {
  const cpu = { name: 'CPU', type: 'query alert', query: 'avg(last_5m):avg:system.cpu.user{*} > 90', message: '' }
  const rules = await estate({ 'expect.json': { 'credential-stuffing': [] }, 'cpu.json': cpu })
  const summary = join(rules, 'summary.md')
  await writeFile(summary, 'what came before\n')
  const file = await log(attack('<b>|`x`'))
  expect((await run(file, '--detections', rules, '--summary', summary)).code).toBe(1)
  expect(await readFile(summary, 'utf8')).toBe(`what came before
## alertproof replay: the expectations do not hold

11 events, 1 monitor.

| monitor | triggered for | result |
| --- | --- | --- |
| cpu |  | not evaluated: type: "query alert" is not evaluated here, only "log alert" |
| credential-stuffing | \\@network:&#60;b&#62;\\|\\\`x\\\` | triggered for \\@network:&#60;b&#62;\\|\\\`x\\\`, which was not expected |

`)
  await writeFile(join(rules, 'expect.json'), JSON.stringify({ 'credential-stuffing': [{ '@network': '<b>|`x`' }] }))
  expect((await run(file, '--detections', rules, '--summary', summary)).code).toBe(0)
  expect(await readFile(summary, 'utf8')).toContain('\n## alertproof replay: as expected\n')
  expect(await run(file, '--detections', rules, '--summary', join(rules, 'none/s.md'))).toMatchObject({ code: 3 })
})

test('--strict fails for what could not be read, and --lock for a monitor that is evaluated no more', async () => {
  const clean = await log(attack())
  const broken = await log([...attack(), 'x'])
  const rules = await estate({ 'metric.json': { type: 'metric alert', query: 'q', name: 'm' } })
  expect(await run(clean, '--detections', rules, '--strict')).toMatchObject({ code: 0 })
  expect(await run(broken, '--detections', rules)).toMatchObject({ code: 0 })
  expect(await run(await log([]), '--detections', rules, '--strict')).toMatchObject({
    code: 3,
    err: expect.stringContaining('--strict: the log holds no event.\n'),
  })
  expect(await run(broken, '--detections', rules, '--strict')).toMatchObject({
    code: 3,
    err: expect.stringContaining(
      '--strict: 0 monitors or files of monitors, and 1 part of the log, could not be read.\n',
    ),
  })
  const lock = join(rules, 'monitors.lock')
  expect(await run(clean, '--detections', rules, '--lock', lock)).toMatchObject({ code: 3 })
  expect(await run(clean, '--detections', rules, '--lock', lock, '--update-lock')).toMatchObject({ code: 0 })
  expect(await run(clean, '--detections', rules, '--lock', lock)).toMatchObject({ code: 0 })
  await writeFile(join(rules, 'other.json'), await readFile(join(rules, 'credential-stuffing', 'monitor.json')))
  await writeFile(join(rules, 'credential-stuffing', 'monitor.json'), '{"type":"log alert","query":"logs("}')
  const lapsed = await run(clean, '--detections', rules, '--lock', lock)
  expect(lapsed).toMatchObject({ code: 1 })
  expect(lapsed.err).toContain(`in ${lock} and not evaluated: credential-stuffing: query:`)
  expect(await run(clean, '--detections', rules, '--strict')).toMatchObject({ code: 3 })
  await expect(run(clean, '--update-lock')).rejects.toThrow('--update-lock needs --lock FILE.')
})

test('HCL is answered with the command that makes it readable', async () => {
  const file = join(dir, 'main.tf')
  await writeFile(file, 'resource "datadog_monitor" "a" {\n}\n')
  expect(await run(await log(attack()), '--detections', file)).toMatchObject({
    code: 3,
    err: expect.stringContaining('terraform show -json plan > plan.json'),
  })
})

test('a report that cannot be written gives exit code 3 with the reason', async () => {
  const file = await log(attack())
  const nowhere = join(dir, 'no', 'such', 'folder')
  for (const option of ['--junit', '--summary']) {
    const { code, err } = await run(file, option, nowhere)
    expect([option, code, err]).toEqual([
      option,
      3,
      expect.stringContaining(`${nowhere} cannot be written: there is no such folder\n`),
    ])
  }
  expect(await run(file, '--junit', dir)).toMatchObject({
    code: 3,
    err: expect.stringContaining(`${dir} cannot be written: it is a folder\n`),
  })
})

test('--threads prints the same with any number, and is refused where it cannot help', {
  timeout: 60_000,
}, async () => {
  const late = failure(-3600, '203.0.113.7')
  const file = await log([...attack('203.0.113.8'), '{', ...attack(), late])
  const alone = await run(file, '--live')
  expect(alone.out).toContain('Triggered')
  expect(await run(file, '--live', '--threads', '2')).toEqual(alone)
  for (const count of ['0', '65', 'many', '1.5']) {
    await expect(run(file, '--threads', count)).rejects.toThrow('--threads')
  }
  await expect(run(file, '--threads', '2', '--follow')).rejects.toThrow('leave out --threads')
})

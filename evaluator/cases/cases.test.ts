import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { type CaseResult, faultsOf, findCases, lineDifference, runCases } from './index.ts'
import { durationMs, durationText, instantOf, instantText } from './times.ts'

const MONITOR = {
  name: 'Failed logins',
  type: 'log alert',
  query: 'logs("@evt:login @outcome:fail").index("*").rollup("count").by("@ip").last("5m") > 2',
  message: '{{#is_alert}}{{value}} failures of {{log.attributes.user}}{{/is_alert}} @webhook-soar @ada@example.test.',
  options: { thresholds: { critical: 2 }, new_group_delay: 0, on_missing_data: 'resolve' },
}
const EVENT = { evt: 'login', outcome: 'fail', ip: '203.0.113.9', user: 'ada' }
const FAILURES = { at: '5s', times: 3, every: '50s', event: EVENT }
const TRIGGERED = { group: { '@ip': '203.0.113.9' }, at: '2m', value: 3 }
const RECOVERED = { transition: 'Recovered', group: { '@ip': '203.0.113.9' }, at: '6m', value: 1 }
const RULE = { name: 'r', type: 'log_detection', queries: [{ query: '*' }], cases: [], options: {} }
/** Counts what the monitor does. */
const SIEM = {
  ...{
    name: 'Guessing',
    type: 'log_detection',
    isEnabled: true,
    message: 'Of {{@ip}}, {{@user}}: {{events_matched}}{{#if @nothing}}, never{{/if}}',
    tags: [],
  },
  queries: [{ name: 'failed', query: '@outcome:fail', aggregation: 'count', groupByFields: ['@ip'] }],
  cases: [
    { name: 'many', status: 'high', condition: 'failed > 3', notifications: ['@webhook-soar'] },
    { name: 'some', status: 'low', condition: 'failed > 2', notifications: ['@ada@example.test', '@webhook-soar'] },
  ],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 600, maxSignalDuration: 900 },
}
const CASE = { monitor: MONITOR, log: [FAILURES] }

async function folderOf(files: Record<string, unknown>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'cases '))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    const isRaw = typeof content === 'string' || Buffer.isBuffer(content)
    await writeFile(join(dir, name), isRaw ? content : JSON.stringify(content))
  }
  return dir
}

async function resultsOf(files: Record<string, unknown>, update = false): Promise<CaseResult[]> {
  return runAll(await folderOf(files), update)
}

async function runAll(dir: string, update = false): Promise<CaseResult[]> {
  const results: CaseResult[] = []
  const found = await findCases([dir])
  for await (const result of runCases(found, update)) results.push(result)
  return [...found.broken, ...results]
}

const linesOf = (results: readonly CaseResult[]): string[] =>
  results.flatMap((result) =>
    'unreadable' in result
      ? result.unreadable.split('\n').map((line) => line.slice(dirname(result.file).length + 1))
      : faultsOf(result.case, result.verdict),
  )

const faultsFor = async (change: object) => linesOf(await resultsOf({ 'a.json': { ...CASE, ...change } }))

test.each([
  ['90s', 90_000],
  ['1h 2m 3s', 3_723_000],
  ['1h2m', 3_720_000],
  ['250ms', 250],
  ['1.5s', 1500],
])('%s is a duration', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
  expect(durationMs(durationText(ms))).toBe(ms)
})

test('a time is a duration after the start, or in ISO 8601 with its zone', () => {
  const start = Date.parse('2026-01-05T09:00:00Z')
  expect(instantOf('2m', start)).toBe(start + 120_000)
  expect(instantOf('2m', undefined)).toBeUndefined()
  expect(instantOf('2026-01-05T10:00:00+01:00', start)).toBe(start)
  const unreal = ['2026-02-30T10:00:00Z', '2026-01-05T25:00:00Z', '2026-01-05T10:00:00+99:00']
  for (const text of ['', '5', 'noon', '2026-01-05', '-5s', ...unreal])
    expect(instantOf(text, start), text).toBeUndefined()
  expect(instantText(start, start)).toBe('0s')
  expect(instantText(start - 1, start)).toBe('2026-01-05T08:59:59.999Z')
})

test('a difference keeps the lines that both texts have', () => {
  expect(lineDifference(['a', 'b', 'c'], ['a', 'x', 'c', 'd'])).toEqual(['  a', '- b', '+ x', '  c', '+ d'])
  expect(lineDifference([], [])).toEqual([])
})

test('a case holds if exactly what is expected happens; recoveries are compared once one is listed', async () => {
  expect(await faultsFor({ expect: [TRIGGERED] })).toEqual([])
  expect(await faultsFor({ expect: [TRIGGERED, RECOVERED] })).toEqual([])
  expect(await faultsFor({ log: [EVENT].map((event) => ({ at: '5s', ...event })), expect: [] })).toEqual([])
  expect(await faultsFor({ expect: [] })).toEqual([
    'unexpected  Triggered failed-logins @ip:203.0.113.9 at 2m, value 3',
  ])
  expect(await faultsFor({ expect: [TRIGGERED], recoveries: true })).toEqual([
    'unexpected  Recovered failed-logins @ip:203.0.113.9 at 6m, value 1',
  ])
  expect(await faultsFor({ expect: [TRIGGERED, { group: { '@ip': '203.0.113.8' }, at: '2m' }] })).toEqual([
    'missing     Triggered failed-logins @ip:203.0.113.8 at 2m',
  ])
})

test('times are exact, or within a tolerance', async () => {
  expect(await faultsFor({ expect: [{ ...TRIGGERED, at: '3m' }] })).toEqual([
    'different   Triggered failed-logins @ip:203.0.113.9 at 2m: at',
    '  - 3m',
    '  + 2m',
  ])
  expect(await faultsFor({ expect: [{ ...TRIGGERED, at: '3m', within: '60s' }] })).toEqual([])
  expect(await faultsFor({ expect: [{ ...TRIGGERED, at: '2026-01-05T09:02:00Z' }] })).toEqual([])
  expect(await faultsFor({ evaluate: { live: true }, expect: [{ ...TRIGGERED, at: '1m 45s' }] })).toEqual([])
})

test('message, title, recipients and payloads are compared where they are listed', async () => {
  const webhooks = {
    name: 'soar',
    url: 'https://soar.example.test/',
    payload:
      '{"id": "$ID", "scope": "$ALERT_SCOPE", "transition": "$ALERT_TRANSITION", "of": {"link": "$LINK", "own": "$SOAR_KEY"}}',
  }
  const sent = {
    title: '[Triggered on {@ip:203.0.113.9}] Failed logins',
    message: '3 failures of ada @webhook-soar @ada@example.test.\n',
    recipients: ['@webhook-soar', '@ada@example.test'],
    payloads: { soar: { scope: '@ip:203.0.113.9', of: { own: 'k' } } },
  }
  const given = { webhooks, variables: { SOAR_KEY: 'k' } }
  expect(await faultsFor({ ...given, expect: [{ ...TRIGGERED, ...sent }] })).toEqual([])
  const wrong = { title: 'x', message: null, recipients: [], payloads: { soar: { id: '2', of: { own: 'k' } } } }
  expect(await faultsFor({ ...given, expect: [{ ...TRIGGERED, ...wrong }] })).toEqual([
    'different   Triggered failed-logins @ip:203.0.113.9 at 2m: title',
    '  - x',
    '  + [Triggered on {@ip:203.0.113.9}] Failed logins',
    'different   Triggered failed-logins @ip:203.0.113.9 at 2m: message',
    '  - (nothing)',
    '  + 3 failures of ada @webhook-soar @ada@example.test.',
    'different   Triggered failed-logins @ip:203.0.113.9 at 2m: recipients',
    '  - []',
    '  + [',
    '  +   "@webhook-soar",',
    '  +   "@ada@example.test"',
    '  + ]',
    'different   Triggered failed-logins @ip:203.0.113.9 at 2m: payloads.soar',
    '    {',
    '  -   "id": "2",',
    '  +   "id": "1",',
    '      "of": {',
    '        "own": "k"',
    '      }',
    '    }',
  ])
})

test('logs may be files of any form, and monitors folders', async () => {
  const lines = [5, 6, 7].map((second) => JSON.stringify({ timestamp: `2026-02-01T00:00:0${second}Z`, ...EVENT }))
  const other = { ...MONITOR, name: 'Signed in', query: MONITOR.query.replace('fail', 'success') }
  const formula = { ...MONITOR, query: 'formula("a").last("5m") > 2', options: { variables: [] } }
  const expected = [{ monitor: 'failed', group: { '@ip': '203.0.113.9' }, at: '2026-02-01T00:01:00Z' }]
  const given = { monitor: '../monitors', log: ['../log.jsonl', '../more.jsonl.gz'] }
  const files = {
    'monitors/failed.json': MONITOR,
    'monitors/other.json': other,
    'monitors/ratio.json': formula,
    'log.jsonl': `${lines.slice(0, 2).join('\n')}\n`,
    'more.jsonl.gz': gzipSync(`${lines[2]}\n`),
    'cases/a.json': { ...given, expect: expected },
    'cases/b.json': { ...given, start: '2026-02-01T00:00:00Z', expect: [{ ...expected[0], at: '1m' }] },
    'cases/c.json': {
      ...given,
      expect: [
        { ...expected[0], monitor: undefined },
        { ...expected[0], at: '1m' },
      ],
    },
    'cases/d.json': { ...given, expect: [{ monitor: 'ratio', at: '2026-02-01T00:01:00Z' }] },
  }
  expect(linesOf(await resultsOf(files))).toEqual([
    'c.json: expect[0].monitor: is missing: one of failed, other',
    'c.json: expect[1].at: "1m" is not a time such as 90s, 3m or 2026-01-05T09:00:00Z; a relative time needs a `start`',
    expect.stringMatching(/^d\.json: expect\[0\]\.monitor: ratio is not evaluated: /),
  ])
})

test('logs may stand in any order; with a lateness, those that come too late fail a case that does not expect them', async () => {
  const log = [{ at: '5m', evt: 'other' }, FAILURES]
  expect(await faultsFor({ log, expect: [TRIGGERED] })).toEqual([])
  const evaluate = { lateness: '60s' }
  expect(await faultsFor({ log, evaluate, expect: [] })).toEqual([
    'late: 3 logs came too late to count, 0 expected. A longer `evaluate.lateness` counts them',
  ])
  expect(await faultsFor({ log, evaluate, expect: [], late: 3 })).toEqual([])
  expect(await faultsFor({ log, evaluate: { lateness: '10m' }, expect: [TRIGGERED] })).toEqual([])
})

test('an update writes what happened; comments, order and everything else stay', async () => {
  const yaml = (at: string, more: string) => `# A case.
monitor: m/a.json
log:
  - { at: 5s, times: 3, every: 50s, event: { evt: login, outcome: fail, ip: 203.0.113.9, id: 9007199254740993 } } # three
expect:
  # The attacker.
  - at: ${at} # soon
    group: { "@ip": 203.0.113.9 }
${more}
# The end.
name: 'three'
`
  const before = yaml('1h', '    message:\n  - group: { "@ip": 203.0.113.7 }')
  const dir = await folderOf({ 'm/a.json': MONITOR, 'a.yaml': before })
  expect((await runAll(dir, true)).map((result) => 'updated' in result && result.updated)).toEqual([true])
  expect(await readFile(join(dir, 'a.yaml'), 'utf8')).toBe(
    yaml('2m', '    message: 3 failures of  @webhook-soar @ada@example.test.'),
  )
  expect(linesOf(await runAll(dir))).toEqual([])
})

test('an update writes the line ends that the file has', async () => {
  const yaml = `monitor: ${JSON.stringify(MONITOR)}\r\nexpect: []\r\nlog: ${JSON.stringify([FAILURES])}\r\n`
  const dir = await folderOf({
    'a.yaml': yaml,
    'b.json': JSON.stringify({ ...CASE, expect: [] }, undefined, 2).replaceAll('\n', '\r\n'),
  })
  await runAll(dir, true)
  for (const name of ['a.yaml', 'b.json']) {
    const text = await readFile(join(dir, name), 'utf8')
    expect(text.replaceAll('\r\n', ''), name).not.toMatch(/[\r\n]/)
  }
  expect(linesOf(await runAll(dir))).toEqual([])
})

test('an update writes how many logs came too late', async () => {
  const given = { ...CASE, log: [{ at: '5m', evt: 'other' }, FAILURES], evaluate: { lateness: '60s' }, expect: [] }
  const dir = await folderOf({
    'a.json': given,
    'b.yaml': JSON.stringify({ ...given, late: 1 }, undefined, 2),
    'c.yaml': `late: 1 # one\nexpect: []\nmonitor: ${JSON.stringify(MONITOR)}\nlog: ${JSON.stringify(given.log)}\nevaluate: { lateness: 60s }\n`,
  })
  await runAll(dir, true)
  expect(linesOf(await runAll(dir))).toEqual([])
})

test('an update writes a case that expects nothing yet, in YAML and in JSON', async () => {
  const yaml =
    'monitor: m/a.json\nlog:\n  - { at: 5s, times: 3, every: 50s, evt: login, outcome: fail, ip: 203.0.113.9 }\n'
  const json = `{"monitor": "m/a.json", "log": [${JSON.stringify(FAILURES)}]\n}\n`
  const empty = `{"expect": [], "monitor": "m/a.json", "log": [${JSON.stringify(FAILURES)}]}`
  const files = { 'm/a.json': MONITOR, 'a.yaml': yaml, 'b.json': json, 'c.json': empty, 'd.yml': `${yaml}expect:` }
  const dir = await folderOf(files)
  expect(linesOf(await runAll(dir))).toHaveLength(4)
  await runAll(dir, true)
  const added = `expect:
  - group: { "@ip": 203.0.113.9 }
    at: 2m
    value: 3
  - transition: Recovered
    group: { "@ip": 203.0.113.9 }
    at: 6m
    value: 1
`
  expect(await readFile(join(dir, 'a.yaml'), 'utf8')).toBe(yaml + added)
  expect(await readFile(join(dir, 'd.yml'), 'utf8')).toBe(yaml + added.trimEnd())
  expect(JSON.parse(await readFile(join(dir, 'b.json'), 'utf8'))).toEqual({
    ...JSON.parse(json),
    expect: [TRIGGERED, RECOVERED],
  })
  expect(linesOf(await runAll(dir))).toEqual([])
})

test.each([
  [{ expct: [] }, /^a\.json: Unrecognized key: "expct"/],
  [{ expect: [{ ...TRIGGERED, groups: {} }] }, /^a\.json: expect\[0\]: Unrecognized key: "groups"/],
  [{ expect: [{ at: '2m' }] }, /^a\.json: expect\[0\]\.group: must have a value for @ip$/],
  [{ expect: [{ ...TRIGGERED, at: 'soon' }] }, /^a\.json: expect\[0\]\.at: "soon" is not a time/],
  [{ expect: [{ ...TRIGGERED, monitor: 'x' }] }, /no monitor or rule of the slug or name "x"/],
  [{ expect: [{ ...TRIGGERED, payloads: { soar: {} } }] }, /payloads\.soar: no webhook of this name/],
  [{ expect: undefined }, /^a\.json: expect: is missing/],
  [{ log: [{ evt: 'login' }], expect: [] }, /^a\.json: log\[0\]: .*give it `at`$/],
  [{ log: [{ at: '5', evt: 'login' }], expect: [] }, /^a\.json: log\[0\]\.at: "5" is not a time/],
  [{ log: [{ at: '5s', times: 0 }], expect: [] }, /log\[0\]\.times/],
  [{ log: 'none.jsonl', expect: [] }, /^a\.json: .*none\.jsonl cannot be read: there is no such file$/],
  [{ log: 'bad.jsonl', expect: [] }, /bad\.jsonl: line 1 is not JSON$/],
  [{ monitor: 'none', expect: [] }, /^a\.json: .*none: does not exist$/],
  [{ monitor: 'rule.json', expect: [] }, /^a\.json: rule is not evaluated: message: is missing; /],
  [{ monitor: 'bad.jsonl', expect: [] }, /^a\.json: monitor: bad\.jsonl holds no monitor and no rule$/],
  [{ monitor: { ...MONITOR, query: 'logs("*")' }, expect: [] }, /^a\.json: monitor: query:\d+: /],
  [{ start: 'noon', expect: [] }, /^a\.json: start: "noon"/],
  [{ webhooks: { name: 'a' }, expect: [] }, /is not a webhook/],
])('a case that cannot be read says why: %j', async (change, reason) => {
  const results = await resultsOf({ 'a.json': { ...CASE, ...change }, 'bad.jsonl': 'oops\n', 'rule.json': RULE })
  expect(results).toEqual([{ file: expect.any(String), unreadable: expect.any(String) }])
  expect(linesOf(results)[0]).toMatch(reason)
})

test('a file that is neither a case nor YAML is told in a few lines', async () => {
  const dir = await folderOf({})
  await writeFile(join(dir, 'log.jsonl'), '{"a":1}\n{"a":2}\n{"a":3}\n')
  const { broken } = await findCases([join(dir, 'log.jsonl')])
  const lines = broken[0]?.unreadable.split('\n') ?? []
  expect(lines).toHaveLength(4)
  expect(lines[3]).toMatch(/log\.jsonl: \d+ more of these$/)
})

test('files that are no case are passed over, broken ones are not', async () => {
  const dir = await folderOf({ 'm.json': MONITOR, 'x/expect.json': { a: [] }, 'b.yaml': 'a: 1\na: 2\n', 'c.json': '{' })
  const { passedOver, broken } = await findCases([dir])
  expect(passedOver.map((file) => file.slice(dir.length + 1))).toEqual(['m.json', 'x/expect.json'])
  expect(broken.map(({ unreadable }) => unreadable.slice(dir.length + 1))).toEqual([
    expect.stringMatching(/^b\.yaml:2:1: /),
    expect.stringMatching(/^c\.json:1:2: is not JSON/),
  ])
})

test('a rule of Cloud SIEM is a case like a monitor: its signals, their severity, recipients and payloads', async () => {
  const signal = { monitor: 'siem', group: { '@ip': '203.0.113.9' } }
  const payload =
    '{"id":"$SECURITY_SIGNAL_ID","severity":"$SECURITY_SIGNAL_SEVERITY","by":$SECURITY_RULE_GROUP_BY_FIELDS}'
  const files = (expect: object[]) => ({
    'rules/siem.json': SIEM,
    'a.json': {
      monitor: ['rules', MONITOR],
      log: [{ ...FAILURES, times: 4 }],
      webhooks: [{ name: 'soar', url: 'https://soar.example.test', payload }],
      expect: [{ ...TRIGGERED, at: '2m', monitor: 'failed-logins' }, ...expect],
    },
  })
  const sent = { message: 'Of 203.0.113.9, ada: 3', recipients: ['@ada@example.test', '@webhook-soar'] }
  const opened = { ...signal, at: '105s', value: 3, severity: 'low', ...sent }
  const raised = { ...signal, transition: 'Raised', at: '155s', severity: 'high', recipients: ['@webhook-soar'] }
  const payloads = { soar: { severity: 'low', by: { '@ip': '203.0.113.9' } } }
  const slug = (each: object) => ({ ...each, monitor: 'rules-siem' })
  expect(linesOf(await resultsOf(files([slug({ ...opened, payloads }), slug(raised)])))).toEqual([])
  expect(linesOf(await resultsOf(files([slug({ ...opened, severity: 'high' })])))).toEqual([
    'different   Triggered rules-siem @ip:203.0.113.9 at 1m 45s: severity',
    '  - high',
    '  + low',
    'unexpected  Raised rules-siem @ip:203.0.113.9 at 2m 35s, value 4',
  ])
})

test('a rule within a case: a signal that closes is listed where one is, and --update writes the severity', async () => {
  const dir = await folderOf({ 'a.json': { monitor: SIEM, log: [FAILURES] } })
  await runAll(dir, true)
  expect(JSON.parse(await readFile(join(dir, 'a.json'), 'utf8')).expect).toEqual([
    { group: { '@ip': '203.0.113.9' }, at: '1m 45s', value: 3, severity: 'low' },
    { transition: 'Closed', group: { '@ip': '203.0.113.9' }, at: '11m 45s', value: 3, severity: 'low' },
  ])
  expect(linesOf(await runAll(dir))).toEqual([])
  const group = { '@ip': '203.0.113.9' }
  expect(await faultsFor({ monitor: SIEM, expect: [{ group }] })).toEqual([])
  expect(await faultsFor({ monitor: SIEM, expect: [{ group: {} }] })).toEqual([
    expect.stringContaining('.group: must have a value for @ip'),
  ])
})

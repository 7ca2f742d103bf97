import { expect, test, vi } from 'vitest'
import { readPipeline } from '../../intake/pipeline.ts'
import { detectForm } from './detect-form.ts'
import type { RecordingForm } from './forms.ts'
import { type Reading, readRecording } from './recording.ts'

async function* chunksOf(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  // One buffer is used again and again, as when a file is read.
  const buffer = Buffer.alloc(size)
  for (let at = 0; at < bytes.length; at += size) yield buffer.subarray(0, bytes.copy(buffer, 0, at, at + size))
}

async function read(text: string, size: number, { form, ...reading }: Reading & { form?: RecordingForm } = {}) {
  const detected = await detectForm(chunksOf(text, size))
  const logs: Record<string, unknown>[] = []
  const texts: string[] = []
  const faults: string[] = []
  const units: string[] = []
  const visitor = {
    log: (log: object, write: () => string) => {
      logs.push({ ...log })
      texts.push(write())
    },
    malformed: (place: string, reason: string) => void faults.push(`${place} ${reason}`),
    epoch: (unit: string, key: string) => void units.push(`${key}: ${unit}`),
  }
  await readRecording(detected.stream, form ?? detected.form, visitor, reading)
  return { form: detected.form, logs, texts, faults, units }
}

const AT = '2026-01-12T14:00:05.123Z'
const at = Date.parse(AT)
const json = JSON.stringify
const lines = (...records: readonly unknown[]) => records.map((record) => `${json(record)}\n`).join('')

const trail = {
  eventVersion: '1.08',
  eventTime: '2026-01-12T14:00:05Z',
  eventSource: 'signin.amazonaws.com',
  eventName: 'ConsoleLogin',
  errorMessage: 'Failed authentication',
}
const fromTrail = {
  ...{ timestamp: at - 123, source: 'cloudtrail', service: 'cloudtrail' },
  attributes: { eventName: 'ConsoleLogin' },
}
const okta = {
  uuid: 'u',
  published: AT,
  eventType: 'user.session.start',
  severity: 'WARN',
  outcome: { result: 'FAILURE' },
}
const fromOkta = {
  ...{ timestamp: at, source: 'okta', service: 'okta', status: 'warning' },
  attributes: { outcome: { result: 'FAILURE' } },
}
const document = {
  '@timestamp': AT,
  ecs: { version: '8.11.0' },
  service: { name: 'shop', environment: 'Prod' },
  host: { name: 'i-1' },
  log: { level: 'error' },
  message: 'failed',
  tags: ['Blue'],
  source: { ip: '203.0.113.9' },
}
const hit = { _index: 'logs', _id: '1', _source: document }
const fromElastic = {
  ...{ timestamp: at, service: 'shop', host: 'i-1', status: 'error', message: 'failed', tags: ['blue', 'env:prod'] },
  attributes: { source: { ip: '203.0.113.9' } },
}
const flat = {
  '@timestamp': AT,
  'ecs.version': '1.6.0',
  'log.level': 'error',
  'service.name': 'shop',
  'host.name': 'i-1',
  message: 'failed',
}
const pino = { level: 50, time: at, pid: 1, hostname: 'i-1', service: 'shop', env: 'prod', msg: 'failed', n: 1 }
const fromPino = {
  ...{ timestamp: at, service: 'shop', host: 'i-1', status: 'error', message: 'failed', tags: ['env:prod'] },
  attributes: { level: 50, n: 1, msg: 'failed' },
}
const bunyan = { name: 'app', hostname: 'i-1', pid: 1, level: 60, msg: 'failed', time: AT, v: 0 }
const fromSyslog = { timestamp: at, host: 'i-1', service: 'sshd', message: 'failed', status: 'critical' }

const logEvents = [
  { id: '1', timestamp: at, message: json({ evt: 'login' }) },
  { id: '2', timestamp: at, message: 'a text' },
]
const subscription = json({ messageType: 'DATA_MESSAGE', owner: '1', logGroup: 'g', logStream: 's', logEvents })
const control = json({
  messageType: 'CONTROL_MESSAGE',
  logEvents: [{ id: '', timestamp: at, message: 'CWL CONTROL MESSAGE: Checking health of destination' }],
})
const insights = json(
  {
    results: [
      [
        { field: '@timestamp', value: '2026-01-12 14:00:05.000' },
        { field: '@message', value: json({ evt: 'login', n: 1 }) },
        { field: '@ptr', value: 'CmEK' },
      ],
      [
        { field: '@timestamp', value: '2026-01-12 14:00:05.123' },
        { field: 'evt', value: 'mfa' },
      ],
    ],
    statistics: { recordsMatched: 2 },
    status: 'Complete',
  },
  undefined,
  2,
)
const awsLogs = json(
  {
    events: [
      {
        ...{ logStreamName: 's', timestamp: at, message: `${json({ evt: 'login' })}\n` },
        ...{ ingestionTime: at + 5, eventId: '3' },
      },
    ],
    searchedLogStreams: [],
  },
  undefined,
  2,
)

test.each<[string, RecordingForm, string, readonly object[]]>([
  ['a file of CloudTrail', 'cloudtrail', json({ Records: [trail, trail] }), [fromTrail, fromTrail]],
  ['a file of CloudTrail on several lines', 'cloudtrail', json({ Records: [trail] }, undefined, 2), [fromTrail]],
  ['lines of CloudTrail', 'cloudtrail', lines(trail, trail), [fromTrail, fromTrail]],
  ['an empty file of CloudTrail', 'cloudtrail', '{"Records":[]}\n', []],
  ['an array of Okta', 'okta', json([okta, okta], undefined, 2), [fromOkta, fromOkta]],
  ['lines of Okta', 'okta', lines(okta, okta), [fromOkta, fromOkta]],
  [
    'a search of Elastic',
    'elastic',
    json({ took: 1, hits: { total: 2, hits: [hit, hit] } }),
    [fromElastic, fromElastic],
  ],
  ['a search on several lines', 'elastic', json({ took: 1, hits: { hits: [hit] } }, undefined, 2), [fromElastic]],
  ['hits', 'elastic', lines(hit, hit), [fromElastic, fromElastic]],
  [
    'bulk lines',
    'elastic',
    lines({ index: { _index: 'x' } }, document, { create: {} }, document),
    [fromElastic, fromElastic],
  ],
  ['documents of ECS', 'elastic', lines(document), [fromElastic]],
  ['flat documents of ECS', 'elastic', lines(flat), [{ ...fromElastic, tags: [], attributes: {} }]],
  ['lines of pino', 'pino', lines(pino, pino), [fromPino, fromPino]],
  [
    'pino with an ISO time and the name of the level',
    'pino',
    lines({ ...pino, time: AT, level: 'error' }),
    [{ timestamp: at, status: 'error' }],
  ],
  ['slog', 'slog', lines({ time: AT, level: 'WARN', msg: 'm' }), [{ timestamp: at, status: 'warning', message: 'm' }]],
  ['zap', 'zap', lines({ level: 'info', ts: at / 1000, msg: 'm' }), [{ timestamp: at, status: 'info', message: 'm' }]],
  ['logrus', 'logrus', lines({ time: AT, level: 'warning', msg: 'm' }), [{ timestamp: at, status: 'warning' }]],
  [
    "Docker's json-file, with a line that was cut",
    'docker',
    lines(
      { log: `${json({ evt: 'login', n: 1 })}\n`, stream: 'stdout', time: AT },
      { log: '{"evt":', stream: 'stdout', time: AT },
      { log: 'a text\n', stream: 'stderr', time: '2026-01-12T14:00:06.5Z' },
      { log: '"mfa"}\n', stream: 'stdout', time: '2026-01-12T14:00:07Z' },
      { log: 'the end', stream: 'stdout', time: AT },
    ),
    [
      { timestamp: at, attributes: { evt: 'login', n: 1 } },
      { timestamp: at + 1377, message: 'a text', status: 'error' },
      { timestamp: at, attributes: { evt: 'mfa' } },
      { timestamp: at, message: 'the end', status: 'info' },
    ],
  ],
  [
    'the lines of a container',
    'cri',
    `${AT} stdout F ${json({ timestamp: '2026-01-12T14:00:04Z', level: 'warn', evt: 'login' })}\n${AT} stderr P half a \n${AT} stderr F line\n${AT} stdout F \n`,
    [
      { timestamp: at - 1123, status: 'warning', attributes: { evt: 'login' } },
      { timestamp: at, status: 'error', message: 'half a line' },
      { timestamp: at },
    ],
  ],
  [
    'the lines of a container whose logger is pino',
    'cri',
    `${AT} stdout F ${json({ ...pino, time: at - 1000 })}\n`,
    [{ ...fromPino, timestamp: at - 1000 }],
  ],
  ...[subscription, json(JSON.parse(subscription), undefined, 2), `${control}${subscription}`, `${subscription}\n`].map(
    (text, i): [string, RecordingForm, string, readonly object[]] => [
      `subscription ${i + 1} of CloudWatch`,
      'cloudwatch',
      text,
      [
        { timestamp: at, attributes: { evt: 'login' } },
        { timestamp: at, message: 'a text' },
      ],
    ],
  ),
  ...[insights, json(JSON.parse(insights)), `${json({ queryLanguage: 'CWLI', ...JSON.parse(insights) })}\n`].map(
    (text, i): [string, RecordingForm, string, readonly object[]] => [
      `result ${i + 1} of Logs Insights`,
      'insights',
      text,
      [
        { timestamp: at - 123, attributes: { evt: 'login', n: 1 } },
        { timestamp: at, attributes: { evt: 'mfa' } },
      ],
    ],
  ),
  [
    'docker compose logs',
    'compose',
    `web-1  | ${json({ timestamp: AT, evt: 'login' })}\n`,
    [{ timestamp: at, attributes: { evt: 'login' } }],
  ],
  [
    'docker compose logs --timestamps',
    'compose',
    `web-1  | ${AT} ${json({ evt: 'login' })}\nweb-1  | ${AT} a | text\n`,
    [
      { timestamp: at, attributes: { evt: 'login' } },
      { timestamp: at, message: 'a | text' },
    ],
  ],
  [
    'kubectl logs --prefix',
    'compose',
    `[pod/web-0/app] ${json({ timestamp: AT, evt: 'login' })}\n[pod/web-1/app] ${json({ ...pino, time: at })}\n`,
    [{ timestamp: at, attributes: { evt: 'login' } }, { timestamp: at }],
  ],
  ['aws logs', 'cloudwatch', awsLogs, [{ timestamp: at, attributes: { evt: 'login' } }]],
  ['aws logs on one line', 'cloudwatch', `${json(JSON.parse(awsLogs))}\n`, [{ timestamp: at }]],
  [
    'an export of CloudWatch',
    'cloudwatch-export',
    `${AT} ${json({ evt: 'login' })}\n${AT} a text\n`,
    [
      { timestamp: at, attributes: { evt: 'login' } },
      { timestamp: at, message: 'a text' },
    ],
  ],
  ['bunyan', 'bunyan', lines(bunyan), [{ timestamp: at, status: 'emergency', message: 'failed', host: 'i-1' }]],
  [
    'RFC 5424',
    'syslog',
    `<34>1 ${AT} i-1 sshd 42 - [ex@1 ip="203.0.113.9" q="a\\"b\\]"][y z="1"] failed\n<34>1 ${AT} i-1 sshd - - - \ufefffailed\n`,
    [
      {
        ...fromSyslog,
        attributes: { 'ex@1': { ip: '203.0.113.9', q: 'a"b]' }, y: { z: '1' }, syslog: { procid: '42' } },
      },
      fromSyslog,
    ],
  ],
  [
    'RFC 5424 with JSON',
    'syslog',
    `<34>1 ${AT} i-1 sshd 42 - - {"evt":"login","n":1}\n`,
    [{ attributes: { evt: 'login', n: 1 } }],
  ],
  ['RFC 3164', 'syslog', '<34>Jan 12 14:00:05 i-1 sshd[42]: failed\n', [{ ...fromSyslog, timestamp: at - 123 }]],
  [
    'a file of syslog',
    'syslog',
    'Jan 12 14:00:05 i-1 sshd[42]: failed\n',
    [{ ...fromSyslog, timestamp: at - 123, status: 'info' }],
  ],
  [
    'a file of rsyslog',
    'syslog',
    `${AT.replace('Z', '456+00:00')} i-1 sshd: failed\n`,
    [{ ...fromSyslog, status: 'info' }],
  ],
  [
    'the CSV of the Log Explorer',
    'csv',
    `Date,Host,Service,Status,@http.status_code,@ids,Env,Message\n"${AT}",i-1,shop,warn,500,"[1,2]",Prod,"said ""no""\nfailed"\n`,
    [
      {
        ...{
          timestamp: at,
          host: 'i-1',
          service: 'shop',
          status: 'warn',
          message: 'said "no"\nfailed',
          tags: ['env:prod'],
        },
        attributes: { 'http.status_code': '500', ids: [1, 2], Env: 'Prod' },
      },
    ],
  ],
  [
    'a CSV of a spreadsheet',
    'csv',
    `Date;Host;Message\n${AT};i-1;"a;b,c"\n`,
    [{ timestamp: at, host: 'i-1', message: 'a;b,c' }],
  ],
  ['a CSV with tabs', 'csv', `Date\tHost\tMessage\n${AT}\ti-1\ta;b\n`, [{ timestamp: at, message: 'a;b' }]],
  [
    'a CSV with JSON as content',
    'csv',
    `\ufeff"Date","Host","Service","Content"\r\n"${AT}","","shop","{""evt"":""login"",""timestamp"":""2020-01-01T00:00:00Z"",""service"":""x""}"`,
    [{ timestamp: at, service: 'shop', attributes: { evt: 'login' } }],
  ],
])('%s is read as %s', async (_, form, text, logs) => {
  vi.setSystemTime('2026-06-01T00:00:00Z')
  for (const size of [3, 1_000_000]) {
    const found = await read(text, size)
    expect(found).toMatchObject({ form, logs, faults: [] })
    expect(found.logs).toHaveLength(logs.length)
  }
  vi.useRealTimers()
})

test.each([
  ['a line of text with commas', 'hello, world, again\n'],
  ['an event with level, msg and a date that Datadog reads', lines({ ...pino, timestamp: AT })],
  ['an event about an index', lines({ index: { name: 'a' } })],
  ['an event whose records are no trail', lines({ Records: [{ a: 1 }], timestamp: AT })],
  ['a line of text with a bar', 'a | b\nc | d\n'],
  ['an event with hits', lines({ hits: 3, timestamp: AT })],
])('%s is an event', async (_, text) => {
  expect((await detectForm(chunksOf(text, 7))).form).toBe('jsonl')
})

test('an event behind the name of its container may come after lines of text', async () => {
  const text = `db-1   | ready\nweb-1  | ${json({ timestamp: AT })}\n`
  expect((await detectForm(chunksOf(text, 7))).form).toBe('compose')
})

test('what is not of the form is reported with its place', async () => {
  expect((await read(`${lines(pino)}text\n${lines({ level: 30, msg: 'undated' })}`, 7)).faults).toEqual([
    `byte ${lines(pino).length} is not JSON`,
    expect.stringMatching(/^record 2 has no date in @timestamp, .*: --time-field PATH names another key$/),
  ])
  const nul = lines({ a: 1 }).replace('1', '\0')
  expect((await read(`${lines({ timestamp: AT })}${nul}`, 7)).faults).toEqual([
    'line 2 is not JSON: it holds NUL bytes',
  ])
  const syslog = 'Jan 12 14:00:05 i-1 sshd[42]: failed\n  at line 3\n'
  expect((await read(syslog, 7)).faults).toEqual(['line 2 is not a line of syslog'])
  const csv = `Date,Message\n${AT},a\nyesterday,b\n${AT},"c`
  expect((await read(csv, 7)).faults).toEqual([
    expect.stringMatching(/^row 3 has no date/),
    expect.stringMatching(/^row 4 is not CSV: Quote Not Closed/),
  ])
})

test('rows of a CSV that do not fit its header are read and told; empty cells behind it are no misfit', async () => {
  const csv = `Date,Host,Message\n${AT},i-1,a,b\n${AT},i-1\n${AT},i-1,c,,\n`
  const { logs, faults } = await read(csv, 7)
  expect(logs).toMatchObject([{ message: 'a' }, { host: 'i-1' }, { message: 'c' }])
  expect(faults).toEqual([
    'row 2 has 4 cells, and the header 3: cells without a name are left out',
    'row 3 has 2 cells, and the header 3: the last columns are missing',
  ])
})

test('the text of a record is the one that was given, on one line if it is JSON', async () => {
  expect((await read(json([okta], undefined, 2), 7)).texts).toEqual([json(okta)])
  expect((await read(`Date,Message\n${AT},"a ""b"""\n`, 7)).texts).toEqual([`${AT},"a ""b"""`])
})

test('a time that is written otherwise is told with its key', async () => {
  const { faults } = await read(lines({ timestamp: '12/Jan/2026:14:00:05 +0100' }, { date: -5 }, { a: 1 }), 7)
  const forms = 'ISO 8601, RFC 3164, or a number of seconds to nanoseconds'
  expect(faults).toEqual([
    `line 1 has no date in \`timestamp\`: "12/Jan/2026:14:00:05 +0100" is not ${forms}`,
    `line 2 has no date in \`date\`: -5 is not ${forms}`,
    expect.stringMatching(/^line 3 has no date in @timestamp, /),
  ])
  const named = await read(lines({ timestamp: AT, at: 'noon' }), 7, { timeField: '@at' })
  expect(named.faults).toEqual([`line 1 has no date in \`at\`: "noon" is not ${forms}`])
})

test('--time-field names the key with the time, in any form and unit', async () => {
  const events = lines({ at: { created: Math.floor(at / 1000) } }, { timestamp: AT })
  const found = await read(events, 7, { timeField: '@at.created' })
  expect(found.logs).toMatchObject([{ timestamp: at - 123 }])
  expect(found.faults).toEqual(['line 2 has no date in `@at.created`, which --time-field names'])
  expect(found.units).toEqual(['at.created: seconds'])
  // `@` is a sign for an attribute, and the first letter of a key as well.
  const ofElastic = await read(lines({ '@timestamp': AT, timestamp: 0 }), 7, { timeField: '@timestamp' })
  expect(ofElastic.logs).toMatchObject([{ timestamp: at }])
  const stored = {
    id: 'a',
    type: 'log',
    attributes: { timestamp: AT, attributes: { created: '2026-01-12T15:00:00Z' } },
  }
  expect((await read(lines(stored), 7, { timeField: 'created' })).logs).toMatchObject([
    { timestamp: Date.parse('2026-01-12T15:00:00Z') },
  ])
})

test.each([
  ['2026-03-01T00:00:00Z', 'Mar  1 23:00:00', '2026-03-01T23:00:00Z'],
  ['2026-03-01T00:00:00Z', 'Mar  3 00:00:00', '2025-03-03T00:00:00Z'],
  ['2026-01-01T00:30:00Z', 'Dec 31 23:59:00', '2025-12-31T23:59:00Z'],
  ['2026-03-01T00:00:00Z', 'Feb 29 10:00:00', '2024-02-29T10:00:00Z'],
])('read at %s, a date of RFC 3164 such as %s is that of %s', async (now, date, expected) => {
  vi.setSystemTime(now)
  expect((await read(lines({ timestamp: date }), 100)).logs).toMatchObject([{ timestamp: Date.parse(expected) }])
  vi.useRealTimers()
})

test('a pipeline processes raw logs, lines of text included, and leaves an export as it is', async () => {
  const pipeline = readPipeline(
    json({
      name: 'shop',
      is_enabled: true,
      filter: { query: '*' },
      processors: [
        {
          ...{ type: 'grok-parser', is_enabled: true, source: 'message' },
          grok: { match_rules: 'rule %{notSpace:when} %{word:evt} %{notSpace:network.client.ip}' },
        },
        { type: 'date-remapper', is_enabled: true, sources: ['when'] },
      ],
    }),
    'pipeline.json',
  )
  const found = await read('2026-01-12T14:00:05Z login 203.0.113.9\nother\n', 7, { pipelines: [pipeline] })
  expect(found.logs).toMatchObject([{ timestamp: at - 123, attributes: { evt: 'login' } }])
  expect(found.faults).toEqual([expect.stringMatching(/^line 2 has no date/)])
  const stored = {
    id: 'a',
    type: 'log',
    attributes: { timestamp: AT, message: '2026-01-12T14:00:05Z login 203.0.113.9' },
  }
  expect((await read(lines(stored), 7, { pipelines: [pipeline] })).logs).toMatchObject([
    { timestamp: at, attributes: {} },
  ])
})

import { expect, test } from 'vitest'
import { frameLine, frameLoss } from '../../intake/logplex-frame-writer.ts'
import type { UrlFields } from '../../intake/preprocess.ts'
import { detectForm } from './detect-form.ts'
import type { RecordingForm } from './forms.ts'
import { readRecording } from './recording.ts'

const at = '2026-01-05T09:00:00.000Z'
const stored = {
  timestamp: at,
  status: 'error',
  service: 'shop',
  host: 'i-1',
  message: '{"status":200}',
  tags: ['env:prod'],
}
const attributes = { http: { status_code: 502 }, status: 'text' }
const log = { ...stored, timestamp: Date.parse(at), attributes }
const v2 = { id: 'a', type: 'log', attributes: { ...stored, attributes } }
const v1 = { id: 'a', content: { ...stored, attributes } }
const archived = { _id: 'a', date: at, source: 'nginx', ...stored, timestamp: undefined, attributes }
const event = { timestamp: at, service: 'shop', env: 'prod', evt: 'login' }

async function* chunksOf(text: string | Buffer, size = 7): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text)
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}

async function read(text: string | Buffer, drain?: UrlFields) {
  const { form, stream } = await detectForm(chunksOf(text))
  const logs: unknown[] = []
  const texts: string[] = []
  const faults: string[] = []
  if (form === 'jsonl') return { form, logs, texts, faults }
  const visitor = {
    log: (each: unknown, write: () => string) => {
      logs.push(each)
      texts.push(write())
    },
    malformed: (place: string, reason: string) => void faults.push(`${place} ${reason}`),
  }
  await readRecording(stream, form, visitor, { drain })
  return { form, logs, texts, faults }
}

test.each<[string, string, RecordingForm]>([
  ['events, one per line', `${JSON.stringify(event)}\n${JSON.stringify(event)}\n`, 'jsonl'],
  ['an event that has a field named data', `{"data":[{"id":1}],"evt":"a"}\n`, 'jsonl'],
  ['an event that has a field named attributes', `{"id":1,"attributes":{"a":1}}\n`, 'jsonl'],
  ['text', 'hello\n', 'jsonl'],
  ['nothing', '', 'jsonl'],
  ['a page of the API, v2', JSON.stringify({ meta: { page: {} }, data: [v2] }), 'export'],
  ['a page on several lines', JSON.stringify({ data: [v2], links: {} }, undefined, 2), 'export'],
  ['a page longer than the bytes that are read', `{"data":[${Array(900).fill(JSON.stringify(v2))}]}`, 'export'],
  ['an empty page', '{"data":[]}', 'export'],
  ['a page of the API, v1', JSON.stringify({ logs: [v1], nextLogId: null }), 'export'],
  ['an array', `[${JSON.stringify(v2)}]`, 'export'],
  ['records, one per line', `${JSON.stringify(v2)}\n`, 'export'],
  ['an archive', `${JSON.stringify(archived)}\n`, 'export'],
  ['one event on several lines', JSON.stringify(event, undefined, 2), 'export'],
  ['frames', '83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up\n', 'logplex'],
])('the form of %s is detected from the first bytes', async (_, text, form) => {
  const detected = await detectForm(chunksOf(text, 100))
  expect(detected.form).toBe(form)
  const pieces: Buffer[] = []
  for await (const chunk of detected.stream) pieces.push(chunk)
  expect(Buffer.concat(pieces).toString()).toBe(text)
})

test.each([
  ['v2', v2, {}],
  ['v1', v1, {}],
  ['archive', archived, { source: 'nginx' }],
])(
  'a record of an export (%s) gives the log that was stored, without reading its message again',
  async (_, record, also) => {
    const page = await read(JSON.stringify([record, record], undefined, 1))
    expect(page).toMatchObject({ logs: [{ id: 'a', ...log, ...also }, { id: 'a' }], faults: [] })
    expect(page.texts[0]).toBe(JSON.stringify(record))
  },
)

test('a record that is not a log is reported with its place', async () => {
  const { logs, faults } = await read(JSON.stringify([v2, { id: 'b', type: 'log', attributes: {} }, event, 7]))
  expect(logs).toMatchObject([{ id: 'a' }, { service: 'shop', tags: ['env:prod'], attributes: { evt: 'login' } }])
  expect(faults).toEqual([expect.stringMatching(/^record 2 has no date in @timestamp, timestamp, /)])
})

const line = (message: string) => frameLine({ pri: 190, at: Date.parse(at), appname: 'app', procid: 'web.1', message })

test('frames are read as in the intake, and the URL of the drain takes precedence over the message', async () => {
  const body = Buffer.concat([
    line('{"service":"web","env":"Prod","n":1}'),
    frameLoss(3, 0, Date.parse(at)),
    line('zoë'),
  ])
  const bare = await read(body)
  expect(bare).toMatchObject({
    form: 'logplex',
    faults: [],
    logs: [
      {
        service: 'web',
        tags: ['env:prod'],
        timestamp: Date.parse(at),
        attributes: { n: 1, syslog: { procid: 'web.1' } },
      },
      { service: 'heroku', message: expect.stringContaining('Error L10') },
      { service: 'app', message: 'zoë' },
    ],
  })
  expect(bare.texts[2]).toBe('zoë')
  const drain = { service: 'shop', ddsource: 'heroku', ddtags: 'env:staging', attributes: {} }
  expect((await read(body, drain)).logs).toMatchObject([
    { service: 'shop', tags: ['env:staging'] },
    {},
    { source: 'heroku' },
  ])
})

test('a broken frame is skipped up to the next line feed', async () => {
  const { logs, faults } = await read(
    Buffer.concat([line('one'), Buffer.from('oops\n'), line('two'), Buffer.from('99 <1')]),
  )
  expect(logs).toMatchObject([{ message: 'one' }, { message: 'two' }])
  expect(faults).toEqual([
    `byte ${line('one').length} is not a frame`,
    expect.stringMatching(/is an incomplete frame$/),
  ])
})

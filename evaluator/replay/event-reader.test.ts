import fc from 'fast-check'
import { expect, test } from 'vitest'
import { logOfEvent } from '../app-event.ts'
import { Group } from '../evaluate/group.ts'
import { Places } from '../evaluate/places.ts'
import { compileReader } from '../evaluate/reading.ts'
import { sourcesOf } from '../evaluate/sources.ts'
import type { Log } from '../log.ts'
import { readImportable } from '../monitor/monitor.ts'
import { SilentTerms } from '../search/silent-terms.ts'
import { EventError, EventReader, type EventSink, parseEvent } from './event-reader.ts'
import { visitLines } from './lines.ts'

const monitors = [
  'logs("service:web env:prod @evt:login -@reason:blocked").rollup("count").by("@ip").last("5m") > 1',
  'logs("@evt:(new OR seen) @n:>3").rollup("cardinality","@usr.name").by("@usr.id,env").last("5m") > 1',
  'logs("@flag:true OR @evt:*").rollup("count").by("@usr.id").last("5m") > 1',
  'logs("@risk:(spray OR travel) -@sid:*").rollup("cardinality","@n").by("env").last("5m") > 1',
  'logs("CIDR(@ip, 10.0.0.0/8) OR (@path:/log*n NOT @deep.a.b:[1 TO 5])").rollup("count").by("service").last("5m") > 1',
  'logs("env:prod -@reason:blocked").rollup("sum","@n").by("@ip").last("5m") > 1',
  'logs("@n:>9007199254740992 OR @n:<-9007199254740992").rollup("cardinality","@n").by("@sid").last("5m") > 1',
  'logs("@ip:(9007199254740993 OR 7) OR @duration:[1us TO 20ms]").rollup("count").by("@duration").last("5m") > 1',
].map((query, i) =>
  readImportable(
    JSON.stringify({ name: 'n', type: 'log alert', message: 'm', query }),
    `detections/m${i}/monitor.json`,
  ),
)
const readers = monitors.map(compileReader)
const timestamp = '2026-01-05T09:00:00.123Z'

/** What each monitor counts of a log. */
type Entries = [group: string, value: string][][]

function entriesOf(log: Log): Entries {
  return readers.map((read) => {
    const entries: Entries[number] = []
    read(log, (key, value) => entries.push([key, value]))
    return entries
  })
}

/** What the full parser reads from a line. */
function parsed(line: string): unknown {
  try {
    const log = logOfEvent(parseEvent(line))
    return Number.isNaN(log.timestamp) ? 'refused' : { at: log.timestamp, entries: entriesOf(log) }
  } catch (error) {
    if (error instanceof EventError) return 'refused'
    throw error
  }
}

/** Collects what a reader finds in consecutive lines. */
class Reading implements EventSink {
  found: { at: number; entries: Entries } | undefined
  /** Whether the last line was read without a full parse. */
  scanned = false
  readonly #places = new Places<Group>()
  readonly reader = new EventReader(sourcesOf(monitors), this)

  read(monitor: number, log: Log): void {
    readers[monitor]?.(log, (key, value) => {
      const group = this.groupOf(monitor, key)
      this.enter(monitor, group.place, group.hold(value))
    })
  }

  push(log: Log, at: number): void {
    this.scanned = false
    this.found = { at, entries: entriesOf(log) }
  }

  isLate(): boolean {
    return false
  }

  begin(at: number): void {
    this.scanned = true
    this.found = { at, entries: monitors.map(() => []) }
  }

  groupOf(_monitor: number, key: string): Group {
    return new Group(key, this.#places)
  }

  placesOf(): Places<Group> {
    return this.#places
  }

  enter(monitor: number, place: number, slot: number): void {
    const group = this.#places.at(place)
    this.found?.entries[monitor]?.push([group.key, group.valueAt(slot)])
  }

  line(line: string | Buffer): unknown {
    const buffer = Buffer.concat([Buffer.from(line), Buffer.from('\n')])
    this.found = undefined
    try {
      this.reader.read(buffer, 0, buffer.length - 1)
    } catch (error) {
      if (error instanceof EventError) return 'refused'
      throw error
    }
    return this.found
  }
}

const scans = (line: string) => {
  const reading = new Reading()
  reading.line(line)
  return reading.scanned
}
const read = (line: string) => new Reading().line(line)

const event = {
  timestamp,
  service: 'web',
  env: 'prod',
  evt: 'login',
  reason: 'wrong_password',
  ip: '203.0.113.9',
  usr: { id: 'u1', name: 'Ann' },
  user_agent: 'a "quoted" \\ agent',
  n: 4,
  nested: { list: [1, -2.5e3, null, true, false, { deep: ['x'] }] },
}
test('an event of the usual form needs no full parse', () => {
  expect(scans(JSON.stringify(event))).toBe(true)
  expect(scans(` ${JSON.stringify(event, undefined, 1).replaceAll('\n', ' \t')} \r`)).toBe(true)
  expect(scans(JSON.stringify({ ...event, timestamp: 1767603600123 }))).toBe(true)
  expect(read(JSON.stringify(event))).toEqual({
    at: Date.parse(timestamp),
    entries: [[['203.0.113.9', '']], [], [['u1', '']], [], [], [['203.0.113.9', '4']], [], []],
  })
})

test.each([
  ['an escape in a text that a monitor reads', JSON.stringify({ ...event, ip: 'a"b' })],
  ['a list of values', JSON.stringify({ ...event, ip: ['a', 'b', 'a', 7, null, ['c']], usr: { id: ['u1', 'u2'] } })],
  ['a number', JSON.stringify({ ...event, ip: 7, usr: { id: 1e21 } })],
  ['a text too long for the table', JSON.stringify({ ...event, ip: 'x'.repeat(100), usr: { id: 'y'.repeat(62) } })],
  ['an environment that is not a text', JSON.stringify({ ...event, env: null })],
])('%s is read as by the full parser', (_, line) => {
  expect(read(line)).toEqual(parsed(line))
})

test.each([
  ['an escaped key', JSON.stringify(event).replace('"evt"', '"\\u0065vt"')],
  ['a repeated key', JSON.stringify(event).replace('"evt"', '"evt":"mfa","evt"')],
  ['a key with a dot', JSON.stringify({ ...event, 'usr.id': 'u2' })],
  ['a list of objects', JSON.stringify({ ...event, usr: [{ id: 'u1' }] })],
  ['an environment of several tags', JSON.stringify({ ...event, env: 'prod,service:web' })],
  ['a message that is JSON', JSON.stringify({ ...event, message: '{"ip":"other"}' })],
  ['an event with tags', JSON.stringify({ ...event, ddtags: 'env:staging' })],
  ['a date of another form', JSON.stringify({ ...event, timestamp: '2026-01-05T09:00:00+01:00' })],
  [
    'a date that takes precedence over timestamp',
    JSON.stringify({ ...event, '@timestamp': '2026-01-05T10:00:00.000Z' }),
  ],
])('%s is left to the full parser, with the same result', (_, line) => {
  expect(scans(line)).toBe(false)
  expect(read(line)).toEqual(parsed(line))
})

test.each([
  ['a truncated line', JSON.stringify(event).slice(0, -1)],
  ['two events on one line', `${JSON.stringify(event)}${JSON.stringify(event)}`],
  ['a trailing comma', JSON.stringify(event).replace('}}', '}},')],
  ['a control character in a text', JSON.stringify(event).replace('agent', 'a\tgent')],
  ['a bad escape', JSON.stringify(event).replace('\\\\', '\\x')],
  ['a number with a leading zero', JSON.stringify(event).replace('"n":4', '"n":04')],
  ['a number without digits', JSON.stringify(event).replace('-2500', '-')],
  ['a misspelled word', JSON.stringify(event).replace('null', 'nul')],
  ['no date', JSON.stringify({ ...event, timestamp: undefined })],
  ['a text that is not a date', JSON.stringify({ ...event, timestamp: 'yesterday' })],
  ['a day that its month does not have', JSON.stringify({ ...event, timestamp: '2026-02-30T09:00:00.123Z' })],
  ['a list', '[]'],
  ['plain text', 'login failed'],
])('%s is refused', (_, line) => {
  expect(read(line)).toBe('refused')
})

test('texts in every script are read', () => {
  const line = JSON.stringify({ ...event, ip: 'zoë 漢字 😀' })
  expect(scans(line)).toBe(true)
  expect(read(line)).toMatchObject({
    entries: [[['zoë 漢字 😀', '']], [], [['u1', '']], [], [], [['zoë 漢字 😀', '4']], [], []],
  })
})

test('a monitor counts the same of consecutive lines, whether they are scanned or parsed', () => {
  const scalar = fc.constantFrom<unknown>(
    'login',
    'new',
    'prod',
    'web',
    'é',
    'a"b',
    '',
    'blocked',
    5,
    3.5,
    -0,
    true,
    false,
    null,
    [],
    ['u1', 2],
    {},
    { id: 'u1' },
    { id: 7, name: ['x', 'y'] },
  )
  const name = fc.constantFrom(
    'service',
    'env',
    'evt',
    'reason',
    'ip',
    'usr',
    'n',
    'flag',
    'message',
    'other',
    'user_agent',
    'ddtags',
    'usr.id',
    'syslog',
    'toString',
    '__proto__',
    '@timestamp',
  )
  const date = fc.constantFrom<unknown>(
    timestamp,
    '2026-01-05T09:00:00Z',
    '2026-02-30T24:00:00.000Z',
    '2026-13-05T09:00:00.123Z',
    1767603600123,
    1767603600,
    1767603600.29,
    1767603600123456,
    '1767603600123456789',
    1e17,
    1e20,
    -5,
    1.5,
    '1767603600123',
    'never',
    null,
  )
  const line = fc
    .tuple(
      fc.array(fc.tuple(name, scalar), { maxLength: 12 }),
      date,
      fc.boolean(),
      fc.nat(400),
      fc.constantFrom('', '"', '\\', ',', '}', ' ', 'x', '0'),
    )
    .map(([members, when, spoil, place, what]) => {
      const keys: [string, unknown][] = [...members.slice(0, 3), ['timestamp', when], ...members.slice(3)]
      const text = `{${keys.map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`).join(', ')}}`
      return spoil ? text.slice(0, place) + what + text.slice(place + 1) : text
    })
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), (lines) => {
      const reading = new Reading()
      for (const each of lines) expect([each, reading.line(each)]).toEqual([each, parsed(each)])
    }),
    { numRuns: 3000 },
  )
})

/** JSON of unusual form: any spacing, any escapes, repeated keys, and text that is almost JSON. */
function spelledEvent(): fc.Arbitrary<string> {
  const space = fc.constantFrom('', '', '', ' ', '\t', '\r', ' \t ')
  const plain = fc.constantFrom('login', 'new', 'prod', 'web', 'blocked', 'spray', '10.1.2.3', '/login', 'u1', '7', '')
  const any = fc.oneof(fc.string({ unit: 'binary', maxLength: 9 }), fc.string({ minLength: 55, maxLength: 70 }))
  const escaped = (text: string) => {
    const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, '0'))
    return `"${units.map((unit) => `\\u${unit}`).join('')}"`
  }
  const spelled = (texts: fc.Arbitrary<string>) =>
    fc.tuple(texts, fc.nat(5)).map(([text, luck]) => (luck === 0 ? escaped(text) : JSON.stringify(text)))
  const keys = 'service env evt reason ip usr n flag risk sid path deep message duration id name a b'
    .split(' ')
    .concat('usr.id', 'deep.a', 'http.code', 'other', 'timestamp', '@timestamp', '__proto__')
  const odd = fc.constantFrom(
    'nul',
    '01',
    '1.',
    '-',
    '+1',
    '1e5',
    '-0',
    '1E-2',
    "'x'",
    '"\\x"',
    '"\\u12g4"',
    'NaN',
    '1e999',
  )
  const { value } = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      { weight: 8, arbitrary: spelled(plain) },
      { weight: 2, arbitrary: spelled(any) },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          ...['0', '3', '4.5', '-2e3', 'true', 'false', 'null', '12345678901234567890', '20000000'],
          ...[
            '9007199254740992',
            '9007199254740993',
            '-9007199254740993',
            '9007199254740993.0',
            '123456789012345678e2',
          ],
        ),
      },
      { weight: 1, arbitrary: odd },
      { weight: 3, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(' ,')}]`) },
      { weight: 4, arbitrary: tie('object') },
    ),
    object: fc
      .array(fc.tuple(space, spelled(fc.constantFrom(...keys)), space, tie('value'), space), { maxLength: 4 })
      .map((members) => `{${members.map((member) => colonAfterKey(member)).join(',')}}`),
  }))
  const member = fc.tuple(space, spelled(fc.constantFrom(...keys)), space, value, space)
  const date = fc.constantFrom(
    ...[`"${timestamp}"`, `"${timestamp}"`, '1767603600', '1767603600.123456', '1767603600123', '1767603600123456'],
    ...['1767603600123999999', '1767603600123999999.0', '1.7676036e9', '"1767603600123"', '-1', '99999999999999999999'],
  )
  return fc.tuple(fc.array(member, { maxLength: 10 }), date).chain(([members, when]) =>
    fc.nat(members.length).map((place) => {
      const spelledMembers = members.map((each) => colonAfterKey(each))
      spelledMembers.splice(place, 0, `"timestamp":${when}`)
      return `{${spelledMembers.join(',')}}`
    }),
  )
}

const colonAfterKey = ([before, key, between, value, after]: readonly string[]): string =>
  `${before}${key}${between}:${after}${value}${between}`

test('a line is read as by the full parser, however it is written and wherever the stream is cut', async () => {
  const spoiled = fc.record({ line: spelledEvent(), spoil: fc.nat(6), place: fc.nat(300), byte: fc.nat(255) })
  const bytesOf = ({ line, spoil, place, byte }: { line: string; spoil: number; place: number; byte: number }) => {
    const bytes = Buffer.from(line)
    if (spoil === 0 && byte !== 0x0a) bytes[place % bytes.length] = byte
    return bytes
  }
  let scanned = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(spoiled, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 3000 }),
      async (drafts, size) => {
        const lines = drafts.map(bytesOf)
        const reading = new Reading()
        const results: unknown[] = []
        const visitor = {
          scan(buffer: Buffer, start: number) {
            const end = reading.reader.scan(buffer, start)
            if (end >= 0) {
              scanned++
              results.push(reading.found)
            }
            return end
          },
          line: (buffer: Buffer, start: number, end: number) => results.push(reading.line(buffer.subarray(start, end))),
          tooLong() {},
        }
        const all = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
        async function* stream() {
          const reused = Buffer.alloc(size)
          for (let at = 0; at < all.length; at += size) yield reused.subarray(0, all.copy(reused, 0, at, at + size))
        }
        await visitLines(stream(), visitor)
        expect(results).toEqual(lines.map((line) => parsed(line.toString())))
      },
    ),
    { numRuns: 3000 },
  )
  expect(scanned).toBeGreaterThan(500)
})

test('scanned or parsed, the same terms are known to have matched no event', () => {
  const value = fc.constantFrom<unknown>(
    'login',
    'new',
    'prod',
    'web',
    'blocked',
    'spray',
    '10.1.2.3',
    '/login',
    4,
    true,
    null,
  )
  const name = fc.constantFrom('service', 'env', 'evt', 'reason', 'ip', 'n', 'flag', 'risk', 'sid', 'path', 'ddtags')
  const line = fc
    .array(fc.tuple(name, value), { maxLength: 6 })
    .map((members) => JSON.stringify({ ...Object.fromEntries(members), timestamp }))
  const searches = monitors.map(({ parsed }) => ({ node: parsed.node, facets: [] }))
  const silentOf = (list: readonly { readonly search: number; readonly term: string; readonly text: string }[]) =>
    list.filter(({ text }) => text.includes('matched no event')).map(({ search, term }) => `${search} ${term}`)
  let scanned = 0
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
      const reading = new Reading()
      const whole = new SilentTerms(searches)
      for (const each of lines) {
        reading.line(each)
        if (reading.scanned) scanned++
        const log = logOfEvent(parseEvent(each))
        whole.observe(log)
      }
      expect(silentOf(reading.reader.silentTerms)).toEqual(silentOf(whole.list()))
    }),
    { numRuns: 1000 },
  )
  expect(scanned).toBeGreaterThan(500)
})

test('what matched only in lines that were not read as a whole is known, and so are the names of their fields', () => {
  const reading = new Reading()
  const plain = JSON.stringify({ timestamp, service: 'web', evt: 'tick' })
  for (let i = 0; i < 100; i++) reading.line(plain)
  const before = reading.reader.silentTerms.map(({ term }) => term)
  expect(before).toContain('@evt:login')
  reading.line(JSON.stringify({ timestamp, evt: 'login', i_p: '203.0.113.9', usr: { id: 'u1' } }))
  expect(reading.scanned).toBe(true)
  const after = reading.reader.silentTerms.map(({ term }) => term)
  expect(after).not.toContain('@evt:login')
  expect(after).not.toContain('@usr.id')
  expect(reading.reader.silentTerms.find(({ term }) => term === '@ip')?.suggestion).toBe('@i_p')
})

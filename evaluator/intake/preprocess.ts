import { randomUUID } from 'node:crypto'
import { isRecord, parseJson } from '../json.ts'
import type { IndexedLog } from '../log.ts'
import { isInCalendar } from './calendar.ts'
import { type EpochSink, epochOf } from './epoch.ts'

type Attributes = Record<string, unknown>

/** The values that the URL of a request gives to each of its logs. */
export interface UrlFields {
  service: string | undefined
  ddsource: string | undefined
  ddtags: string | undefined
  /** `host`, `hostname` and every parameter that the intake does not use. */
  attributes: Attributes
}

/** The attributes that may hold the date of a log; the first one that does is used: logs/log_configuration/pipelines. */
export const DATE_KEYS = [
  '@timestamp',
  'timestamp',
  '_timestamp',
  'Timestamp',
  'eventTime',
  'date',
  'published_date',
  'syslog.timestamp',
]
const HOST = ['host', 'hostname', 'syslog.hostname']
const STATUS = ['status', 'severity', 'level', 'syslog.severity']
const SERVICE = ['service', 'syslog.appname']

/** A longer message is cut and not refused: go-client v2 SubmitLog. */
const MAX_MESSAGE_BYTES = 1024 * 1024
/** A clock may be a little ahead. A log dated next year must not make every log after it late. */
const MAX_AHEAD_MS = 60_000
/** A JSON message that nests deeper stays a text, so that no log can exhaust the stack. The limit is ours. */
const MAX_DEPTH = 20

/**
 * Turns one entry into a log, as Datadog does before any pipeline runs. A JSON object in `message` is merged into the attribute root.
 * Undocumented, chosen here, each with a test: the message takes precedence over the entry around it, but the URL takes precedence for
 * service, source and tags; a merged message without `message` gives a log without a message; a date that cannot be read, or is more
 * than a minute ahead, is ignored; an attribute with the name of a reserved one can still be searched by its own name.
 * @param receivedAt epoch ms; the time of a log without a date. Infinite for a recording, which nobody received: then numbers
 *   are dates in the unit that their magnitude says
 * @param onEpoch is told of such a date in another unit than milliseconds
 */
export function preprocess(entry: Attributes, url: UrlFields, receivedAt: number, onEpoch?: EpochSink): IndexedLog {
  const body = bodyOf(entry.message)
  const envelope = without(entry, MESSAGE)
  const isAlone = body.attributes === undefined && Object.keys(url.attributes).length === 0
  const merged = isAlone ? { ...envelope } : { ...url.attributes, ...envelope, ...body.attributes }
  const { ddsource, ddtags } = merged
  const attributes = without(merged, INTAKE_KEYS)
  const log: IndexedLog = {
    id: randomUUID(),
    timestamp: dateOf(attributes, receivedAt, onEpoch),
    status: statusOf(first(attributes, STATUS)),
    tags: mergeTags(url.ddtags, Array.isArray(ddtags) ? ddtags.join(',') : textOf(ddtags)),
    attributes,
  }
  const service = url.service ?? textOf(first(attributes, SERVICE))
  const source = url.ddsource ?? textOf(ddsource)
  const host = textOf(first(attributes, HOST))
  if (body.message !== undefined) log.message = body.message
  if (service !== undefined) log.service = service
  if (source !== undefined) log.source = source
  if (host !== undefined) log.host = host
  return log
}

const MESSAGE = ['message']
const INTAKE_KEYS = ['ddsource', 'ddtags']

/** The attributes without those names. Most logs have none of them, and are not copied. */
const without = (attributes: Attributes, names: readonly string[]): Attributes =>
  names.some((name) => Object.hasOwn(attributes, name))
    ? Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))
    : attributes

function bodyOf(message: unknown): { message?: string | undefined; attributes?: Attributes } {
  if (message === undefined || message === null) return {}
  const object = isRecord(message) ? message : typeof message === 'string' ? parseObject(message) : undefined
  if (!object || isDeeperThan(object, MAX_DEPTH)) return { message: cut(textOf(message) ?? '') }
  const { message: inner, ...attributes } = object
  return { message: inner === undefined ? undefined : cut(textOf(inner) ?? ''), attributes }
}

function parseObject(text: string): Attributes | undefined {
  if (text.length > MAX_MESSAGE_BYTES || !/^\s*\{/.test(text)) return undefined
  try {
    const value: unknown = parseJson(text)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined // a text that only begins with a brace
  }
}

function cut(text: string): string {
  if (text.length * 3 <= MAX_MESSAGE_BYTES) return text
  const bytes = Buffer.from(text, 'utf8')
  return bytes.length <= MAX_MESSAGE_BYTES ? text : bytes.toString('utf8', 0, MAX_MESSAGE_BYTES)
}

/** The first date that can be read: ISO 8601, epoch milliseconds or RFC 3164. */
function dateOf(attributes: Attributes, receivedAt: number, onEpoch?: EpochSink): number {
  for (const name of DATE_KEYS) {
    const date = readDate(lookUp(attributes, name), receivedAt, name, onEpoch)
    if (date !== undefined) return date
  }
  return receivedAt
}

/** The keys that a `--time-field` names: `@timestamp` is a key of its own in some logs, and the attribute `timestamp` in a search. */
export const timeNames = (path: string): string[] => (path.startsWith('@') ? [path, path.slice(1)] : [path])

/** Why a log of a recording has no time, and what to do. @param timeField the key that was asked for instead of the usual ones */
export function undatedReason(attributes: Attributes, timeField?: string): string {
  const keys = timeField === undefined ? DATE_KEYS : timeNames(timeField)
  const unread = keys.map((name) => [name, lookUp(attributes, name)] as const).find(([, value]) => isScalar(value))
  if (unread) {
    const [name, value] = unread
    const forms = 'ISO 8601, RFC 3164, or a number of seconds to nanoseconds'
    return `has no date in \`${name}\`: ${(typeof value === 'string' ? JSON.stringify(value) : String(value)).slice(0, MOST_SHOWN)} is not ${forms}`
  }
  return timeField === undefined
    ? `has no date in ${DATE_KEYS.join(', ')}: --time-field PATH names another key`
    : `has no date in \`${timeField}\`, which --time-field names`
}

/** Characters of a value that a message shows. */
const MOST_SHOWN = 60
const isScalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number'

/**
 * @param key holds the value, for `onEpoch`
 * @returns epoch ms; undefined for a value that is not a date, and for a date more than a minute ahead
 */
export function readDate(
  value: unknown,
  receivedAt: number,
  key = 'timestamp',
  onEpoch?: EpochSink,
): number | undefined {
  const date = parseDate(value, receivedAt)
  if (date === undefined || date > receivedAt + MAX_AHEAD_MS) return undefined
  if (onEpoch && receivedAt === Number.POSITIVE_INFINITY && isEpoch(value)) {
    const unit = epochOf(value)?.unit ?? 'milliseconds'
    if (unit !== 'milliseconds') onEpoch(unit, key)
  }
  return date
}

/** The offset has at most 23 hours and 59 minutes. */
const ISO_8601 = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/i
const RFC_3164 = /^(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(\d{1,2}) (\d\d:\d\d:\d\d)$/
/** Epoch ms of the last instant that a Date can hold. */
const LAST_DATE_MS = 8.64e15

/**
 * @param receivedAt epoch ms; gives the year of an RFC 3164 date
 * @returns epoch ms, even of a date far ahead; undefined for a value that is not a date
 */
function parseDate(value: unknown, receivedAt: number): number | undefined {
  if (isEpoch(value)) {
    if (receivedAt === Number.POSITIVE_INFINITY) return epochOf(value)?.at
    if (typeof value === 'string' && !/^\d{10,16}$/.test(value)) return undefined
    const epoch = Math.floor(Number(value))
    return epoch >= 0 && epoch <= LAST_DATE_MS ? epoch : undefined
  }
  if (typeof value !== 'string') return undefined
  const syslog = RFC_3164.exec(value)
  if (syslog) {
    const date = dateWithoutYear(`${syslog[1]} ${syslog[2]}`, lastSecond(syslog[3] ?? ''), receivedAt)
    return date === undefined ? undefined : date + leapOf(syslog[3] ?? '')
  }
  const iso = ISO_8601.exec(value)
  if (!iso || !isInCalendar(value)) return undefined
  // Datadog reads a date without an offset as UTC. Date.parse would read it in the zone of this machine.
  const zoned = iso[3] ? value : `${value}Z`
  const date = finite(Date.parse(lastSecond(zoned.replace(' ', 'T').replace(',', '.'))))
  return date === undefined ? undefined : date + leapOf(zoned)
}

const LEAP_SECOND = /(?<=:\d\d:)60/
/**
 * Decision `leap-second`, undocumented: second 60, which ISO 8601 allows at a leap second, is the first one of the next
 * minute, as in POSIX.
 */
const leapOf = (time: string): number => (LEAP_SECOND.test(time) ? 1_000 : 0)
const lastSecond = (time: string): string => time.replace(LEAP_SECOND, '59')

/** A number, or a text of as many digits as a date has in one of the units. */
const isEpoch = (value: unknown): value is number | string =>
  typeof value === 'number' || (typeof value === 'string' && /^\d{10,19}(\.\d+)?$/.test(value))

/** At most so many years lie between two 29ths of February. */
const LONGEST_LEAP_YEARS = 8
const DAY_MS = 24 * 3_600_000

/**
 * Decision `year-of-rfc-3164`: a date of RFC 3164 has no year. On arrival it is in the year of the arrival. In a recording it is in the
 * last year in which it is not more than a day ahead of the time of the reading.
 */
function dateWithoutYear(day: string, time: string, receivedAt: number): number | undefined {
  const dateIn = (year: number) => Date.parse(`${day} ${year} ${time} UTC`)
  // A day that a month does not have is read as one of the next month.
  const isThere = (at: number) => Number(day.slice(3)) === new Date(at).getUTCDate()
  if (receivedAt !== Number.POSITIVE_INFINITY) return [dateIn(yearOf(receivedAt))].find(isThere)
  const latest = Date.now() + DAY_MS
  const years = Array.from({ length: LONGEST_LEAP_YEARS + 1 }, (_, ago) => yearOf(latest) - ago)
  return years.map(dateIn).find((at) => at <= latest && isThere(at))
}

const yearOf = (at: number): number => new Date(at).getUTCFullYear()
const finite = (date: number): number | undefined => (Number.isNaN(date) ? undefined : date)

const SYSLOG_SEVERITIES = ['emergency', 'alert', 'critical', 'error', 'warning', 'notice', 'info', 'debug']

/** Datadog's status remapper: a number is a syslog severity, a word is read by its first letters, and any other value is `info`. */
export function statusOf(value: unknown): string {
  const text = (textOf(value) ?? '').toLowerCase()
  if (/^[0-7]$/.test(text)) return SYSLOG_SEVERITIES[Number(text)] ?? 'info'
  return text.startsWith('emerg') ? 'emergency' : (STATUS_OF_LETTER.get(text.charAt(0)) ?? 'info')
}

const STATUS_OF_LETTER: ReadonlyMap<string, string> = new Map([
  ['f', 'emergency'],
  ['a', 'alert'],
  ['c', 'critical'],
  ['e', 'error'],
  ['w', 'warning'],
  ['n', 'notice'],
  ['d', 'debug'],
  ['t', 'debug'],
  ['v', 'debug'],
  ['o', 'ok'],
  ['s', 'ok'],
])

/** Lower-cases the tags. The tags of the URL take precedence over those of the entry with the same key. */
function mergeTags(fromUrl: string | undefined, fromEntry: string | undefined): string[] {
  const tags = splitTags(fromUrl)
  if (fromEntry === undefined) return [...new Set(tags)]
  const keys = new Set(tags.map(keyOf))
  return [...new Set([...tags, ...splitTags(fromEntry).filter((tag) => !keys.has(keyOf(tag)))])]
}

const splitTags = (tags = ''): string[] =>
  tags
    .split(',')
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => tag !== '')

const keyOf = (tag: string): string => tag.split(':', 1)[0] ?? tag

function first(attributes: Attributes, names: readonly string[]): unknown {
  for (const name of names) {
    const value = lookUp(attributes, name)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

/** The value at a path such as `syslog.timestamp`, which may be a key of its own. */
export function lookUp(attributes: Attributes, name: string): unknown {
  if (Object.hasOwn(attributes, name)) return attributes[name]
  if (!name.includes('.')) return undefined
  const [head = '', ...rest] = name.split('.')
  const inner = Object.hasOwn(attributes, head) ? attributes[head] : undefined
  return rest.length > 0 && isRecord(inner) ? lookUp(inner, rest.join('.')) : undefined
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Whether a value nests deeper than `levels`. Recurses at most to that depth. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeperThan(inner, levels - 1))
}

import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { fromSyslog } from '../../intake/intake.ts'
import type { SyslogMessage } from '../../intake/logplex-frames.ts'
import type { Pipeline } from '../../intake/pipeline.ts'
import { lookUp, preprocess, readDate, type UrlFields, undatedReason } from '../../intake/preprocess.ts'
import type { IndexedLog } from '../../log.ts'
import { isRecord } from '../../monitor/monitor-options.ts'
import { LINE_FEED } from '../bytes.ts'
import { EventError, parseEvent } from '../event-reader.ts'
import { MAX_LINE_BYTES, visitLines } from '../lines.ts'
import { isExported, logOfRecord } from './export-record.ts'
import { FramePieces } from './frame-pieces.ts'
import { JsonPieces } from './json-pieces.ts'

/** One JSON event per line; JSON documents as Datadog exports them; consecutive bodies of a Logplex drain. */
export const RECORDING_FORMS = ['jsonl', 'export', 'logplex'] as const
export type RecordingForm = (typeof RECORDING_FORMS)[number]

/** One stream of logs in one form. */
export interface Recording {
  /** Names it in messages; undefined when there is only one. */
  readonly name: string | undefined
  readonly form: RecordingForm
  readonly stream: AsyncIterable<Buffer>
}

/** Receives what a recording contains. */
export interface RecordingVisitor {
  /** @param text writes the original record on one line */
  log(log: IndexedLog, text: () => string): void
  /** @param place for a reader, such as `byte 1024` or `record 7` */
  malformed(place: string, reason: string): void
  /** A date was given in another unit than milliseconds. */
  epoch?: EpochSink
  /** Awaited after each piece of the stream. */
  piece?(bytes: number): Promise<void> | void
}

/** The keys of the records in a page of an export: API v2 and v1. */
const PAGE_KEYS = ['data', 'logs']
/** The number of bytes from which the form is detected. */
const PEEKED_BYTES = 64 * 1024

/** What is known of the logs of a recording beside the recording. */
export interface Reading {
  /** The values that the URL of the drain gives to logs in Logplex frames. */
  readonly drain?: UrlFields | undefined
  /** The path of the attribute that holds the time of a log. */
  readonly timeField?: string | undefined
  /** Applied in order to each log that Datadog has not processed. */
  readonly pipelines?: readonly Pipeline[]
  /** Whether logs without a date are taken, with a time of NaN, and lines of text as messages. */
  readonly undated?: boolean
}

/** Used when the URL of the drain is not known. */
const NO_DRAIN: UrlFields = { service: undefined, ddsource: undefined, ddtags: undefined, attributes: {} }

/** Reads a recording of any form, in the memory of one record. */
export async function readRecording(
  stream: AsyncIterable<Buffer>,
  form: RecordingForm,
  visitor: RecordingVisitor,
  reading: Reading = {},
): Promise<void> {
  const finish = finishing(reading, visitor.epoch)
  if (form === 'jsonl') return readLines(stream, visitor, lineReader(reading, finish, visitor.epoch))
  const pieces = form === 'export' ? exportPieces(visitor, finish) : framePieces(visitor, finish, reading.drain)
  for await (const chunk of stream) {
    pieces.write(chunk)
    await visitor.piece?.(chunk.length)
  }
  pieces.end()
}

/** Reads one line. @throws EventError when it is not a log */
type LineReader = (text: string) => IndexedLog

function lineReader({ pipelines = [], undated = false }: Reading, finish: Finish, onEpoch?: EpochSink): LineReader {
  const takesText = undated || pipelines.length > 0
  return (text) => {
    let entry: Record<string, unknown>
    try {
      entry = parseEvent(text)
    } catch (error) {
      if (!takesText || !(error instanceof EventError)) throw error
      entry = { message: text.trimEnd() }
    }
    return finish(logOfEvent(entry, onEpoch), entry)
  }
}

async function readLines(stream: AsyncIterable<Buffer>, visitor: RecordingVisitor, read: LineReader): Promise<void> {
  let count = 0
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      count++
      const text = buffer.toString('utf8', start, end)
      if (text.trim() !== '')
        visit(
          visitor,
          `line ${count}`,
          () => read(text),
          () => text,
        )
    },
    tooLong() {
      count++
      visitor.malformed(`line ${count}`, `is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`)
    },
  }
  await visitLines(stream, lines, (bytes) => visitor.piece?.(bytes))
}

/** Gives a log to the visitor, or the reason why there is none. */
function visit(visitor: RecordingVisitor, place: string, read: () => IndexedLog, text: () => string): void {
  let log: IndexedLog
  try {
    log = read()
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    visitor.malformed(place, error.message)
    return
  }
  visitor.log(log, text)
}

/** Does with a log of any form what all of them need. @throws EventError when it has no date */
type Finish = (log: IndexedLog, record: Record<string, unknown>, isStored?: boolean) => IndexedLog

function finishing({ timeField, pipelines = [], undated }: Reading, onEpoch?: EpochSink): Finish {
  return (log, record, isStored = false) => {
    if (timeField !== undefined) log.timestamp = timeAt(timeField, record, log, onEpoch)
    if (!isStored) for (const { process } of pipelines) process(log, Number.POSITIVE_INFINITY)
    if (Number.isNaN(log.timestamp) && !undated) throw new EventError(undatedReason(timeField))
    return log
  }
}

function timeAt(path: string, record: Record<string, unknown>, log: IndexedLog, onEpoch?: EpochSink): number {
  const name = path.replace(/^@/, '')
  const value = lookUp(record, name) ?? lookUp(log.attributes, name)
  return readDate(value, Number.POSITIVE_INFINITY, name, onEpoch) ?? Number.NaN
}

function exportPieces(visitor: RecordingVisitor, finish: Finish): JsonPieces {
  let count = 0
  const record = (text: string) => {
    count++
    const read = () => {
      const parsed = parseEvent(text)
      return finish(logOfRecord(parsed, visitor.epoch), parsed, isExported(parsed))
    }
    visit(visitor, `record ${count}`, read, () => (text.includes('\n') ? onOneLine(text) : text))
  }
  return new JsonPieces({ record, broken: (at, reason) => visitor.malformed(`byte ${at}`, reason) }, PAGE_KEYS)
}

/** JSON without the space between its tokens, each of which stays as it was written. */
const onOneLine = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')

function framePieces(visitor: RecordingVisitor, finish: Finish, drain: UrlFields = NO_DRAIN): FramePieces {
  let count = 0
  const frame = (message: SyslogMessage) => {
    count++
    const read = () => finish(logOfFrame(message, drain, visitor.epoch), {})
    visit(visitor, `frame ${count}`, read, () => message.message)
  }
  return new FramePieces({ frame, broken: (at, reason) => visitor.malformed(`byte ${at}`, reason) })
}

/** The URL of a drain gives the service and the tags. Without an `env` tag from it, `env` of a JSON message is a tag, as in plain JSON lines. */
function logOfFrame(message: SyslogMessage, drain: UrlFields, onEpoch?: EpochSink): IndexedLog {
  const log = preprocess(fromSyslog(message), drain, Number.POSITIVE_INFINITY, onEpoch)
  const { env } = log.attributes
  if (typeof env === 'string' && !log.tags?.some((tag) => tag.startsWith('env:'))) {
    log.tags = [...(log.tags ?? []), `env:${env.toLowerCase()}`]
  }
  return log
}

/** Detects the form of a recording from its first bytes. @returns the form, and a stream of all bytes */
export async function detectForm(
  stream: AsyncIterable<Buffer>,
): Promise<{ form: RecordingForm; stream: AsyncIterable<Buffer> }> {
  const rest = stream[Symbol.asyncIterator]()
  const peeked: Buffer[] = []
  let bytes = 0
  let begun = false
  let wholeLine = false
  while (bytes < PEEKED_BYTES && !wholeLine) {
    const next = await rest.next()
    if (next.done) break
    const chunk: Buffer = next.value
    const first: number = begun ? 0 : chunk.findIndex((byte) => byte > 0x20)
    begun ||= first >= 0
    wholeLine = begun && chunk.indexOf(LINE_FEED, first) >= 0
    peeked.push(Buffer.from(chunk))
    bytes += chunk.length
  }
  const text = Buffer.concat(peeked).toString('utf8', 0, PEEKED_BYTES)
  return { form: formOf(text.replace(/^\uFEFF/, '').trimStart()), stream: resumed(peeked, rest) }
}

async function* resumed(peeked: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* peeked
    yield* { [Symbol.asyncIterator]: () => rest }
  } finally {
    await rest.return?.()
  }
}

function formOf(start: string): RecordingForm {
  if (/^\d{1,8} <\d{1,3}>1 /.test(start)) return 'logplex'
  if (start.startsWith('[')) return 'export'
  if (!start.startsWith('{')) return 'jsonl'
  const [line = ''] = start.split('\n', 1)
  try {
    return isExportDocument(parseEvent(line)) ? 'export' : 'jsonl'
  } catch {
    // Either a document on several lines, or a line longer than what has been read.
    const page = /^\{\s*"(data|logs)"\s*:\s*\[\s*(\{\s*"(id|type|attributes|content)"|\])/
    const before = /^\{\s*"((meta|links)"\s*:\s*\{|(nextLogId|requestId)")/
    return /^\{\s*\n/.test(start) || page.test(line) || before.test(line) ? 'export' : 'jsonl'
  }
}

function isExportDocument(document: Record<string, unknown>): boolean {
  if (isExported(document)) return true
  const records: unknown[] | undefined = PAGE_KEYS.map((key) => document[key]).find(Array.isArray)
  if (!records) return false
  const [first] = records
  if (first !== undefined) return isRecord(first) && isExported(first)
  return (
    ['meta', 'links', 'nextLogId', 'requestId'].some((key) => key in document) || Object.keys(document).length === 1
  )
}

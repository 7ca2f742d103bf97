import { CsvError } from 'csv-parse'
import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { fromSyslog } from '../../intake/intake.ts'
import type { SyslogMessage } from '../../intake/logplex-frames.ts'
import type { Pipeline } from '../../intake/pipeline.ts'
import { lookUp, preprocess, readDate, timeNames, type UrlFields, undatedReason } from '../../intake/preprocess.ts'
import type { IndexedLog } from '../../log.ts'
import { EventError, parseEvent } from '../event-reader.ts'
import { MAX_LINE_BYTES, visitLines } from '../lines.ts'
import { csvRows, logOfRow } from './csv-rows.ts'
import { isExported, logOfRecord } from './export-record.ts'
import { logOfForeign } from './foreign-record.ts'
import { type ForeignForm, PAGE_KEYS, type RecordingForm, WRAPPED_FORMS, type WrappedForm } from './forms.ts'
import { FramePieces } from './frame-pieces.ts'
import { JsonPieces } from './json-pieces.ts'
import { syslogEntry } from './syslog-line.ts'
import { insightsRows, logOfCloudWatch, logOfInsights, type Unwrapped, WrappedLines } from './wrapped.ts'

/** One stream of logs in one form. */
export interface Recording {
  /** Names it in messages; undefined when there is only one. */
  readonly name: string | undefined
  readonly form: RecordingForm
  readonly stream: AsyncIterable<Buffer>
}

/** Receives what a recording contains. */
export interface RecordingVisitor {
  /**
   * @param text writes the original record on one line
   * @param place for a reader, such as `line 7` or `record 7`
   */
  log(log: IndexedLog, text: () => string, place: string): void
  /**
   * @param place for a reader, such as `byte 1024` or `record 7`
   * @param isPartly whether it is given as a log, of which a part could not be read
   */
  malformed(place: string, reason: string, isPartly?: boolean): void
  /** A date was given in another unit than milliseconds. */
  epoch?: EpochSink
  /** Awaited after each piece of the stream. */
  piece?(bytes: number): Promise<void> | void
}

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
  if (form === 'jsonl' || form === 'syslog') {
    return readLines(stream, visitor, lineReader(form, reading, finish, visitor.epoch))
  }
  if (form === 'csv') return readCsv(stream, visitor, finish)
  const wrapped = WRAPPED_FORMS.find((each) => each === form)
  if (wrapped) return readWrapped(stream, visitor, wrapped, finish)
  if (form === 'insights') return readInsights(stream, visitor, finish)
  const pieces =
    form === 'logplex' ? framePieces(visitor, finish, reading.drain) : jsonPieces(form as JsonForm, visitor, finish)
  for await (const chunk of stream) {
    pieces.write(chunk)
    await visitor.piece?.(chunk.length)
  }
  pieces.end()
}

/** Forms of JSON documents and records. */
type JsonForm = 'export' | 'cloudwatch' | ForeignForm

/** Reads one line. @returns undefined for a part of a log @throws EventError when it is not a log */
type LineReader = (text: string) => IndexedLog | undefined

function lineReader(
  form: 'jsonl' | 'syslog',
  { pipelines = [], undated = false }: Reading,
  finish: Finish,
  onEpoch?: EpochSink,
): LineReader {
  const entryOf = form === 'jsonl' ? parseEvent : parseSyslog
  const takesText = undated || pipelines.length > 0
  return (text) => {
    let entry: Record<string, unknown>
    try {
      entry = entryOf(text)
    } catch (error) {
      if (!takesText || !(error instanceof EventError)) throw error
      entry = { message: text.trimEnd() }
    }
    return finish(logOfEvent(entry, onEpoch), entry)
  }
}

function parseSyslog(line: string): Record<string, unknown> {
  const entry = syslogEntry(line)
  if (!entry) throw new EventError('is not a line of syslog')
  return entry
}

async function readLines(stream: AsyncIterable<Buffer>, visitor: RecordingVisitor, read: LineReader): Promise<void> {
  let count = 0
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      count++
      const text = buffer.toString('utf8', start, end)
      if (text.trim() !== '') visit(visitor, `line ${count}`, read, text)
    },
    tooLong() {
      count++
      visitor.malformed(`line ${count}`, `is longer than ${MAX_LINE_BYTES / 1024 / 1024} MiB`)
    },
  }
  await visitLines(stream, lines, (bytes) => visitor.piece?.(bytes))
}

async function readWrapped(
  stream: AsyncIterable<Buffer>,
  visitor: RecordingVisitor,
  form: WrappedForm,
  finish: Finish,
): Promise<void> {
  const lines = new WrappedLines(form, visitor.epoch)
  const finished = (found: Unwrapped | undefined) => found && finish(found.log, found.entry)
  await readLines(stream, visitor, (text) => finished(lines.read(text)))
  for (const rest of lines.rest()) visit(visitor, 'the last line', () => finished(rest), String(rest.log.message ?? ''))
}

/** Logs Insights gives at most 10,000 rows, so the document is read as a whole. */
async function readInsights(stream: AsyncIterable<Buffer>, visitor: RecordingVisitor, finish: Finish): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) {
    // Copied, because the stream may use the chunk again.
    chunks.push(Buffer.from(chunk))
    await visitor.piece?.(chunk.length)
  }
  let rows: unknown[]
  try {
    rows = insightsRows(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    visitor.malformed('byte 0', error.message)
    return
  }
  for (const [n, row] of rows.entries()) {
    const read = () => {
      const { log, entry } = logOfInsights(row, visitor.epoch)
      return finish(log, entry)
    }
    visit(visitor, `row ${n + 1}`, read, JSON.stringify(row))
  }
}

async function readCsv(stream: AsyncIterable<Buffer>, visitor: RecordingVisitor, finish: Finish): Promise<void> {
  let count = 1
  try {
    for await (const rows of csvRows(stream)) {
      for (const { text, record, misfit } of rows) {
        count++
        if (misfit !== undefined) visitor.malformed(`row ${count}`, misfit, true)
        // An export: Datadog has processed it.
        visit(visitor, `row ${count}`, () => finish(logOfRow(record, visitor.epoch), record, true), text)
      }
      await visitor.piece?.(rows.reduce((bytes, { text }) => bytes + text.length, 0))
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    visitor.malformed(`row ${count + 1}`, `is not CSV: ${error.message}`)
  }
}

/** Gives a log to the visitor, or the reason why there is none. @param read undefined for a piece that is not meant to be a log */
function visit(
  visitor: RecordingVisitor,
  place: string,
  read: (text: string) => IndexedLog | undefined,
  text: string,
  write: () => string = () => text,
): void {
  let log: IndexedLog | undefined
  try {
    log = read(text)
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    visitor.malformed(place, error.message)
    return
  }
  if (log) visitor.log(log, write, place)
}

/** Does with a log of any form what all of them need. @throws EventError when it has no date */
type Finish = (log: IndexedLog, record: Record<string, unknown>, isStored?: boolean) => IndexedLog

function finishing({ timeField, pipelines = [], undated }: Reading, onEpoch?: EpochSink): Finish {
  return (log, record, isStored = false) => {
    if (timeField !== undefined) log.timestamp = timeAt(timeField, record, log, onEpoch)
    if (!isStored) for (const { process } of pipelines) process(log, Number.POSITIVE_INFINITY)
    if (Number.isNaN(log.timestamp) && !undated)
      throw new EventError(undatedReason({ ...record, ...log.attributes }, timeField))
    return log
  }
}

function timeAt(path: string, record: Record<string, unknown>, log: IndexedLog, onEpoch?: EpochSink): number {
  const found = timeNames(path).map((name) => ({ name, value: lookUp(record, name) ?? lookUp(log.attributes, name) }))
  const { name = path, value } = found.find((each) => each.value !== undefined && each.value !== null) ?? {}
  return readDate(value, Number.POSITIVE_INFINITY, name, onEpoch) ?? Number.NaN
}

function jsonPieces(form: JsonForm, visitor: RecordingVisitor, finish: Finish): JsonPieces {
  let count = 0
  const read = (text: string) => {
    const record = parseEvent(text)
    if (form === 'export') return finish(logOfRecord(record, visitor.epoch), record, isExported(record))
    const log =
      form === 'cloudwatch' ? logOfCloudWatch(record, visitor.epoch) : logOfForeign(form, record, visitor.epoch)
    return log && finish(log, record)
  }
  const record = (text: string) => {
    count++
    visit(visitor, `record ${count}`, read, text, () => (text.includes('\n') ? onOneLine(text) : text))
  }
  const broken = (at: number, reason: string) => visitor.malformed(`byte ${at}`, reason)
  return new JsonPieces({ record, broken }, PAGE_KEYS[form] ?? [])
}

/** JSON without the space between its tokens, each of which stays as it was written. */
const onOneLine = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')

function framePieces(visitor: RecordingVisitor, finish: Finish, drain: UrlFields = NO_DRAIN): FramePieces {
  let count = 0
  const frame = (message: SyslogMessage) => {
    count++
    const read = () => finish(logOfFrame(message, drain, visitor.epoch), {})
    visit(visitor, `frame ${count}`, read, message.message)
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

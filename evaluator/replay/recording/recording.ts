import type { EpochSink } from '../../intake/epoch.ts'
import { fromSyslog } from '../../intake/intake.ts'
import type { SyslogMessage } from '../../intake/logplex-frames.ts'
import { preprocess, type UrlFields } from '../../intake/preprocess.ts'
import type { IndexedLog } from '../../log.ts'
import { isRecord } from '../../monitor/monitor-options.ts'
import { LINE_FEED } from '../bytes.ts'
import { EventError, parseEvent } from '../event-reader.ts'
import { isExported, logOfRecord } from './export-record.ts'
import { FramePieces } from './frame-pieces.ts'
import { JsonPieces } from './json-pieces.ts'

/** One JSON event per line; JSON documents as Datadog exports them; consecutive bodies of a Logplex drain. */
export const RECORDING_FORMS = ['jsonl', 'export', 'logplex'] as const
export type RecordingForm = (typeof RECORDING_FORMS)[number]

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

/** Used when the URL of the drain is not known. */
const NO_DRAIN: UrlFields = { service: undefined, ddsource: undefined, ddtags: undefined, attributes: {} }

/** Reads a recording that is not plain JSON lines, in the memory of one record. */
export async function readRecording(
  stream: AsyncIterable<Buffer>,
  form: Exclude<RecordingForm, 'jsonl'>,
  visitor: RecordingVisitor,
  drain: UrlFields = NO_DRAIN,
): Promise<void> {
  const pieces = form === 'export' ? exportPieces(visitor) : framePieces(visitor, drain)
  for await (const chunk of stream) {
    pieces.write(chunk)
    await visitor.piece?.(chunk.length)
  }
  pieces.end()
}

function exportPieces(visitor: RecordingVisitor): JsonPieces {
  let count = 0
  const record = (text: string) => {
    count++
    try {
      visitor.log(logOfRecord(parseEvent(text), visitor.epoch), () => (text.includes('\n') ? onOneLine(text) : text))
    } catch (error) {
      if (!(error instanceof EventError)) throw error
      visitor.malformed(`record ${count}`, error.message)
    }
  }
  return new JsonPieces({ record, broken: (at, reason) => visitor.malformed(`byte ${at}`, reason) }, PAGE_KEYS)
}

/** JSON without the space between its tokens, each of which stays as it was written. */
const onOneLine = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')

function framePieces(visitor: RecordingVisitor, drain: UrlFields): FramePieces {
  return new FramePieces({
    frame: (message) => visitor.log(logOfFrame(message, drain, visitor.epoch), () => message.message),
    broken: (at, reason) => visitor.malformed(`byte ${at}`, reason),
  })
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
  yield* peeked
  yield* { [Symbol.asyncIterator]: () => rest }
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

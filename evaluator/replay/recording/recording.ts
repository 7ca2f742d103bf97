import { fromSyslog } from '../../intake/intake.ts'
import type { SyslogMessage } from '../../intake/logplex-frames.ts'
import { preprocess, type UrlFields } from '../../intake/preprocess.ts'
import type { IndexedLog } from '../../log.ts'
import { EventError, parseEvent } from '../event-reader.ts'
import { isExported, logOfRecord } from './export-record.ts'
import { FramePieces } from './frame-pieces.ts'
import { JsonPieces } from './json-pieces.ts'

/** Plain JSON, one event a line; JSON documents as Datadog exports them; bodies of a Logplex drain, back to back. */
export const recordingForms = ['jsonl', 'export', 'logplex'] as const
export type RecordingForm = (typeof recordingForms)[number]

export interface RecordingVisitor {
  /** @param text the record as it stood, without its surroundings and on one line */
  log(log: IndexedLog, text: () => string): void
  /** @param place in words: `byte 1024` */
  malformed(place: string, reason: string): void
  /** Awaited after each piece of the stream. */
  piece?(bytes: number): Promise<void> | void
}

/** Names under which a page of an export holds its records: API v2 and v1. */
const pageNames = ['data', 'logs']
const peekedBytes = 64 * 1024

/** What a drain's URL says of its logs, when there is no URL to say it. */
const noDrain: UrlFields = { service: undefined, ddsource: undefined, ddtags: undefined, attributes: {} }

/** Reads a recording that is not plain JSON lines, in memory that one record needs. */
export async function readRecording(
  stream: AsyncIterable<Buffer>,
  form: Exclude<RecordingForm, 'jsonl'>,
  visitor: RecordingVisitor,
  drain: UrlFields = noDrain,
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
      visitor.log(logOfRecord(parseEvent(text)), () => (text.includes('\n') ? JSON.stringify(JSON.parse(text)) : text))
    } catch (error) {
      if (!(error instanceof EventError)) throw error
      visitor.malformed(`record ${count}`, error.message)
    }
  }
  return new JsonPieces({ record, broken: (at, reason) => visitor.malformed(`byte ${at}`, reason) }, pageNames)
}

function framePieces(visitor: RecordingVisitor, drain: UrlFields): FramePieces {
  return new FramePieces({
    frame: (message) => visitor.log(logOfFrame(message, drain), () => message.message),
    broken: (at, reason) => visitor.malformed(`byte ${at}`, reason),
  })
}

/** A drain's URL says the service and the tags; without one, `env` of a JSON line is a tag, as in plain JSON lines. */
function logOfFrame(message: SyslogMessage, drain: UrlFields): IndexedLog {
  const log = preprocess(fromSyslog(message), drain, Number.POSITIVE_INFINITY)
  const { env } = log.attributes
  if (typeof env === 'string' && !log.tags?.some((tag) => tag.startsWith('env:'))) {
    log.tags = [...(log.tags ?? []), `env:${env.toLowerCase()}`]
  }
  return log
}

/** Tells the form of a recording from its first bytes. @returns it, and the whole of the stream */
export async function detectForm(
  stream: AsyncIterable<Buffer>,
): Promise<{ form: RecordingForm; stream: AsyncIterable<Buffer> }> {
  const rest = stream[Symbol.asyncIterator]()
  const peeked: Buffer[] = []
  let bytes = 0
  let begun = false
  let wholeLine = false
  while (bytes < peekedBytes && !wholeLine) {
    const next = await rest.next()
    if (next.done) break
    const chunk: Buffer = next.value
    const first: number = begun ? 0 : chunk.findIndex((byte) => byte > 0x20)
    begun ||= first >= 0
    wholeLine = begun && chunk.indexOf(0x0a, first) >= 0
    peeked.push(Buffer.from(chunk))
    bytes += chunk.length
  }
  const text = Buffer.concat(peeked).toString('utf8', 0, peekedBytes)
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
    // Either a document over several lines, or one line that is longer than what was read of it.
    const page = /^\{\s*"(data|logs)"\s*:\s*\[\s*(\{\s*"(id|type|attributes|content)"|\])/
    const before = /^\{\s*"((meta|links)"\s*:\s*\{|(nextLogId|requestId)")/
    return /^\{\s*\n/.test(start) || page.test(line) || before.test(line) ? 'export' : 'jsonl'
  }
}

function isExportDocument(document: Record<string, unknown>): boolean {
  if (isExported(document)) return true
  const records = pageNames.map((name) => document[name]).find(Array.isArray)
  if (!records) return false
  const [first] = records as unknown[]
  return first === undefined
    ? ['meta', 'links', 'nextLogId', 'requestId'].some((name) => name in document) || Object.keys(document).length === 1
    : typeof first === 'object' && first !== null && isExported(first as Record<string, unknown>)
}

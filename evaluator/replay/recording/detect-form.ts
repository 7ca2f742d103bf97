import { isRecord } from '../../json.ts'
import { LINE_FEED } from '../bytes.ts'
import { parseEvent } from '../event-reader.ts'
import { isCsvHeader } from './csv-rows.ts'
import { isExported } from './export-record.ts'
import { foreignFormOf } from './foreign-record.ts'
import { PAGE_KEYS, type RecordingForm } from './forms.ts'
import { JsonPieces } from './json-pieces.ts'
import { syslogEntry } from './syslog-line.ts'
import { hasContainer, isCloudWatch, isCompose, isDocker, wrappedFormOfText } from './wrapped.ts'

/** The number of bytes from which the form is detected. */
const PEEKED_BYTES = 64 * 1024

/** Detects the form of a recording from its first bytes. @returns the form, and a stream of all bytes */
export async function detectForm(
  stream: AsyncIterable<Buffer>,
): Promise<{ form: RecordingForm; stream: AsyncIterable<Buffer> }> {
  const rest = stream[Symbol.asyncIterator]()
  const peeked: Buffer[] = []
  let bytes = 0
  let isEnough = false
  while (bytes < PEEKED_BYTES && !isEnough) {
    const next = await rest.next()
    if (next.done) break
    const chunk: Buffer = next.value
    peeked.push(Buffer.from(chunk))
    bytes += chunk.length
    if (chunk.includes(LINE_FEED)) isEnough = formOfWhole(startOf(peeked)) !== undefined
  }
  const start = startOf(peeked)
  return { form: formOfWhole(start) ?? formOfPart(start), stream: resumed(peeked, rest) }
}

const startOf = (peeked: readonly Buffer[]): string =>
  Buffer.concat(peeked)
    .toString('utf8', 0, PEEKED_BYTES)
    .replace(/^\uFEFF/, '')
    .trimStart()

async function* resumed(peeked: readonly Buffer[], rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* peeked
    yield* { [Symbol.asyncIterator]: () => rest }
  } finally {
    await rest.return?.()
  }
}

/** The form that the first line shows; undefined if it is not whole, or is only a part of a JSON document. */
function formOfWhole(start: string): RecordingForm | undefined {
  const end = start.indexOf('\n')
  if (end < 0) return undefined
  const line = start.slice(0, end)
  // Behind the name of a container, the first event may come later.
  if (hasContainer(line)) return isCompose(start) ? 'compose' : undefined
  if (!/^[[{]/.test(line)) return formOfText(line)
  const document = objectOf(line)
  return document && formOfDocument(document)
}

/** The form of a line of text. */
function formOfText(line: string): RecordingForm {
  if (/^\d{1,8} <\d{1,3}>1 /.test(line)) return 'logplex'
  const wrapped = wrappedFormOfText(line)
  if (wrapped) return wrapped
  if (syslogEntry(line)) return 'syslog'
  return isCsvHeader(line) ? 'csv' : 'jsonl'
}

function objectOf(json: string): Record<string, unknown> | undefined {
  try {
    return parseEvent(json)
  } catch {
    return undefined
  }
}

/** A result of Logs Insights: rows of cells. Other keys may stand before its rows. */
const INSIGHTS = /^\{[\s\S]*"results"\s*:\s*\[\s*\[\s*\{\s*"field"\s*:/
const INSIGHTS_BYTES = 4096

function formOfDocument(document: Record<string, unknown>): RecordingForm {
  if (isExportPage(document)) return 'export'
  if (Array.isArray(document.Records) && isPageOf(document.Records, document, 'cloudtrail')) return 'cloudtrail'
  const { hits } = document
  if (isRecord(hits) && Array.isArray(hits.hits)) return 'elastic'
  if (isCloudWatchPage(document)) return 'cloudwatch'
  if (Array.isArray(document.results) && INSIGHTS.test(JSON.stringify(document).slice(0, INSIGHTS_BYTES)))
    return 'insights'
  return formOfRecord(document) ?? 'jsonl'
}

/** Whether records are those of a form, or there is nothing else in the document. */
function isPageOf(records: readonly unknown[], document: Record<string, unknown>, form: RecordingForm): boolean {
  const [first] = records
  return first === undefined ? Object.keys(document).length === 1 : isRecord(first) && formOfRecord(first) === form
}

function isExportPage(document: Record<string, unknown>): boolean {
  const records: unknown[] | undefined = PAGE_KEYS.export?.map((key) => document[key]).find(Array.isArray)
  if (!records) return false
  const isEnvelope = ['meta', 'links', 'nextLogId', 'requestId'].some((key) => key in document)
  return (records.length === 0 && isEnvelope) || isPageOf(records, document, 'export')
}

/** A message to a subscriber, or an answer of CloudWatch Logs. */
function isCloudWatchPage({ messageType, logEvents, events }: Record<string, unknown>): boolean {
  if (Array.isArray(logEvents)) return messageType === 'DATA_MESSAGE' || messageType === 'CONTROL_MESSAGE'
  const [first] = Array.isArray(events) ? events : []
  return isRecord(first) && isCloudWatch(first)
}

function formOfRecord(record: Record<string, unknown>): RecordingForm | undefined {
  if (isExported(record)) return 'export'
  if (isCloudWatch(record)) return 'cloudwatch'
  return isDocker(record) ? 'docker' : foreignFormOf(record)
}

/** The form of what begins with a part of a document, or is one line without an end. */
function formOfPart(start: string): RecordingForm {
  const [line = ''] = start.split('\n', 1)
  if (isCompose(start)) return 'compose'
  if (!/^[[{]/.test(start)) return formOfText(line)
  const document = objectOf(line)
  if (document) return formOfDocument(document)
  if (INSIGHTS.test(start.slice(0, INSIGHTS_BYTES))) return 'insights'
  const first = firstRecord(start)
  const form = first && formOfRecord(first)
  if (form) return form
  if (start.startsWith('[')) return 'export'
  // Either a document on several lines, or a line longer than what has been read.
  const page = /^\{\s*"(data|logs)"\s*:\s*\[\s*(\{\s*"(id|type|attributes|content)"|\])/
  const before = /^\{\s*"((meta|links)"\s*:\s*\{|(nextLogId|requestId)")/
  return /^\{\s*\n/.test(start) || page.test(line) || before.test(line) ? 'export' : 'jsonl'
}

function firstRecord(start: string): Record<string, unknown> | undefined {
  let first: Record<string, unknown> | undefined
  const record = (text: string) => {
    first ??= objectOf(text)
  }
  new JsonPieces({ record, broken() {} }, Object.values(PAGE_KEYS).flat()).write(Buffer.from(start))
  return first
}

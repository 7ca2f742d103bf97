import { finished } from 'node:stream/promises'
import { parse } from 'csv-parse'
import { logOfEvent } from '../../app-event.ts'
import type { EpochSink } from '../../intake/epoch.ts'
import { readDate } from '../../intake/preprocess.ts'
import { isRecord, parseJson } from '../../json.ts'
import type { IndexedLog } from '../../log.ts'
import { MAX_RECORD_BYTES } from './json-pieces.ts'

/** What a column of any name but `@attribute` holds. */
const COLUMNS: Readonly<Record<string, string>> = {
  date: 'timestamp',
  timestamp: 'timestamp',
  '@timestamp': 'timestamp',
  time: 'timestamp',
  host: 'host',
  service: 'service',
  source: 'ddsource',
  status: 'status',
  level: 'status',
  message: 'message',
  content: 'message',
  tags: 'ddtags',
  json: 'attributes',
  attributes: 'attributes',
}

/** What may stand between the cells: spreadsheets write `;` where a comma is the sign of decimals. */
const DELIMITERS = [',', ';', '\t'] as const

/** Whether a line may be the header of a CSV with logs: several names, one of which is that of a date. */
export const isCsvHeader = (line: string): boolean => delimiterOf(line) !== undefined

const delimiterOf = (header: string): string | undefined =>
  DELIMITERS.find((delimiter) => {
    const names = header.trim().split(delimiter).map(nameOf)
    return names.length > 1 && names.every((name) => /^[\w@ .:/#-]+$/.test(name)) && names.some(isDateColumn)
  })

const nameOf = (cell: string): string => cell.trim().replace(/^"(.*)"$/, '$1')
const isDateColumn = (name: string): boolean => COLUMNS[name.toLowerCase()] === 'timestamp'

const OPTIONS = {
  bom: true,
  raw: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  max_record_size: MAX_RECORD_BYTES,
} as const

export interface CsvRow {
  /** As it stands in the file. */
  readonly text: string
  readonly record: Record<string, unknown>
  /** Why it does not fit the header. */
  readonly misfit: string | undefined
}

/**
 * Reads the rows after the header, those of a chunk at a time.
 * @throws CsvError where it is not CSV, after the rows before
 */
export async function* csvRows(stream: AsyncIterable<Buffer>): AsyncGenerator<readonly CsvRow[]> {
  let rows: CsvRow[] = []
  let header: readonly string[] | undefined
  let fault: Error | undefined
  // Rows are taken as soon as they are read: those that the parser keeps are lost when it fails.
  const take = ({ raw, record }: { raw: string; record: string[] }): null => {
    if (header)
      rows.push({
        text: raw.replace(/[\r\n]+$/, ''),
        record: recordOf(header, record),
        misfit: misfitOf(header, record),
      })
    else header = record
    return null
  }
  const { start, rest } = await firstLine(stream)
  const delimiter =
    delimiterOf(
      start
        .toString('utf8')
        .replace(/^\uFEFF/, '')
        .split(/\r?\n/, 1)[0] ?? '',
    ) ?? ','
  const parser = parse({ ...OPTIONS, delimiter, on_record: (row: unknown) => take(row as Parameters<typeof take>[0]) })
  parser.on('error', (error) => {
    fault = error
  })
  for await (const chunk of rest) {
    // Copied, because the stream may use the chunk again.
    await new Promise<void>((resolve) => parser.write(Buffer.from(chunk), () => resolve()))
    yield rows
    rows = []
    if (fault) throw fault
  }
  parser.resume()
  await finished(parser.end()).catch((error: Error) => {
    fault = error
  })
  yield rows
  if (fault) throw fault
}

/** A header is not longer than this. */
const MOST_HEADER_BYTES = 64 * 1024

/** The beginning of a stream with its first line, and a stream of everything. */
async function firstLine(stream: AsyncIterable<Buffer>): Promise<{ start: Buffer; rest: AsyncIterable<Buffer> }> {
  const chunks = stream[Symbol.asyncIterator]()
  let start: Buffer = Buffer.alloc(0)
  while (start.length < MOST_HEADER_BYTES && !start.includes('\n')) {
    const next = await chunks.next()
    if (next.done) break
    start = Buffer.concat([start, next.value])
  }
  async function* whole(): AsyncGenerator<Buffer> {
    try {
      yield start
      yield* { [Symbol.asyncIterator]: () => chunks }
    } finally {
      await chunks.return?.()
    }
  }
  return { start, rest: whole() }
}

/** Cells that are empty may be missing at the end, or stand behind the last column. */
function misfitOf(header: readonly string[], cells: readonly string[]): string | undefined {
  if (cells.length >= header.length && cells.slice(header.length).every((cell) => cell === '')) return undefined
  const more = cells.length > header.length ? 'cells without a name are left out' : 'the last columns are missing'
  return `has ${cells.length} cells, and the header ${header.length}: ${more}`
}

const recordOf = (header: readonly string[], cells: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(header.map((name, i): [string, unknown] => [name.trim(), cells[i] ?? '']).filter(isGiven))

const isGiven = ([, cell]: [string, unknown]): boolean => cell !== ''

/**
 * Decision `csv-columns`, undocumented: in the CSV that the Log Explorer exports, Date, Host, Service, Source, Status, Message
 * (or Content) and Tags are the fields of the log. `@name` is an attribute. Any other column is read as an attribute and as a
 * tag, because it may be either. A cell with a JSON array or object is read as such. A message that is a JSON object gives
 * attributes, as on intake.
 */
export function logOfRow(record: Record<string, unknown>, onEpoch?: EpochSink): IndexedLog {
  const entry: Record<string, unknown> = {}
  const tags: string[] = []
  for (const [name, cell] of Object.entries(record)) {
    const text = String(cell)
    const target = COLUMNS[name.toLowerCase()]
    if (target === 'attributes') Object.assign(entry, jsonOf(text))
    else if (target === 'ddtags') tags.push(...tagsOf(text))
    else if (target) entry[target] ??= text
    else if (name.startsWith('@')) entry[name.slice(1)] = cellValue(text)
    else {
      entry[name] = cellValue(text)
      tags.push(`${name}:${text}`)
    }
  }
  const log = logOfEvent(entry, onEpoch)
  log.tags = [...new Set([...(log.tags ?? []), ...tags.map((tag) => tag.toLowerCase())])]
  // Datadog has decided these before the export, whatever the message says.
  log.timestamp = readDate(entry.timestamp, Number.POSITIVE_INFINITY) ?? log.timestamp
  if (typeof entry.service === 'string') log.service = entry.service
  if (typeof entry.host === 'string') log.host = entry.host
  if (typeof entry.ddsource === 'string') log.source = entry.ddsource
  if (typeof entry.status === 'string') log.status = entry.status.toLowerCase()
  return log
}

function cellValue(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

function jsonOf(text: string): Record<string, unknown> {
  const value = cellValue(text)
  return isRecord(value) ? value : {}
}

function tagsOf(text: string): string[] {
  const value = cellValue(text)
  const tags = Array.isArray(value) ? value.map(String) : text.split(',')
  return tags.map((tag) => tag.trim()).filter((tag) => tag !== '')
}

import { parseArgs } from 'node:util'
import { compileSearch, type Log, type LogPredicate, logOfEvent, SearchSyntaxError } from 'alertproof'
import { urlFields } from 'alertproof/intake'
import {
  detectForm,
  EventError,
  parseEvent,
  type RecordingForm,
  readRecording,
  recordingForms,
  visitLines,
} from 'alertproof/replay'
import { type Command, type Io, UsageError } from '../command.ts'
import { openInput } from '../input.ts'

const usage = `Usage: npm run search -- '<query>' [FILE|-] [<options>]

Prints the lines of a log that a Datadog log search finds, as they are. One JSON object per line is one log, read as
Datadog's intake reads it; \`env\` of it is a tag. A line that is no JSON object is a log of which that line is the
message. Of a Datadog log export (pages of the API, v2 or v1, an array of records, an archive) each record is printed on
one line, of Logplex frames the message. A file that ends in .gz is unpacked. Without FILE, or with -, standard input is
read.

The query is Datadog's: words and "phrases" of the message, @attribute:value, service: host: status: source:, tag:value,
key:(a OR b), AND OR NOT -, * and ? outside quotes, @n:>=400, @n:[400 TO 499], CIDR(@ip, 203.0.113.0/24), *:text.

Options:
  --format FORM  jsonl, export or logplex, instead of telling it from the first bytes
  --drain QUERY  what the URL of the Logplex drain says, e.g. 'service=shop&ddsource=heroku&ddtags=env:prod'
  --             what follows is the query, even if it begins with -
  --help         this text

Exit code: 0 when a line was found, 1 when none was, 2 when the query or the file cannot be read.

Examples:
  npm run search -- '@evt:login @outcome:fail -@reason:blocked' events.jsonl
  npm run search -- 'CIDR(@ip, 203.0.113.0/24)' - < events.jsonl
`

export const command: Command = {
  name: 'search',
  summary: 'prints the lines of a log that a Datadog search finds',
  usage,
  async run(argv, io) {
    const { values, words } = wordsOf(argv)
    const [query, file = '-', ...more] = words
    if (query === undefined || more.length > 0) throw new UsageError('A query is wanted, and at most one FILE.')
    const forced = recordingForms.find((form) => form === values.format)
    if (values.format !== undefined && !forced) {
      throw new UsageError(`--format wants one of ${recordingForms.join(', ')}, not ${values.format}.`)
    }
    try {
      const matches = compileSearch(query)
      const input = await openInput(file)
      const { form, stream } = forced ? { form: forced, stream: input } : await detectForm(input)
      if (form === 'jsonl') return await search(stream, matches, io)
      return await searchRecords(stream, form, matches, io, values.drain)
    } catch (error) {
      if (error instanceof SearchSyntaxError) io.err(pointed(error))
      else if (/cannot be read/.test((error as Error).message)) io.err(`${(error as Error).message}\n`)
      else throw error
      return 2
    }
  },
}

/** A query may begin with `-`: only what looks like one of ours is an option. */
function wordsOf(argv: readonly string[]) {
  const given: string[] = []
  const words: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (word === '--') words.push(...argv.slice(i + 1))
    if (word === '--') break
    if (!word.startsWith('--')) words.push(word)
    else given.push(word, ...(word.includes('=') ? [] : argv.slice(++i, i + 1)))
  }
  const options = { format: { type: 'string' }, drain: { type: 'string' } } as const
  return { values: parseArgs({ args: given, options }).values, words }
}

/** What was found in a piece of the log. It is written before the next is read: what a slow reader has not taken is not piled up. */
class Found {
  /** Whether anything was found at all. */
  any = false
  private readonly io: Io
  private lines: Buffer[] = []

  constructor(io: Io) {
    this.io = io
  }

  add(line: Buffer): void {
    this.any = true
    this.lines.push(line)
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.lines)
    this.lines = []
    if (bytes.length === 0) return
    if (this.io.write) await this.io.write(bytes)
    else this.io.out(bytes.toString())
  }
}

/** The query with a caret under the fault, and the reason. */
function pointed({ query, position, reason }: SearchSyntaxError): string {
  const before = query.slice(0, position).replace(/[^\t]/gu, ' ')
  return `${query.replace(/[\r\n]/g, ' ')}\n${before}^ ${reason}\n`
}

async function search(stream: AsyncIterable<Buffer>, matches: LogPredicate, io: Io): Promise<number> {
  const found = new Found(io)
  let tooLong = 0
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      const text = buffer.toString('utf8', start, end)
      if (text.trim() === '' || !matches(logOf(text))) return
      // Its own bytes, which need not be text; the buffer is another line's after this call.
      found.add(Buffer.from(buffer.subarray(start, end + 1)))
    },
    tooLong() {
      tooLong++
    },
  }
  await visitLines(stream, lines, () => found.flush())
  await found.flush()
  if (tooLong > 0) io.err(`${tooLong} lines were longer than any log line and were not searched\n`)
  return found.any ? 0 : 1
}

async function searchRecords(
  stream: AsyncIterable<Buffer>,
  form: Exclude<RecordingForm, 'jsonl'>,
  matches: LogPredicate,
  io: Io,
  drain = '',
): Promise<number> {
  const found = new Found(io)
  let malformed = 0
  const visitor = {
    log(log: Log, text: () => string) {
      if (!matches(log)) return
      found.add(Buffer.from(`${text()}\n`))
    },
    malformed(place: string, reason: string) {
      if (malformed++ === 0) io.err(`${place} ${reason}\n`)
    },
    piece: () => found.flush(),
  }
  await readRecording(stream, form, visitor, urlFields(new URLSearchParams(drain)))
  await found.flush()
  if (malformed > 1) io.err(`${malformed} pieces could not be read as a log\n`)
  return found.any ? 0 : 1
}

function logOf(line: string): Log {
  try {
    return logOfEvent(parseEvent(line))
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return { message: line.trimEnd(), attributes: {} }
  }
}

import { logOf } from '../../api.ts'
import { type Log, type LogPredicate, parseSearch, SearchSyntaxError } from '../../index.ts'
import { urlFields } from '../../intake/index.ts'
import { detectForm, type RecordingForm, readRecording, visitLines } from '../../replay/index.ts'
import { compileNode } from '../../search/search.ts'
import { SilentTerms } from '../../search/silent-terms.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { openInput, readForm } from '../input.ts'

const usage = `Usage: alertproof search '<query>' [FILE|-] [<options>]

Prints the lines of a log that match a Datadog log search, unchanged. A JSON object on a line is one log, read as Datadog's
intake reads it; its \`env\` is a tag. Any other line is a log with that line as message. A Datadog log export (pages of the
API, v2 or v1, an array of records, an archive) is printed with one record per line, Logplex frames with one message per
line. A .gz file is unpacked. Without FILE, or with -, standard input is read.

The query has Datadog's syntax: words and "phrases" of the message, @attribute:value, service: host: status: source:, tag:value,
key:(a OR b), AND OR NOT -, * and ? outside quotes, @n:>=400, @n:[400 TO 499], CIDR(@ip, 203.0.113.0/24), *:text.

A term that matched no line at all is named on stderr, with the nearest field that exists: usually it is a slip.

Options:
  --format FORM  jsonl, export or logplex (default: detected from the first bytes)
  --drain QUERY  query of the Logplex drain's URL, e.g. 'service=shop&ddsource=heroku&ddtags=env:prod'
  --             ends the options, so that the query may begin with --
  --help         this text

Exit code: 0 if a line matches, 1 if none does, 2 for a fault in the query or an option, 3 if the file cannot be read.

Examples:
  alertproof search '@evt:login @outcome:fail -@reason:blocked' events.jsonl
  alertproof search 'CIDR(@ip, 203.0.113.0/24)' - < events.jsonl
`

export const command: Command = {
  name: 'search',
  summary: 'print the lines of a log that match a Datadog search',
  usage,
  async run(argv, io) {
    const { values, words } = wordsOf(argv)
    const [query, file = '-', ...more] = words
    if (query === undefined || more.length > 0) throw new UsageError('Give one query and at most one FILE.')
    const forced = values.format === undefined ? undefined : readForm(values.format)
    try {
      const { node } = parseSearch(query)
      const reader = { matches: compileNode(node), silent: new SilentTerms([{ node, facets: [] }]) }
      const input = await openInput(file)
      const { form, stream } = forced ? { form: forced, stream: input } : await detectForm(input)
      if (form === 'jsonl') return await search(stream, reader, io)
      return await searchRecords(stream, form, reader, io, values.drain)
    } catch (error) {
      if (!(error instanceof SearchSyntaxError)) throw error
      io.err(withCaret(error))
      return 2
    }
  },
}

/** A query may begin with `-`, so only arguments that begin with `--` are options. */
function wordsOf(argv: readonly string[]) {
  const given: string[] = []
  const words: string[] = []
  const rest = argv.values()
  for (const word of rest) {
    if (word === '--') words.push(...rest)
    else if (!word.startsWith('--')) words.push(word)
    else {
      const value = word.includes('=') ? undefined : rest.next()
      given.push(word, ...(value?.done === false ? [value.value] : []))
    }
  }
  const options = { format: { type: 'string' }, drain: { type: 'string' } } as const
  return { values: readArguments({ args: given, options }).values, words }
}

/** The matching lines of one chunk. They are written before the next chunk is read, so that a slow reader limits memory. */
class Matches {
  /** Whether any line has matched so far. */
  any = false
  readonly #io: Io
  #lines: Buffer[] = []

  constructor(io: Io) {
    this.#io = io
  }

  add(line: Buffer): void {
    this.any = true
    this.#lines.push(line)
  }

  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.#lines)
    this.#lines = []
    if (bytes.length === 0) return
    if (this.#io.write) await this.#io.write(bytes)
    else this.#io.out(bytes.toString())
  }
}

/** The query with a caret under the fault, and the reason. */
function withCaret({ query, position, reason }: SearchSyntaxError): string {
  const before = query.slice(0, position).replace(/[^\t]/gu, ' ')
  return `${query.replace(/[\r\n]/g, ' ')}\n${before}^ ${reason}\n`
}

/** A search, and what it says of terms that no log matches. */
interface Reader {
  readonly matches: LogPredicate
  readonly silent: SilentTerms
}

/** Names each term that no log has matched. Without a log there is nothing to say. */
function tellSilent({ silent }: Reader, logs: number, io: Io): void {
  if (logs > 0) for (const { text } of silent.list()) io.err(`${text}\n`)
}

async function search(stream: AsyncIterable<Buffer>, reader: Reader, io: Io): Promise<number> {
  const found = new Matches(io)
  let tooLong = 0
  let logs = 0
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      const text = buffer.toString('utf8', start, end)
      if (text.trim() === '') return
      const log = logOf(text)
      logs++
      reader.silent.observe(log)
      if (!reader.matches(log)) return
      // Copied because the buffer is reused after this call; kept as bytes because they may not be UTF-8.
      found.add(Buffer.from(buffer.subarray(start, end + 1)))
    },
    tooLong() {
      tooLong++
    },
  }
  await visitLines(stream, lines, () => found.flush())
  await found.flush()
  if (tooLong > 0) io.err(`${tooLong} lines are too long for a log line and were not searched\n`)
  tellSilent(reader, logs, io)
  return found.any ? 0 : 1
}

async function searchRecords(
  stream: AsyncIterable<Buffer>,
  form: Exclude<RecordingForm, 'jsonl'>,
  reader: Reader,
  io: Io,
  drain = '',
): Promise<number> {
  const found = new Matches(io)
  let malformed = 0
  let logs = 0
  const visitor = {
    log(log: Log, text: () => string) {
      logs++
      reader.silent.observe(log)
      if (!reader.matches(log)) return
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
  tellSilent(reader, logs, io)
  return found.any ? 0 : 1
}

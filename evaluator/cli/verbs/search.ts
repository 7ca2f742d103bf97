import { logOf } from '../../api.ts'
import { type Log, type LogPredicate, parseSearch, SearchSyntaxError } from '../../index.ts'
import { isAsItStands, type Reading, type Recording, readRecording, visitLines } from '../../replay/index.ts'
import { compileNode } from '../../search/search.ts'
import { SilentTerms } from '../../search/silent-terms.ts'
import { slipsIn } from '../../search/slips.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, openLogs } from '../input.ts'
import { printable, shown } from '../output.ts'

const USAGE = `Usage: alertproof search '<query>' [PATH|-]… [<options>]

Prints the lines of a log that match a Datadog log search, unchanged. A line with a JSON object is read as Datadog's intake reads
it; its \`env\` becomes a tag. Any other line is a log whose message is the line. In other forms, such as Datadog's exports, each
matching record is printed on a line of its own. PATH is a file or a folder, which is read with everything below it; gzip and
Zstandard are unpacked. Without PATH, or with -, standard input is read.

The query has Datadog's syntax: words and "phrases" of the message, @attribute:value, service: host: status: source:, tag:value,
key:(a OR b), AND OR NOT -, * and ? outside quotes, @n:>=400, @n:[400 TO 499], CIDR(@ip, 203.0.113.0/24), *:text.

A term that matched no line is named on stderr, with the most similar existing field: usually it is misspelt.

Options:
${LOG_OPTIONS_USAGE}\
  --json              print each match as the log that Datadog makes of it, one line of JSON:
                      {timestamp, service, host, status, source, tags, message, attributes}
  --strict            exit code 3 if a part of the log could not be read
  --                  ends the options, so that the query may begin with --
  --help              this text

Exit code: 0 if a line matches, 1 if none does, 2 for a fault in the query or an option, 3 if a file cannot be
read or nothing in it is a log.

Examples:
  alertproof search '@evt:login @outcome:fail -@reason:blocked' events.jsonl
  alertproof search 'CIDR(@ip, 203.0.113.0/24)' - < events.jsonl
`

export const command: Command = {
  name: 'search',
  summary: 'print the lines of a log that match a Datadog search',
  usage: USAGE,
  async run(argv, io) {
    const { values, words } = wordsOf(argv)
    const [query, ...paths] = words
    if (query === undefined) throw new UsageError("Give a query: alertproof search '@outcome:fail' events.jsonl")
    try {
      const { node } = parseSearch(query)
      const input = await openLogs(paths.length === 0 ? ['-'] : paths, values, io, { undated: true, passOver: true })
      const search = new Search(compileNode(node), new SilentTerms([{ node, facets: [] }]), io, values.json)
      for await (const recording of input.recordings()) await search.read(recording, input.reading)
      for (const { text, term } of slipsIn(node)) if (!search.tells(term)) io.err(`${printable(text)}\n`)
      search.tell()
      const unread = search.unread + input.unreadable
      if (unread > 0 && (values.strict || search.logs === 0)) return 3
      return search.any ? 0 : 1
    } catch (error) {
      if (!(error instanceof SearchSyntaxError)) throw error
      io.err(withCaret(error))
      return 2
    }
  },
}

const OPTIONS = {
  ...LOG_OPTIONS,
  json: { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
} as const

/** A query may begin with `-`, so only arguments that begin with `--` are options. */
function wordsOf(argv: readonly string[]) {
  const given: string[] = []
  const words: string[] = []
  const rest = argv.values()
  for (const word of rest) {
    if (word === '--') words.push(...rest)
    else if (!word.startsWith('--')) words.push(word)
    else {
      const value = word === '--json' || word === '--strict' || word.includes('=') ? undefined : rest.next()
      given.push(word, ...(value?.done === false ? [value.value] : []))
    }
  }
  return { values: readArguments({ args: given, options: OPTIONS }).values, words }
}

/** The query with a caret under the fault, and the reason. */
function withCaret({ query, position, reason }: SearchSyntaxError): string {
  const before = query.slice(0, position).replace(/[^\t]/gu, ' ')
  return `${query.replace(/[\r\n]/g, ' ')}\n${before}^ ${reason}\n`
}

/** Searches recordings and prints what matches. Matches are printed before more is read, so that a slow reader limits memory. */
class Search {
  /** Whether any line has matched so far. */
  any = false
  readonly #matches: LogPredicate
  readonly #silent: SilentTerms
  readonly #io: Io
  readonly #asJson: boolean
  #lines: Buffer[] = []
  #logs = 0
  #tooLong = 0
  #malformed = 0

  constructor(matches: LogPredicate, silent: SilentTerms, io: Io, asJson: boolean) {
    this.#matches = matches
    this.#silent = silent
    this.#io = io
    this.#asJson = asJson
  }

  /** Whether a term is told because no log matched it. */
  tells(term: string): boolean {
    return this.#logs > 0 && this.#silent.list().some((each) => each.term === term)
  }

  /** How many logs were searched. */
  get logs(): number {
    return this.#logs
  }

  /** How many lines and records could not be read. */
  get unread(): number {
    return this.#tooLong + this.#malformed
  }

  async read(recording: Recording, reading: Reading): Promise<void> {
    if (recording.form === 'jsonl' && isAsItStands(reading)) await this.#readLines(recording)
    else await this.#readRecords(recording, reading)
    await this.#flush()
  }

  /** Says what was not searched, and names each term that no log has matched. Without a log there is nothing to say. */
  tell(): void {
    if (this.#tooLong === 1) this.#io.err('1 line is too long for a log and was not searched\n')
    if (this.#tooLong > 1) this.#io.err(`${this.#tooLong} lines are too long for a log and were not searched\n`)
    if (this.#malformed > 1) this.#io.err(`${this.#malformed} pieces could not be read as a log\n`)
    if (this.#logs > 0) for (const { text } of this.#silent.list()) this.#io.err(`${printable(text)}\n`)
  }

  async #readLines({ stream }: Recording): Promise<void> {
    const lines = {
      line: (buffer: Buffer, start: number, end: number) => {
        const text = buffer.toString('utf8', start, end)
        if (text.trim() === '') return
        const log = logOf(text)
        if (!this.#isMatch(log)) return
        // Copied because the buffer is reused after this call; kept as bytes because they may not be UTF-8.
        this.#lines.push(this.#asJson ? jsonLine(log) : Buffer.from(buffer.subarray(start, end + 1)))
      },
      tooLong: () => {
        this.#tooLong++
      },
    }
    await visitLines(stream, lines, () => this.#flush())
  }

  async #readRecords({ name, form, stream }: Recording, reading: Reading): Promise<void> {
    const visitor = {
      log: (log: Log, text: () => string) => {
        if (this.#isMatch(log)) this.#lines.push(this.#asJson ? jsonLine(log) : Buffer.from(`${text()}\n`))
      },
      malformed: (place: string, reason: string) => {
        if (this.#malformed++ === 0)
          this.#io.err(`${printable(`${name === undefined ? '' : `${name}: `}${place} ${reason}`)}\n`)
      },
      piece: () => this.#flush(),
    }
    await readRecording(stream, form, visitor, reading)
  }

  #isMatch(log: Log): boolean {
    this.#logs++
    this.#silent.observe(log)
    const isMatch = this.#matches(log)
    this.any ||= isMatch
    return isMatch
  }

  async #flush(): Promise<void> {
    const found = Buffer.concat(this.#lines)
    this.#lines = []
    if (found.length === 0) return
    // Anyone may have written the text of a log.
    const bytes = this.#io.isTerminal ? Buffer.from(shown(found.toString())) : found
    if (this.#io.write) await this.#io.write(bytes)
    else this.#io.out(bytes.toString())
  }
}

/** A log with its own date in ISO 8601, or null where it has none. */
function jsonLine(log: Log & { readonly timestamp?: number }): Buffer {
  const { timestamp = Number.NaN, service, host, status, source, tags, message, attributes } = log
  const at = Number.isFinite(timestamp) ? new Date(timestamp).toISOString() : null
  return Buffer.from(`${JSON.stringify({ timestamp: at, service, host, status, source, tags, message, attributes })}\n`)
}

import { logOf } from '../../api.ts'
import { type LogPredicate, parseSearch, SearchSyntaxError } from '../../index.ts'
import { isAsItStands, type Reading, type Recording, readRecording, visitLines } from '../../replay/index.ts'
import { compileNode } from '../../search/search.ts'
import { SilentTerms } from '../../search/silent-terms.ts'
import { slipsIn } from '../../search/slips.ts'
import { type Command, type Io, readArguments, UsageError } from '../command.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, openLogs } from '../input.ts'
import {
  type Column,
  countsOf,
  type DatedLog,
  jsonLines,
  type Printer,
  rawLines,
  readColumns,
  readTime,
  summary,
  tableOf,
} from '../matches/index.ts'
import { counted, printable, shown } from '../output.ts'

const USAGE = `Usage: alertproof search '<query>' [PATH|-]… [<options>]

Prints the lines of a log that match a Datadog log search: unchanged, or on a terminal as a table. A line with a JSON object
is read as Datadog's intake reads it; its \`env\` becomes a tag. Any other line is a log whose message is the line. In other
forms, such as Datadog's exports, each matching record is printed on a line of its own. PATH is a file or a folder, which is read
with everything below it; gzip and Zstandard are unpacked. Without PATH, or with -, standard input is read.

The query has Datadog's syntax: words and "phrases" of the message, @attribute:value, service: host: status: source:, tag:value,
key:(a OR b), AND OR NOT -, * and ? outside quotes, @n:>=400, @n:[400 TO 499], CIDR(@ip, 203.0.113.0/24), *:text.

A term that matched no line is named on stderr, with the most similar existing field: usually it is misspelt.

Options:
${LOG_OPTIONS_USAGE}\
  --from TIME         only logs of this time or later: ISO 8601, or 15m (s, m, h, d) ago
  --to TIME           only logs before this time
  --columns FIELDS    a table of these fields, e.g. time,@usr.id,@ip; time and message are names too
  --count             print how many logs match
  --by FIELDS         print how many logs match for each value of these fields, the most frequent first
  --lines             print lines unchanged on a terminal, too
  --json              print each match as the log that Datadog makes of it, one line of JSON:
                      {timestamp, service, host, status, source, tags, message, attributes};
                      of counts {by, count}
  --strict            exit code 3 if a part of the log could not be read
  --                  ends the options, so that the query may begin with --
  --help              this text

Exit code: 0 if a line matches, 1 if none does, 2 for a fault in the query or an option, 3 if a file cannot be
read or a log with text holds no log.

Examples:
  alertproof search '@evt:login @outcome:fail -@reason:blocked' events.jsonl
  alertproof search 'CIDR(@ip, 203.0.113.0/24)' - < events.jsonl
  alertproof search '@evt:login @outcome:fail' events.jsonl --from 1h --by @ip
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
      const matches = compileNode(node)
      const columns = columnsOf(values)
      const facets = columns?.flatMap(({ field }) => field ?? []) ?? []
      const silent = new SilentTerms([{ node, facets }])
      const search = new Search(matches, within(values), silent, io, printerOf(values, columns, io))
      for await (const recording of input.recordings()) await search.read(recording, input.reading)
      await search.end()
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
  from: { type: 'string' },
  to: { type: 'string' },
  columns: { type: 'string' },
  by: { type: 'string' },
  count: { type: 'boolean', default: false },
  lines: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  strict: { type: 'boolean', default: false },
} as const
type Values = ReturnType<typeof wordsOf>['values']

/** The fields that are asked for by name. */
function columnsOf({ columns, by }: Values): Column[] | undefined {
  if (by !== undefined) return readColumns('--by', by)
  return columns === undefined ? undefined : readColumns('--columns', columns)
}

/** @throws UsageError for options that contradict each other */
function printerOf({ columns, by, count, lines, json }: Values, asked: Column[] | undefined, io: Io): Printer {
  const { isTerminal, width } = io
  const isCount = count || by !== undefined
  const given = [isCount && '--count or --by', columns !== undefined && '--columns', lines && '--lines']
  const [one, other] = given.filter((name) => name !== false)
  if (one !== undefined && other !== undefined) throw new UsageError(`${one} and ${other}: give one of them`)
  if (json && (columns !== undefined || lines)) throw new UsageError(`--json and ${other ?? one}: give one of them`)
  if (isCount) return countsOf(asked ?? [], json)
  if (json) return jsonLines()
  if (asked) return tableOf(asked, width)
  return isTerminal && !lines ? tableOf([...readColumns('--columns', 'time,service'), summary], width) : rawLines()
}

/** Whether a log is of the time that is asked for. */
function within({ from, to }: Values): ((log: DatedLog) => boolean) | undefined {
  if (from === undefined && to === undefined) return undefined
  const now = Date.now()
  const first = from === undefined ? Number.NEGATIVE_INFINITY : readTime('--from', from, now)
  const end = to === undefined ? Number.POSITIVE_INFINITY : readTime('--to', to, now)
  if (first >= end) throw new UsageError('--from must be before --to')
  return ({ timestamp = Number.NaN }) => timestamp >= first && timestamp < end
}

const FLAGS = new Set(['--count', '--lines', '--json', '--strict', '--help'])

/** A query may begin with `-`, so only arguments that begin with `--` are options. */
function wordsOf(argv: readonly string[]) {
  const given: string[] = []
  const words: string[] = []
  const rest = argv.values()
  for (const word of rest) {
    if (word === '--') words.push(...rest)
    else if (!word.startsWith('--')) words.push(word)
    else {
      const value = FLAGS.has(word) || word.includes('=') ? undefined : rest.next()
      given.push(word, ...(value?.done === false ? [value.value] : []))
    }
  }
  return { values: readArguments({ args: given, options: OPTIONS }).values, words }
}

/** The query with a caret under the fault, and the reason. */
function withCaret({ query, position, reason }: SearchSyntaxError): string {
  const before = query.slice(0, position).replace(/[^\t]/gu, ' ')
  const line = query.replace(/[\r\n]/g, ' ').replace(/\p{C}/gu, (char) => (char === '\t' ? char : '\ufffd'))
  return `${line}\n${before}^ ${reason}\n`
}

/** Searches recordings and prints what matches. Matches are printed before more is read, so that a slow reader limits memory. */
class Search {
  /** Whether any line has matched so far. */
  any = false
  readonly #matches: LogPredicate
  readonly #silent: SilentTerms
  readonly #io: Io
  readonly #isTimely: ((log: DatedLog) => boolean) | undefined
  readonly #printer: Printer
  #undated = 0
  #timely = 0
  #oldest = Number.POSITIVE_INFINITY
  #newest = Number.NEGATIVE_INFINITY
  #logs = 0
  #tooLong = 0
  #malformed = 0

  constructor(
    matches: LogPredicate,
    isTimely: ((log: DatedLog) => boolean) | undefined,
    silent: SilentTerms,
    io: Io,
    printer: Printer,
  ) {
    this.#matches = matches
    this.#isTimely = isTimely
    this.#silent = silent
    this.#io = io
    this.#printer = printer
  }

  /** Whether a term is told because no log matched it. */
  tells(term: string): boolean {
    return this.#timely > 0 && this.#silent.list().some((each) => each.term === term)
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

  /** Prints the rest. */
  end(): Promise<void> {
    return this.#write(this.#printer.end())
  }

  /** Says what was not searched, and names each term that no log has matched. Without a log there is nothing to say. */
  tell(): void {
    if (this.#undated > 0)
      this.#io.err(`${counted(this.#undated, 'log')} without a time: left out by --from and --to\n`)
    this.#tellTime()
    if (this.#tooLong === 1) this.#io.err('1 line is too long for a log and was not searched\n')
    if (this.#tooLong > 1) this.#io.err(`${this.#tooLong} lines are too long for a log and were not searched\n`)
    if (this.#malformed > 1) this.#io.err(`${this.#malformed} pieces could not be read as a log\n`)
    if (this.#timely > 0) for (const { text } of this.#silent.list()) this.#io.err(`${printable(text)}\n`)
  }

  async #readLines({ stream }: Recording): Promise<void> {
    const lines = {
      line: (buffer: Buffer, start: number, end: number) => {
        const text = buffer.toString('utf8', start, end)
        if (text.trim() === '') return
        const log = logOf(text)
        if (this.#isMatch(log)) this.#printer.add(log, () => buffer.subarray(start, end + 1))
      },
      tooLong: () => {
        this.#tooLong++
      },
    }
    await visitLines(stream, lines, () => this.#flush())
  }

  async #readRecords({ name, form, stream }: Recording, reading: Reading): Promise<void> {
    const visitor = {
      log: (log: DatedLog, text: () => string) => {
        if (this.#isMatch(log)) this.#printer.add(log, () => Buffer.from(`${text()}\n`))
      },
      malformed: (place: string, reason: string) => {
        if (this.#malformed++ === 0)
          this.#io.err(`${printable(`${name === undefined ? '' : `${name}: `}${place} ${reason}`)}\n`)
      },
      piece: () => this.#flush(),
    }
    await readRecording(stream, form, visitor, reading)
  }

  #isMatch(log: DatedLog): boolean {
    this.#logs++
    if (this.#isTimely) this.#observeTime(log)
    if (this.#isTimely?.(log) === false) return false
    this.#timely++
    this.#silent.observe(log)
    const isMatch = this.#matches(log)
    this.any ||= isMatch
    return isMatch
  }

  #observeTime({ timestamp = Number.NaN }: DatedLog): void {
    if (!Number.isFinite(timestamp)) this.#undated++
    else {
      this.#oldest = Math.min(this.#oldest, timestamp)
      this.#newest = Math.max(this.#newest, timestamp)
    }
  }

  /** Says of which time the logs are if none is of the time that is asked for. */
  #tellTime(): void {
    if (this.#timely > 0 || this.#oldest > this.#newest) return
    const [oldest, newest] = [this.#oldest, this.#newest].map((at) => new Date(at).toISOString())
    this.#io.err(`no log is of the time that is asked for: they are from ${oldest} to ${newest}\n`)
  }

  #flush(): Promise<void> {
    return this.#write(this.#printer.take())
  }

  async #write(found: Buffer): Promise<void> {
    if (found.length === 0) return
    // Anyone may have written the text of a log.
    const bytes = this.#io.isTerminal ? Buffer.from(shown(found.toString())) : found
    if (this.#io.write) await this.#io.write(bytes)
    else this.#io.out(bytes.toString())
  }
}

import { logOfEvent } from '../datadog/app-event.ts'
import { EventError, parseEvent } from '../datadog/event-reader.ts'
import { visitLines } from '../datadog/lines.ts'
import type { Log } from '../datadog/log.ts'
import { compileSearch, type LogPredicate, SearchSyntaxError } from '../datadog/search.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { openInput } from './input.ts'

const usage = `Usage: npm run search -- '<query>' [FILE|-]

Prints the lines of a log that a Datadog log search finds, as they are. One JSON object per line is one log, read as
Datadog's intake reads it; \`env\` of it is a tag. A line that is no JSON object is a log of which that line is the
message. Without FILE, or with -, standard input is read.

The query is Datadog's: words and "phrases" of the message, @attribute:value, service: host: status: source:, tag:value,
key:(a OR b), AND OR NOT -, * and ? outside quotes, @n:>=400, @n:[400 TO 499], CIDR(@ip, 203.0.113.0/24), *:text.

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
    const [query, file = '-', ...more] = argv
    if (query === undefined || more.length > 0) throw new UsageError('A query is wanted, and at most one FILE.')
    try {
      const matches = compileSearch(query)
      return await search(await openInput(file), matches, io)
    } catch (error) {
      if (error instanceof SearchSyntaxError) io.err(pointed(error))
      else if (/cannot be read/.test((error as Error).message)) io.err(`${(error as Error).message}\n`)
      else throw error
      return 2
    }
  },
}

/** The query with a caret under the fault, and the reason. */
function pointed({ query, position, reason }: SearchSyntaxError): string {
  const before = query.slice(0, position).replace(/[^\t]/gu, ' ')
  return `${query.replace(/[\r\n]/g, ' ')}\n${before}^ ${reason}\n`
}

async function search(stream: AsyncIterable<Buffer>, matches: LogPredicate, io: Io): Promise<number> {
  let found = false
  let tooLong = 0
  let out = ''
  const lines = {
    line(buffer: Buffer, start: number, end: number) {
      const text = buffer.toString('utf8', start, end)
      if (text.trim() === '' || !matches(logOf(text))) return
      found = true
      out += `${text}\n`
    },
    tooLong() {
      tooLong++
    },
  }
  const flush = () => {
    if (out !== '') io.out(out)
    out = ''
  }
  await visitLines(stream, lines, flush)
  flush()
  if (tooLong > 0) io.err(`${tooLong} lines were longer than any log line and were not searched\n`)
  return found ? 0 : 1
}

function logOf(line: string): Log {
  try {
    return logOfEvent(parseEvent(line))
  } catch (error) {
    if (!(error instanceof EventError)) throw error
    return { message: line.trimEnd(), attributes: {} }
  }
}

import { parseArgs } from 'node:util'
import { loadMonitors, type Monitor, MonitorError } from '../datadog/monitor.ts'
import { type ReplaySummary, replayStream } from '../datadog/replay-stream.ts'
import type { Transition } from '../datadog/track.ts'
import { type Command, type Io, UsageError } from './command.ts'
import { openInput } from './input.ts'
import { json } from './output.ts'

const usage = `Usage: npm run replay -- FILE|- [<options>]

Evaluates log monitors over a recorded log, by the events' own time: which alert fires for whom, when, and when it
recovers. One JSON object per line is one event; \`service\` and \`env\` are read from it, \`timestamp\` (ISO 8601 or
epoch milliseconds) is its time. Any size is read in memory that depends on the monitors' windows only. At the end of
the log time runs on until every group has settled.

Options:
  --detections DIR    evaluate every monitor.json below DIR (default detections)
  --lateness SECONDS  how far out of order events may come without effect on the result (default 60)
  --cadence SECONDS   evaluate every so many seconds, [t - window, t), as Datadog does with 60;
                      unset, (t - window, t] at each event's own time
  --json              one line per transition: {monitor, transition, group, at, value}
  --help              this text

Exit code: 0 when the log was read (malformed lines are counted on stderr), 1 when no line of it was an event,
2 when an option, a monitor or the file is not usable.

Examples:
  npm run replay -- events.jsonl
  npm run replay -- - --json --cadence 60 < events.jsonl
`

const longestReport = 5

export const command: Command = {
  name: 'replay',
  summary: 'evaluates the monitors over a recorded log',
  usage,
  async run(argv, io) {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        detections: { type: 'string', default: 'detections' },
        lateness: { type: 'string', default: '60' },
        cadence: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('One FILE is wanted, or - for standard input.')
    const latenessSeconds = seconds('--lateness', values.lateness, 0)
    const cadenceSeconds = values.cadence === undefined ? undefined : seconds('--cadence', values.cadence, 1)
    try {
      const monitors = await loadMonitors(values.detections)
      const stream = await openInput(file)
      const options = { latenessSeconds, ...(cadenceSeconds === undefined ? {} : { cadenceSeconds }) }
      return await replay(stream, monitors, options, io, values.json)
    } catch (error) {
      io.err(`${(error as Error).message}\n`)
      if (error instanceof MonitorError || /cannot be read/.test((error as Error).message)) return 2
      throw error
    }
  },
}

function seconds(option: string, text: string, least: number): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least) {
    throw new UsageError(`${option} wants a whole number of seconds from ${least}, not ${text}.`)
  }
  return Number(text)
}

async function replay(
  stream: AsyncIterable<Buffer>,
  monitors: readonly Monitor[],
  options: { latenessSeconds: number; cadenceSeconds?: number },
  io: Io,
  asJson: boolean,
): Promise<number> {
  const progress = new Progress(io)
  const slugWidth = Math.max(...monitors.map(({ slug }) => slug.length))
  let reported = 0
  let alerts = 0
  const summary = await replayStream(stream, monitors, options, {
    transition(transition) {
      if (transition.transition === 'Triggered') alerts++
      progress.clear()
      if (asJson) json(io, record(transition))
      else io.out(`${row(transition, slugWidth)}\n`)
    },
    malformed(place, reason) {
      if (++reported > longestReport) return
      progress.clear()
      io.err(`${place} ${reason}\n`)
    },
    progress: (soFar) => progress.show(soFar),
  })
  progress.clear()
  io.err(summaryText(summary, monitors.length, alerts, options.latenessSeconds))
  return summary.events === 0 && summary.malformed > 0 ? 1 : 0
}

const record = ({ monitor, transition, group, at, value }: Transition) => ({
  monitor: monitor.slug,
  transition,
  group,
  at: new Date(at).toISOString(),
  value,
})

function row({ monitor, transition, group, at, value }: Transition, slugWidth: number): string {
  const scope = Object.entries(group).map(([facet, text]) => `${facet}:${printable(text)}`)
  const cells = [
    new Date(at).toISOString(),
    transition.padEnd(12),
    monitor.slug.padEnd(slugWidth),
    String(value).padStart(6),
  ]
  return [...cells, scope.join(', ') || '*'].join('  ')
}

/** What stands in a log was typed by anyone: no control character of it reaches the terminal. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

const counted = (count: number, noun: string) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

function summaryText(summary: ReplaySummary, monitors: number, alerts: number, latenessSeconds: number): string {
  const lines = [`${counted(summary.events, 'event')}, ${counted(monitors, 'monitor')}, ${counted(alerts, 'alert')}.`]
  if (summary.malformed > 0) lines.push(`${counted(summary.malformed, 'line')} could not be read as an event.`)
  if (summary.dropped > 0) {
    lines.push(
      `${counted(summary.dropped, 'event')} that a monitor counts came more than ${latenessSeconds} s late: left out (see --lateness).`,
    )
  }
  return `${lines.join('\n')}\n`
}

/** How far a long run has come, on a terminal only. */
class Progress {
  private readonly io: Io
  private readonly started = Date.now()
  private shownAt = this.started
  private shown = false

  constructor(io: Io) {
    this.io = io
  }

  show({ events, bytes, newest }: ReplaySummary): void {
    const now = Date.now()
    if (!process.stderr.isTTY || now - this.shownAt < 500) return
    this.shownAt = now
    this.shown = true
    const reached = Number.isFinite(newest) ? `, at ${new Date(newest).toISOString()}` : ''
    const megabytes = (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 0 })
    this.io.err(`\r\u001b[K${counted(events, 'event')}, ${megabytes} MB${reached}`)
  }

  clear(): void {
    if (this.shown) this.io.err('\r\u001b[K')
    this.shown = false
  }
}

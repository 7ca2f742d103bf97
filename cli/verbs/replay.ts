import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadMonitors, type Monitor, MonitorError, type Transition } from 'alertproof'
import {
  compareTriggers,
  EstateError,
  type Expectable,
  ExpectationError,
  type Expectations,
  expectationFile,
  loadEstate,
  readExpectations,
  Triggers,
} from 'alertproof/estate'
import { urlFields } from 'alertproof/intake'
import {
  detectForm,
  type RecordingForm,
  type ReplayOptions,
  type ReplaySource,
  type ReplayState,
  type ReplaySummary,
  readState,
  recordingForms,
  replayStream,
  StateError,
  writeState,
} from 'alertproof/replay'
import { type Command, type Io, UsageError } from '../command.ts'
import { openInput } from '../input.ts'
import { json } from '../output.ts'
import { groupText, reportEstate, reportOutcomes, writeReport } from '../replay-report.ts'

const usage = `Usage: npm run replay -- FILE|- [<options>]

Evaluates log monitors over a recorded log, by the events' own time: which alert fires for whom, when, and when it
recovers. Any size is read in memory that depends on the monitors' windows only. At the end of the log time runs on
until every group has settled. docs/evaluator.md shows it on a monitor and a log that are not ours.

The log: JSON lines, where \`service\` and \`env\` are read from the event and \`timestamp\` (ISO 8601 or epoch
milliseconds) is its time; a Datadog log export (pages of the API, v2 or v1, an array of records, an archive); or
bodies of a Logplex drain, back to back. A file that ends in .gz is unpacked.

Options:
  --detections PATH   monitors of anybody: a folder of JSON files (as the API takes them, as the UI exports them, in the
                      wrapper of an integration, in lists), or one such file, or the output of \`terraform show -json\`.
                      What cannot be evaluated is named on stderr. Default: detections, held to what can be imported
  --expect FILE       which monitor must trigger for which groups, and nothing else: {"slug": [{"@ip": "203.0.113.9"}]},
                      [{}] for one that is not grouped (default: expect.json beside the monitors, if it is there and
                      the log is whole: not with --state); it does not hold while events are left out as too late
  --format FORM       jsonl, export or logplex, instead of telling it from the first bytes
  --drain QUERY       what the URL of the Logplex drain says, e.g. 'service=shop&ddsource=heroku&ddtags=env:prod'
  --lateness SECONDS  how far out of order events may come without effect on the result (default 60)
  --cadence SECONDS   evaluate every so many seconds, [t - window, t), as Datadog does with 60;
                      unset, (t - window, t] at each event's own time
  --group-limits      leave out the groups that Datadog would: beyond 1000 of one facet, 30 by 30, 10 by 10 by 10 …;
                      without it they are evaluated, and told at the end
  --state FILE        the log is a part of a longer one: go on from FILE, if it is there, and save to it at the end of
                      this part, where time then stands still; the parts together give what the log in one piece gives.
                      For the same monitors, --lateness, --cadence and --group-limits only
  --finish            with --state: this part is the last; time runs on as without --state, and FILE is removed
  --silence           what comes after the newest event is silence: monitors about too little or missing data may alert
  --json              one line per transition: {monitor, transition, group, at, value}
  --junit FILE        write one test case per monitor as JUnit XML too
  --help              this text

Exit code: 0 when the log was read (what is malformed is counted on stderr), 1 when nothing in it was an event or an
expectation does not hold, 2 when an option, the monitors or a file is not usable, or no monitor can be evaluated.

Examples:
  npm run replay -- events.jsonl
  npm run replay -- - --json --cadence 60 < events.jsonl
  npm run replay -- monday.jsonl --state week.state && npm run replay -- tuesday.jsonl --state week.state --finish
  npm run replay -- export.json --detections monitors/ --expect expect.json --junit replay.xml
`

const longestReport = 5

export const command: Command = {
  name: 'replay',
  summary: 'evaluates the monitors over a recorded log',
  usage,
  async run(argv, io) {
    const startedAt = new Date()
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        detections: { type: 'string' },
        expect: { type: 'string' },
        format: { type: 'string' },
        drain: { type: 'string' },
        lateness: { type: 'string', default: '60' },
        cadence: { type: 'string' },
        'group-limits': { type: 'boolean', default: false },
        silence: { type: 'boolean', default: false },
        state: { type: 'string' },
        finish: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        junit: { type: 'string' },
      },
    })
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('One FILE is wanted, or - for standard input.')
    if (values.finish && values.state === undefined) throw new UsageError('--finish goes with --state FILE.')
    if (values.expect !== undefined && values.state !== undefined) {
      throw new UsageError('--expect is about a whole log: a part of one, as --state reads it, cannot hold it.')
    }
    const latenessSeconds = seconds('--lateness', values.lateness, 0)
    const cadenceSeconds = values.cadence === undefined ? undefined : seconds('--cadence', values.cadence, 1)
    const format = values.format === undefined ? undefined : formNamed(values.format)
    const drain = values.drain === undefined ? {} : { drain: urlFields(new URLSearchParams(values.drain)) }
    try {
      const { monitors, readings, path } = await load(values.detections, io)
      const expected = values.state === undefined ? await expectationsFor(values.expect, path, readings) : undefined
      const input = await openInput(file)
      const { form, stream } = format === undefined ? await detectForm(input) : { form: format, stream: input }
      const options = {
        ...{ latenessSeconds, groupLimits: values['group-limits'], silenceAfterEnd: values.silence },
        ...(cadenceSeconds === undefined ? {} : { cadenceSeconds }),
      }
      const triggers = new Triggers()
      const part = values.state === undefined ? {} : await partOf(values.state, values.finish, monitors, options)
      const summary = await replay(stream, { form, ...drain, ...part }, monitors, options, triggers, io, values.json)
      if (values.state !== undefined && values.finish) await rm(values.state, { force: true })
      const outcomes = expected ? compareTriggers(expected, triggers, readings) : []
      const leftOut = expected ? summary.dropped : 0
      if (values.junit !== undefined) {
        const report = { file: values.junit, startedAt, seconds: (Date.now() - startedAt.getTime()) / 1000 }
        await writeReport(report, readings, triggers, outcomes, leftOut)
      }
      if (expected && !reportOutcomes(outcomes, expected, leftOut, io)) return 1
      return summary.events === 0 && summary.malformed > 0 ? 1 : 0
    } catch (error) {
      if (!isUnusable(error)) throw error
      io.err(`${(error as Error).message}\n`)
      return 2
    }
  },
}

/** What a log that is a part of a longer one begins with, and where it leaves off. */
async function partOf(file: string, isLast: boolean, monitors: readonly Monitor[], options: ReplayOptions) {
  const resume = await readState(file, monitors, options)
  const pause = (state: ReplayState) => writeState(file, monitors, options, state)
  return { resume, pause: isLast ? undefined : pause }
}

const isUnusable = (error: unknown): boolean =>
  [MonitorError, EstateError, ExpectationError, StateError].some((kind) => error instanceof kind) ||
  /cannot be read/.test((error as Error).message)

interface Loaded {
  readonly monitors: readonly Monitor[]
  readonly readings: readonly Expectable[]
  readonly path: string
}

/** Our own catalogue must be as it is imported; in somebody else's estate, what is not evaluated is told. */
async function load(path: string | undefined, io: Io): Promise<Loaded> {
  if (path === undefined) {
    const monitors = await loadMonitors('detections')
    const readings = monitors.map((monitor) => ({
      slug: monitor.slug,
      name: monitor.name,
      monitor,
      faults: [],
      refusals: [],
    }))
    return { monitors, readings, path: 'detections' }
  }
  const estate = await loadEstate(path)
  reportEstate(estate, io)
  if (estate.monitors.length === 0) throw new EstateError(`${path}: holds no monitor that can be evaluated here`)
  return { ...estate, path }
}

async function expectationsFor(
  file: string | undefined,
  path: string,
  readings: readonly Expectable[],
): Promise<Expectations | undefined> {
  if (file !== undefined) return readExpectations(file, readings)
  const folder = (await stat(path)).isDirectory() ? path : dirname(path)
  const beside = join(folder, expectationFile)
  const there = await stat(beside).catch(() => undefined)
  return there?.isFile() ? readExpectations(beside, readings) : undefined
}

function formNamed(name: string): RecordingForm {
  const form = recordingForms.find((each) => each === name)
  if (!form) throw new UsageError(`--format wants one of ${recordingForms.join(', ')}, not ${name}.`)
  return form
}

function seconds(option: string, text: string, least: number): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < least) {
    throw new UsageError(`${option} wants a whole number of seconds from ${least}, not ${text}.`)
  }
  return Number(text)
}

async function replay(
  stream: AsyncIterable<Buffer>,
  source: ReplaySource,
  monitors: readonly Monitor[],
  options: ReplayOptions & { latenessSeconds: number },
  triggers: Triggers,
  io: Io,
  asJson: boolean,
): Promise<ReplaySummary> {
  const progress = new Progress(io)
  const slugWidth = Math.max(...monitors.map(({ slug }) => slug.length))
  let reported = 0
  let alerts = 0
  const visitor = {
    transition(transition: Transition) {
      if (transition.transition === 'Triggered') alerts++
      triggers.add(transition)
      progress.clear()
      if (asJson) json(io, record(transition))
      else io.out(`${row(transition, slugWidth)}\n`)
    },
    malformed(place: string, reason: string) {
      if (++reported > longestReport) return
      progress.clear()
      io.err(`${place} ${reason}\n`)
    },
    progress: (soFar: ReplaySummary) => progress.show(soFar),
  }
  const summary = await replayStream(stream, monitors, options, visitor, source)
  progress.clear()
  io.err(summaryText(summary, source.form, monitors.length, alerts, options.latenessSeconds))
  return summary
}

const record = ({ monitor, transition, group, at, value }: Transition) => ({
  monitor: monitor.slug,
  transition,
  group,
  at: new Date(at).toISOString(),
  value,
})

function row({ monitor, transition, group, at, value }: Transition, slugWidth: number): string {
  const cells = [
    new Date(at).toISOString(),
    transition.padEnd(12),
    monitor.slug.padEnd(slugWidth),
    String(value).padStart(6),
  ]
  return [...cells, groupText(group)].join('  ')
}

const counted = (count: number, noun: string) => `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

function summaryText(
  summary: ReplaySummary,
  form: RecordingForm | undefined,
  monitors: number,
  alerts: number,
  latenessSeconds: number,
): string {
  const lines = [`${counted(summary.events, 'event')}, ${counted(monitors, 'monitor')}, ${counted(alerts, 'alert')}.`]
  if (summary.malformed > 0)
    lines.push(`${counted(summary.malformed, form === 'jsonl' ? 'line' : 'piece')} could not be read as an event.`)
  if (summary.dropped > 0) {
    lines.push(
      `${counted(summary.dropped, 'event')} that a monitor counts came more than ${latenessSeconds} s late: left out. ` +
        'A log with its newest events first wants --lateness SECONDS, as many as it spans.',
    )
  }
  for (const { monitor, since, beyond } of summary.exceeded) {
    const groups = counted(beyond, 'group')
    lines.push(
      `${monitor.slug} had ${groups} or more beyond those that Datadog evaluates, from ${new Date(since).toISOString()}.`,
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

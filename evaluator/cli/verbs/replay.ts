import { rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { changeOf } from '../../api.ts'
import type { Monitor, Transition } from '../../index.ts'
import { urlFields } from '../../intake/index.ts'
import {
  compareTriggers,
  EstateError,
  type Expectable,
  type Expectations,
  expectationFile,
  loadEstate,
  readExpectations,
  Triggers,
} from '../../monitor/estate/index.ts'
import {
  DATADOG_CADENCE_SECONDS,
  DEFAULT_LATENESS_SECONDS,
  detectForm,
  type Evaluation,
  type RecordingForm,
  type ReplayOptions,
  type ReplaySource,
  type ReplayState,
  type ReplaySummary,
  readState,
  replayStream,
  writeState,
} from '../../replay/index.ts'
import { type Command, type Io, readArguments, UsageError, wholeNumber } from '../command.ts'
import { openInput, readForm } from '../input.ts'
import { json } from '../output.ts'
import { groupText, reportEstate, reportOutcomes, writeReport, writeSummary } from '../replay-report.ts'

const usage = `Usage: alertproof replay FILE|- --detections PATH [<options>]

Evaluates log monitors over a recorded log, at the events' own time, and prints which monitor alerts for which group, when,
and when it recovers. Memory depends only on the monitors' windows, not on the size of the log. After the last event, time
continues until every group has settled.

The log is one of: JSON lines, with \`service\`, \`env\` and the time \`timestamp\` (ISO 8601 or epoch) in each
event; a Datadog log export (pages of the API, v2 or v1, an array of records, an archive); or concatenated bodies of a
Logplex drain. A .gz file is unpacked.

Options:
  --detections PATH   monitors: a folder of JSON files (as the API accepts them, as the UI exports them, in the wrapper of
                      an integration, in lists), one such file, or the output of \`terraform show -json\`. Monitors that
                      cannot be evaluated are listed on stderr
  --expect FILE       the groups for which each monitor must trigger, and no others: {"slug": [{"@ip": "203.0.113.9"}]},
                      [{}] for a monitor without groups (default: expect.json beside the monitors, if it exists; not with
                      --state). The check fails if events were left out as too late
  --format FORM       jsonl, export or logplex (default: detected from the first bytes)
  --drain QUERY       query of the Logplex drain's URL, e.g. 'service=shop&ddsource=heroku&ddtags=env:prod'
  --lateness SECONDS  events may be this far out of order without effect on the result (default ${DEFAULT_LATENESS_SECONDS})
  --cadence SECONDS   evaluate [t - window, t) at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does); ten times as long for a
                      window of a day, thirty times for two days
  --live              evaluate (t - window, t] at each event's own time instead, which shows how fast an alert could be
  --group-limits      leave out the groups that Datadog leaves out: beyond 1000 of one facet, 30 by 30, 10 by 10 by 10 …
                      (default: evaluate them, and report them at the end)
  --state FILE        the log is one part of a longer log: continue from FILE, if it exists, and save the state to it at
                      the end. The parts together give the result of the whole log. Each part needs the same monitors,
                      --lateness, --cadence, --live and --group-limits
  --finish            with --state: this is the last part; evaluate to the end as without --state, and remove FILE
  --silence           treat the time after the newest event as silence, so that monitors for missing data may alert
  --json              print one line per transition: {monitor, transition, group, at, value}
  --junit FILE        also write JUnit XML, with one test case per monitor
  --summary FILE      also append a summary in Markdown, for the page of a CI job
  --help              this text

Exit code: 0 if the log was read (malformed lines are counted on stderr), 1 if an expectation does not hold, 2 if an option
is unusable, 3 if a file cannot be read, if it holds no event, or if no monitor can be evaluated.

Examples:
  alertproof replay events.jsonl --detections monitors/
  alertproof replay - --detections monitors/ --json --live < events.jsonl
  alertproof replay monday.jsonl --detections monitors/ --state week.state
  alertproof replay tuesday.jsonl --detections monitors/ --state week.state --finish
  alertproof replay export.json --detections monitors/ --expect expect.json --junit replay.xml
`

const MAX_REPORTED = 5
const MAX_SECONDS = 999_999

/** The monitors of a project that has its own. */
export interface OwnMonitors {
  readonly path: string
  /** @throws InputError unless all of them can be evaluated */
  load(): Promise<readonly Monitor[]>
}

export const command: Command = {
  name: 'replay',
  summary: 'evaluate monitors over a recorded log',
  usage,
  run: (argv, io) => run(argv, io),
}

/** The same verb for a project whose own monitors are evaluated unless others are named. */
export const replayOf = (own: OwnMonitors): Command => ({
  ...command,
  usage: usage
    .replace(' --detections PATH [<options>]', ' [<options>]')
    .replace('are listed on stderr\n', `are listed on stderr. Default: ${own.path}, where each must be importable\n`),
  run: (argv, io) => run(argv, io, own),
})

async function run(argv: readonly string[], io: Io, own?: OwnMonitors): Promise<number> {
  const startedAt = new Date()
  const { values, positionals } = readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      detections: { type: 'string' },
      expect: { type: 'string' },
      format: { type: 'string' },
      drain: { type: 'string' },
      lateness: { type: 'string', default: String(DEFAULT_LATENESS_SECONDS) },
      cadence: { type: 'string' },
      live: { type: 'boolean', default: false },
      'group-limits': { type: 'boolean', default: false },
      silence: { type: 'boolean', default: false },
      state: { type: 'string' },
      finish: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      junit: { type: 'string' },
      summary: { type: 'string' },
    },
  })
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) throw new UsageError('Give one FILE, or - for standard input.')
  if (values.finish && values.state === undefined) throw new UsageError('--finish needs --state FILE.')
  if (values.expect !== undefined && values.state !== undefined) {
    throw new UsageError('--expect needs a whole log: leave it out with --state, which reads one part.')
  }
  const latenessSeconds = wholeNumber('--lateness', values.lateness, 0, MAX_SECONDS)
  const evaluation = readEvaluation(values.cadence, values.live)
  const format = values.format === undefined ? undefined : readForm(values.format)
  const drain = values.drain === undefined ? {} : { drain: urlFields(new URLSearchParams(values.drain)) }
  const { monitors, readings, path } = await load(values.detections, own, io)
  const expected = values.state === undefined ? await expectationsFor(values.expect, path, readings) : undefined
  const options = {
    latenessSeconds,
    groupLimits: values['group-limits'],
    silenceAfterEnd: values.silence,
    ...evaluation,
  }
  const triggers = new Triggers()
  const part = values.state === undefined ? {} : await partOf(values.state, values.finish, monitors, options)
  const input = await openInput(file)
  const { form, stream } = format === undefined ? await detectForm(input) : { form: format, stream: input }
  const summary = await replay(stream, { form, ...drain, ...part }, monitors, options, triggers, io, values.json)
  if (values.state !== undefined && values.finish) await rm(values.state, { force: true })
  const outcomes = expected ? compareTriggers(expected, triggers, readings) : []
  const leftOut = expected ? summary.dropped : 0
  if (values.junit !== undefined) {
    const report = { file: values.junit, startedAt, seconds: (Date.now() - startedAt.getTime()) / 1000 }
    await writeReport(report, readings, triggers, outcomes, leftOut)
  }
  if (values.summary !== undefined) {
    const headline = `${counted(summary.events, 'event')}, ${counted(monitors.length, 'monitor')}.`
    await writeSummary(values.summary, headline, readings, triggers, outcomes, leftOut, expected !== undefined)
  }
  if (expected && !reportOutcomes(outcomes, expected, leftOut, io)) return 1
  return summary.events === 0 && summary.malformed > 0 ? 3 : 0
}

function readEvaluation(cadence: string | undefined, live: boolean): Evaluation {
  if (cadence === undefined) return { live }
  if (live) throw new UsageError('--live evaluates at each event: leave out --cadence.')
  return { cadenceSeconds: wholeNumber('--cadence', cadence, 1, MAX_SECONDS) }
}

/** The saved state from which a part of a log continues, and the function that saves the next one. */
async function partOf(file: string, isLast: boolean, monitors: readonly Monitor[], options: ReplayOptions) {
  const resume = await readState(file, monitors, options)
  const pause = (state: ReplayState) => writeState(file, monitors, options, state)
  return { resume, pause: isLast ? undefined : pause }
}

interface Loaded {
  readonly monitors: readonly Monitor[]
  readonly readings: readonly Expectable[]
  readonly path: string
}

/** Own monitors must be evaluated completely. In any other estate, monitors that cannot be evaluated are listed. */
async function load(path: string | undefined, own: OwnMonitors | undefined, io: Io): Promise<Loaded> {
  if (path === undefined) {
    if (!own) throw new UsageError('Missing --detections PATH: a folder or a file with monitors.')
    const monitors = await own.load()
    const readings = monitors.map((monitor) => ({
      slug: monitor.slug,
      name: monitor.name,
      monitor,
      faults: [],
      refusals: [],
    }))
    return { monitors, readings, path: own.path }
  }
  const estate = await loadEstate(path)
  reportEstate(estate, io)
  if (estate.monitors.length === 0) throw new EstateError(`${path}: holds no monitor that can be evaluated`)
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
      if (asJson) json(io, changeOf(transition))
      else io.out(`${row(transition, slugWidth)}\n`)
    },
    malformed(place: string, reason: string) {
      if (++reported > MAX_REPORTED) return
      progress.clear()
      io.err(`${place} ${reason}\n`)
    },
    progress: (soFar: ReplaySummary) => progress.show(soFar),
  }
  const summary = await replayStream(stream, monitors, options, visitor, source)
  progress.clear()
  io.err(summaryText(summary, source.form, monitors.length, alerts, options.latenessSeconds))
  io.err(silentText(summary, monitors))
  return summary
}

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
        'If the newest events come first, set --lateness to the number of seconds that the log spans.',
    )
  }
  for (const [unit, key] of summary.epochs) {
    lines.push(
      `\`${key}\` was read as epoch ${unit}: Datadog reads a number as milliseconds, and would drop these logs.`,
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

/** One line for each monitor that asks for something that no event has. */
function silentText({ silent }: ReplaySummary, monitors: readonly Monitor[]): string {
  return monitors
    .map(({ slug }, i) => {
      const texts = silent.flatMap(({ search, text }) => (search === i ? [text.endsWith('?') ? text : `${text}.`] : []))
      return texts.length === 0 ? '' : `${slug}: ${texts.join(' ')}\n`
    })
    .join('')
}

/** Shows the progress of a long run, on a terminal only. */
class Progress {
  readonly #io: Io
  #shownAt = Date.now()
  #isShown = false

  constructor(io: Io) {
    this.#io = io
  }

  show({ events, bytes, newest }: ReplaySummary): void {
    const now = Date.now()
    if (!process.stderr.isTTY || now - this.#shownAt < 500) return
    this.#shownAt = now
    this.#isShown = true
    const reached = Number.isFinite(newest) ? `, at ${new Date(newest).toISOString()}` : ''
    const megabytes = (bytes / 1e6).toLocaleString('en', { maximumFractionDigits: 0 })
    this.#io.err(`\r\u001b[K${counted(events, 'event')}, ${megabytes} MB${reached}`)
  }

  clear(): void {
    if (this.#isShown) this.#io.err('\r\u001b[K')
    this.#isShown = false
  }
}

import { rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import {
  compareTriggers,
  type Estate,
  EstateError,
  EXPECTATION_FILE,
  type Expectable,
  type Expectations,
  holds,
  loadEstate,
  readExpectations,
  readLapses,
  type Triggers,
  writeLock,
} from '../../estate/index.ts'
import type { Monitor } from '../../index.ts'
import { type LogInput, replayLogs } from '../../logs/index.ts'
import {
  DATADOG_CADENCE_SECONDS,
  DEFAULT_LATENESS_SECONDS,
  type Evaluation,
  MAX_THREADS,
  type ReplayOptions,
  type ReplayReading,
  type ReplayState,
  type ReplaySummary,
  readState,
  writeState,
} from '../../replay/index.ts'
import type { SiemRule } from '../../siem/index.ts'
import { ChangePrinter } from '../change-printer.ts'
import { type Command, type Io, readArguments, UsageError, wholeNumber } from '../command.ts'
import { ReplayDrawing } from '../html/replay-drawing.ts'
import { replayPage } from '../html/replay-page.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, openLogs } from '../input.ts'
import { counted } from '../output.ts'
import { reportEstate, reportOutcomes, silentText, summaryNotes, writeReport, writeSummary } from '../replay-report.ts'
import { writeReportFile } from '../summary.ts'

const USAGE = `Usage: alertproof replay PATH|-… --detections PATH [<options>]

Evaluates log monitors and Cloud SIEM rules over a recorded log, at the events' own time, and prints which monitor alerts for
which group, when, and when it recovers. Memory depends only on the monitors' windows, not on the size of the log. After the
last event, time continues until every group has settled.

The log is any number of files and folders, which are read with all that is below them, or standard input: JSON lines, with
\`service\`, \`env\` and the time \`timestamp\` in each event; what Datadog exports (pages of the API, archives, CSV); syslog and
Logplex; or logs of other products (see --format). gzip and Zstandard are unpacked. The logs may be in any order: what is more
than --lateness out of order is sorted by time first.

Options:
  --detections PATH   monitors and rules: a folder of JSON and YAML files (as the API accepts them, as the UI exports them, in the
                      wrapper of an integration, in lists, as the DatadogMonitor of the Kubernetes operator), one such
                      file, or the output of \`terraform show -json\`, of a state or a plan. Monitors that cannot be
                      evaluated are listed on stderr. May be repeated
  --expect FILE       the groups for which each monitor must trigger, and no others: {"slug": [{"@ip": "203.0.113.9"}]},
                      [{}] for a monitor without groups (default: expect.json beside the monitors, if it exists; not with
                      --state). The check fails if events were left out as too late
${LOG_OPTIONS_USAGE}\
  --lateness SECONDS  events may be this far out of order without effect on the result (default ${DEFAULT_LATENESS_SECONDS})
  --follow            print each change as soon as it is known, as for a pipe that is still written: nothing is sorted, and
                      events that are later than --lateness are left out
  --cadence SECONDS   evaluate [t - window, t) at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does); ten times as long for a
                      window of a day, thirty times for two days
  --live              evaluate (t - window, t] at each event's own time instead, which shows how fast an alert could be
  --group-limits      leave out the groups that Datadog leaves out: beyond 1000 of one facet, 30 by 30, 10 by 10 by 10 …
                      (default: evaluate them, and report them at the end)
  --threads N         read JSON lines with N threads (default 1). The output is the same with any number, and each
                      takes about 40 MB of memory. Not with --follow
  --state FILE        the log is one part of a longer log: continue from FILE, if it exists, and save the state to it at
                      the end. The parts together give the result of the whole log. Each part needs the same monitors,
                      --lateness, --cadence, --live and --group-limits
  --finish            with --state: this is the last part; evaluate to the end as without --state, and remove FILE
  --silence           treat the time after the newest event as silence, so that monitors for missing data may alert
  --strict            fail with exit code 3 if a monitor for logs, or a part of the log, could not be read, if an event was
                      left out as too late, or if there was no event
  --lock FILE         a list of monitors, one per line: the check fails if one of them is not evaluated
  --update-lock       write the monitors that are evaluated to the FILE of --lock
  --json              print one line per transition: {monitor, transition, group, at, value}
  --junit FILE        also write JUnit XML, with one test case per monitor
  --summary FILE      also append a summary in Markdown, for the page of a CI job
  --html FILE         also write a report as one page: each group that fired, and the one that came nearest, with a chart of its value
                      against the threshold. The log is read up to three times. Not with --follow or --state
  --help              this text

Exit code: 0 if the log was read (malformed lines are counted on stderr), 1 if an expectation or --lock does not hold, 2 if an
option is unusable, 3 if a file cannot be read, if a log with text holds no event, or if no monitor can be evaluated.

Examples:
  alertproof replay events.jsonl --detections monitors/
  alertproof replay archive/ more.jsonl.gz --detections monitors/
  tail -f events.jsonl | alertproof replay - --detections monitors/ --json --live --follow
  alertproof replay monday.jsonl --detections monitors/ --state week.state
  alertproof replay tuesday.jsonl --detections monitors/ --state week.state --finish
  alertproof replay export.json --detections monitors/ --expect expect.json --junit replay.xml
`

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
  usage: USAGE,
  run: (argv, io) => run(argv, io),
}

/** The same verb for a project whose own monitors are evaluated unless others are named. */
export const replayOf = (own: OwnMonitors): Command => ({
  ...command,
  usage: USAGE.replace(' --detections PATH [<options>]', ' [<options>]').replace(
    'are listed on stderr. May be repeated\n',
    `are listed on stderr. May be repeated. Default: ${own.path}, where each must be importable\n`,
  ),
  run: (argv, io) => run(argv, io, own),
})

async function run(argv: readonly string[], io: Io, own?: OwnMonitors): Promise<number> {
  const startedAt = new Date()
  const { values, positionals } = readArguments({
    args: [...argv],
    allowPositionals: true,
    options: {
      detections: { type: 'string', multiple: true },
      expect: { type: 'string' },
      ...LOG_OPTIONS,
      follow: { type: 'boolean', default: false },
      lateness: { type: 'string', default: String(DEFAULT_LATENESS_SECONDS) },
      cadence: { type: 'string' },
      live: { type: 'boolean', default: false },
      'group-limits': { type: 'boolean', default: false },
      silence: { type: 'boolean', default: false },
      threads: { type: 'string', default: '1' },
      state: { type: 'string' },
      finish: { type: 'boolean', default: false },
      strict: { type: 'boolean', default: false },
      lock: { type: 'string' },
      'update-lock': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      junit: { type: 'string' },
      summary: { type: 'string' },
      html: { type: 'string' },
    },
  })
  if (positionals.length === 0) throw new UsageError('Give a file or a folder with logs, or - for standard input.')
  if (values['update-lock'] && values.lock === undefined) throw new UsageError('--update-lock needs --lock FILE.')
  if (values.finish && values.state === undefined) throw new UsageError('--finish needs --state FILE.')
  if (values.expect !== undefined && values.state !== undefined) {
    throw new UsageError('--expect needs a whole log: leave it out with --state, which reads one part.')
  }
  if (values.html !== undefined && (values.follow || values.state !== undefined)) {
    throw new UsageError('--html needs a whole log that can be read again: leave out --follow and --state.')
  }
  const threads = wholeNumber('--threads', values.threads, 1, MAX_THREADS)
  if (threads > 1 && values.follow)
    throw new UsageError('--follow evaluates each event as it comes: leave out --threads.')
  const latenessSeconds = wholeNumber('--lateness', values.lateness, 0, MAX_SECONDS)
  const evaluation = readEvaluation(values.cadence, values.live)
  const { monitors, rules, readings, paths, unread: unreadMonitors } = await load(values.detections, own, io)
  const expected = values.state === undefined ? await expectationsFor(values.expect, paths, readings) : undefined
  const options = {
    latenessSeconds,
    groupLimits: values['group-limits'],
    silenceAfterEnd: values.silence,
    rules,
    ...evaluation,
  }
  const part = values.state === undefined ? {} : await partOf(values.state, values.finish, monitors, options)
  // The state of a part that was read in part would be the state of another log.
  const passOver = values.state === undefined
  const input = await openLogs(positionals, values, io, { keep: !values.follow, passOver })
  const drawing = values.html === undefined ? undefined : new ReplayDrawing(monitors, options, threads)
  const { summary, triggers } = await replay(
    input,
    { ...part, threads },
    monitors,
    options,
    io,
    values.json,
    values.follow,
    drawing,
  )
  const stories = await drawing?.stories(input, summary)
  const ruleStories = await drawing?.ruleStories(input)
  input.close()
  if (values.state !== undefined && values.finish) await rm(values.state, { force: true })
  const outcomes = expected ? compareTriggers(expected, triggers, readings) : []
  const leftOut = expected ? summary.dropped : 0
  if (values.junit !== undefined) {
    const report = { file: values.junit, startedAt, seconds: (Date.now() - startedAt.getTime()) / 1000 }
    await writeReport(report, readings, triggers, outcomes, leftOut)
  }
  if (values.summary !== undefined) {
    const headline = `${counted(summary.events, 'event')}, ${evaluatedText(monitors, rules)}.`
    await writeSummary(values.summary, headline, readings, triggers, outcomes, leftOut, expected !== undefined)
  }
  if (values.html !== undefined && drawing && stories && ruleStories) {
    const silent = silentText(summary, monitors, rules)
    const notes = [...summaryNotes(summary, latenessSeconds), ...silent.split('\n').filter((line) => line !== '')]
    const text = replayPage({
      ...{ logs: positionals, detections: paths, summary, notes, readings, stories, ruleStories },
      ...{ changes: drawing.changes, standings: drawing.standings },
      evaluation: `${evaluatedText(monitors, rules)}, ${evaluationText(evaluation)}`,
      outcomes: expected && outcomes,
      holds: leftOut === 0 && outcomes.every(holds),
    })
    await writeReportFile(values.html, text)
  }
  const asExpected = !expected || reportOutcomes(outcomes, expected, leftOut, io)
  const isLocked = values.lock === undefined || (await checkLock(values.lock, values['update-lock'], readings, io))
  if (values.strict && summary.events === 0) {
    io.err('--strict: the log holds no event.\n')
    return 3
  }
  const unreadParts = summary.malformed + summary.partly + summary.dropped + input.unreadable
  if (values.strict && unreadParts + unreadMonitors > 0) {
    io.err(
      `--strict: ${counted(unreadMonitors, 'monitor')} or files of monitors, and ${counted(unreadParts, 'part')} of the log, could not be read.\n`,
    )
    return 3
  }
  if (summary.events === 0 && summary.malformed + input.unreadable > 0) return 3
  return asExpected && isLocked ? 0 : 1
}

function evaluationText({ live, cadenceSeconds = DATADOG_CADENCE_SECONDS }: Evaluation): string {
  if (live) return 'at each event'
  return cadenceSeconds === DATADOG_CADENCE_SECONDS ? 'each minute, as Datadog does' : `every ${cadenceSeconds} seconds`
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

/** Whether each monitor of a list is evaluated. With `updates` the list is written first. */
async function checkLock(file: string, updates: boolean, readings: readonly Expectable[], io: Io): Promise<boolean> {
  if (updates) await writeLock(file, readings)
  const lapses = await readLapses(file, readings)
  for (const { slug, reason } of lapses) io.err(`in ${file} and not evaluated: ${slug}: ${reason}\n`)
  return lapses.length === 0
}

interface Loaded {
  readonly monitors: readonly Monitor[]
  readonly rules: readonly SiemRule[]
  readonly readings: readonly Expectable[]
  readonly paths: readonly string[]
  /** How many files, monitors and rules cannot be read. */
  readonly unread: number
}

/** Own monitors must be evaluated completely. In any other estate, monitors that cannot be evaluated are listed. */
async function load(paths: readonly string[] | undefined, own: OwnMonitors | undefined, io: Io): Promise<Loaded> {
  if (paths === undefined) {
    if (!own) throw new UsageError('Missing --detections PATH: a folder or a file with monitors.')
    const monitors = await own.load()
    const readings = monitors.map((monitor) => ({
      slug: monitor.slug,
      name: monitor.name,
      monitor,
      faults: [],
      refusals: [],
    }))
    return { monitors, rules: [], readings, paths: [own.path], unread: 0 }
  }
  const estate = await loadEstate(paths)
  reportEstate(estate, io)
  const { monitors, rules } = estate
  if (monitors.length + rules.length === 0) {
    throw new EstateError(`${paths.join(', ')}: holds no monitor that can be evaluated, and no rule`)
  }
  return { monitors, rules, readings: [...estate.readings, ...estate.ruleReadings], paths, unread: unreadIn(estate) }
}

/** How many files, monitors for logs and rules cannot be read. Monitors and rules of other kinds do not count. */
function unreadIn({ broken, readings, ruleReadings }: Estate): number {
  const refused = readings.filter(({ type, monitor }) => !monitor && (type === 'log alert' || type === ''))
  return broken.length + refused.length + ruleReadings.filter(({ faults }) => faults.length > 0).length
}

async function expectationsFor(
  file: string | undefined,
  paths: readonly string[],
  readings: readonly Expectable[],
): Promise<Expectations | undefined> {
  if (file !== undefined) return readExpectations(file, readings)
  const beside = new Set<string>()
  for (const path of paths) {
    const folder = (await stat(path)).isDirectory() ? path : dirname(path)
    const each = resolve(folder, EXPECTATION_FILE)
    const there = await stat(each).catch(() => undefined)
    if (there?.isFile()) beside.add(each)
  }
  const [first, ...more] = beside
  if (more.length > 0) throw new UsageError(`There are several ${EXPECTATION_FILE}: name one with --expect.`)
  return first === undefined ? undefined : readExpectations(first, readings)
}

interface Replayed {
  readonly summary: ReplaySummary
  readonly triggers: Triggers
}

async function replay(
  input: LogInput,
  part: ReplayReading,
  monitors: readonly Monitor[],
  options: ReplayOptions & { latenessSeconds: number },
  io: Io,
  asJson: boolean,
  follows: boolean,
  drawing: ReplayDrawing | undefined,
): Promise<Replayed> {
  const rules = options.rules ?? []
  const slugs = [...monitors, ...rules].map(({ slug }) => slug)
  const printer = new ChangePrinter(slugs, io, asJson, follows, drawing)
  const observed = drawing ? { ...options, observer: drawing.observer } : options
  const summary = await readAll(input, part, monitors, observed, printer, follows).finally(() => printer.flush())
  io.err(summaryText(summary, evaluatedText(monitors, rules), printer.alerts, options.latenessSeconds))
  io.err(silentText(summary, monitors, rules))
  return { summary, triggers: printer.triggers }
}

async function readAll(
  input: LogInput,
  part: ReplayReading,
  monitors: readonly Monitor[],
  options: ReplayOptions,
  printer: ChangePrinter,
  follows: boolean,
): Promise<ReplaySummary> {
  const begin = () => {
    printer.clear()
    return printer
  }
  return (await replayLogs(input, monitors, options, begin, { ...part, follow: follows })).summary
}

/** Rules are named only where there are some. */
const evaluatedText = (monitors: readonly Monitor[], rules: readonly SiemRule[]): string =>
  [
    ...(monitors.length > 0 || rules.length === 0 ? [counted(monitors.length, 'monitor')] : []),
    ...(rules.length > 0 ? [counted(rules.length, 'rule')] : []),
  ].join(', ')

function summaryText(summary: ReplaySummary, evaluated: string, alerts: number, latenessSeconds: number): string {
  const first = `${counted(summary.events, 'event')}, ${evaluated}, ${counted(alerts, 'alert')}.`
  return `${[first, ...summaryNotes(summary, latenessSeconds)].join('\n')}\n`
}

import { type Estate, EstateError, type Expectations, loadEstate, readExpectations } from '../../estate/index.ts'
import { DATADOG_CADENCE_SECONDS, DEFAULT_LATENESS_SECONDS } from '../../replay/index.ts'
import {
  type FaultSink,
  knobsOf,
  type RuleTrial,
  readThresholds,
  readWindows,
  svgOf,
  type Trial,
  TrialError,
  type Tuning,
  tuneAll,
  usualAround,
  usualThresholds,
} from '../../tune/index.ts'
import { type Command, type Io, readArguments, UsageError, unknownName, wholeNumber } from '../command.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, openLogs } from '../input.ts'
import { counted, json, printable } from '../output.ts'
import { reportEstate, silentText, summaryNotes } from '../replay-report.ts'
import { writeReportFile } from '../summary.ts'
import { tuningText } from '../tune-report.ts'

const USAGE = `Usage: alertproof tune PATH|-… --detections PATH [<options>]

Evaluates log monitors over a recorded log with other thresholds and windows, in one pass, and prints for each how often it alerts,
and the nearest miss: the value nearest to the threshold of a group that never alerted. Given the groups that must alert, it prints
the range of thresholds that alerts for them and for nothing else. Each number is what \`replay\` says of a monitor with that
threshold and window. All other options of the monitor stay. Of a rule of Cloud SIEM, each number that a case compares a query with
is tuned by itself, and a signal counts if it comes to the severity of that case or above.

The log is any number of files and folders, or standard input, in any form that \`replay\` reads.

Options:
  --detections PATH   monitors and rules: a folder or a file, as \`replay\` reads them. May be repeated
  --monitor NAME      tune this monitor or rule only: its slug or name. May be repeated
  --thresholds LIST   numbers and ranges: 5..20, or 0.5,1,2, or 10..100/10 for each tenth (default: about 16 whole numbers
                      from half the present threshold to twice it)
  --windows LIST      5m,10m,1h (default: the present window); of a rule its evaluationWindow
  --expect FILE       the groups for which each monitor must alert, and no others: {"slug": [{"@ip": "203.0.113.9"}]},
                      [{}] for a monitor without groups
${LOG_OPTIONS_USAGE}\
  --lateness SECONDS  events may be this far out of order without effect on the result (default ${DEFAULT_LATENESS_SECONDS})
  --cadence SECONDS   evaluate [t - window, t) at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does)
  --live              evaluate (t - window, t] at each event's own time instead
  --group-limits      leave out the groups that Datadog leaves out
  --silence           treat the time after the newest event as silence
  --strict            fail with exit code 3 if a part of the log could not be read
  --json              print one line of JSON per monitor, or number of a rule: {monitor, kind, query, operator, from, to, days,
                      cells, ranges, obstacles}
  --svg FILE          also write a chart of the alerts a day
  --help              this text

Exit code: 0 if the log was read, 1 if no threshold alerts for all that is expected and for nothing else, 2 if an option is unusable,
3 if a file cannot be read, if a log with text holds no event, or if no monitor or rule can be tuned.

Examples:
  alertproof tune events.jsonl --detections monitors/failed-logins.json --thresholds 5..20 --windows 5m,10m,1h
  alertproof tune archive/ --detections monitors/ --monitor failed-logins --expect attacks.json --svg tuning.svg
`

const MAX_SECONDS = 999_999
const MOST_CELLS = 10_000
const MOST_REPORTED = 5

export const command: Command = {
  name: 'tune',
  summary: 'say what monitors would do with other thresholds and windows',
  usage: USAGE,
  async run(argv, io) {
    const { values, positionals } = readArguments({
      args: [...argv],
      allowPositionals: true,
      options: {
        detections: { type: 'string', multiple: true },
        monitor: { type: 'string', multiple: true, default: [] },
        thresholds: { type: 'string' },
        windows: { type: 'string' },
        expect: { type: 'string' },
        ...LOG_OPTIONS,
        lateness: { type: 'string', default: String(DEFAULT_LATENESS_SECONDS) },
        cadence: { type: 'string' },
        live: { type: 'boolean', default: false },
        'group-limits': { type: 'boolean', default: false },
        silence: { type: 'boolean', default: false },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        svg: { type: 'string' },
      },
    })
    if (positionals.length === 0) throw new UsageError('Give a file or a folder with logs, or - for standard input.')
    if (values.detections === undefined)
      throw new UsageError('Missing --detections PATH: a folder or a file with monitors.')
    if (values.live && values.cadence !== undefined) {
      throw new UsageError('--live evaluates at each event: leave out --cadence.')
    }
    const latenessSeconds = wholeNumber('--lateness', values.lateness, 0, MAX_SECONDS)
    const thresholds = readList('--thresholds', values.thresholds, readThresholds)
    const windows = readList('--windows', values.windows, readWindows)
    const estate = await loadEstate(values.detections)
    reportEstate(estate, io)
    const { monitors, rules } = chosen(estate, values.monitor, values.detections.join(', '), io)
    const all = [...estate.readings, ...estate.ruleReadings]
    const expected = values.expect === undefined ? undefined : await readExpectations(values.expect, all)
    const trials = monitors.map(
      (monitor): Trial => ({
        monitor,
        thresholds: thresholds ?? usualThresholds(monitor),
        windows: windows ?? [monitor.parsed.windowMs],
        expected: expected && (expected.get(monitor.slug) ?? []),
      }),
    )
    const ruleTrials = rules.map(
      (rule): RuleTrial => ({
        ...{ rule, thresholds, windows: windows ?? [rule.evaluationWindowMs] },
        expected: expected && (expected.get(rule.slug) ?? []),
      }),
    )
    checkSize(trials, ruleTrials)
    const input = await openLogs(positionals, values, io, { keep: true, passOver: true })
    const options = {
      latenessSeconds,
      groupLimits: values['group-limits'],
      silenceAfterEnd: values.silence,
      live: values.live,
      ...(values.cadence !== undefined && { cadenceSeconds: wholeNumber('--cadence', values.cadence, 1, MAX_SECONDS) }),
    }
    const faults = new Faults()
    const { tunings, summary, leaders, rules: variants } = await tuneAll(trials, input, options, faults, ruleTrials)
    input.close()
    faults.tell(io)
    for (const [i, tuning] of tunings.entries()) {
      if (values.json) json(io, tuning)
      else io.out(`${i > 0 ? '\n' : ''}${tuningText(tuning, io)}`)
    }
    if (values.svg !== undefined) await writeReportFile(values.svg, svgOf(tunings))
    const notes = [headline(tunings, summary.events), ...new Set(summaryNotes(summary, latenessSeconds))]
    io.err(`${notes.join('\n')}\n${silentText(summary, leaders, variants)}`)
    const untuned = reportUntuned(expected, [...monitors, ...rules], values.monitor.length > 0, io)
    const unread = summary.malformed + summary.partly + input.unreadable
    if (summary.events === 0 && (values.strict || unread > 0)) return 3
    if (values.strict && unread > 0) {
      io.err(`--strict: ${counted(unread, 'part')} of the log could not be read.\n`)
      return 3
    }
    return untuned || tunings.some(({ obstacles }) => obstacles !== undefined) ? 1 : 0
  },
}

function readList(name: string, text: string | undefined, read: (text: string) => number[]): number[] | undefined {
  try {
    return text === undefined ? undefined : read(text)
  } catch (error) {
    if (error instanceof TrialError) throw new UsageError(`${name} ${text}: ${error.message}`)
    throw error
  }
}

/** The monitors and rules that are tuned. A rule without a number to tune is reported. */
function chosen(estate: Estate, names: readonly string[], path: string, io: Io) {
  const all = [...estate.readings, ...estate.ruleReadings]
  const picked = names.map((given) => {
    const found = all.find(({ slug }) => slug === given) ?? all.find(({ name }) => name === given)
    if (found) return found
    throw new UsageError(
      `--monitor: ${unknownName(
        'monitor',
        given,
        all.map(({ slug }) => slug),
      )}`,
    )
  })
  const asked = names.length > 0 ? picked : all
  const isAsked = ({ slug }: { readonly slug: string }) => asked.some((each) => each.slug === slug)
  const rules = estate.rules.filter(isAsked).filter((rule) => {
    if (knobsOf(rule).length > 0) return true
    io.err(`not tuned: ${printable(rule.slug)}: no case compares a query with a number\n`)
    return false
  })
  const monitors = estate.monitors.filter(isAsked)
  if (monitors.length + rules.length === 0) throw new EstateError(`${path}: holds no monitor that can be tuned`)
  return { monitors, rules }
}

function checkSize(trials: readonly Trial[], ruleTrials: readonly RuleTrial[]): void {
  const ofRules = ruleTrials.map(({ rule, thresholds, windows }) => {
    const numbers = knobsOf(rule).map(({ number }) => (thresholds ?? usualAround(number)).length)
    return numbers.reduce((sum, count) => sum + count * windows.length, 0)
  })
  const ofMonitors = trials.map(({ thresholds, windows }) => thresholds.length * windows.length)
  const cells = [...ofMonitors, ...ofRules].reduce((sum, count) => sum + count, 0)
  if (cells <= MOST_CELLS) return
  throw new UsageError(`${counted(cells, 'combination')} of monitor, threshold and window: give at most ${MOST_CELLS}.`)
}

function headline([first]: readonly Tuning[], events: number): string {
  if (!first || first.from === null || first.to === null) return `${counted(events, 'event')}.`
  const days = first.days === 1 ? 'counted as 1 day' : `${first.days.toFixed(1)} days`
  return `${counted(events, 'event')} from ${first.from} to ${first.to}, ${days}.`
}

/** @returns whether something is expected of what is not tuned */
function reportUntuned(
  expected: Expectations | undefined,
  tuned: readonly { readonly slug: string }[],
  isChoice: boolean,
  io: Io,
): boolean {
  const others = [...(expected?.keys() ?? [])].filter((slug) => !tuned.some((each) => each.slug === slug))
  // Whoever names a monitor asks for no other.
  if (isChoice) return false
  for (const slug of others) io.err(`expected and not tuned: ${printable(slug)}\n`)
  return others.length > 0
}

/** What could not be read: the first faults, and how many more there are is said by the notes. */
class Faults implements FaultSink {
  readonly #first: string[] = []

  add(place: string, reason: string): void {
    if (this.#first.length < MOST_REPORTED) this.#first.push(`${printable(`${place} ${reason}`)}\n`)
  }

  clear(): void {
    this.#first.length = 0
  }

  tell(io: Io): void {
    io.err(this.#first.join(''))
  }
}

import {
  type Estate,
  EstateError,
  type Expectations,
  isEvaluated,
  loadEstate,
  readExpectations,
} from '../../estate/index.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { DATADOG_CADENCE_SECONDS, DEFAULT_LATENESS_SECONDS } from '../../replay/index.ts'
import {
  type FaultSink,
  readThresholds,
  readWindows,
  svgOf,
  type Trial,
  TrialError,
  type Tuning,
  tuneAll,
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
threshold and window. All other options of the monitor stay.

The log is any number of files and folders, or standard input, in any form that \`replay\` reads.

Options:
  --detections PATH   monitors: a folder or a file, as \`replay\` reads them. May be repeated
  --monitor NAME      tune this monitor only: its slug or name. May be repeated
  --thresholds LIST   numbers and ranges: 5..20, or 0.5,1,2, or 10..100/10 for each tenth (default: about 16 whole numbers
                      from half the present threshold to twice it)
  --windows LIST      5m,10m,1h (default: the present window)
  --expect FILE       the groups for which each monitor must alert, and no others: {"slug": [{"@ip": "203.0.113.9"}]},
                      [{}] for a monitor without groups
${LOG_OPTIONS_USAGE}\
  --lateness SECONDS  events may be this far out of order without effect on the result (default ${DEFAULT_LATENESS_SECONDS})
  --cadence SECONDS   evaluate [t - window, t) at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does)
  --live              evaluate (t - window, t] at each event's own time instead
  --group-limits      leave out the groups that Datadog leaves out
  --silence           treat the time after the newest event as silence
  --strict            fail with exit code 3 if a part of the log could not be read
  --json              print one line of JSON per monitor: {monitor, query, from, to, days, cells, ranges, obstacles}
  --svg FILE          also write a chart of the alerts a day
  --help              this text

Exit code: 0 if the log was read, 1 if no threshold alerts for all that is expected and for nothing else, 2 if an option is unusable,
3 if a file cannot be read, if nothing in it is an event, or if no monitor can be tuned.

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
    const monitors = chosen(estate, values.monitor, values.detections.join(', '), io)
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
    checkSize(trials)
    const input = await openLogs(positionals, values, io, { keep: true, passOver: true })
    const options = {
      latenessSeconds,
      groupLimits: values['group-limits'],
      silenceAfterEnd: values.silence,
      live: values.live,
      ...(values.cadence !== undefined && { cadenceSeconds: wholeNumber('--cadence', values.cadence, 1, MAX_SECONDS) }),
    }
    const faults = new Faults()
    const { tunings, summary, leaders } = await tuneAll(trials, input, options, faults)
    input.close()
    faults.tell(io)
    for (const [i, tuning] of tunings.entries()) {
      const { operator } = monitors[i]?.parsed ?? {}
      if (values.json) json(io, tuning)
      else io.out(`${i > 0 ? '\n' : ''}${tuningText(tuning, operator ?? '', io)}`)
    }
    if (values.svg !== undefined) await writeReportFile(values.svg, svgOf(tunings))
    const notes = [headline(tunings, summary.events), ...new Set(summaryNotes(summary, latenessSeconds))]
    io.err(`${notes.join('\n')}\n${silentText(summary, leaders, [])}`)
    const untuned = reportUntuned(expected, monitors, values.monitor.length > 0, io)
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

/** The monitors that are tuned. Rules of Cloud SIEM are refused by name. */
function chosen(estate: Estate, names: readonly string[], path: string, io: Io): readonly Monitor[] {
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
  for (const { slug } of asked.filter((each) => 'rule' in each && isEvaluated(each))) {
    io.err(`not tuned: ${printable(slug)}: a rule of Cloud SIEM has cases with conditions, and no single threshold\n`)
  }
  const monitors = estate.monitors.filter(({ slug }) => asked.some((each) => each.slug === slug))
  if (monitors.length === 0) throw new EstateError(`${path}: holds no monitor that can be tuned`)
  return monitors
}

function checkSize(trials: readonly Trial[]): void {
  const cells = trials.reduce((sum, { thresholds, windows }) => sum + thresholds.length * windows.length, 0)
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
  monitors: readonly Monitor[],
  isChoice: boolean,
  io: Io,
): boolean {
  const others = [...(expected?.keys() ?? [])].filter((slug) => !monitors.some((monitor) => monitor.slug === slug))
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

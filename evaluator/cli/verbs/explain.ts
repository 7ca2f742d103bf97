import { stat, writeFile } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { instantOf } from '../../cases/index.ts'
import { EstateError, loadEstate } from '../../estate/index.ts'
import {
  type EventChoice,
  type ExplainOptions,
  explainFrom,
  explainRuleFrom,
  type Line,
  pageOf,
  type Question,
  rulePageOf,
  ruleSvgOf,
  sourceOfInput,
  svgOf,
} from '../../explain/index.ts'
import { InputError } from '../../input-error.ts'
import { unwritableReason } from '../../logs/index.ts'
import type { Monitor } from '../../monitor/monitor.ts'
import { DATADOG_CADENCE_SECONDS, DEFAULT_LATENESS_SECONDS } from '../../replay/index.ts'
import { SearchSyntaxError } from '../../search/search.ts'
import type { SiemRule } from '../../siem/rule.ts'
import { type Command, type Io, readArguments, UsageError, unknownName, wholeNumber } from '../command.ts'
import { LOG_OPTIONS, LOG_OPTIONS_USAGE, openLogs } from '../input.ts'
import { counted, json, paint, printable } from '../output.ts'
import { reportEstate } from '../replay-report.ts'

const usage = `Usage: alertproof explain PATH[:LINE]|-[:LINE]… --detections PATH [<options>]

Says on one page why a monitor did or did not fire: the search term by term, the facets that an event lacks, the value against the
threshold over time, and what the cadence, delays, limits and other settings cost. Of a rule of Cloud SIEM it says the queries term
by term, the conditions of its cases, what each query counts over time, and when its signal opened, rose and closed. It explains
one of:

  PATH:LINE           the event on a line of a file; of other forms than lines the row, record or frame of this number
  --event QUERY       the event that a search finds; of several, the first
  --group FACET:VALUE a group: '@ip:203.0.113.9'. May be repeated, or list several: '@usr.id:7, @sid:a1'. With only some of the
                      facets, the group among them that fired, or came nearest
  --at TIME           an instant in ISO 8601 with its zone; with --group, that group then
  nothing of these    the group that fired first, or came nearest to it

Options:
  --detections PATH   a monitor or a rule, or a folder or file with several, as \`replay\` reads them. May be repeated
  --monitor NAME      which of several, by the name of its file or folder
${LOG_OPTIONS_USAGE}\
  --lateness SECONDS  as for \`replay\` (default ${DEFAULT_LATENESS_SECONDS})
  --follow            evaluate the log in its order: what comes later than --lateness is left out
  --cadence SECONDS   evaluate at this interval (default ${DATADOG_CADENCE_SECONDS}, as Datadog does)
  --live              evaluate at each event
  --group-limits      leave out the groups that Datadog leaves out
  --silence           treat the time after the newest event as silence
  --svg FILE          also write the chart as SVG
  --json              print the facts as one line of JSON: {monitor, asked, verdict, log, event, group, others, groups}; of a rule
                      {rule, asked, …}
  --help              this text

Exit code: 0 if it fired, or was alerting, or a signal was open, 1 if it did not, 2 if an option is unusable, 3 if a file cannot be read, or what is
asked about is not in it.

Examples:
  alertproof explain events.jsonl:7 --detections monitors/failed-logins.json
  alertproof explain events.jsonl --detections monitors/ --monitor failed-logins --group '@ip:203.0.113.9'
  alertproof explain archive/ --detections monitor.json --at 2026-01-12T14:03:00Z --svg chart.svg
`

const MAX_SECONDS = 999_999

export const command: Command = {
  name: 'explain',
  summary: 'say why a monitor did or did not fire',
  usage,
  async run(argv, io) {
    const { values, positionals } = readArguments({
      args: withPlacesLast(argv),
      allowPositionals: true,
      options: {
        detections: { type: 'string', multiple: true },
        monitor: { type: 'string' },
        event: { type: 'string' },
        group: { type: 'string', multiple: true },
        at: { type: 'string' },
        ...LOG_OPTIONS,
        lateness: { type: 'string', default: String(DEFAULT_LATENESS_SECONDS) },
        follow: { type: 'boolean', default: false },
        cadence: { type: 'string' },
        live: { type: 'boolean', default: false },
        'group-limits': { type: 'boolean', default: false },
        silence: { type: 'boolean', default: false },
        svg: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    if (positionals.length === 0) throw new UsageError('Give a file or a folder with logs, or - for standard input.')
    if (values.detections === undefined) {
      throw new UsageError('Missing --detections PATH: a monitor, or a folder or a file with monitors.')
    }
    if (values.live && values.cadence !== undefined) {
      throw new UsageError('--live evaluates at each event: leave out --cadence.')
    }
    const options: ExplainOptions = {
      latenessSeconds: wholeNumber('--lateness', values.lateness, 0, MAX_SECONDS),
      follow: values.follow,
      groupLimits: values['group-limits'],
      silenceAfterEnd: values.silence,
      live: values.live,
      ...(values.cadence !== undefined && { cadenceSeconds: wholeNumber('--cadence', values.cadence, 1, MAX_SECONDS) }),
    }
    const { paths, line } = await pathsOf(positionals)
    const at = values.at === undefined ? undefined : timeOf(values.at)
    const choice = choiceOf(line, values.event, values.group, at)
    const detection = await detectionOf(values.detections, values.monitor, io)
    if ('queries' in detection) checkRuleOptions(values)
    const group = values.group && groupOf(values.group, detection.slug, groupNamesOf(detection))
    const question: Question = {
      ...(choice && { event: choice }),
      ...(group && { group }),
      ...(at !== undefined && { at }),
    }
    const explained = await explainLogs(paths, values, detection, question, options, io)
    print(explained, values.json, io)
    if (values.svg !== undefined) await writeSvg(values.svg, explained.svg())
    return explained.fired ? 0 : 1
  },
}

/** An explanation of a monitor or of a rule, and how it is shown. */
interface Shown {
  readonly fired: boolean
  readonly facts: unknown
  readonly page: readonly Line[]
  readonly more: { readonly places: readonly string[]; readonly count: number }
  svg(): string | undefined
}

function checkRuleOptions(values: { readonly cadence?: string | undefined; readonly 'group-limits': boolean }): void {
  const option = values.cadence !== undefined ? '--cadence' : values['group-limits'] ? '--group-limits' : undefined
  if (option)
    throw new UsageError(`${option} is for monitors: a rule is evaluated at each event, and has no limit of groups.`)
}

/** A line of standard input, which begins as an option does. */
const PLACE_IN_STDIN = /^-:\d+$/

/** `-:7` behind `--`, so that it is read as a path. */
function withPlacesLast(argv: readonly string[]): string[] {
  if (argv.includes('--')) return [...argv]
  const places = argv.filter((word) => PLACE_IN_STDIN.test(word))
  return [...argv.filter((word) => !PLACE_IN_STDIN.test(word)), ...(places.length > 0 ? ['--', ...places] : [])]
}

const groupNamesOf = (detection: Monitor | SiemRule): readonly string[] =>
  'queries' in detection ? detection.groupNames : detection.parsed.by.map(({ name }) => name)

/** The paths of the logs, and the line of one of them that is asked about. */
async function pathsOf(positionals: readonly string[]): Promise<{ paths: string[]; line: EventChoice | undefined }> {
  const paths: string[] = []
  const lines: { file: string; line: number }[] = []
  for (const given of positionals) {
    const [, file, line] = /^(.+):(\d+)$/.exec(given) ?? []
    const isPath = file === undefined || (await stat(given).catch(() => undefined)) !== undefined
    if (isPath) paths.push(given)
    else lines.push({ file, line: Number(line) })
  }
  const [line, ...more] = lines
  if (more.length > 0) throw new UsageError('Give one event: PATH:LINE.')
  if (!line) return { paths, line }
  const isAmong = paths.some((path) => `${resolve(line.file)}${sep}`.startsWith(`${resolve(path)}${sep}`))
  return { paths: isAmong ? paths : [...paths, line.file], line }
}

function timeOf(text: string): number {
  const at = instantOf(text, undefined)
  if (at !== undefined && !Number.isNaN(at)) return at
  throw new UsageError(`--at ${text}: must be a time such as 2026-01-12T14:03:00Z`)
}

function choiceOf(
  line: EventChoice | undefined,
  search: string | undefined,
  groups: readonly string[] | undefined,
  at: number | undefined,
): EventChoice | undefined {
  if (line && search !== undefined) throw new UsageError('Give one event: PATH:LINE or --event.')
  const choice = search === undefined ? line : { search }
  if (!choice) return undefined
  if (groups || at !== undefined)
    throw new UsageError('An event has its own groups and time: leave out --group and --at.')
  return choice
}

/** @throws UsageError unless one monitor or rule is meant @throws InputError if it cannot be evaluated */
async function detectionOf(paths: readonly string[], name: string | undefined, io: Io): Promise<Monitor | SiemRule> {
  const estate = await loadEstate(paths)
  const path = paths.join(', ')
  const { readings, ruleReadings, monitors, rules } = estate
  const all = [...readings, ...ruleReadings]
  const evaluated = [...monitors, ...rules]
  if (name === undefined) reportEstate(estate, io)
  if (name === undefined && evaluated.length !== 1) {
    if (evaluated.length === 0) throw new EstateError(`${path}: holds no monitor that can be evaluated`)
    const slugs = evaluated.map(({ slug }) => slug).join(', ')
    const kinds = [counted(monitors.length, 'monitor'), counted(rules.length, 'rule')].filter(
      (text) => !text.startsWith('0 '),
    )
    throw new UsageError(`${path} holds ${kinds.join(' and ')}: name one with --monitor. They are ${slugs}.`)
  }
  const detection = name === undefined ? evaluated[0] : evaluated.find(({ slug }) => slug === name)
  if (detection) return detection
  const reading = all.find(({ slug }) => slug === name)
  if (!reading)
    throw new UsageError(
      unknownName(
        'monitor',
        name ?? '',
        all.map(({ slug }) => slug),
      ),
    )
  const reasons = [...reading.faults, ...reading.refusals].map(({ place, reason }) => `${place}: ${reason}`)
  throw new InputError(`not evaluated: ${reading.slug}: ${reading.file}: ${reasons.join('; ')}`)
}

/** Reads `@usr.id:7, @sid:a1` by the facets of a group: a value may hold commas and colons. */
function groupOf(texts: readonly string[], slug: string, names: readonly string[]): Record<string, string> {
  if (names.length === 0) throw new UsageError(`${slug} has no groups: leave out --group.`)
  const next = names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')
  const parts = texts.flatMap((text) => text.split(new RegExp(`,\\s*(?=(?:${next}):)`)))
  const group = new Map<string, string>()
  for (const part of parts) {
    const name = names.find((each) => part.startsWith(`${each}:`))
    if (name === undefined) {
      throw new UsageError(`--group ${part}: write FACET:VALUE. ${slug} groups by ${names.join(', ')}.`)
    }
    if (group.has(name))
      throw new UsageError(`--group ${part}: ${name} is given twice, and a group has one value of it.`)
    group.set(name, part.slice(name.length + 1))
  }
  return Object.fromEntries(group)
}

async function explainLogs(
  paths: readonly string[],
  values: Parameters<typeof openLogs>[1],
  detection: Monitor | SiemRule,
  question: Question,
  options: ExplainOptions,
  io: Io,
): Promise<Shown> {
  const input = await openLogs(paths, values, io, { keep: true, passOver: true })
  const [name] = paths
  const source = sourceOfInput(input, options.follow ?? false, paths.length === 1 ? name : undefined)
  try {
    if ('queries' in detection) {
      const { explanation: facts, more } = await explainRuleFrom(source, detection, question, options)
      return { fired: facts.verdict.fired, facts, page: rulePageOf(facts), more, svg: () => ruleSvgOf(facts) }
    }
    const { explanation: facts, more } = await explainFrom(source, detection, question, options)
    return { fired: facts.verdict.fired, facts, page: pageOf(facts), more, svg: () => svgOf(facts) }
  } catch (error) {
    if (error instanceof SearchSyntaxError) throw new UsageError(`--event ${error.query}: ${error.reason}`)
    throw error
  } finally {
    input.close()
  }
}

async function writeSvg(file: string, svg: string | undefined): Promise<void> {
  if (svg === undefined) throw new InputError(`--svg ${file}: there is no value to draw, as no event counts`)
  await writeFile(file, svg).catch((error: unknown) => {
    throw new InputError(`${file} cannot be written: ${unwritableReason(error)}`)
  })
}

function print({ facts, page, more }: Shown, asJson: boolean, io: Io): void {
  if (more.count > 0) {
    const others = more.count > more.places.length ? ', …' : ''
    io.err(
      printable(
        `The search finds ${more.count + 1} events: the first is explained. Others: ${more.places.join(', ')}${others}`,
      ),
    )
    io.err('\n')
  }
  if (asJson) {
    json(io, facts)
    return
  }
  for (const { text, tone } of page) {
    const shown = printable(text)
    io.out(`${tone === undefined ? shown : paint(io, tone, shown)}\n`)
  }
}

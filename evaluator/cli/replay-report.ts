import {
  type Estate,
  type Expectable,
  type Expectations,
  type GroupValues,
  holds,
  isEvaluated,
  type Outcome,
  type Triggers,
} from '../estate/index.ts'
import type { Monitor, MonitorFault, MonitorReading } from '../index.ts'
import type { ReplaySummary } from '../replay/index.ts'
import type { SiemRule } from '../siem/index.ts'
import type { Io } from './command.ts'
import { junitXml } from './junit.ts'
import { counted, printable } from './output.ts'
import { appendSummary, markdownTable, writeReportFile } from './summary.ts'

const MAX_LISTED = 8

/** Lists on stderr the monitors and rules of an estate that are not evaluated, and the settings that were ignored or interpreted. */
export function reportEstate({ readings, ruleReadings, broken, passedOver }: Estate, io: Io): void {
  const lines = broken.map(faultText)
  const all = [...readings, ...ruleReadings]
  for (const reading of all) if (!isEvaluated(reading)) lines.push(`not evaluated: ${reading.slug}: ${whyNot(reading)}`)
  lines.push(...notesOf(readings, 'monitor'), ...notesOf(ruleReadings, 'rule'))
  const stripped = new Set(all.filter(isEvaluated).flatMap((reading) => reading.stripped))
  if (stripped.size > 0) lines.push(`read-only keys of an export left out: ${[...stripped].sort().join(', ')}`)
  if (passedOver.length > 0) lines.push(`no monitor in: ${listText(passedOver)}`)
  if (lines.length > 0) io.err(`${lines.map(printable).join('\n')}\n`)
}

type Reading = Expectable & Pick<MonitorReading, 'file' | 'notes' | 'stripped'>

/** What was ignored or interpreted in those that are evaluated. */
function notesOf(readings: readonly Reading[], noun: string): string[] {
  const evaluated = readings.filter(isEvaluated)
  const notes = new Map<string, number>()
  for (const { notes: found } of evaluated) {
    for (const { place, reason } of found) {
      // The same note on several is printed once, with their number.
      const text = `${place.replace(/^.*?(?=options\.|draft_status$|\w+$)/, '')} ${reason}`
      notes.set(text, (notes.get(text) ?? 0) + 1)
    }
  }
  return [...notes].map(([text, count]) => `${text} (${counted(count, noun)})`)
}

const faultText = ({ file, place, reason }: MonitorFault): string => `${file}: ${place}: ${reason}`

function whyNot({ file, faults, refusals }: Reading): string {
  const all = [...faults, ...refusals]
  return `${file}: ${all.map(({ place, reason }) => `${place}: ${reason}`).join('; ')}`
}

const listText = (items: readonly string[]): string =>
  items.length <= MAX_LISTED
    ? items.join(', ')
    : `${items.slice(0, MAX_LISTED).join(', ')} and ${items.length - MAX_LISTED} more`

function leftOutText(leftOut: number): string {
  const events = leftOut === 1 ? 'an event was' : `${leftOut.toLocaleString('en')} events were`
  return `${events} left out as too late; with a larger --lateness SECONDS all count`
}

/**
 * Prints on stderr which expectations failed.
 * @param leftOut how many relevant events were left out as too late; with any, the result is unknown
 * @returns whether all expectations hold
 */
export function reportOutcomes(outcomes: readonly Outcome[], expected: Expectations, leftOut: number, io: Io): boolean {
  const lines: string[] = []
  for (const { monitor, missing, unexpected, refused } of outcomes) {
    if (refused !== undefined) lines.push(`expected and not evaluated: ${monitor}: ${refused}`)
    else for (const group of missing) lines.push(`missing: ${monitor} did not trigger for ${groupText(group)}`)
    for (const group of unexpected) lines.push(`unexpected: ${monitor} triggered for ${groupText(group)}`)
  }
  if (leftOut > 0) lines.push(`not all counted: ${leftOutText(leftOut)}`)
  if (lines.length === 0) {
    const groups = [...expected.values()].flat().length
    lines.push(`As expected: ${counted(groups, 'group')} triggered, and nothing else.`)
  } else lines.push('The expectations do not hold.')
  io.err(`${lines.join('\n')}\n`)
  return leftOut === 0 && outcomes.every(holds)
}

/** `@ip:203.0.113.9, env:prod`; `*` for a monitor that is not grouped. */
export function groupText(group: GroupValues): string {
  const scope = Object.entries(group).map(([facet, text]) => `${facet}:${printable(text)}`)
  return scope.join(', ') || '*'
}

export interface JunitReport {
  readonly file: string
  readonly startedAt: Date
  readonly seconds: number
}

/**
 * Writes one test case per monitor: failed if its expectation failed, skipped if it was not evaluated. One more case fails
 * if events were left out.
 */
export async function writeReport(
  report: JunitReport,
  readings: readonly Expectable[],
  triggers: Triggers,
  outcomes: readonly Outcome[],
  leftOut: number,
): Promise<void> {
  const cases = readings.map((reading) => {
    const { slug, faults, refusals } = reading
    const evaluated = isEvaluated(reading)
    const outcome = outcomes.find((each) => each.monitor === slug)
    const failures = outcome ? faultsOf(outcome) : []
    const reasons = [...faults, ...refusals].map(({ place, reason }) => `${place}: ${reason}`).join('; ')
    return {
      classname: 'replay',
      name: slug,
      seconds: 0,
      faults: failures,
      ...(evaluated ? { out: JSON.stringify(triggers.of(slug)) } : {}),
      ...(evaluated || failures.length > 0 ? {} : { skipped: reasons }),
    }
  })
  if (leftOut > 0) {
    cases.push({ classname: 'replay', name: 'all events are counted', seconds: 0, faults: [leftOutText(leftOut)] })
  }
  const suite = { name: 'replay', timestamp: report.startedAt.toISOString(), seconds: report.seconds, cases }
  await writeReportFile(report.file, junitXml(suite))
}

function faultsOf({ missing, unexpected, refused }: Outcome): string[] {
  if (refused !== undefined) return [`expected and not evaluated: ${refused}`]
  return [
    ...missing.map((group) => `did not trigger for ${groupText(group)}`),
    ...unexpected.map((group) => `triggered for ${groupText(group)}, which was not expected`),
  ]
}

/**
 * Appends what came of each monitor, as Markdown for the page of a CI job.
 * @param headline the counts of the run
 * @param expects whether something was expected
 */
export function writeSummary(
  file: string,
  headline: string,
  readings: readonly Expectable[],
  triggers: Triggers,
  outcomes: readonly Outcome[],
  leftOut: number,
  expects: boolean,
): Promise<void> {
  const isWhole = leftOut === 0 && outcomes.every(holds)
  const verdict = expects ? (isWhole ? 'as expected' : 'the expectations do not hold') : 'nothing was expected'
  const rows = readings.map((reading) => [
    reading.slug,
    listText(triggers.of(reading.slug).map(groupText)),
    stateOf(reading, outcomes, expects),
  ])
  const notCounted = leftOut > 0 ? [`Not all counted: ${leftOutText(leftOut)}.`] : []
  const table = markdownTable(['monitor', 'triggered for', 'result'], rows)
  return appendSummary(file, [`## alertproof replay: ${verdict}`, headline, ...notCounted, table].join('\n\n'))
}

/** The result of one monitor, in words. */
export function stateOf(reading: Expectable, outcomes: readonly Outcome[], expects: boolean): string {
  const { slug, faults, refusals } = reading
  const outcome = outcomes.find((each) => each.monitor === slug)
  const found = outcome ? faultsOf(outcome) : []
  if (found.length > 0) return found.join('; ')
  if (isEvaluated(reading)) return expects ? 'as expected' : 'evaluated'
  return `not evaluated: ${[...faults, ...refusals].map(({ place, reason }) => `${place}: ${reason}`).join('; ')}`
}

/** What a person should know of how a log was read and evaluated. */
export function summaryNotes(summary: ReplaySummary, latenessSeconds: number): string[] {
  const lines: string[] = []
  if (summary.malformed > 0)
    lines.push(`${counted(summary.malformed, summary.isLines ? 'line' : 'piece')} could not be read as an event.`)
  if (summary.partly > 0) lines.push(`${counted(summary.partly, 'row')} could be read in part only.`)
  if (summary.dropped > 0) {
    lines.push(
      `${counted(summary.dropped, 'event')} that a monitor counts came more than ${latenessSeconds} s late: left out. ` +
        'With a larger --lateness all count.',
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
  return lines
}

/** One line for each monitor or rule that asks for something that no event has. */
export function silentText(
  { silent }: ReplaySummary,
  monitors: readonly Monitor[],
  rules: readonly SiemRule[],
): string {
  const slugs = [...monitors.map(({ slug }) => slug), ...rules.flatMap(({ slug, queries }) => queries.map(() => slug))]
  return [...new Set(slugs)]
    .map((slug) => {
      const found = silent.filter(({ search }) => slugs[search] === slug).map(({ text }) => text)
      const texts = [...new Set(found)].map((text) => (text.endsWith('?') ? text : `${text}.`))
      return texts.length === 0 ? '' : `${printable(`${slug}: ${texts.join(' ')}`)}\n`
    })
    .join('')
}

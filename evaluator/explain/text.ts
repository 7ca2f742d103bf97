import type { State } from '../evaluate/state.ts'
import { chartLines } from './chart.ts'
import type {
  Asked,
  Cost,
  EventFacts,
  EventQuery,
  Explanation,
  FailedTerm,
  GroupFacts,
  GroupName,
  HeldFacts,
  LogFacts,
  MonitorFacts,
  Step,
  TermFacts,
  Verdict,
} from './explanation.ts'
import { nearestTo } from './fact.ts'
import { reasonText } from './reason-text.ts'
import { failedOf } from './terms.ts'
import {
  BEYOND,
  clockOf,
  counted,
  durationWords,
  eachWords,
  groupText,
  hasWords,
  missWords,
  quoted,
  valueText,
  wrapped,
} from './words.ts'

/** A line of the page. */
export interface Line {
  readonly text: string
  readonly tone?: 'bold' | 'red' | 'green' | 'dim'
}

/** One page that says why a monitor did or did not fire. */
export function pageOf(explanation: Explanation): Line[] {
  const { verdict, monitor, event, group } = explanation
  const clock = clockOf(explanation)
  const sections = [
    [{ text: headlineOf(explanation), tone: verdict.fired ? 'green' : 'red' } as const],
    reasonText(explanation, clock.time).flatMap((text) => wrapped(text).map((line) => ({ text: line }))),
    [...monitorLines(monitor), { text: `  ${clock.note}`, tone: 'dim' as const }],
    event ? eventLines(event, clock.time) : [],
    groupsLines(explanation),
    group ? valueLines(explanation, group, clock.time) : [],
    group ? storyLines(explanation, group, clock.time) : [],
    group ? costLines(group, monitor) : [],
    noteLines(explanation, clock.time),
  ]
  return sections.filter((lines) => lines.length > 0).flatMap((lines, i) => (i > 0 ? [{ text: '' }, ...lines] : lines))
}

/** `failed-logins did not fire for shop.jsonl:2.` */
export function headlineOf({
  monitor,
  asked,
  verdict,
  group,
}: Pick<Explanation, 'monitor' | 'asked' | 'verdict' | 'group'>): string {
  const name = groupText(group?.group ?? {})
  const which = asked.event ?? groupText(asked.group ?? {})
  const about = [which && `for ${which}`, asked.at && `at ${asked.at}`].filter(Boolean).join(' ')
  const words = [monitor.slug, verdictWords(verdict, asked), about].filter(Boolean).join(' ')
  if (!verdict.fired || name === '' || name === which) return `${words}.`
  return about === '' ? `${words} for ${name}.` : `${words}, group ${name}.`
}

function verdictWords(verdict: Verdict, asked: Asked): string {
  if (!verdict.fired) return 'did not fire'
  if (verdict.kind === 'triggered') return 'fired'
  return asked.at === null ? 'was already alerting' : 'was alerting'
}

export const heading = (text: string): Line => ({ text, tone: 'bold' })

function monitorLines(monitor: MonitorFacts): Line[] {
  const when = monitor.cadence_seconds === null ? 'at each event' : `each ${eachWords(monitor.cadence_seconds)}`
  const settings = [
    `evaluated ${when} over ${durationWords(monitor.window_seconds)}`,
    monitor.evaluation_delay_seconds > 0 && `evaluation_delay ${durationWords(monitor.evaluation_delay_seconds)}`,
    monitor.by.length > 0 && `new_group_delay ${durationWords(monitor.new_group_delay_seconds)}`,
    `on_missing_data ${monitor.on_missing_data}`,
  ]
  const variables = monitor.queries.map(({ name, search, rollup }) => ({
    text: `  ${name} = ${rollup} of ${search === '' ? '*' : search}`,
  }))
  return [
    heading('The monitor'),
    { text: `  ${monitor.query.replace(/\s+/g, ' ')}` },
    ...(monitor.formula === null ? [] : variables),
    { text: `  ${settings.filter((text) => typeof text === 'string').join(', ')}` },
  ]
}

/** An event, term by term. */
export function eventLines(event: EventFacts, time: (at: string) => string): Line[] {
  const which = event.asked ? `The event ${event.place}` : `The event that comes nearest, ${event.place}`
  const lines: Line[] = [heading(`${which}, at ${time(event.at)}`)]
  for (const query of event.queries) {
    if (query.name !== null) lines.push({ text: `  query ${query.name}${query.counted ? ': it counts' : ''}` })
    lines.push(...queryLines(query, query.name === null ? '  ' : '    '))
  }
  if (event.behind_seconds > 0) {
    lines.push({ text: `  It stands ${durationWords(event.behind_seconds)} behind a newer event in the log.` })
  }
  return lines
}

interface Row extends Line {
  readonly label: string
  readonly note: string
}

function queryLines({ search, facets }: EventQuery, indent: string): Line[] {
  const rows = [
    ...termRows(search, ''),
    ...facets.map(({ facet, use, values, suggestion }) => {
      const holds = values.length > 0
      const missing = `the event has no such field${suggestion === null ? '' : `; did you mean ${suggestion}?`}`
      const label = `${use === 'group' ? 'grouped by' : 'measures'} ${facet}`
      return row(holds, label, holds ? values.map(quoted).join(', ') : missing)
    }),
  ]
  const width = Math.min(40, Math.max(...rows.map(({ label }) => label.length)))
  return rows.map(({ text, label, note, ...rest }) => ({
    text: `${indent}${text}  ${note === '' ? label : `${label.padEnd(width)}  ${note}`}`,
    ...rest,
  }))
}

function row(holds: boolean, label: string, note: string): Row {
  return { text: holds ? 'yes' : 'NO ', label, note, ...(!holds && { tone: 'red' as const }) }
}

function termRows(term: TermFacts, indent: string): Row[] {
  const label = `${indent}${term.text}`
  if (term.kind === 'all') return [row(true, `${indent}*`, 'every event matches')]
  if (term.kind === 'term') return [row(term.holds, label, term.holds ? '' : missText(term))]
  if (term.kind === 'not') return [row(term.holds, label, term.holds ? '' : hasText(failedOf(term)?.values ?? []))]
  const parts = term.parts.flatMap((part) => termRows(part, term.kind === 'and' ? indent : `${indent}  `))
  return term.kind === 'and' ? parts : [row(term.holds, `${indent}one of these:`, ''), ...parts.map(asAlternative)]
}

/** An alternative that fails is no fault where another one holds. */
const asAlternative = ({ tone: _, ...rest }: Row): Row => ({ ...rest, text: rest.text === 'NO ' ? 'no ' : rest.text })

const hasText = (values: readonly string[]): string => (values.length === 0 ? '' : hasWords(values))

function missText(term: Pick<FailedTerm, 'values' | 'suggestion'> & { readonly text: string }): string {
  const has = missWords(term.text, term.values)
  return term.suggestion === null ? has : `${has}; did you mean ${term.suggestion}?`
}

function groupsLines({ others, groups, group }: Explanation): Line[] {
  if (others.length < 2) return []
  const rows = others.map(({ group: name, value, state }) => ({
    text: `  ${state.padEnd(7)}  ${valueText(value).padStart(6)}  ${groupText(name)}${isSame(name, group?.group) ? '  (shown below)' : ''}`,
  }))
  const more = groups > others.length ? [{ text: `  and ${(groups - others.length).toLocaleString('en')} more` }] : []
  return [heading('The groups then'), ...rows, ...more]
}

export const isSame = (one: GroupName, other: GroupName | undefined): boolean =>
  other !== undefined && JSON.stringify(one) === JSON.stringify(other)

function valueLines({ monitor, event }: Explanation, group: GroupFacts, time: (at: string) => string): Line[] {
  if ([...group.evaluations, ...group.values].every(({ value }) => value === null)) return []
  const name = Object.keys(group.group).length > 0 ? ` of ${groupText(group.group)}` : ''
  const what = monitor.formula ?? monitor.queries[0]?.rollup ?? 'value'
  const chart = chartLines(monitor, group, { clock: time, event: event?.asked ? event.at : undefined })
  return [
    heading(`The value${name}: ${what} in ${durationWords(monitor.window_seconds)}`),
    ...chart.map((text) => ({ text })),
  ]
}

const MAX_STEPS = 14
const TRIGGERED: readonly State[] = ['Alert', 'Warn']

/** A moment of a group's story, in words. */
export interface StoryLine {
  readonly at: string
  readonly text: string
}

/** What happened to a group around its verdict. @returns at most 14 lines, and how many more there are */
export function storyOf(
  { verdict, monitor }: Pick<Explanation, 'verdict' | 'monitor'>,
  { story, evaluations, from }: GroupFacts,
  time: (at: string) => string,
): { readonly lines: readonly StoryLine[]; readonly more: number } {
  const about = 'since' in verdict ? verdict.since : 'at' in verdict ? verdict.at : from
  const lines = nearestTo(story, Date.parse(about), MAX_STEPS).map((step) => {
    const parts = isEvaluation(step) ? partsText(step.at, evaluations) : ''
    return { at: step.at, text: `${stepText(step, monitor, time)}${parts}` }
  })
  return { lines, more: story.length - lines.length }
}

function storyLines(explanation: Explanation, group: GroupFacts, time: (at: string) => string): Line[] {
  const { lines, more } = storyOf(explanation, group, time)
  if (lines.length === 0) return []
  const rows = lines.map(({ at, text }) => ({ text: `  ${time(at)}  ${text}` }))
  return [heading('What happened'), ...rows, ...(more > 0 ? [{ text: `  and ${more} more; --json lists them` }] : [])]
}

const isEvaluation = ({ kind }: Step): boolean => kind === 'evaluated' || kind === 'changed' || kind === 'held'

/** Of a formula: what each query measured then. */
function partsText(at: string, evaluations: GroupFacts['evaluations']): string {
  const parts = Object.entries(evaluations.find((each) => each.at === at)?.parts ?? {})
  if (parts.length === 0) return ''
  return ` (${parts.map(([name, value]) => `${name}: ${valueText(value)}`).join(', ')})`
}

function stepText(step: Step, monitor: MonitorFacts, time: (at: string) => string): string {
  const { operator, critical } = monitor
  const limit = `${BEYOND[operator]} ${critical}`
  switch (step.kind) {
    case 'event':
      return 'the event'
    case 'crossed':
      return `the value is ${limit}: ${valueText(step.value)}`
    case 'returned':
      return step.value === null ? 'no value any more' : `the value is not ${limit} any more: ${valueText(step.value)}`
    case 'held':
      return `evaluated: ${valueText(step.value)}, ${holdText(step.held, time)}`
    case 'evaluated':
      return `evaluated: ${valueText(step.value)}`
    case 'changed':
      return `evaluated: ${valueText(step.value)}, ${step.state}${step.notified || !TRIGGERED.includes(step.state) ? '' : ', without a notification of its own'}`
    case 'kept':
      return `no event in the window: on_missing_data ${monitor.on_missing_data} keeps ${step.state}`
    case 'reminded':
      return `a reminder: ${valueText(step.value)}`
    case 'ended':
      return `set to OK by ${step.cause}: no logs for so long`
  }
}

function holdText({ kind, until }: HeldFacts, time: (at: string) => string): string {
  switch (kind) {
    case 'new-group-delay':
      return `held back by new_group_delay until ${time(until ?? '')}`
    case 'first-window':
      return `held back until a whole window has been seen, at ${time(until ?? '')}`
    case 'group-limit':
      return 'left out: beyond the group limits'
    case 'recording-end':
      return 'not counted: only the log has ended'
  }
}

const COSTS: Record<Cost['cause'], (monitor: MonitorFacts) => string> = {
  cadence: ({ cadence_seconds: seconds }) => `until the next evaluation: one each ${eachWords(seconds ?? 0)}`,
  evaluation_delay: ({ evaluation_delay_seconds: seconds }) => `evaluation_delay of ${durationWords(seconds)}`,
  new_group_delay: ({ new_group_delay_seconds: seconds }) => `new_group_delay of ${durationWords(seconds)}`,
  first_window: () => 'until a whole window has been seen',
}

/** How long the alert came after the crossing, and which setting cost how much of it; undefined if nothing did. */
export function costsOf(
  { costs }: GroupFacts,
  monitor: MonitorFacts,
): { readonly total: string; readonly each: readonly { readonly time: string; readonly cause: string }[] } | undefined {
  if (costs.length === 0) return undefined
  const total = durationWords(costs.reduce((sum, { seconds }) => sum + seconds, 0))
  return {
    total: `The alert came ${total} after the value crossed the threshold`,
    each: costs.map(({ cause, seconds }) => ({ time: durationWords(seconds), cause: COSTS[cause](monitor) })),
  }
}

function costLines(group: GroupFacts, monitor: MonitorFacts): Line[] {
  const costs = costsOf(group, monitor)
  if (!costs) return []
  const width = Math.max(...costs.each.map(({ time }) => time.length))
  return [
    heading(costs.total),
    ...costs.each.map(({ time, cause }) => ({ text: `  ${time.padStart(width)}  ${cause}` })),
  ]
}

function noteLines(explanation: Explanation, time: (at: string) => string): Line[] {
  const { log, monitor, group, verdict } = explanation
  const notes = [
    ...logNotes(log, !verdict.fired),
    log.limits && limitNote(log.limits, group, time),
    monitor.draft && 'The monitor is a draft: it is evaluated, and never notifies.',
    group?.triggers.some(({ notified }) => !notified) &&
      `notify_by ${JSON.stringify(monitor.notify_by)}: a group that alerts beside others sends no notification of its own.`,
    verdict.fired &&
      monitor.renotify_minutes === null &&
      'renotify_interval is not set: while the alert lasts, no reminder is sent.',
  ]
  return alsoLines(notes)
}

/** The notes at the end of a page. */
export function alsoLines(notes: readonly (string | false | null | undefined)[]): Line[] {
  const texts = notes.filter((note) => typeof note === 'string')
  return [heading('Also'), ...texts.flatMap((text) => wrapped(text, '  ').map((line) => ({ text: line })))]
}

/** What was read, and which parts did not count. @param areSilentNamed whether terms that matched no event are named */
export const logNotes = (log: Omit<LogFacts, 'limits'>, areSilentNamed: boolean): (string | false)[] => [
  countText(log),
  log.malformed > 0 && `${counted(log.malformed, 'part')} of the log could not be read as an event.`,
  log.late > 0 && `${counted(log.late, 'event')} came too late and were left out.`,
  ...(areSilentNamed ? log.silent.map((text) => `${text}${text.endsWith('?') ? '' : '.'}`) : []),
  ...log.epochs.map(
    ({ unit, key }) =>
      `${key} was read as epoch ${unit}: Datadog reads a number as milliseconds, and would drop these logs.`,
  ),
]

function countText({ events, matched, counted: counting }: Omit<LogFacts, 'limits'>): string {
  const of = `Of ${counted(events, 'event')} in the log`
  if (matched === 0) return `${of} none matches the search.`
  const matching = `${of} ${matched.toLocaleString('en')} ${matched === 1 ? 'matches' : 'match'} the search`
  if (counting === matched) return `${matching}, and ${matched === 1 ? 'counts' : 'all of these count'}.`
  const few =
    counting === 0
      ? 'none of these counts'
      : `${counting.toLocaleString('en')} of these ${counting === 1 ? 'counts' : 'count'}`
  return `${matching}, and ${few}.`
}

function limitNote(
  { since, beyond }: NonNullable<Explanation['log']['limits']>,
  group: GroupFacts | null,
  time: (at: string) => string,
): string {
  const here =
    group?.beyond_limits === true
      ? ' This group is one of those that Datadog leaves out.'
      : group?.beyond_limits === false
        ? ' This group is not left out when it would fire.'
        : ''
  return `From ${time(since)} on, there are up to ${beyond.toLocaleString('en')} more groups than Datadog evaluates.${here}`
}

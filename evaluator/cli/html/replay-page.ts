import { type Expectable, isEvaluated, type Outcome } from '../../estate/index.ts'
import type { RuleExplanation } from '../../explain/rule/index.ts'
import { BEYOND, clockOf, valueText } from '../../explain/words.ts'
import type { Monitor } from '../../index.ts'
import type { ReplaySummary } from '../../replay/index.ts'
import type { MonitorStandings, Story } from '../../report/index.ts'
import type { SiemRule } from '../../siem/index.ts'
import { counted } from '../output.ts'
import { groupText, stateOf } from '../replay-report.ts'
import type { ChangeList, ChangesOf } from './changes.ts'
import { type Html, html, type Part, table } from './html.ts'
import { page } from './page.ts'
import { ruleStorySection, storySection } from './story.ts'

/** What the report of a replay shows. */
export interface ReplayReport {
  /** As they were named. */
  readonly logs: readonly string[]
  readonly detections: readonly string[]
  /** When monitors were evaluated, in words. */
  readonly evaluation: string
  readonly summary: ReplaySummary
  /** What a person should know of how the log was read, and what no event has. */
  readonly notes: readonly string[]
  readonly readings: readonly Expectable[]
  readonly changes: ChangeList
  readonly standings: (monitor: Monitor) => MonitorStandings
  readonly stories: ReadonlyMap<Monitor, readonly Story[]>
  readonly ruleStories: ReadonlyMap<SiemRule, readonly RuleExplanation[]>
  /** Undefined if nothing was expected. */
  readonly outcomes: readonly Outcome[] | undefined
  /** Whether everything is as expected. */
  readonly holds: boolean
}

/** The report of a replay as one page of HTML that needs no other file. */
export function replayPage(report: ReplayReport): string {
  const { logs, summary, readings, outcomes, holds, notes } = report
  const { oldest, newest, events } = summary
  const isEmpty = events === 0
  const span = { first: isEmpty ? null : isoTime(oldest), last: isEmpty ? null : isoTime(newest) }
  const clock = clockOf({ log: span, group: null })
  const evaluated = readings.filter(isEvaluated)
  const verdict = holds ? html`<b class="good">as expected</b>` : html`<b class="bad">the expectations do not hold</b>`
  const facts: [string, Part][] = [
    ['Log', logs.join(', ')],
    ['Events', `${counted(events, 'event')}${isEmpty ? '' : `, ${span.first} to ${span.last}`}`],
    ['Detections', report.detections.join(', ')],
    ['Evaluated', report.evaluation],
    ['Alerts', evaluated.reduce((sum, reading) => sum + changesOf(reading, report).alerts, 0)],
    ['Result', outcomes === undefined ? 'nothing was expected' : verdict],
  ]
  return page(
    `Replay of ${logs.join(', ')}`,
    html`<dl>
${facts.map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>\n`)}</dl>
${notes.length > 0 && html`<ul>\n${notes.map((note) => html`<li>${withCode(note)}</li>\n`)}</ul>`}
${overview(report)}
${readings.map((reading, i) => section(reading, i, report, (at) => clock.time(at)))}
<p class="muted">${clock.note[0]?.toUpperCase()}${clock.note.slice(1)}. A value is the one that the monitor measures over its window.</p>`,
  )
}

/** What stands between backticks is code, as in the text that `replay` prints. */
const withCode = (note: string): Part[] =>
  note.split('`').map((text, i, { length }) => {
    if (i % 2 === 0) return text
    return i === length - 1 ? `\`${text}` : html`<code>${text}</code>`
  })

const isoTime = (at: number): string => new Date(at).toISOString()

const changesOf = ({ monitor, rule }: Expectable, { changes }: ReplayReport): ChangesOf =>
  changes.of(monitor ?? rule ?? {})

function overview(report: ReplayReport): Html {
  const { readings, outcomes = [] } = report
  const rows = readings.map((reading, i): Part[] => {
    const { slug, monitor } = reading
    const { alerts } = changesOf(reading, report)
    const { fired, nearest } = monitor ? report.standings(monitor) : { fired: [], nearest: undefined }
    const name = hasSection(reading, report) ? html`<a href="#m${i}">${slug}</a>` : slug
    return [
      name,
      isEvaluated(reading) ? alerts : '-',
      monitor ? fired.length : '-',
      nearest ? valueText(nearest.value) : '-',
      monitor ? limitText(monitor) : '-',
      stateOf(reading, outcomes, report.outcomes !== undefined),
    ]
  })
  const head = ['monitor', 'alerts', 'groups that fired', 'nearest of the others', 'fires', 'result']
  return table('Monitors and rules', head, rows)
}

const limitText = ({ parsed: { operator, threshold } }: Monitor): string => `${BEYOND[operator]} ${threshold}`

const hasSection = (reading: Expectable, report: ReplayReport): boolean =>
  changesOf(reading, report).count > 0 || (reading.monitor !== undefined && report.stories.has(reading.monitor))

function section(reading: Expectable, i: number, report: ReplayReport, time: (at: string) => string): Part {
  if (!hasSection(reading, report)) return null
  const { slug, name, monitor, rule } = reading
  const stories = (monitor && report.stories.get(monitor)) ?? []
  const more = monitor
    ? report.standings(monitor).fired.length - stories.filter(({ verdict }) => verdict.fired).length
    : 0
  return html`
<h2 id="m${i}">${slug}</h2>
<p>${name}</p>
<pre>${monitor ? monitor.query.replace(/\s+/g, ' ') : rule && ruleText(rule)}</pre>
${stories.map((story) => storySection(story, time))}${rule && report.ruleStories.get(rule)?.map((story) => ruleStorySection(story, time))}
${more > 0 && html`<p class="muted">${counted(more, 'more group')} fired. Draw one with <code>explain --group</code>.</p>`}
${transitions(changesOf(reading, report), time)}
`
}

const ruleText = ({ queries, cases }: SiemRule): Part => [
  ...queries.map(({ alias, search }) => html`${alias} = ${search}\n`),
  ...cases.map(({ status, text }) => html`${status}: ${text}\n`),
]

function transitions({ first, count }: ChangesOf, time: (at: string) => string): Part {
  if (count === 0) return null
  const rows = first.map(({ at, transition, group, value, severity }): Part[] => [
    html`<time datetime="${isoTime(at)}">${time(isoTime(at))}</time>`,
    severity === undefined ? transition : `${transition}, ${severity}`,
    valueText(value),
    groupText(group),
  ])
  const more = count - first.length
  return html`<h3>Transitions</h3>
${table('Transitions', ['time', 'transition', 'value', 'group'], rows)}
${more > 0 && html`<p class="muted">and ${more.toLocaleString('en')} more, which <code>replay</code> prints</p>`}`
}

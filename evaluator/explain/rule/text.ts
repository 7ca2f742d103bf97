import { chartLines } from '../chart.ts'
import type { Charted } from '../charted.ts'
import { nearestTo } from '../fact.ts'
import { alsoLines, eventLines, heading, isSame, type Line, logNotes } from '../text.ts'
import { clockOf, durationWords, groupText, valueText, wrapped } from '../words.ts'
import type {
  CaseFacts,
  ConditionFacts,
  QueryValues,
  RuleExplanation,
  RuleFacts,
  RuleGroupFacts,
  RuleStep,
} from './explanation.ts'
import { causeText, ruleReasonText } from './reason-text.ts'

type Time = (at: string) => string

/** One page that says why a rule did or did not fire. */
export function rulePageOf(explanation: RuleExplanation): Line[] {
  const { verdict, rule, event, group } = explanation
  const clock = clockOf(explanation)
  const sections = [
    [{ text: ruleHeadlineOf(explanation), tone: verdict.fired ? 'green' : 'red' } as const],
    ruleReasonText(explanation, clock.time).flatMap((text) => wrapped(text).map((line) => ({ text: line }))),
    [...ruleLines(rule), { text: `  ${clock.note}`, tone: 'dim' as const }],
    event ? eventLines(event, clock.time) : [],
    groupsLines(explanation, clock.time),
    group?.evaluation ? caseLines(group.evaluation.cases, clock.time(group.evaluation.at)) : [],
    group ? valueLines(explanation, group, clock.time) : [],
    group ? storyLines(explanation, group, clock.time) : [],
    noteLines(explanation),
  ]
  return sections.filter((lines) => lines.length > 0).flatMap((lines, i) => (i > 0 ? [{ text: '' }, ...lines] : lines))
}

/** `guessing fired for @ip:203.0.113.9.` */
export function ruleHeadlineOf({ rule, asked, verdict, group }: RuleExplanation): string {
  const name = groupText(group?.group ?? {})
  const which = asked.event ?? groupText(asked.group ?? {})
  const about = [which && `for ${which}`, asked.at && `at ${asked.at}`].filter(Boolean).join(' ')
  const said = !verdict.fired ? 'did not fire' : verdict.kind === 'open' ? 'had an open signal' : 'fired'
  const words = [rule.slug, said, about].filter(Boolean).join(' ')
  if (!verdict.fired || name === '' || name === which) return `${words}.`
  return about === '' ? `${words} for ${name}.` : `${words}, group ${name}.`
}

function ruleLines(rule: RuleFacts): Line[] {
  const queries = rule.queries.map(({ name, search, rollup, by }) => {
    const groups = by.length === 0 ? '' : ` by ${by.join(', ')}`
    return { text: `  ${name} = ${rollup} of ${search === '' ? '*' : search}${groups}` }
  })
  const width = Math.max(...rule.cases.map(({ severity }) => severity.length))
  const cases = rule.cases.map(({ name, severity, condition }) => ({
    text: `  ${severity.padEnd(width)}  ${condition}${name === '' ? '' : `  ${JSON.stringify(name)}`}`,
  }))
  const window =
    rule.window_seconds === 0
      ? 'each event is judged by itself'
      : `at each event over ${durationWords(rule.window_seconds)}`
  const life = `keepAlive ${durationWords(rule.keep_alive_seconds)}, maxSignalDuration ${durationWords(rule.max_signal_seconds)}`
  const signals = rule.signal_by.length === rule.by.length ? [] : [`a signal by ${rule.signal_by.join(', ')}`]
  return [
    heading('The rule'),
    ...queries,
    ...cases,
    { text: `  ${[`evaluated ${window}`, life, ...signals].join(', ').replace('evaluated each event', 'each event')}` },
  ]
}

function groupsLines({ others, groups, group }: RuleExplanation, time: Time): Line[] {
  if (others.length < 2) return []
  const rows = others.map(({ group: name, values, evaluated, severity }) => {
    const counted = `${namedText(values)} at ${time(evaluated)}`
    return {
      text: `  ${(severity ?? '-').padEnd(8)}  ${counted}  ${groupText(name)}${isSame(name, group?.group) ? '  (shown below)' : ''}`,
    }
  })
  const more = groups > others.length ? [{ text: `  and ${(groups - others.length).toLocaleString('en')} more` }] : []
  return [heading('The groups then'), ...rows, ...more]
}

/** The cases, each with its condition part by part. */
function caseLines(cases: readonly CaseFacts[], at: string): Line[] {
  const lines: Line[] = [heading(`The cases at ${at}`)]
  const decided = cases.findIndex((each) => each.decided)
  for (const [i, each] of cases.entries()) {
    const name = each.name === '' ? '' : `  ${JSON.stringify(each.name)}`
    const note = decided >= 0 && i > decided ? ', after the case that decided' : ''
    const tone = each.holds ? {} : { tone: 'red' as const }
    lines.push({ text: `  ${each.holds ? 'yes' : 'NO '}  ${each.severity}${name}${note}`, ...tone })
    lines.push(...partLines(each.parts, '       ', each.holds))
  }
  return lines
}

function partLines(part: ConditionFacts, indent: string, isMet: boolean): Line[] {
  const sign = part.holds ? 'yes' : isMet ? 'no ' : 'NO '
  const tone = part.holds || isMet ? {} : { tone: 'red' as const }
  if (part.kind === 'compare') return [{ text: `${indent}${sign}  ${part.text}: ${namedText(part.values)}`, ...tone }]
  if (part.kind === 'and') return part.parts.flatMap((each) => partLines(each, indent, isMet))
  if (part.kind === 'or') {
    const inner = part.parts.flatMap((each) => partLines(each, `${indent}  `, part.holds))
    return [{ text: `${indent}${sign}  one of these:`, ...tone }, ...inner]
  }
  const [first, after] = part.parts
  return [
    { text: `${indent}${sign}  one after the other, of what is in the window:`, ...tone },
    ...(first ? partLines(first, `${indent}  `, isMet) : []),
    { text: `${indent}     THEN` },
    ...(after ? partLines(after, `${indent}  `, isMet) : []),
  ]
}

const namedText = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${valueText(value)}`)
    .join(', ')

/** A query as charts draw it. */
export function chartedOf(group: RuleGroupFacts, { points }: QueryValues): Charted {
  const changes = group.story.flatMap(({ kind, at }) => {
    const transition =
      kind === 'opened' ? 'Triggered' : kind === 'raised' ? 'Raised' : kind === 'closed' ? 'Closed' : ''
    return transition === '' ? [] : [{ at, transition }]
  })
  const evaluations = points.map((point) => ({ ...point, held: null }))
  return { from: group.from, to: group.to, evaluations, values: [], changes }
}

export const limitOf = ({ limit }: QueryValues) => limit && { operator: limit.operator, critical: limit.number }

function valueLines({ rule, event }: RuleExplanation, group: RuleGroupFacts, clock: Time): Line[] {
  if (rule.window_seconds === 0) return []
  const name = Object.keys(group.group).length > 0 ? ` of ${groupText(group.group)}` : ''
  const style = { clock, event: event?.asked ? event.at : undefined, bars: 'value' }
  return group.values.flatMap((values, i) => {
    const rollup = rule.queries.find((query) => query.name === values.query)?.rollup ?? 'count'
    const lines = chartLines(limitOf(values) ?? undefined, chartedOf(group, values), style)
    const title = heading(`${values.query}${name}: ${rollup} in ${durationWords(rule.window_seconds)}`)
    return [...(i > 0 ? [{ text: '' }] : []), title, ...lines.map((text) => ({ text }))]
  })
}

const MAX_STEPS = 14

function storyLines({ verdict, rule }: RuleExplanation, group: RuleGroupFacts, time: Time): Line[] {
  const { story } = group
  if (story.length === 0) return []
  const about = 'since' in verdict ? verdict.since : 'at' in verdict ? verdict.at : group.from
  const rows = nearestTo(story, Date.parse(about), MAX_STEPS)
  const more = story.length - rows.length
  return [
    heading('What happened'),
    ...rows.map((step) => ({ text: `  ${time(step.at)}  ${stepText(step, rule)}` })),
    ...(more > 0 ? [{ text: `  and ${more} more; --json lists them` }] : []),
  ]
}

function stepText(step: RuleStep, rule: RuleFacts): string {
  switch (step.kind) {
    case 'event':
      return 'the event'
    case 'evaluated':
      return `evaluated: ${namedText(step.values)}: no case holds`
    case 'closed':
      return `the signal closes: ${causeText(step.cause, rule)}`
    default: {
      const what = {
        opened: `a signal opens, ${step.case.severity}`,
        raised: `the signal rises to ${step.case.severity}`,
        prolonged: `a match (${step.case.severity}) keeps the signal open`,
      }
      return `${what[step.kind]}: ${namedText(step.values)}`
    }
  }
}

function noteLines({ log, rule, verdict }: RuleExplanation): Line[] {
  return alsoLines([
    ...logNotes(log, !verdict.fired),
    !rule.enabled && 'The rule is not enabled: Datadog does not evaluate it.',
  ])
}

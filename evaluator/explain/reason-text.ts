import type { EventFacts, Explanation, FailedTerm, LogFacts, NotFired } from './explanation.ts'
import { BEYOND, counted, durationWords, missWords, valueText } from './words.ts'

type Time = (at: string) => string

/** What a reason is about. The facts of the log are absent where its events were not read one by one. */
export type Reasoned = Pick<Explanation, 'verdict' | 'monitor' | 'event' | 'asked'> & Partial<Pick<Explanation, 'log'>>

/** The reason of a verdict, in one or two sentences, and what to do about it. */
export function reasonText(explanation: Reasoned, time: Time): string[] {
  const { verdict, monitor } = explanation
  const limit = `${BEYOND[monitor.operator]} ${monitor.critical}`
  if (!verdict.fired) return notFiredText(verdict, explanation, time)
  if (verdict.kind === 'triggered') {
    const { at, value } = verdict
    const what = value === null ? 'no event was in the window. That counts as 0' : `the value was ${valueText(value)}`
    return [`Why: at the evaluation of ${time(at)} ${what}, which is ${limit}.`]
  }
  const kept = [
    `Without logs, on_missing_data "default" keeps the last status: the alert does not recover, so it cannot trigger again.`,
    'Set on_missing_data to "resolve" to let it recover.',
  ]
  const why = `Why: the alert that began at ${time(verdict.since)} was still on. While it lasts, nothing is triggered anew.`
  return verdict.kept ? [why, ...kept] : [why]
}

function notFiredText(reason: NotFired, explanation: Reasoned, time: Time): string[] {
  const { monitor, event, asked } = explanation
  const limit = `${BEYOND[monitor.operator]} ${monitor.critical}`
  switch (reason.kind) {
    case 'not-matched':
      return [`Why: the event does not match the search. ${failedText(reason.failed)}`]
    case 'no-facet': {
      const use = monitor.by.includes(reason.facet) ? 'by which the monitor groups' : 'which the monitor measures'
      return [noFacetText(reason, event, use)]
    }
    case 'too-late':
      return tooLateText(reason)
    case 'nothing-counted':
      return nothingText(reason, explanation)
    case 'not-begun':
      return [`Why: until then no event counted. The first one counts at ${time(reason.first)}.`]
    case 'new-group-delay':
      return [
        `Why: the value was ${valueText(reason.value)} at ${time(reason.at)}, which is ${limit}, but new_group_delay held the new group back until ${time(reason.until)}.${afterHold(explanation)}`,
        'Set new_group_delay to 0 to evaluate new groups at once.',
      ]
    case 'first-window':
      return [
        `Why: the value was ${limit}, but a monitor on low values is first evaluated when a whole window has been seen, at ${time(reason.until)}.${afterHold(explanation)}`,
      ]
    case 'group-limit':
      return [
        `Why: at ${time(reason.at)} the value was ${valueText(reason.value)}, but the group is beyond the number of groups that Datadog evaluates.`,
        'Group by fewer facets, or narrow the search.',
      ]
    case 'recording-end':
      return [
        `Why: only the end of the log takes the value across the threshold, at ${time(reason.at)}. What comes after the log is not known.`,
        'With --silence the time after the log counts as silence.',
      ]
    case 'missing-data':
      return [
        `Why: at ${time(reason.at)} no event was in the window, and on_missing_data "${reason.setting}" does not count that as 0 here.`,
        ...(reason.setting === 'default' && monitor.by.length > 0
          ? ['A monitor with groups fires on silence only when no group has an event.']
          : []),
      ]
    case 'empty-window':
      return [`Why: at the last evaluation before, at ${time(reason.at)}, no event was in the window.`]
    case 'no-value':
      return [
        `Why: the formula ${monitor.formula ?? ''} had no value at any evaluation, for example at ${time(reason.at)}: a query has no event of the group, or the divisor is 0.`,
        'default_zero(…) around a query counts a missing value as 0.',
      ]
    case 'warned':
      return [
        `Why: it warned at ${time(reason.at)}, when the value was ${valueText(reason.value)}. It alerts when the value is ${limit}.`,
      ]
    case 'not-evaluated-yet':
      return reason.value === null
        ? [`Why: it has not been evaluated yet. The next evaluation is at ${time(reason.next)}.`]
        : [
            `Why: the value came to ${valueText(reason.value)} at ${time(reason.at)}, after the last evaluation. The next one is at ${time(reason.next)}.`,
          ]
    case 'between-evaluations': {
      const { evaluated } = reason
      const then = evaluated ? `, at ${time(evaluated.at)} it was ${valueText(evaluated.value)}` : ''
      return [
        `Why: the value was ${valueText(reason.value)} at ${time(reason.at)}, which is ${limit}, but at no evaluation${then}.`,
        'It is evaluated at intervals only. With --live an evaluation at each event shows it.',
      ]
    }
    case 'not-reached': {
      const fires = `It fires when the value is ${limit}.`
      if (asked.at !== null) return [`Why: the value was ${valueText(reason.value)} at ${time(reason.at)}. ${fires}`]
      const extreme = monitor.operator.startsWith('>')
        ? 'highest'
        : monitor.operator.startsWith('<')
          ? 'lowest'
          : 'nearest'
      const where = event?.asked ? ' of the evaluations that count the event' : ''
      return [`Why: the ${extreme} value${where} was ${valueText(reason.value)}, at ${time(reason.at)}. ${fires}`]
    }
  }
}

/** Which facet an event lacks. @param use what the facet is needed for */
export function noFacetText(
  { facet, suggestion }: Extract<NotFired, { kind: 'no-facet' }>,
  event: EventFacts | null,
  use: string,
): string {
  const facets = event?.queries.flatMap((query) => query.facets) ?? []
  const isText = facets.some((each) => each.facet === facet && each.values.length > 0)
  const meant = suggestion === null ? '' : ` Did you mean ${suggestion}?`
  return `Why: the event matches the search, but it has no ${isText ? 'number in ' : ''}${facet}, ${use}. Such an event is not counted.${meant}`
}

export const tooLateText = ({ behind_seconds: seconds }: Extract<NotFired, { kind: 'too-late' }>): string[] => [
  `Why: the event came ${durationWords(seconds)} late, more than --lateness allows, and was left out.`,
  'Without --follow, or with a larger --lateness, it counts.',
]

/** Why the first evaluation after a hold did not fire. At an instant it may be still to come. */
function afterHold({ asked, monitor }: Reasoned): string {
  if (asked.at !== null) return ''
  if (asked.event !== null) return ' By then the event had left the window.'
  return ` Then the value was not ${BEYOND[monitor.operator]} ${monitor.critical} any more.`
}

/** Which part of a search failed, and why. */
export const failedText = ({ term, values, suggestion }: FailedTerm): string =>
  `The first term that fails is ${term}: ${missWords(term, values)}.${suggestion === null ? '' : ` Did you mean ${suggestion}?`}`

/** Why no event counts. */
export function nothingText(
  { with_group, suggestion }: Extract<NotFired, { kind: 'nothing-counted' }>,
  { log, event }: { readonly log?: Pick<LogFacts, 'events' | 'matched'>; readonly event: EventFacts | null },
): string[] {
  const nearest = event ? [nearestText(event.queries)] : []
  if (with_group === 0) {
    return [`Why: no event has these values.${suggestion === null ? '' : ` Did you mean ${suggestion}?`}`, ...nearest]
  }
  if (with_group !== null) {
    return [
      `Why: ${counted(with_group, 'event')} ${with_group === 1 ? 'has' : 'have'} these values, but none counts.`,
      ...nearest,
    ]
  }
  if (!log) return ['Why: no event counts.', ...nearest]
  if (log.matched === 0) return [`Why: of ${counted(log.events, 'event')} none matches the search.`, ...nearest]
  return [
    `Why: ${counted(log.matched, 'event')} ${log.matched === 1 ? 'matches' : 'match'} the search, but none has every facet.`,
    ...nearest,
  ]
}

function nearestText(queries: EventFacts['queries']): string {
  const matching = queries.find((query) => query.failed === null)
  const failed = matching ? undefined : queries.find((query) => query.failed)?.failed
  if (failed) return failedText(failed).replace('The first term', 'For the event that comes nearest, the first term')
  const facet = (matching ? matching.facets : queries.flatMap(({ facets }) => facets)).find(
    ({ values }) => values.length === 0,
  )
  if (!facet) return 'The event that comes nearest is shown below.'
  const meant = facet.suggestion === null ? '' : ` Did you mean ${facet.suggestion}?`
  return `The event that comes nearest has no ${facet.facet}.${meant}`
}

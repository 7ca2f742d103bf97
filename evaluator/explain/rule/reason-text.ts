import { failedText, noFacetText, nothingText, tooLateText } from '../reason-text.ts'
import { durationWords } from '../words.ts'
import type { CaseFacts, ClosingCause, ConditionFacts, RuleExplanation, SignalFacts } from './explanation.ts'

type Time = (at: string) => string

/** The reason of a verdict about a rule, in one or two sentences. */
export function ruleReasonText(explanation: RuleExplanation, time: Time): string[] {
  const { verdict, event, asked, rule, group } = explanation
  const cases = group?.evaluation?.cases ?? []
  switch (verdict.kind) {
    case 'triggered':
      return [`Why: at ${time(verdict.at)} ${heldText(cases)}. It opened a signal of severity ${verdict.severity}.`]
    case 'raised':
      return [`Why: at ${time(verdict.at)} ${heldText(cases)}. It raised the open signal to ${verdict.severity}.`]
    case 'open': {
      const since = `a signal was open since ${time(verdict.since)}`
      if (!cases.some(({ decided }) => decided)) return [`Why: ${since}.`]
      const at = group?.evaluation?.at ?? verdict.since
      if (asked.at !== null) return [`Why: ${since}. The last match was at ${time(at)}: ${heldText(cases)}.`]
      return [
        `Why: at ${time(at)} ${heldText(cases)}, but ${since}. A match that does not raise the severity only keeps it open.`,
      ]
    }
    case 'not-matched':
      return rule.queries.length === 1
        ? [`Why: the event does not match the search. ${failedText(verdict.failed)}`]
        : [`Why: the event matches none of the queries. For the one that comes nearest: ${failedText(verdict.failed)}`]
    case 'no-facet': {
      const isGroup = rule.queries.some(({ by }) => by.includes(verdict.facet))
      return [noFacetText(verdict, event, isGroup ? 'by which the rule groups' : 'which the rule measures')]
    }
    case 'too-late':
      return tooLateText(verdict)
    case 'nothing-counted':
      return nothingText(verdict, explanation)
    case 'not-begun':
      return [`Why: until then no event counted. The first one counts at ${time(verdict.first)}.`]
    case 'closed':
      return [`Why: the signal was closed after ${time(verdict.at)}, because ${causeText(verdict.cause, rule)}.`]
    case 'not-reached': {
      const where = asked.at !== null ? 'At the last evaluation before' : 'At the evaluation that came nearest'
      const open = event?.asked ? group?.signals.find((signal) => isOpenAt(signal, event.at)) : undefined
      return [
        `Why: no case held. ${where}, at ${time(verdict.at)}, ${missedText(cases)}.`,
        ...(open ? [`A signal was open at the event, since ${time(open.opened)}: the event did not prolong it.`] : []),
      ]
    }
  }
}

const isOpenAt = ({ opened, closed }: SignalFacts, at: string): boolean =>
  opened <= at && (closed === null || at <= closed)

/** What ended a signal. */
export const causeText = (cause: ClosingCause, rule: RuleExplanation['rule']): string =>
  cause === 'keepAlive'
    ? `no case matched for keepAlive, ${durationWords(rule.keep_alive_seconds)}`
    : `it was as old as maxSignalDuration, ${durationWords(rule.max_signal_seconds)}`

/** `the case "x" held: failed > 2 (failed was 3)`. */
function heldText(cases: readonly CaseFacts[]): string {
  const decided = cases.find((each) => each.decided)
  if (!decided) return 'a case held'
  return `${caseText(decided)} held, ${decided.condition}: ${valuesText(comparisonsIn(decided.parts))}`
}

function missedText(cases: readonly CaseFacts[]): string {
  const each = cases.map((one) => {
    const missed = comparisonsIn(one.parts).filter(({ holds }) => !holds)
    if (missed.length === 0) return `${caseText(one)} asks for its two sides in this order: ${one.condition}`
    return `${caseText(one)} lacked ${missed.map(({ text }) => text).join(' and ')}: ${valuesText(missed)}`
  })
  return each.join('; ')
}

const caseText = ({ name, severity }: CaseFacts): string =>
  name === '' ? `the case for ${severity}` : `the case ${JSON.stringify(name)}`

/** The comparisons of a condition. */
const comparisonsIn = (facts: ConditionFacts): ConditionFacts[] =>
  facts.kind === 'compare' ? [facts] : facts.parts.flatMap(comparisonsIn)

function valuesText(comparisons: readonly ConditionFacts[]): string {
  const values = new Map(comparisons.flatMap((each) => Object.entries(each.values)))
  return [...values].map(([name, value]) => `${name} was ${value}`).join(', ')
}

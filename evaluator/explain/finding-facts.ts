import { Lateness } from '../evaluate/lateness.ts'
import type { Asked, EventFacts, NotFired } from './explanation.ts'
import { timeFact } from './fact.ts'
import type { Finding, FoundEvent } from './finding.ts'
import type { Question } from './question.ts'

/** How late an event may come. */
export interface LatenessOptions {
  readonly latenessSeconds?: number
  /** Whether logs are evaluated as they come: what is later than the lateness is left out. */
  readonly follow?: boolean
}

/** @param asked whether the question named the event */
export function eventFactsOf({ reading }: Finding, event: FoundEvent, asked: boolean): EventFacts {
  const { log, place, newestBefore } = event
  const behind = Math.max(0, newestBefore - log.timestamp)
  return { place, at: timeFact(log.timestamp), behind_seconds: behind / 1000, asked, ...reading.facts(log) }
}

export function askedOf({ asked }: Finding, question: Question): Asked {
  const { group = null, at } = question
  return { event: asked?.place ?? null, group, at: at === undefined ? null : timeFact(at) }
}

type NotCounted = Extract<NotFired, { kind: 'not-matched' | 'no-facet' | 'too-late' }>

/**
 * Why an event does not count; undefined if it does.
 * @param queries those that read the event: if none matches, the reason is that of the first
 */
export function whyNotCounted(
  { log, newestBefore }: FoundEvent,
  queries: EventFacts['queries'],
  { follow = false, latenessSeconds }: LatenessOptions,
): NotCounted | undefined {
  if (!queries.some(({ counted }) => counted)) {
    const failed = queries.find((query) => query.failed)?.failed
    const matched = queries.find((query) => query.failed === null)
    if (!matched && failed) return { fired: false, kind: 'not-matched', failed }
    const lacking = matched?.facets.find(({ values }) => values.length === 0) ?? matched?.facets.at(-1)
    return { fired: false, kind: 'no-facet', facet: lacking?.facet ?? '', suggestion: lacking?.suggestion ?? null }
  }
  if (!follow || !new Lateness(latenessSeconds).excludes(log.timestamp, newestBefore)) return undefined
  return { fired: false, kind: 'too-late', behind_seconds: (newestBefore - log.timestamp) / 1000 }
}

type NothingCounted = Extract<NotFired, { kind: 'nothing-counted' }>

export function nothingCounted({ ofGroup, likeGroup }: Finding, { group }: Question): NothingCounted {
  return { fired: false, kind: 'nothing-counted', with_group: group ? ofGroup.seen : null, suggestion: likeGroup }
}

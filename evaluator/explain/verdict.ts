import type { Instants } from '../evaluate/instants.ts'
import type { Pass } from '../evaluate/observer.ts'
import type { Rule } from '../evaluate/state.ts'
import type { Reason, Verdict } from './explanation.ts'
import { timeFact, valueFact } from './fact.ts'
import { isBeyond, shortfall } from './threshold.ts'

/** One group's evaluations, and its value in between. */
export interface Course {
  readonly rule: Rule
  readonly instants: Instants
  /** Every evaluation of the group that found a change, in the order of time. */
  readonly passes: readonly Pass[]
  /** By the same index: the value at each event, or when one leaves, and whether only the end of the recording makes it. */
  readonly live: {
    readonly times: readonly number[]
    readonly values: readonly number[]
    readonly afterEnd: readonly boolean[]
  }
}

/** The evaluations that a question is about. */
export interface Span {
  /** Epoch ms: [from, to]. */
  readonly from: number
  readonly to: number
  /** The times of the live values that belong to them: [from, to]. */
  readonly liveFrom: number
  readonly liveTo: number
}

/** A reason, and the time that it is about. */
export interface Decision {
  readonly verdict: Verdict
  readonly at: number
}

export const isTrigger = ({ before, state }: Pass): boolean => state === 'Alert' && before !== 'Alert'

/** Why the evaluations of a span did or did not fire; undefined if they saw no event. */
export function decide(course: Course, span: Span): Decision | undefined {
  const passes = course.passes.filter(({ at }) => at >= span.from && at <= span.to)
  return fired(course, passes) ?? notFired(course, passes, span)
}

const FOREVER: Span = { from: -Infinity, to: Infinity, liveFrom: -Infinity, liveTo: Infinity }

/**
 * Why a group did or did not fire in the whole log.
 * @returns the time in epoch ms that the verdict is about, and no verdict if no event of the group was seen
 */
export function verdictOn(course: Course): { readonly about: number; readonly verdict?: Verdict } {
  const decision = decide(course, FOREVER)
  if (!decision) return { about: course.passes[0]?.at ?? 0 }
  return { about: decision.at, verdict: decision.verdict }
}

/** Why a group was or was not alerting at an instant; undefined if it had not been evaluated. */
export function decideAt(course: Course, at: number): Decision | undefined {
  const { instants, passes } = course
  const last = passes.findLast((pass) => pass.at <= at)
  if (last?.state === 'Alert') {
    const trigger = passes.findLast((pass) => pass.at <= at && isTrigger(pass))
    const isLatest = trigger && (instants.atLogs ? trigger.at === at : instants.after(trigger.at) > at)
    return isLatest ? triggeredBy(trigger) : alertingSince(course, last)
  }
  const liveAt = course.live.times.findLastIndex((time) => time <= at)
  const value = course.live.values[liveAt] ?? Number.NaN
  const since = crossingBefore(course, at + 1)
  const from = since ?? (last ? undefined : course.live.times[0])
  if (!instants.atLogs && from !== undefined && from <= at && (last?.at ?? 0) < from) {
    const next = instants.after(from + instants.delayMs)
    const reason = {
      kind: 'not-evaluated-yet',
      at: timeFact(from),
      value: valueFact(value),
      next: timeFact(next),
    } as const
    if (next > at) return { verdict: { fired: false, ...reason }, at: from }
  }
  if (!last) return undefined
  const why = notFired(course, [last], { from: last.at, to: at, liveFrom: at, liveTo: at })
  return why ?? { at: last.at, verdict: { fired: false, kind: 'empty-window', at: timeFact(last.at) } }
}

function fired(course: Course, seen: readonly Pass[]): Decision | undefined {
  const trigger = seen.find(isTrigger)
  if (trigger) return triggeredBy(trigger)
  const alerting = seen.find(({ state }) => state === 'Alert')
  return alerting && alertingSince(course, alerting)
}

const triggeredBy = ({ at, value }: Pass): Decision => ({
  at,
  verdict: { fired: true, kind: 'triggered', at: timeFact(at), value: valueFact(value) },
})

function alertingSince({ rule, passes }: Course, alerting: Pass): Decision {
  const since = passes.findLast((pass) => pass.at <= alerting.at && isTrigger(pass)) ?? alerting
  const kept =
    rule.onMissingData === 'default' &&
    passes.some(({ at, entries, state }) => at >= since.at && at <= alerting.at && entries === 0 && state === 'Alert')
  return { at: since.at, verdict: { fired: true, kind: 'alerting', since: timeFact(since.at), kept } }
}

function notFired(course: Course, passes: readonly Pass[], span: Span): Decision | undefined {
  for (const find of [held, betweenEvaluations, missingData, recordingEnd, withoutValue, warned, notReached]) {
    const found = find(course, passes, span)
    if (found) return { verdict: { fired: false, ...found.reason }, at: found.at }
  }
  return undefined
}

type Found = { readonly reason: Reason; readonly at: number } | undefined

/** Whether an evaluation left a group as it was although its value is beyond the threshold. */
export function isHeldBeyond(rule: Rule, { hold, value }: Pass): boolean {
  if (!hold || hold.kind === 'recording-end') return false
  return isBeyond(rule, hold.kind === 'group-limit' ? hold.value : value)
}

function held({ rule }: Course, passes: readonly Pass[]): Found {
  const pass = passes.find((each) => isHeldBeyond(rule, each))
  if (!pass?.hold) return undefined
  const { at, value, hold } = pass
  switch (hold.kind) {
    case 'new-group-delay':
      return { at, reason: { kind: hold.kind, at: timeFact(at), value, until: timeFact(hold.until) } }
    case 'first-window':
      return { at, reason: { kind: hold.kind, until: timeFact(hold.until) } }
    default:
      return {
        at,
        reason: { kind: 'group-limit', at: timeFact(at), value: hold.kind === 'group-limit' ? hold.value : value },
      }
  }
}

function betweenEvaluations({ rule, live }: Course, passes: readonly Pass[], span: Span): Found {
  const i = live.times.findIndex((at, i) => at >= span.liveFrom && at <= span.liveTo && isLiveBeyond({ rule, live }, i))
  const [at, value] = [live.times[i], live.values[i]]
  if (at === undefined || value === undefined) return undefined
  const next = passes.find((pass) => pass.at > at && !Number.isNaN(pass.value))
  const evaluated = next ? { at: timeFact(next.at), value: next.value } : null
  return { at, reason: { kind: 'between-evaluations', at: timeFact(at), value, evaluated } }
}

function missingData({ rule }: Course, passes: readonly Pass[]): Found {
  if (!rule.firesOnLess || rule.kind === 'formula') return undefined
  const pass = passes.find(({ entries, hold }) => entries === 0 && hold === undefined)
  if (!pass) return undefined
  return { at: pass.at, reason: { kind: 'missing-data', at: timeFact(pass.at), setting: rule.onMissingData } }
}

function recordingEnd(_: Course, passes: readonly Pass[]): Found {
  const pass = passes.find(({ hold }) => hold?.kind === 'recording-end')
  return pass && { at: pass.at, reason: { kind: 'recording-end', at: timeFact(pass.at) } }
}

function withoutValue(_: Course, passes: readonly Pass[]): Found {
  const pass = passes.find(({ entries }) => entries > 0)
  if (!pass || !passes.every(({ value }) => Number.isNaN(value))) return undefined
  return { at: pass.at, reason: { kind: 'no-value', at: timeFact(pass.at) } }
}

function warned(_: Course, passes: readonly Pass[]): Found {
  const pass = passes.find(({ state }) => state === 'Warn')
  return pass && { at: pass.at, reason: { kind: 'warned', at: timeFact(pass.at), value: valueFact(pass.value) } }
}

function notReached({ rule }: Course, passes: readonly Pass[]): Found {
  let nearest: Pass | undefined
  for (const pass of passes) {
    if (Number.isNaN(pass.value)) continue
    if (!nearest || shortfall(rule, pass.value) < shortfall(rule, nearest.value)) nearest = pass
  }
  if (!nearest) return undefined
  const { at, value } = nearest
  return { at, reason: { kind: 'not-reached', at: timeFact(at), value } }
}

/** Whether the value at an event is beyond the threshold, and not only because the recording has ended. */
export const isLiveBeyond = ({ rule, live }: Pick<Course, 'rule' | 'live'>, index: number): boolean =>
  live.afterEnd[index] !== true && isBeyond(rule, live.values[index] ?? Number.NaN)

/** Epoch ms at which the value crossed the threshold and stayed beyond it until `before`; undefined if it was not beyond it then. */
export function crossingBefore(course: Course, before: number): number | undefined {
  const { times } = course.live
  let since: number | undefined
  for (let i = times.length - 1; i >= 0; i--) {
    const at = times[i] as number
    if (at >= before) continue
    if (!isLiveBeyond(course, i)) break
    since = at
  }
  return since
}

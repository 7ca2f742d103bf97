import type { Transition } from '../evaluate/notices.ts'
import type { Hold, Pass } from '../evaluate/observer.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Cost, EvaluationFacts, GroupFacts, GroupName, HeldFacts, Step } from './explanation.ts'
import { nearestTo, thinned, timeFact, valueFact } from './fact.ts'
import type { Ending } from './recorder.ts'
import { type Course, crossingBefore, isHeldBeyond, isLiveBeyond, isTrigger } from './verdict.ts'

const MAX_STEPS = 40

/** Epoch ms: [from, to]. */
export interface Period {
  readonly from: number
  readonly to: number
}

export interface GroupCourse extends Course {
  readonly monitor: Monitor
  readonly key: string
  readonly group: GroupName
  readonly endings: readonly Ending[]
  /** Of all groups of the monitor. */
  readonly transitions: readonly Transition[]
}

/**
 * The period that a chart shows: a window and a half before the first time, and one and the evaluation after it behind the last.
 * It begins no earlier than the log. @param begin of the log, epoch ms
 */
export function periodAround(
  { rule: { windowMs }, instants }: Pick<Course, 'rule' | 'instants'>,
  first: number,
  last: number,
  begin: number,
): Period {
  const margin = windowMs / 10
  const from = first - instants.delayMs - 1.5 * windowMs
  const earliest = begin - margin
  return { from: first > earliest ? Math.max(from, earliest) : from, to: last + windowMs + instants.stepMs + margin }
}

/** What became of a group. @param at the time that the verdict is about @param event the time of the event that was asked about */
export function groupFacts(
  course: GroupCourse,
  period: Period,
  at: number,
  event: number | undefined,
): Omit<GroupFacts, 'events' | 'beyond_limits'> {
  const { group, passes, live } = course
  const own = course.transitions.filter((each) => isOf(each, group))
  const isNotified = (pass: Pass) => own.some((each) => each.at === pass.at && each.transition === 'Triggered')
  const isShown = (time: number) => time >= period.from && time <= period.to
  const values = live.times.map((time, i) => ({ at: time, value: live.values[i] ?? Number.NaN }))
  return {
    group,
    triggers: passes.filter(isTrigger).map((pass) => ({
      ...{ at: timeFact(pass.at), value: valueFact(pass.value), notified: isNotified(pass) },
    })),
    changes: own.map(({ transition, at, value }) => ({ at: timeFact(at), transition, value: valueFact(value) })),
    story: storyOf(course, own, period, at, event),
    costs: costsOf(course, at),
    from: timeFact(period.from),
    to: timeFact(period.to),
    evaluations: thinned(around(passes, period, ({ at }) => at)).map((pass) => evaluationOf(pass, course.monitor)),
    values: thinned(values.filter((each) => isShown(each.at))).map((each) => ({
      ...{ at: timeFact(each.at), value: valueFact(each.value) },
    })),
  }
}

/** Whether a notification is about a group: that of groups that are notified together has some of its facets. */
const isOf = ({ group }: Transition, own: GroupName): boolean =>
  Object.entries(group).every(([facet, value]) => own[facet] === value)

function evaluationOf({ at, value, state, entries, hold, parts }: Pass, { parsed }: Monitor): EvaluationFacts {
  const names = parsed.form === 'formula' ? parsed.variables.map(({ name }) => name) : []
  return {
    ...{ at: timeFact(at), value: valueFact(value), state, events: entries },
    held: hold ? heldOf(hold) : null,
    parts: Object.fromEntries(names.map((name, i) => [name, valueFact(parts[i] ?? Number.NaN)])),
  }
}

const heldOf = (hold: Hold): HeldFacts => ({ kind: hold.kind, until: 'until' in hold ? timeFact(hold.until) : null })

/** The items of a period, and the one before, which still holds when it begins. */
function around<T>(items: readonly T[], { from, to }: Period, timeOf: (item: T) => number): T[] {
  const before = items.findLast((item) => timeOf(item) < from)
  const within = items.filter((item) => timeOf(item) >= from && timeOf(item) <= to)
  return before ? [before, ...within] : within
}

function storyOf(
  course: GroupCourse,
  own: readonly Transition[],
  period: Period,
  decisive: number,
  event: number | undefined,
): Step[] {
  const { rule, passes, live, instants } = course
  const steps: (Step & { readonly time: number })[] = []
  const add = (time: number, step: Step) => steps.push({ ...step, time })
  if (event !== undefined) add(event, { kind: 'event', at: timeFact(event) })
  if (!instants.atLogs) {
    let beyond = false
    for (const [i, time] of live.times.entries()) {
      const value = live.values[i] ?? Number.NaN
      const isNow = isLiveBeyond(course, i)
      if (isNow !== beyond)
        add(time, { kind: isNow ? 'crossed' : 'returned', at: timeFact(time), value: valueFact(value) })
      beyond = isNow
    }
  }
  let held: string | undefined
  for (const pass of passes) {
    const { at, before, state } = pass
    const common = { at: timeFact(at), value: valueFact(pass.value) }
    const kind = pass.hold && isHeldBeyond(rule, pass) && state !== 'Alert' ? pass.hold.kind : undefined
    if (pass.hold && kind && kind !== held) add(at, { kind: 'held', ...common, held: heldOf(pass.hold) })
    else if (state !== before) {
      const notified = own.some((each) => each.at === at && !each.transition.startsWith('Re-'))
      add(at, { kind: 'changed', ...common, state, notified })
    } else if (pass.entries === 0 && (state === 'Alert' || state === 'Warn')) {
      add(at, { kind: 'kept', at: timeFact(at), state })
    } else if (at === decisive && !kind) add(at, { kind: 'evaluated', ...common })
    held = kind
  }
  for (const { at, transition, value } of own) {
    if (transition.startsWith('Re-')) add(at, { kind: 'reminded', at: timeFact(at), value: valueFact(value) })
  }
  for (const { at, cause } of course.endings) add(at, { kind: 'ended', at: timeFact(at), cause })
  const shown = steps.filter(({ time }) => time >= period.from && time <= period.to).sort((a, b) => a.time - b.time)
  return nearestTo(shown, decisive, MAX_STEPS).map(({ time: _, ...step }) => step)
}

/** Which setting made the alert come how much later than the value crossed the threshold. */
function costsOf(course: GroupCourse, at: number): Cost[] {
  const trigger = course.passes.find((pass) => pass.at === at && isTrigger(pass))
  if (!trigger) return []
  const { instants, passes } = course
  const { delayMs, atLogs } = instants
  const crossed = crossingBefore(course, atLogs ? at + 1 : at - delayMs)
  if (crossed === undefined) return []
  const costs: Cost[] = []
  let from = crossed
  const add = (cause: Cost['cause'], until: number) => {
    if (until <= from) return
    costs.push({ cause, from: timeFact(from), until: timeFact(until), seconds: (until - from) / 1000 })
    from = until
  }
  if (!atLogs) {
    add('cadence', Math.min(at, instants.after(crossed)))
    add('evaluation_delay', Math.min(at, instants.after(crossed + delayMs)))
  }
  const hold = passes.findLast((pass) => pass.at < at && pass.hold)?.hold
  if (hold?.kind === 'new-group-delay') add('new_group_delay', at)
  if (hold?.kind === 'first-window') add('first_window', at)
  return costs
}

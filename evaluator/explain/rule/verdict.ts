import type { RulePass } from '../../siem/rule-observer.ts'
import { timeFact } from '../fact.ts'
import { shortfallOf } from './conditions.ts'
import { type RuleCourse, signalAt } from './course.ts'
import type { RuleVerdict } from './explanation.ts'

/** A reason, the time that it is about, and the evaluation that decided. */
export interface RuleDecision {
  readonly verdict: RuleVerdict
  readonly at: number
  readonly pass: RulePass | undefined
}

/** Why the evaluations of a period did or did not fire; undefined if there were none. @param from, to epoch ms, both included */
export function decideRule(course: RuleCourse, from: number, to: number): RuleDecision | undefined {
  const passes = course.passes.filter(({ at }) => at >= from && at <= to)
  const best =
    passes.find(({ effect }) => effect === 'opened') ??
    passes.find(({ effect }) => effect === 'raised') ??
    passes.find(({ effect }) => effect === 'prolonged')
  return best ? matched(course, best) : notReached(course, passes)
}

/** Why a signal was or was not open at an instant. */
export function decideRuleAt(course: RuleCourse, at: number): RuleDecision | undefined {
  const open = signalAt(course.signals, at)
  const last = course.passes.findLast((pass) => pass.at <= at)
  if (open && last?.effect !== undefined && last.at === at) return matched(course, last)
  if (open) {
    const pass = course.passes.findLast((each) => each.at <= at && each.effect !== undefined)
    return { verdict: openSince(open), at: pass?.at ?? open.opened, pass }
  }
  const before = course.signals.findLast(({ closed }) => closed !== undefined && closed < at)
  if (before?.closed !== undefined && before.cause !== undefined) {
    const verdict = { fired: false, kind: 'closed', at: timeFact(before.closed), cause: before.cause } as const
    return { verdict, at: before.closed, pass: last }
  }
  return last && notReached(course, [last])
}

function matched({ rule, signals }: RuleCourse, pass: RulePass): RuleDecision {
  const { at, effect } = pass
  const severity = rule.cases[pass.matched]?.status ?? 'info'
  const signal = signalAt(signals, at)
  if (effect === 'prolonged' && signal) return { verdict: openSince(signal), at, pass }
  const kind = effect === 'raised' ? 'raised' : 'triggered'
  return { verdict: { fired: true, kind, at: timeFact(at), severity }, at, pass }
}

const openSince = ({ opened, severity }: { readonly opened: number; readonly severity: SeverityOf }): RuleVerdict => ({
  ...{ fired: true, kind: 'open', since: timeFact(opened), severity },
})
type SeverityOf = Extract<RuleVerdict, { kind: 'open' }>['severity']

function notReached({ rule }: RuleCourse, passes: readonly RulePass[]): RuleDecision | undefined {
  let nearest: RulePass | undefined
  for (const pass of passes) {
    if (!nearest || shortfallOf(rule, pass.values) < shortfallOf(rule, nearest.values)) nearest = pass
  }
  return (
    nearest && {
      ...{ at: nearest.at, pass: nearest },
      verdict: { fired: false, kind: 'not-reached', at: timeFact(nearest.at) },
    }
  )
}

import type { Pass } from '../evaluate/observer.ts'
import { groupOfKey, SHARED_KEY } from '../evaluate/reading.ts'
import { type Rule, SEVERITY } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { checkGroup, exactKeyOf, keysOfGroup } from './asked-group.ts'
import { Evaluations, type ExplainOptions } from './evaluations.ts'
import { readableOfMonitor } from './event.ts'
import type { EventFacts, Explanation, GroupFacts, GroupName, LogFacts, NotFired } from './explanation.ts'
import { timeFact } from './fact.ts'
import { type Finding, type FoundEvent, find } from './finding.ts'
import { askedOf, eventFactsOf, nothingCounted, whyNotCounted } from './finding-facts.ts'
import { type GroupCourse, groupFacts, type Period, periodAround } from './group-facts.ts'
import { monitorFacts } from './monitor-facts.ts'
import type { Question } from './question.ts'
import { Snapshot, Survey } from './recorder.ts'
import type { EventSource } from './source.ts'
import { shortfall } from './threshold.ts'
import { decide, decideAt, type Span, verdictOn } from './verdict.ts'

const MAX_OTHERS = 10

/** An explanation, and the places of further events that the search of the question finds. */
export interface Explained {
  readonly explanation: Explanation
  readonly more: Finding['more']
}

/**
 * Says why a monitor did or did not fire.
 * @throws QuestionError if the log has no event, or not the one that is asked about, or the monitor has no such groups
 */
export async function explainFrom(
  source: EventSource,
  monitor: Monitor,
  question: Question,
  options: ExplainOptions = {},
): Promise<Explained> {
  checkGroup(monitor.slug, namesOf(monitor), question.group)
  const finding = await find(source, readableOfMonitor(monitor), question)
  const explanation = await new Explaining(source, monitor, question, options, finding).explain()
  return { explanation, more: finding.more }
}

class Explaining {
  readonly #monitor: Monitor
  readonly #question: Question
  readonly #options: ExplainOptions
  readonly #finding: Finding
  readonly #rule: Rule
  readonly #evaluations: Evaluations

  constructor(source: EventSource, monitor: Monitor, question: Question, options: ExplainOptions, finding: Finding) {
    this.#monitor = monitor
    this.#question = question
    this.#options = options
    this.#finding = finding
    this.#evaluations = new Evaluations(source, monitor, options)
    this.#rule = this.#evaluations.rule
  }

  async explain(): Promise<Explanation> {
    const { asked } = this.#finding
    if (asked) {
      const why = whyNotCounted(asked, this.#finding.reading.facts(asked.log).queries, this.#options)
      if (why) {
        await this.#evaluations.run()
        return this.#explanation({ verdict: why, event: eventFactsOf(this.#finding, asked, true) })
      }
      return this.#ofEvent(asked)
    }
    return this.#question.at === undefined ? this.#ofGroup() : this.#atInstant(this.#question.at)
  }

  async #ofEvent(asked: FoundEvent): Promise<Explanation> {
    const { windowMs } = this.#rule
    const at = asked.log.timestamp
    const { delayMs, atLogs } = this.#evaluations.instants
    const span: Span = atLogs
      ? { from: at, to: at + windowMs - 1, liveFrom: at, liveTo: at + windowMs - 1 }
      : { from: at + delayMs + 1, to: at + delayMs + windowMs, liveFrom: at, liveTo: at + windowMs - 1 }
    const event = eventFactsOf(this.#finding, asked, true)
    const shared = this.#finding.reading.keysOf(asked.log).includes(SHARED_KEY)
    // An event of a query without groups counts in every group of a formula.
    const key = shared ? await this.#survey(() => true) : await this.#bestOf(this.#keysOf(event), span)
    if (key === undefined) {
      return this.#explanation({ verdict: this.#nothingCounted(), event })
    }
    const course = await this.#evaluations.course(key)
    const decision = decide(course, span)
    const verdict = decision?.verdict ?? this.#nothingCounted()
    const about = decision?.at ?? at
    const period = this.#period(Math.min(at, about), Math.max(at, about))
    return this.#explanation({ verdict, event, group: await this.#groupFacts(course, period, about, at) })
  }

  async #ofGroup(): Promise<Explanation> {
    const { group } = this.#question
    const key = this.#exactKey() ?? (await this.#survey(this.#isAsked(group)))
    const course = key === undefined ? undefined : await this.#evaluations.course(key)
    if (!course || course.passes.length === 0) {
      if (!this.#evaluations.last) await this.#evaluations.run()
      return this.#explanation({ verdict: this.#nothingCounted(), event: this.#nearest() })
    }
    const { about, verdict = this.#nothingCounted() } = verdictOn(course)
    return this.#explanation({ verdict, group: await this.#groupFacts(course, this.#period(about, about), about) })
  }

  async #atInstant(at: number): Promise<Explanation> {
    const snapshot = new Snapshot(at, this.#isAsked(this.#question.group))
    await this.#evaluations.run(snapshot)
    const passes = [...snapshot.passes.values()].filter(({ key }) => key !== SHARED_KEY).sort(this.#byNearness)
    const key = this.#exactKey() ?? passes[0]?.key ?? (await this.#survey(this.#isAsked(this.#question.group)))
    const others = passes.slice(0, MAX_OTHERS).map(({ key, value, state }) => ({
      ...{ group: this.#nameOf(key), value: Number.isNaN(value) ? null : value, state },
    }))
    const course = key === undefined ? undefined : await this.#evaluations.course(key)
    if (!course || course.passes.length === 0) {
      return this.#explanation({ verdict: this.#nothingCounted(), event: this.#nearest() })
    }
    const decision = decideAt(course, at)
    const first = course.live.times[0] ?? course.passes[0]?.at ?? at
    const notBegun: NotFired = { fired: false, kind: 'not-begun', first: timeFact(first) }
    const period = this.#period(at, at)
    return this.#explanation({
      verdict: decision?.verdict ?? notBegun,
      group: await this.#groupFacts(course, period, decision?.at ?? at),
      ...{ others, groups: passes.length },
    })
  }

  #nothingCounted(): NotFired {
    return nothingCounted(this.#finding, this.#question)
  }

  #nearest(): EventFacts | null {
    const { nearest } = this.#finding
    return nearest ? eventFactsOf(this.#finding, nearest, false) : null
  }

  /** The key of the group that was asked about, if all its values are given. */
  #exactKey(): string | undefined {
    return exactKeyOf(namesOf(this.#monitor), this.#question.group)
  }

  #isAsked(group: GroupName | undefined): (key: string) => boolean {
    if (group === undefined) return (key) => key !== SHARED_KEY
    return (key) =>
      key !== SHARED_KEY && Object.entries(group).every(([name, value]) => this.#nameOf(key)[name] === value)
  }

  #nameOf(key: string): GroupName {
    return groupOfKey(this.#monitor.parsed.by, key)
  }

  #keysOf({ groups }: EventFacts): string[] {
    const names = namesOf(this.#monitor)
    return groups.flatMap((group) => keysOfGroup(names, group))
  }

  /** Of several groups, the one that fired first in a span, or came nearest. */
  async #bestOf(keys: readonly string[], { from, to }: Span): Promise<string | undefined> {
    if (keys.length <= 1) return keys[0]
    const wanted = new Set(keys)
    const survey = new Survey(this.#rule, (key) => wanted.has(key))
    const within = { pass: (_: Monitor, pass: Pass) => void (pass.at >= from && pass.at <= to && survey.pass(_, pass)) }
    await this.#evaluations.run({ ...within, begin: () => survey.begin(), ended: () => {} })
    return survey.best?.key ?? keys[0]
  }

  async #survey(isAsked: (key: string) => boolean): Promise<string | undefined> {
    const survey = new Survey(this.#rule, (key) => key !== SHARED_KEY && isAsked(key))
    await this.#evaluations.run(survey)
    return survey.best?.key
  }

  readonly #byNearness = (a: Pass, b: Pass): number => {
    const [one, other] = [a, b].map(({ value }) => (Number.isNaN(value) ? Infinity : shortfall(this.#rule, value)))
    return SEVERITY[b.state] - SEVERITY[a.state] || (one ?? 0) - (other ?? 0) || (a.key < b.key ? -1 : 1)
  }

  async #groupFacts(course: GroupCourse, period: Period, at: number, event?: number): Promise<GroupFacts> {
    const isCounted = this.#exactKey() !== undefined && this.#question.event === undefined
    return {
      ...groupFacts(course, period, at, event),
      events: isCounted ? this.#finding.ofGroup.counted : null,
      beyond_limits: await this.#evaluations.isBeyondLimits(course),
    }
  }

  #period(first: number, last: number): Period {
    return periodAround(this.#evaluations, first, last, Date.parse(this.#finding.facts.first ?? ''))
  }

  #explanation(found: Pick<Explanation, 'verdict'> & Partial<Explanation>): Explanation {
    const nothing = { event: null, group: null, others: [], groups: 0 }
    const monitor = monitorFacts(this.#monitor, this.#rule, this.#options)
    const asked = askedOf(this.#finding, this.#question)
    const { verdict, ...rest } = found
    return { monitor, asked, verdict, log: this.#logFacts(), ...nothing, ...rest }
  }

  #logFacts(): LogFacts {
    const { limits, late = 0, silent = [] } = this.#evaluations.last ?? {}
    const since = limits && { since: timeFact(limits.since), beyond: limits.beyond }
    return { ...this.#finding.facts, late, silent, limits: since ?? null }
  }
}

const namesOf = ({ parsed: { by } }: Monitor): string[] => by.map(({ name }) => name)

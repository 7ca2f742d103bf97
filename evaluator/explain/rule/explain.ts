import type { SiemRule } from '../../siem/rule.ts'
import type { RuleObserver, RulePass } from '../../siem/rule-observer.ts'
import { checkGroup, exactKeyOf, keysOfGroup } from '../asked-group.ts'
import { readableOfRule } from '../event.ts'
import type { EventFacts, GroupName } from '../explanation.ts'
import { timeFact } from '../fact.ts'
import { type Finding, type FoundEvent, find } from '../finding.ts'
import { askedOf, eventFactsOf, type LatenessOptions, nothingCounted, whyNotCounted } from '../finding-facts.ts'
import { rollupText } from '../monitor-facts.ts'
import type { Question } from '../question.ts'
import type { EventSource, RuleRun } from '../source.ts'
import { caseName, namedValues, shortfallOf } from './conditions.ts'
import {
  groupNameOf,
  type RuleCourse,
  RuleRecorder,
  RuleSnapshot,
  RuleSurvey,
  SignalLives,
  signalAt,
} from './course.ts'
import type { RuleExplanation, RuleFacts, RuleGroupState } from './explanation.ts'
import { ruleGroupFacts } from './group-facts.ts'
import { decideRule, decideRuleAt, type RuleDecision } from './verdict.ts'

const MAX_OTHERS = 10

/** How the log of a rule is evaluated: at each event, whatever the cadence of monitors. */
export interface ExplainRuleOptions extends LatenessOptions {
  readonly silenceAfterEnd?: boolean
}

export interface ExplainedRule {
  readonly explanation: RuleExplanation
  readonly more: Finding['more']
}

/**
 * Says why a rule of Cloud SIEM did or did not fire.
 * @throws QuestionError if the log has no event, or not the one that is asked about, or the rule has no such groups
 */
export async function explainRuleFrom(
  source: EventSource,
  rule: SiemRule,
  question: Question,
  options: ExplainRuleOptions = {},
): Promise<ExplainedRule> {
  checkGroup(rule.slug, rule.groupNames, question.group)
  const finding = await find(source, readableOfRule(rule), question)
  const explanation = await new ExplainingRule(source, rule, question, options, finding).explain()
  return { explanation, more: finding.more }
}

class ExplainingRule {
  readonly #source: EventSource
  readonly #rule: SiemRule
  readonly #question: Question
  readonly #options: ExplainRuleOptions
  readonly #finding: Finding
  #last: RuleRun | undefined

  constructor(source: EventSource, rule: SiemRule, question: Question, options: ExplainRuleOptions, finding: Finding) {
    this.#source = source
    this.#rule = rule
    this.#question = question
    this.#options = options
    this.#finding = finding
  }

  async explain(): Promise<RuleExplanation> {
    const { asked } = this.#finding
    if (asked) return this.#ofEvent(asked)
    return this.#question.at === undefined ? this.#ofGroup() : this.#atInstant(this.#question.at)
  }

  async #ofEvent(asked: FoundEvent): Promise<RuleExplanation> {
    const event = eventFactsOf(this.#finding, asked, true)
    const why = this.#whyNotCounted(asked)
    if (why) {
      await this.#run()
      return this.#explanation({ verdict: why, event })
    }
    const from = asked.log.timestamp
    // An event that is as old as the window has left it. A window of 0 holds the events of its instant.
    const to = from + Math.max(this.#rule.evaluationWindowMs, 1) - 1
    const keys = event.groups.map((group) => this.#keyOf(group))
    const key =
      keys.length > 1 ? await this.#survey((pass) => keys.includes(pass.key) && within(pass, from, to)) : keys[0]
    const course = await this.#course(key ?? '')
    const decision = decideRule(course, from, to)
    return this.#decided(course, decision, { event }, from)
  }

  async #ofGroup(): Promise<RuleExplanation> {
    const key = this.#exactKey() ?? (await this.#survey((pass) => this.#isAsked(pass.key)))
    const course = key === undefined ? undefined : await this.#course(key)
    if (!course || course.passes.length === 0) return this.#nothing()
    return this.#decided(course, decideRule(course, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))
  }

  async #atInstant(at: number): Promise<RuleExplanation> {
    const snapshot = new RuleSnapshot(at)
    const { changes } = await this.#run(snapshot)
    const lives = new SignalLives(this.#rule, changes)
    const states = [...snapshot.passes.values()]
      .filter(({ key }) => this.#isAsked(key))
      .map((pass) => {
        const group = groupNameOf(this.#rule, pass.key)
        return { pass, group, signal: signalAt(lives.of(group), at) }
      })
      .filter(({ pass, signal }) => signal !== undefined || pass.at > at - this.#rule.evaluationWindowMs)
      .sort(
        (a, b) =>
          Number(b.signal !== undefined) - Number(a.signal !== undefined) ||
          shortfallOf(this.#rule, a.pass.values) - shortfallOf(this.#rule, b.pass.values) ||
          (a.pass.key < b.pass.key ? -1 : 1),
      )
    const others = states.slice(0, MAX_OTHERS).map(({ pass, group, signal }): RuleGroupState => {
      const values = namedValues(this.#rule, pass.values)
      return { group, values, evaluated: timeFact(pass.at), severity: signal?.severity ?? null }
    })
    const key = this.#exactKey() ?? states[0]?.pass.key ?? (await this.#survey((pass) => this.#isAsked(pass.key)))
    const course = key === undefined ? undefined : await this.#course(key)
    const [first] = course?.passes ?? []
    if (!course || !first) return this.#nothing()
    const decision = decideRuleAt(course, at) ?? {
      ...{ at, pass: undefined },
      verdict: { fired: false, kind: 'not-begun', first: timeFact(first.at) },
    }
    return this.#decided(course, decision, { others, groups: states.length }, undefined, at)
  }

  async #decided(
    course: RuleCourse,
    decision: RuleDecision | undefined,
    found: Partial<RuleExplanation> = {},
    event?: number,
    about = decision?.at ?? event ?? 0,
  ): Promise<RuleExplanation> {
    const at = decision?.at ?? about
    const isOpen = signalAt(course.signals, Math.max(at, about)) !== undefined
    const period = this.#period(Math.min(at, about, event ?? at), Math.max(at, about), isOpen)
    const counted = this.#exactKey() !== undefined && this.#question.event === undefined
    const group = {
      ...ruleGroupFacts(course, period, at, decision?.pass, event),
      events: counted ? this.#finding.ofGroup.counted : null,
    }
    return this.#explanation({ verdict: decision?.verdict ?? this.#nothingCounted(), group, ...found })
  }

  async #nothing(): Promise<RuleExplanation> {
    if (!this.#last) await this.#run()
    const { nearest } = this.#finding
    const event = nearest ? eventFactsOf(this.#finding, nearest, false) : null
    return this.#explanation({ verdict: this.#nothingCounted(), event })
  }

  /** Of several queries that do not match, the one of which the event has most comes first. */
  #whyNotCounted(event: FoundEvent) {
    const { queries } = this.#finding.reading.facts(event.log)
    const nearestFirst = queries.toSorted((a, b) => failures(a.search) - failures(b.search))
    return whyNotCounted(event, nearestFirst, this.#options)
  }

  #nothingCounted(): ReturnType<typeof nothingCounted> {
    return nothingCounted(this.#finding, this.#question)
  }

  async #run(observer?: RuleObserver): Promise<RuleRun> {
    const { latenessSeconds, silenceAfterEnd = false } = this.#options
    const options = {
      ...(latenessSeconds === undefined ? {} : { latenessSeconds }),
      ...{ silenceAfterEnd, ...(observer && { ruleObserver: observer }) },
    }
    this.#last = await this.#source.replayRule(this.#rule, options)
    return this.#last
  }

  async #course(key: string): Promise<RuleCourse> {
    const recorder = new RuleRecorder(key)
    const { changes } = await this.#run(recorder)
    const group = groupNameOf(this.#rule, key)
    const { passes, entries } = recorder
    return { rule: this.#rule, key, group, passes, entries, signals: new SignalLives(this.#rule, changes).of(group) }
  }

  async #survey(isAsked: (pass: RulePass) => boolean): Promise<string | undefined> {
    const survey = new RuleSurvey(isAsked)
    await this.#run(survey)
    return survey.best?.key
  }

  /** The key of the group that was asked about, if all its values are given. */
  #exactKey(): string | undefined {
    return exactKeyOf(this.#rule.groupNames, this.#question.group)
  }

  #keyOf(group: GroupName): string {
    return keysOfGroup(this.#rule.groupNames, group)[0] ?? ''
  }

  #isAsked(key: string): boolean {
    const { group } = this.#question
    if (group === undefined) return true
    const name = groupNameOf(this.#rule, key)
    return Object.entries(group).every(([facet, value]) => name[facet] === value)
  }

  /** A window and a half before the first time and after the last; the end of an open signal; no earlier than the log. */
  #period(first: number, last: number, isOpen: boolean) {
    const windowMs = Math.max(this.#rule.evaluationWindowMs, 60_000)
    const begin = Date.parse(this.#finding.facts.first ?? '') - windowMs / 10
    const from = first - 1.5 * windowMs
    return {
      from: first > begin ? Math.max(from, begin) : from,
      to: last + 1.5 * windowMs + (isOpen ? this.#rule.keepAliveMs : 0),
    }
  }

  #explanation(found: Pick<RuleExplanation, 'verdict'> & Partial<RuleExplanation>): RuleExplanation {
    const asked = askedOf(this.#finding, this.#question)
    const log = { ...this.#finding.facts, late: this.#last?.late ?? 0, silent: this.#last?.silent ?? [] }
    const { verdict, ...rest } = found
    const nothing = { event: null, group: null, others: [], groups: 0 }
    return { rule: ruleFacts(this.#rule), asked, verdict, log, ...nothing, ...rest }
  }
}

const within = ({ at }: RulePass, from: number, to: number): boolean => at >= from && at <= to

const failures = ({ kind, holds, parts }: EventFacts['queries'][number]['search']): number =>
  holds ? 0 : kind === 'and' ? parts.reduce((sum, part) => sum + failures(part), 0) : 1

/** What a rule is, with its defaults. */
function ruleFacts(rule: SiemRule): RuleFacts {
  const { slug, name, isEnabled, queries, cases, groupNames, signalBy } = rule
  return {
    ...{ slug, name, enabled: isEnabled },
    queries: queries.map(({ alias, search, rollup, distinct = [], by }) => ({
      ...{ name: alias, search, by: by.map((facet) => facet.name) },
      rollup: [rollupText(rollup), ...distinct.map((facet) => facet.name)].join(', '),
    })),
    cases: cases.map(caseName),
    by: groupNames,
    signal_by: signalBy.flatMap((i) => groupNames[i] ?? []),
    window_seconds: rule.evaluationWindowMs / 1000,
    keep_alive_seconds: rule.keepAliveMs / 1000,
    max_signal_seconds: rule.maxSignalDurationMs / 1000,
  }
}

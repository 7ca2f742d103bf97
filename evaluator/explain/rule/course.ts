import { groupOfKey } from '../../evaluate/reading.ts'
import type { SiemRule } from '../../siem/rule.ts'
import type { RuleEntry, RuleObserver, RulePass } from '../../siem/rule-observer.ts'
import type { SignalChange } from '../../siem/signal.ts'
import type { GroupName } from '../explanation.ts'
import { shortfallOf } from './conditions.ts'
import type { ClosingCause } from './explanation.ts'

/** A signal from its opening to its end; epoch ms. */
export interface SignalLife {
  readonly opened: number
  severity: SignalChange['severity']
  /** Undefined while it is open. The signal is open at this instant, and not after it. */
  closed: number | undefined
  cause: ClosingCause | undefined
}

/** What became of one group of a rule. */
export interface RuleCourse {
  readonly rule: SiemRule
  readonly key: string
  readonly group: GroupName
  /** Every evaluation of the group, in the order of time. */
  readonly passes: readonly RulePass[]
  /** Every value that was counted, in the order of time. */
  readonly entries: readonly RuleEntry[]
  readonly signals: readonly SignalLife[]
}

/** Keeps what enters and each evaluation of one group. */
export class RuleRecorder implements RuleObserver {
  readonly passes: RulePass[] = []
  readonly entries: RuleEntry[] = []
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  begin(): void {
    this.passes.length = 0
    this.entries.length = 0
  }

  entered(_: SiemRule, entry: RuleEntry): void {
    if (entry.key === this.#key) this.entries.push(entry)
  }

  pass(_: SiemRule, pass: RulePass): void {
    if (pass.key === this.#key) this.passes.push(pass)
  }
}

/** Finds, among all groups, the one that opened a signal first, or matched, or came nearest. */
export class RuleSurvey implements RuleObserver {
  best: RulePass | undefined
  #score = Number.NEGATIVE_INFINITY
  readonly #isAsked: (pass: RulePass) => boolean

  constructor(isAsked: (pass: RulePass) => boolean) {
    this.#isAsked = isAsked
  }

  begin(): void {
    this.best = undefined
    this.#score = Number.NEGATIVE_INFINITY
  }

  pass(rule: SiemRule, pass: RulePass): void {
    const score = this.#scoreOf(rule, pass)
    if (score <= this.#score || !this.#isAsked(pass)) return
    this.#score = score
    this.best = pass
  }

  #scoreOf(rule: SiemRule, { effect, values }: RulePass): number {
    if (effect === 'opened') return Number.POSITIVE_INFINITY
    return effect === undefined ? -shortfallOf(rule, values) : Number.MAX_VALUE
  }
}

/** The last evaluation of each group up to an instant. */
export class RuleSnapshot implements RuleObserver {
  readonly passes = new Map<string, RulePass>()
  readonly #until: number

  constructor(until: number) {
    this.#until = until
  }

  begin(): void {
    this.passes.clear()
  }

  pass(_: SiemRule, pass: RulePass): void {
    if (pass.at <= this.#until) this.passes.set(pass.key, pass)
  }
}

/** The name of a group: by the fields of the first query. */
export const groupNameOf = (rule: SiemRule, key: string): GroupName => groupOfKey(rule.queries[0]?.by ?? [], key)

/** The signals of a replay, found by the groups that they belong to. */
export class SignalLives {
  readonly #rule: SiemRule
  readonly #lives = new Map<string, SignalLife[]>()

  constructor(rule: SiemRule, changes: readonly SignalChange[]) {
    this.#rule = rule
    for (const change of changes) this.#add(change)
  }

  /** The signals to which a group belongs: those with its values of `groupSignalsBy`. */
  of(group: GroupName): readonly SignalLife[] {
    return this.#lives.get(this.#keyOf(group)) ?? []
  }

  #keyOf(group: GroupName): string {
    const { signalBy, groupNames } = this.#rule
    return JSON.stringify(signalBy.map((i) => group[groupNames[i] ?? ''] ?? ''))
  }

  #add({ transition, group, at, severity, lastSeen }: SignalChange): void {
    const key = this.#keyOf(group)
    const lives = this.#lives.get(key) ?? []
    this.#lives.set(key, lives)
    const last = lives.at(-1)
    if (transition === 'Triggered' || !last) lives.push({ opened: at, severity, closed: undefined, cause: undefined })
    else if (transition === 'Raised') last.severity = severity
    else {
      last.closed = at
      last.cause = at === lastSeen + this.#rule.keepAliveMs ? 'keepAlive' : 'maxSignalDuration'
    }
  }
}

/** The signal that was open at an instant. */
export const signalAt = (signals: readonly SignalLife[], at: number): SignalLife | undefined =>
  signals.find(({ opened, closed }) => opened <= at && (closed === undefined || at <= closed))

/** The entries in the window of an evaluation. With a window of 0, those of its instant. */
export function entriesAt({ rule, entries }: RuleCourse, at: number): RuleEntry[] {
  const { evaluationWindowMs } = rule
  return entries.filter((entry) => entry.at <= at && (entry.at > at - evaluationWindowMs || entry.at === at))
}

import type { Updated } from '../evaluate/evaluate.ts'
import { Lateness } from '../evaluate/lateness.ts'
import type { IndexedLog } from '../log.ts'
import { evaluatedPart, type SiemRule } from './rule.ts'
import type { RuleObserver } from './rule-observer.ts'
import { type QueryTrack, queryTracks, RuleTrack } from './rule-track.ts'
import type { SignalChange } from './signal.ts'

export interface RuleEvaluatorOptions {
  /** As of an evaluator of monitors. */
  latenessSeconds?: number
  /** Sees each evaluation. */
  observer?: RuleObserver
}

interface Evaluated {
  readonly track: RuleTrack
  readonly queries: readonly QueryTrack[]
}

/**
 * Evaluates rules over a live stream of logs, each at every event that it counts, whatever the cadence of monitors is. A log that comes late,
 * but within the lateness, counts in the window that ends at the newest time.
 */
export class RuleEvaluator {
  /** Logs that a rule did not count only because they came too late. */
  dropped = 0
  readonly #lateness: Lateness
  #rules: readonly Evaluated[]
  #clock = Number.NEGATIVE_INFINITY
  #out: SignalChange[] = []

  readonly #observer: RuleObserver | undefined

  /** @param rules those that are not enabled are left out, as in Datadog */
  constructor(rules: readonly SiemRule[], { latenessSeconds, observer }: RuleEvaluatorOptions = {}) {
    this.#observer = observer
    this.#lateness = new Lateness(latenessSeconds)
    this.#rules = rules.filter(({ isEnabled }) => isEnabled).map((rule) => this.#evaluated(rule))
  }

  /** Evaluates a log. @returns the signals that close before its time, and those that it opens or raises */
  push(log: IndexedLog): SignalChange[] {
    const at = log.timestamp
    if (at > this.#clock) this.#pass(at)
    const isTooLate = this.#lateness.excludes(at, this.#clock)
    let isMissed = false
    for (const { track, queries } of this.#rules) {
      for (const query of queries) {
        query.readers[0]?.(log, (key, value) => {
          if (isTooLate) isMissed = true
          else {
            const group = query.groupOf(key)
            query.add(group.place, group.hold(value), at, this.#clock, log)
          }
        })
      }
      track.settle(this.#clock)
    }
    if (isMissed) this.dropped++
    return this.#take()
  }

  /** Moves time on to `now` (epoch ms) without a log. @returns the signals that close */
  advance(now: number): SignalChange[] {
    this.#pass(now)
    return this.#take()
  }

  /** Epoch ms at which `advance` may next return something; undefined while no signal is open. */
  nextDue(): number | undefined {
    const due = Math.min(Number.POSITIVE_INFINITY, ...this.#rules.map(({ track }) => track.due()))
    return Number.isFinite(due) ? due : undefined
  }

  /**
   * Evaluates these rules from now on, which replace those of the same slug.
   * Decision `edited-rule`, undocumented: a rule whose queries, cases or durations change starts as a new one, with the logs of its
   * window that are there, and is evaluated at the next event that it counts. Its open signals are dropped without a notification,
   * as are those of a rule that is deleted or disabled.
   * @param recent logs that the windows of rules that start may count, in any order
   * @param now epoch ms
   * @returns the signals of the others that close
   */
  update(rules: readonly SiemRule[], recent: Iterable<IndexedLog>, now: number): Updated<SignalChange> {
    if (now > this.#clock) this.#clock = now
    const known = new Map(this.#rules.map((each) => [each.track.rule.slug, each]))
    const starting: Evaluated[] = []
    this.#rules = rules
      .filter(({ isEnabled }) => isEnabled)
      .map((rule) => {
        const evaluated = known.get(rule.slug)
        if (evaluated && evaluatedPart(evaluated.track.rule) === evaluatedPart(rule)) {
          evaluated.track.rule = rule
          evaluated.track.pass(now)
          known.delete(rule.slug)
          return evaluated
        }
        const fresh = this.#evaluated(rule)
        starting.push(fresh)
        return fresh
      })
    const logs = starting.length > 0 ? [...recent].sort((a, b) => a.timestamp - b.timestamp) : []
    for (const { track, queries } of starting) track.startWith(logs, queries, this.#clock)
    const restarted = new Set([...known.keys(), ...starting.map(({ track }) => track.rule.slug)])
    return { changes: this.#take(), restarted: [...restarted] }
  }

  #evaluated(rule: SiemRule): Evaluated {
    const track = new RuleTrack(rule, {
      samples: true,
      emit: (change) => this.#out.push(change),
      observer: this.#observer,
    })
    return { track, queries: queryTracks(track) }
  }

  #pass(now: number): void {
    if (now > this.#clock) this.#clock = now
    for (const { track } of this.#rules) track.pass(now)
  }

  #take(): SignalChange[] {
    const out = this.#out
    this.#out = []
    return out.sort((a, b) => a.at - b.at)
  }
}

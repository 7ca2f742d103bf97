import { Lateness } from '../evaluate/lateness.ts'
import type { IndexedLog } from '../log.ts'
import type { SiemRule } from './rule.ts'
import { type QueryTrack, queryTracks, RuleTrack } from './rule-track.ts'
import type { SignalChange } from './signal.ts'

/**
 * Evaluates rules over a live stream of logs, each at every event that it counts, whatever the cadence of monitors is. A log that comes late,
 * but within the lateness, counts in the window that ends at the newest time.
 */
export class RuleEvaluator {
  /** Logs that a rule did not count only because they came too late. */
  dropped = 0
  readonly #rules: readonly { readonly track: RuleTrack; readonly queries: readonly QueryTrack[] }[]
  readonly #lateness: Lateness
  #clock = Number.NEGATIVE_INFINITY
  #out: SignalChange[] = []

  /** @param rules those that are not enabled are left out, as in Datadog */
  constructor(rules: readonly SiemRule[], { latenessSeconds }: { latenessSeconds?: number } = {}) {
    this.#lateness = new Lateness(latenessSeconds)
    this.#rules = rules
      .filter(({ isEnabled }) => isEnabled)
      .map((rule) => {
        const track = new RuleTrack(rule, { samples: true, emit: (change) => this.#out.push(change) })
        return { track, queries: queryTracks(track) }
      })
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

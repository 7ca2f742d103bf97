import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { evaluatedPartOf } from '../monitor/monitor-reading.ts'
import { cadenceOf, type Evaluation } from './cadence.ts'
import type { GroupLimitReport } from './group-limits.ts'
import { Lateness } from './lateness.ts'
import type { Dropped, Transition } from './notices.ts'
import type { Observer } from './observer.ts'
import { Track } from './track.ts'

export type { Transition } from './notices.ts'

export interface EvaluatorOptions extends Evaluation {
  /** Seconds by which a log may be older than the newest time and still count; 60 by default. */
  latenessSeconds?: number
  /** Whether transitions carry their newest logs; true by default. */
  samples?: boolean
  /** Whether groups beyond Datadog's limits are left out, as in Datadog. They are always reported. */
  groupLimits?: boolean
  /** Called with each group that is dropped at the end of its retention before it has recovered. */
  dropped?: Dropped
  /** Sees each evaluation. Without it no value is computed where no state can change. */
  observer?: Observer
}

/** A monitor that had more groups than Datadog evaluates. */
export interface ExceededLimit extends GroupLimitReport {
  readonly monitor: Monitor
}

/** What an exchange of monitors or rules has caused. */
export interface Updated<T> {
  readonly changes: T[]
  /** The slugs of those that started anew, are new, or were deleted: what was open there is dropped. */
  readonly restarted: readonly string[]
}

/** @returns the monitors that have had too many groups */
export const exceededLimits = (tracks: readonly Track[]): ExceededLimit[] =>
  tracks.flatMap(({ monitor, exceededLimit }) => (exceededLimit ? [{ monitor, ...exceededLimit }] : []))

/**
 * Evaluates monitors over a live stream of logs. It holds no log back, so an alert comes with the log that causes it. A log that
 * comes late, but within the lateness, is counted at its own time.
 */
export class Evaluator {
  /** Logs that a monitor did not count only because they came too late. */
  dropped = 0
  readonly #options: EvaluatorOptions
  readonly #lateness: Lateness
  #tracks: readonly Track[]
  #clock = Number.NEGATIVE_INFINITY
  #out: Transition[] = []

  constructor(monitors: readonly Monitor[], options: EvaluatorOptions = {}) {
    this.#options = options
    this.#lateness = new Lateness(options.latenessSeconds)
    this.#tracks = monitors.map((monitor) => this.#trackOf(monitor))
  }

  /** The monitors that have had more groups than Datadog evaluates. */
  get exceededLimits(): ExceededLimit[] {
    return exceededLimits(this.#tracks)
  }

  /** Evaluates a log. @returns the transitions due by its time and those that it causes, in order of time */
  push(log: IndexedLog): Transition[] {
    const at = log.timestamp
    if (at > this.#clock) {
      this.#clock = at
      for (const track of this.#tracks) track.passUntil(at)
    }
    const tooLate = this.#lateness.excludes(at, this.#clock)
    let missed = false
    for (const track of this.#tracks) {
      track.read(log, (key, value) => {
        if (tooLate) missed = true
        else {
          const group = track.groupOf(key)
          track.add(group.place, group.hold(value), at, this.#clock, log)
        }
      })
      track.settle(this.#clock)
    }
    if (missed) this.dropped++
    return this.#take()
  }

  /** Moves time on to `now` (epoch ms) without a log. @returns the transitions due by then */
  advance(now: number): Transition[] {
    if (now > this.#clock) this.#clock = now
    for (const track of this.#tracks) track.pass(now)
    return this.#take()
  }

  /** Epoch ms at which `advance` may next return a transition; undefined while only a log can cause one. */
  nextDue(): number | undefined {
    const due = this.#tracks.reduce((least, track) => Math.min(least, track.due()), Number.POSITIVE_INFINITY)
    return Number.isFinite(due) ? due : undefined
  }

  /**
   * Evaluates these monitors from now on, which replace those of the same slug.
   * Decision `edited-monitor`: Datadog keeps the groups of a monitor "unless the query is changed" (monitors/faq), and
   * evaluates logs that it has stored. Everything else is undocumented. A monitor whose query or options change starts as a new
   * one, over the stored logs. Its groups and alerts are dropped without a recovery, and a group that exceeds the new threshold
   * triggers in a new cycle. A monitor keeps its groups if only its name, message, tags or priority change. A deleted monitor
   * notifies nobody.
   * @param recent logs that the windows of monitors that start may count, in any order
   * @param now epoch ms
   * @returns the transitions due by then, and those of the monitors that start
   */
  update(monitors: readonly Monitor[], recent: Iterable<IndexedLog>, now: number): Updated<Transition> {
    if (now > this.#clock) this.#clock = now
    const known = new Map(this.#tracks.map((track) => [track.monitor.slug, track]))
    const starting: Track[] = []
    this.#tracks = monitors.map((monitor) => {
      const track = known.get(monitor.slug)
      if (track && evaluatedPartOf(track.monitor) === evaluatedPartOf(monitor)) {
        track.relabel(monitor)
        track.pass(now)
        known.delete(monitor.slug)
        return track
      }
      const fresh = this.#trackOf(monitor)
      starting.push(fresh)
      return fresh
    })
    const logs = starting.length > 0 ? [...recent].sort((a, b) => a.timestamp - b.timestamp) : []
    for (const track of starting) track.startWith(logs, this.#clock)
    const restarted = new Set([...known.keys(), ...starting.map(({ monitor }) => monitor.slug)])
    return { changes: this.#take(), restarted: [...restarted] }
  }

  #trackOf(monitor: Monitor): Track {
    const { live, samples = true, groupLimits = false, dropped, observer } = this.#options
    return new Track(monitor, {
      cadenceMs: cadenceOf(monitor, this.#options),
      historyMs: live ? this.#lateness.ms : 0,
      samples,
      groupLimits,
      emit: (transition) => this.#out.push(transition),
      ...(dropped && { dropped }),
      observer,
    })
  }

  #take(): Transition[] {
    const out = this.#out
    this.#out = []
    return out.length > 1 ? out.sort((a, b) => a.at - b.at) : out
  }
}

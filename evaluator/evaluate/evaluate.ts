import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { cadenceOf, type Evaluation } from './cadence.ts'
import type { GroupLimitReport } from './group-limits.ts'
import { Lateness } from './lateness.ts'
import type { Dropped, Transition } from './notices.ts'
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
}

/** A monitor that had more groups than Datadog evaluates. */
export interface ExceededLimit extends GroupLimitReport {
  readonly monitor: Monitor
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
  readonly #tracks: readonly Track[]
  readonly #lateness: Lateness
  #clock = Number.NEGATIVE_INFINITY
  #out: Transition[] = []

  constructor(monitors: readonly Monitor[], options: EvaluatorOptions = {}) {
    this.#lateness = new Lateness(options.latenessSeconds)
    this.#tracks = monitors.map(
      (monitor) =>
        new Track(monitor, {
          cadenceMs: cadenceOf(monitor, options),
          historyMs: options.live ? this.#lateness.ms : 0,
          samples: options.samples ?? true,
          groupLimits: options.groupLimits ?? false,
          emit: (transition) => this.#out.push(transition),
          ...(options.dropped && { dropped: options.dropped }),
        }),
    )
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

  #take(): Transition[] {
    const out = this.#out
    this.#out = []
    return out.length > 1 ? out.sort((a, b) => a.at - b.at) : out
  }
}

import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { cadenceOf, type Evaluation } from './cadence.ts'
import type { GroupLimitReport } from './group-limits.ts'
import { Lateness } from './lateness.ts'
import type { Dropped, Transition } from './notices.ts'
import { Track } from './track.ts'

export type { Transition } from './notices.ts'

export interface EvaluatorOptions extends Evaluation {
  /** How much older than the newest moment a log may be and still count; by default 60. */
  latenessSeconds?: number
  /** Whether transitions carry their newest logs; true by default. */
  samples?: boolean
  /** Whether groups beyond Datadog's limits are left out, as there; they are reported in any case. */
  groupLimits?: boolean
  /** Called with a group that is dropped after its retention without having recovered. */
  dropped?: Dropped
}

/** What a monitor had more of than Datadog evaluates. */
export interface ExceededLimit extends GroupLimitReport {
  readonly monitor: Monitor
}

/** @returns the monitors that ever had too many groups */
export const exceededLimits = (tracks: readonly Track[]): ExceededLimit[] =>
  tracks.flatMap(({ monitor, exceededLimit }) => (exceededLimit ? [{ monitor, ...exceededLimit }] : []))

/**
 * Evaluates monitors over a live stream of logs. No log is held back, so an alert comes with the log that causes it. A log that
 * comes late, within the lateness, is counted at its own place.
 */
export class Evaluator {
  /** Logs that a monitor would have counted had they not come too late. */
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

  /** What Datadog would not have evaluated so far. */
  get exceededLimits(): ExceededLimit[] {
    return exceededLimits(this.#tracks)
  }

  /** Takes in a log. @returns what it caused, and what its time brought about before it, in order of time */
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
          track.add(group, group.hold(value), at, this.#clock, log)
        }
      })
      track.settle(this.#clock)
    }
    if (missed) this.dropped++
    return this.#take()
  }

  /** Lets time pass to `now` (epoch ms) without a log. @returns recoveries, reminders and cadence evaluations due by then */
  advance(now: number): Transition[] {
    if (now > this.#clock) this.#clock = now
    for (const track of this.#tracks) track.pass(now)
    return this.#take()
  }

  /** Epoch ms at which `advance` may next have something to tell; undefined while only a log can change anything. */
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

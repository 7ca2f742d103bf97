import { cadenceOf } from './evaluate.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'
import type { Entry } from './reading.ts'
import { ReorderBuffer } from './reorder.ts'
import { Track, type Transition } from './track.ts'

export interface ReplayOptions {
  /** Evaluates every so many seconds; unset, at each log's own time. */
  cadenceSeconds?: number
  /** How far out of order logs may come without any effect on the result; 60 unless told. */
  latenessSeconds?: number
}

interface Held {
  readonly at: number
  readonly track: Track
  readonly entries: readonly Entry[]
}

/**
 * Evaluates monitors over recorded logs. Logs are held back for the lateness and taken in by their own time, all of one instant
 * together: the result is the same for any order of arrival within the lateness.
 */
export class Replayer {
  /** Logs that a monitor would have counted had they not come too late. */
  dropped = 0
  /** Epoch ms of the newest log. */
  newest = Number.NEGATIVE_INFINITY
  private readonly tracks: readonly Track[]
  private readonly buffer = new ReorderBuffer<Held>()
  private readonly latenessMs: number
  private readonly emit: (transition: Transition) => void
  private instant = Number.NEGATIVE_INFINITY
  private due = Number.POSITIVE_INFINITY
  private out: Transition[] = []

  constructor(monitors: readonly Monitor[], options: ReplayOptions, emit: (transition: Transition) => void) {
    this.latenessMs = (options.latenessSeconds ?? 60) * 1000
    this.emit = emit
    this.tracks = monitors.map(
      (monitor) =>
        new Track(monitor, {
          cadenceMs: cadenceOf(monitor, options.cadenceSeconds),
          historyMs: 0,
          samples: false,
          emit: (transition) => this.out.push(transition),
        }),
    )
  }

  /** @param at the log's own time, epoch ms */
  push(log: Log, at: number): void {
    this.reach(at)
    const tooLate = at < this.newest - this.latenessMs
    let missed = false
    for (const track of this.tracks) {
      const entries = track.read(log)
      if (entries.length === 0) continue
      missed = true
      if (!tooLate) this.buffer.push({ at, track, entries })
    }
    if (missed && tooLate) this.dropped++
  }

  /** Time has been seen to reach `at`: releases what can no longer be preceded by anything. */
  reach(at: number): void {
    if (at <= this.newest) return
    this.newest = at
    const horizon = at - this.latenessMs
    this.drain(horizon)
    if (this.due < horizon) this.passUntil(horizon)
    this.flush()
  }

  /** No more logs: lets time run on until every group has settled. */
  finish(): void {
    this.drain(Number.POSITIVE_INFINITY)
    this.closeInstant()
    for (const track of this.tracks) track.pass(Number.MAX_SAFE_INTEGER)
    this.flush()
  }

  private drain(horizon: number): void {
    for (let held = this.buffer.takeBefore(horizon); held; held = this.buffer.takeBefore(horizon)) {
      if (held.at !== this.instant) {
        this.passUntil(held.at)
        this.instant = held.at
      }
      held.track.add(held.entries, held.at, held.at)
    }
  }

  private passUntil(at: number): void {
    this.closeInstant()
    this.due = Number.POSITIVE_INFINITY
    for (const track of this.tracks) {
      track.passUntil(at)
      this.due = Math.min(this.due, track.due())
    }
  }

  private closeInstant(): void {
    for (const track of this.tracks) track.settle(this.instant)
  }

  private flush(): void {
    if (this.out.length === 0) return
    const out = this.out.sort((a, b) => a.at - b.at)
    this.out = []
    for (const transition of out) this.emit(transition)
  }
}

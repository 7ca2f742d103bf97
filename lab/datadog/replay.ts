import { cadenceOf } from './evaluate.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'
import { ReorderBuffer } from './reorder.ts'
import { Track, type Transition } from './track.ts'
import type { Group } from './windows.ts'

export interface ReplayOptions {
  /** Evaluates every so many seconds; unset, at each log's own time. */
  cadenceSeconds?: number
  /** How far out of order logs may come without any effect on the result; 60 unless told. */
  latenessSeconds?: number
}

interface Held {
  readonly at: number
  readonly track: Track
  readonly group: Group
  readonly slot: number
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
  /** When a track may next change by itself; at first, all of them have to be started. */
  private due = Number.NEGATIVE_INFINITY
  private first: number | undefined
  private out: Transition[] = []
  /** Whether the instant has entries that are not judged yet. */
  private open = false
  /** Of the log that is being read. */
  private at = 0
  private tooLate = false
  private missed = false
  private reading: Track | undefined

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
    this.at = at
    this.tooLate = at < this.newest - this.latenessMs
    this.missed = false
    for (const track of this.tracks) {
      this.reading = track
      track.read(log, this.take)
    }
    if (this.missed) this.dropped++
  }

  /** Made once: there is one call of it for each event that counts. */
  private readonly take = (key: string, value: string): void => {
    if (this.tooLate) {
      this.missed = true
      return
    }
    const track = this.reading as Track
    const group = track.groupOf(key)
    this.buffer.push({ at: this.at, track, group, slot: group.hold(value) })
  }

  /** Time has been seen to reach `at`: releases what can no longer be preceded by anything. */
  reach(at: number): void {
    if (at <= this.newest) return
    this.newest = at
    const horizon = at - this.latenessMs
    this.first ??= at
    this.drain(horizon)
    if (this.due < horizon && this.first <= horizon) this.passUntil(horizon)
    if (this.out.length > 0) this.flush()
  }

  /** No more logs: lets time run on until every group has settled. */
  finish(): void {
    this.drain(Number.POSITIVE_INFINITY)
    for (const track of this.tracks) track.pass(Number.MAX_SAFE_INTEGER)
    this.flush()
  }

  private drain(horizon: number): void {
    for (let held = this.buffer.takeBefore(horizon); held; held = this.buffer.takeBefore(horizon)) {
      if (held.at !== this.instant) {
        this.closeInstant()
        if (this.due <= held.at) this.passUntil(held.at)
        this.instant = held.at
      }
      held.track.add(held.group, held.slot, held.at, held.at)
      this.open = true
    }
    this.closeInstant()
  }

  private passUntil(at: number): void {
    for (const track of this.tracks) track.passUntil(at)
    this.findDue()
  }

  /** Everything of an instant has been taken in: only now it is judged. */
  private closeInstant(): void {
    if (!this.open) return
    this.open = false
    for (const track of this.tracks) track.settle(this.instant)
    this.findDue()
  }

  private findDue(): void {
    this.due = Number.POSITIVE_INFINITY
    for (const track of this.tracks) {
      const due = track.due()
      if (due < this.due) this.due = due
    }
  }

  private flush(): void {
    if (this.out.length === 0) return
    const out = this.out.sort((a, b) => a.at - b.at)
    this.out = []
    for (const transition of out) this.emit(transition)
  }
}

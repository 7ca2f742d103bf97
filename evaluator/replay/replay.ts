import { cadenceOf, type ExceededLimit, exceededLimits } from '../evaluate/evaluate.ts'
import type { Group } from '../evaluate/group.ts'
import { Lateness } from '../evaluate/lateness.ts'
import type { Transition } from '../evaluate/notices.ts'
import { Track } from '../evaluate/track.ts'
import type { TrackState } from '../evaluate/track-state.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { EventSink } from './event-reader.ts'
import { ReorderBuffer } from './reorder.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { ReplayState } from './replay-state.ts'

const BEGINNING = Number.NEGATIVE_INFINITY
const LONGEST_SILENCE_MS = 7 * 24 * 3_600_000

/**
 * Evaluates monitors over recorded logs. Logs are held back for the lateness and taken in by their own time, all of one instant
 * together: the result is the same for any order of arrival within the lateness.
 */
export class Replayer implements EventSink {
  /** Logs that a monitor would have counted had they not come too late. */
  dropped = 0
  /** Epoch ms of the newest log. */
  newest = Number.NEGATIVE_INFINITY
  readonly #tracks: readonly Track[]
  /** When each track may next change by itself. */
  readonly #dues: Float64Array
  readonly #buffer = new ReorderBuffer()
  readonly #lateness: Lateness
  readonly #silenceAfterEnd: boolean
  readonly #emit: (transition: Transition) => void
  #instant = Number.NEGATIVE_INFINITY
  /** When a track may next change by itself; at first, all of them have to be started. */
  #due = BEGINNING
  #first: number | undefined
  #out: Transition[] = []
  /** Whether the instant has entries that are not judged yet, and of which monitors: 1 for each. */
  #open = false
  readonly #entered: Uint8Array
  /** Of the log that is being read. */
  #at = 0
  #missed = false
  #reading = 0

  constructor(monitors: readonly Monitor[], options: ReplayOptions, emit: (transition: Transition) => void) {
    this.#lateness = new Lateness(options.latenessSeconds)
    this.#silenceAfterEnd = options.silenceAfterEnd ?? false
    this.#emit = emit
    this.#tracks = monitors.map(
      (monitor) =>
        new Track(monitor, {
          cadenceMs: cadenceOf(monitor, options.cadenceSeconds),
          historyMs: 0,
          samples: false,
          groupLimits: options.groupLimits ?? false,
          emit: (transition) => this.#out.push(transition),
        }),
    )
    this.#entered = new Uint8Array(monitors.length)
    this.#dues = new Float64Array(monitors.length).fill(BEGINNING)
  }

  /** @param at the log's own time, epoch ms */
  push(log: Log, at: number): void {
    this.begin(at)
    this.#missed = false
    for (const monitor of this.#tracks.keys()) this.read(monitor, log)
    if (this.#missed) this.dropped++
  }

  /** Whether logs of a time, epoch ms, come too late to count. */
  isLate(at: number): boolean {
    return this.#lateness.excludes(at, this.newest)
  }

  /** A log comes, of which each monitor gets what it counts. @param at the log's own time, epoch ms */
  begin(at: number): void {
    if (at > this.newest) this.reach(at)
    this.#at = at
  }

  /** A monitor reads the log itself. */
  read(monitor: number, log: Log): void {
    this.#reading = monitor
    this.#track(monitor).read(log, this.isLate(this.#at) ? this.#miss : this.#take)
  }

  groupOf(monitor: number, key: string): Group {
    return this.#track(monitor).groupOf(key)
  }

  /** The log, which is not late, adds a value to a group. */
  enter(monitor: number, group: Group, value: string): void {
    this.#buffer.push(this.#at, monitor, group, group.hold(value))
  }

  readonly #take = (key: string, value: string): void =>
    this.enter(this.#reading, this.groupOf(this.#reading, key), value)

  readonly #miss = (): void => {
    this.#missed = true
  }

  #track(monitor: number): Track {
    return this.#tracks[monitor] as Track
  }

  /** Time has been seen to reach `at`: releases what can no longer be preceded by anything. */
  reach(at: number): void {
    if (at <= this.newest) return
    this.newest = at
    const horizon = this.#lateness.oldest(at)
    this.#first ??= at
    this.#drain(horizon)
    if (this.#due < horizon && this.#first <= horizon) this.#passUntil(horizon)
    if (this.#out.length > 0) this.#flush()
  }

  /** No more logs: lets time run on until every group has settled, or a silence has lasted for a week: some never do. */
  finish(): void {
    this.#drain(Number.POSITIVE_INFINITY)
    for (const track of this.#tracks) {
      track.countLimits(this.newest)
      if (!this.#silenceAfterEnd) track.end(this.newest)
      track.pass(this.#silenceAfterEnd ? this.newest + LONGEST_SILENCE_MS : Number.MAX_SAFE_INTEGER)
    }
    this.#flush()
  }

  /** @returns all that the future depends on: another replayer with the same monitors and options goes on from there */
  save(): ReplayState {
    return {
      newest: this.newest,
      first: this.#first ?? null,
      started: this.#due !== BEGINNING,
      dropped: this.dropped,
      held: this.#buffer.list().map(({ at, monitor, group, slot }) => [at, monitor, group.key, group.valueAt(slot)]),
      tracks: this.#tracks.map((track) => track.save()),
    }
  }

  /** Goes on from where another was saved. To be called before anything else. */
  restore(state: ReplayState): void {
    this.newest = state.newest ?? BEGINNING
    this.#first = state.first ?? undefined
    this.dropped = state.dropped
    for (const [monitor, track] of this.#tracks.entries()) track.restore(state.tracks[monitor] as TrackState)
    for (const [at, monitor, key, value] of state.held) {
      const group = this.groupOf(monitor, key)
      this.#buffer.push(at, monitor, group, group.hold(value))
    }
    if (!state.started) return
    for (const [monitor, track] of this.#tracks.entries()) this.#dues[monitor] = track.due()
    this.#findDue()
  }

  /** What Datadog would not have evaluated so far. */
  get exceededLimits(): ExceededLimit[] {
    return exceededLimits(this.#tracks)
  }

  #drain(horizon: number): void {
    const buffer = this.#buffer
    for (let at = buffer.oldest; at < horizon; at = buffer.oldest) {
      if (at !== this.#instant) {
        this.#closeInstant()
        if (this.#due <= at) this.#passUntil(at)
        this.#instant = at
      }
      buffer.shift()
      this.#track(buffer.monitor).add(buffer.group as Group, buffer.slot, at, at)
      this.#entered[buffer.monitor] = 1
      this.#open = true
    }
    this.#closeInstant()
  }

  #passUntil(at: number): void {
    for (let monitor = 0; monitor < this.#tracks.length; monitor++) {
      if ((this.#dues[monitor] as number) > at) continue
      const track = this.#track(monitor)
      track.passUntil(at)
      this.#dues[monitor] = track.due()
    }
    this.#findDue()
  }

  /** Everything of an instant has been taken in: only now it is judged. */
  #closeInstant(): void {
    if (!this.#open) return
    this.#open = false
    for (let monitor = 0; monitor < this.#tracks.length; monitor++) {
      if (this.#entered[monitor] === 0) continue
      this.#entered[monitor] = 0
      const track = this.#track(monitor)
      track.settle(this.#instant)
      this.#dues[monitor] = track.due()
    }
    this.#findDue()
  }

  #findDue(): void {
    let least = Number.POSITIVE_INFINITY
    for (let monitor = 0; monitor < this.#dues.length; monitor++) least = Math.min(least, this.#dues[monitor] as number)
    this.#due = least
  }

  #flush(): void {
    if (this.#out.length === 0) return
    const out = this.#out.sort((a, b) => a.at - b.at)
    this.#out = []
    for (const transition of out) this.#emit(transition)
  }
}

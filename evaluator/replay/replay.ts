import { cadenceOf, type ExceededLimit, exceededLimits } from '../evaluate/evaluate.ts'
import type { Group } from '../evaluate/group.ts'
import { Lateness } from '../evaluate/lateness.ts'
import { NO_DEADLINE, NOT_YET } from '../evaluate/moment.ts'
import type { Transition } from '../evaluate/notices.ts'
import { Track } from '../evaluate/track.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { EventSink } from './event-reader.ts'
import { ReorderBuffer } from './reorder.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { ReplayState } from './replay-state.ts'

const LONGEST_SILENCE_MS = 7 * 24 * 3_600_000

/** A monitor over time, as far as the replay drives it. */
interface Driven {
  readonly track: Track
  /** When it may next change by itself, epoch ms; {@link NOT_YET} while it has not started. */
  due: number
  /** Whether it has taken something in at the instant that is open. */
  entered: boolean
}

/**
 * Evaluates monitors over recorded logs. Logs are held back for the lateness and taken in by their own time, all of one instant
 * together: the result is the same for any order of arrival within the lateness.
 */
export class Replayer implements EventSink {
  /** Logs that a monitor would have counted had they not come too late. */
  dropped = 0
  /** Epoch ms of the newest log. */
  newest = NOT_YET
  readonly #driven: readonly Driven[]
  readonly #buffer = new ReorderBuffer()
  readonly #lateness: Lateness
  readonly #silenceAfterEnd: boolean
  readonly #emit: (transition: Transition) => void
  #instant = NOT_YET
  /** The earliest `due` of all. */
  #due = NOT_YET
  #first: number | undefined
  #out: Transition[] = []
  /** Whether the instant has entries that are not evaluated yet. */
  #open = false
  /** Of the log that is being read. */
  #at = 0
  #missed = false
  #reading = 0

  constructor(monitors: readonly Monitor[], options: ReplayOptions, emit: (transition: Transition) => void) {
    this.#lateness = new Lateness(options.latenessSeconds)
    this.#silenceAfterEnd = options.silenceAfterEnd ?? false
    this.#emit = emit
    this.#driven = monitors.map((monitor) => {
      const track = new Track(monitor, {
        cadenceMs: cadenceOf(monitor, options.cadenceSeconds),
        historyMs: 0,
        samples: false,
        groupLimits: options.groupLimits ?? false,
        emit: (transition) => this.#out.push(transition),
      })
      return { track, due: NOT_YET, entered: false }
    })
  }

  /** @param at the log's own time, epoch ms */
  push(log: Log, at: number): void {
    this.begin(at)
    this.#missed = false
    for (const monitor of this.#driven.keys()) this.read(monitor, log)
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
    this.#drivenAt(monitor).track.read(log, this.isLate(this.#at) ? this.#miss : this.#take)
  }

  groupOf(monitor: number, key: string): Group {
    return this.#drivenAt(monitor).track.groupOf(key)
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

  /** @param monitor its number, so that there is one */
  #drivenAt(monitor: number): Driven {
    return this.#driven[monitor] as Driven
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
    this.#drain(NO_DEADLINE)
    for (const { track } of this.#driven) {
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
      started: this.#due !== NOT_YET,
      dropped: this.dropped,
      held: this.#buffer.list().map(({ at, monitor, group, slot }) => [at, monitor, group.key, group.valueAt(slot)]),
      tracks: this.#driven.map(({ track }) => track.save()),
    }
  }

  /** Goes on from where another was saved. To be called before anything else. */
  restore(state: ReplayState): void {
    this.newest = state.newest ?? NOT_YET
    this.#first = state.first ?? undefined
    this.dropped = state.dropped
    for (const [monitor, saved] of state.tracks.entries()) this.#drivenAt(monitor).track.restore(saved)
    for (const [at, monitor, key, value] of state.held) {
      const group = this.groupOf(monitor, key)
      this.#buffer.push(at, monitor, group, group.hold(value))
    }
    if (!state.started) return
    for (const driven of this.#driven) driven.due = driven.track.due()
    this.#findDue()
  }

  /** What Datadog would not have evaluated so far. */
  get exceededLimits(): ExceededLimit[] {
    return exceededLimits(this.#driven.map(({ track }) => track))
  }

  #drain(horizon: number): void {
    const buffer = this.#buffer
    for (let at = buffer.oldest; at < horizon; at = buffer.oldest) {
      if (at !== this.#instant) {
        this.#closeInstant()
        if (this.#due <= at) this.#passUntil(at)
        this.#instant = at
      }
      const group = buffer.shift()
      const driven = this.#drivenAt(buffer.monitor)
      if (group) driven.track.add(group, buffer.slot, at, at)
      driven.entered = true
      this.#open = true
    }
    this.#closeInstant()
  }

  #passUntil(at: number): void {
    for (const driven of this.#driven) {
      if (driven.due > at) continue
      driven.track.passUntil(at)
      driven.due = driven.track.due()
    }
    this.#findDue()
  }

  /** Everything of an instant has been taken in: only now it is evaluated. */
  #closeInstant(): void {
    if (!this.#open) return
    this.#open = false
    for (const driven of this.#driven) {
      if (!driven.entered) continue
      driven.entered = false
      driven.track.settle(this.#instant)
      driven.due = driven.track.due()
    }
    this.#findDue()
  }

  #findDue(): void {
    let least = NO_DEADLINE
    for (const { due } of this.#driven) least = Math.min(least, due)
    this.#due = least
  }

  #flush(): void {
    if (this.#out.length === 0) return
    const out = this.#out.sort((a, b) => a.at - b.at)
    this.#out = []
    for (const transition of out) this.#emit(transition)
  }
}

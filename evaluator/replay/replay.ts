import { cadenceOf } from '../evaluate/cadence.ts'
import { type ExceededLimit, exceededLimits } from '../evaluate/evaluate.ts'
import type { Group } from '../evaluate/group.ts'
import { Lateness } from '../evaluate/lateness.ts'
import { NO_DEADLINE, NOT_YET } from '../evaluate/moment.ts'
import type { Transition } from '../evaluate/notices.ts'
import type { Places } from '../evaluate/places.ts'
import type { Reader } from '../evaluate/reading.ts'
import { type PlacedSource, sourcesOf } from '../evaluate/sources.ts'
import { Track } from '../evaluate/track.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { type QueryTrack, queryTracks, RuleTrack } from '../siem/rule-track.ts'
import type { SignalChange } from '../siem/signal.ts'
import type { EventSink } from './event-reader.ts'
import { ReorderBuffer } from './reorder.ts'
import type { ReplayOptions } from './replay-options.ts'
import type { ReplayState } from './replay-state.ts'

/** How long time runs on after the last log, when the silence is the service's. */
const LONGEST_SILENCE_MS = 7 * 24 * 3_600_000

/**
 * For how long, in ms of log time, a track may stay behind that has no entry. To let time pass for every track at every log would
 * cost as much as the entries themselves.
 */
const PASS_INTERVAL_MS = 1000

/** The track of a monitor or of a query of a rule, and what the replay has to do for it. */
interface DrivenTrack {
  readonly track: Track | QueryTrack
  /**
   * The order of what it finds at one time, at logs and when time passes. What happens without a log comes after what happens at
   * logs; an evaluation at a cadence does not count the logs of its time, and comes before.
   */
  readonly order: number
  readonly passOrder: number
  /** Epoch ms at which it may next change without a log; {@link NOT_YET} before it has started. */
  due: number
  /** Whether it has entries at the open instant. */
  entered: boolean
}

/** What a track has found, and its place among what is found at the same time. */
interface Found {
  readonly found: Transition | SignalChange
  readonly order: number
}

/**
 * Evaluates monitors over recorded logs. It holds logs back for the lateness and enters them in order of their own time, all logs
 * of one instant together. So the result does not depend on the order in which logs arrive within the lateness.
 */
export class Replayer implements EventSink {
  /** Logs that a monitor did not count only because they came too late. */
  dropped = 0
  /** Epoch ms of the newest log, and of the oldest. */
  newest = NOT_YET
  oldest = NO_DEADLINE
  readonly #tracks: readonly Track[]
  readonly #rules: readonly RuleTrack[]
  /** The monitors, then the queries of each rule. */
  readonly #driven: readonly DrivenTrack[]
  /** The queries of the monitors, then those of the rules. */
  readonly sources: readonly PlacedSource[]
  /** What reads each query, with the place of its track. */
  readonly #readers: readonly { readonly place: number; readonly read: Reader }[]
  readonly #buffer: ReorderBuffer
  readonly #lateness: Lateness
  readonly #silenceAfterEnd: boolean
  readonly #emit: (transition: Transition) => void
  readonly #onSignal: (change: SignalChange) => void
  #instant = NOT_YET
  /** Epoch ms at which time is to pass for all tracks; {@link NOT_YET} before it has passed for any. */
  #passAt = NOT_YET
  #first: number | undefined
  #out: Found[] = []
  /** The order of what is found at one time. */
  #order = 0
  /** The tracks that have entries at the instant. */
  readonly #entered: DrivenTrack[] = []
  /** Time, result and reader of the log that is being read. */
  #at = 0
  #missed = false
  #reading = 0

  /** @param onSignal takes what the rules of the options find */
  constructor(
    monitors: readonly Monitor[],
    options: ReplayOptions,
    emit: (transition: Transition) => void,
    onSignal: (change: SignalChange) => void = () => {},
  ) {
    this.#lateness = new Lateness(options.latenessSeconds)
    this.#silenceAfterEnd = options.silenceAfterEnd ?? false
    this.#emit = emit
    this.#onSignal = onSignal
    const out = (found: Transition | SignalChange) => void this.#out.push({ found, order: this.#order })
    this.#tracks = monitors.map(
      (monitor) =>
        new Track(monitor, {
          cadenceMs: cadenceOf(monitor, options),
          historyMs: 0,
          samples: false,
          groupLimits: options.groupLimits ?? false,
          emit: out,
          observer: options.observer,
          followers: options.followersOf?.(monitor) ?? [],
        }),
    )
    const { rules = [], ruleObserver: observer } = options
    this.#rules = rules.map((rule) => new RuleTrack(rule, { samples: false, emit: out, observer }))
    const tracks = [...this.#tracks, ...this.#rules.flatMap(queryTracks)]
    this.sources = sourcesOf(
      monitors,
      rules.flatMap(({ queries }) => queries),
    )
    this.#buffer = new ReorderBuffer(tracks.length)
    this.#driven = tracks.map((track, order) => {
      const isEarly = order < this.#tracks.length && !options.live
      return { track, order, passOrder: order + (isEarly ? -1 : 1) * tracks.length, due: NOT_YET, entered: false }
    })
    this.#readers = tracks.flatMap(({ readers }, place) => readers.map((read) => ({ place, read })))
  }

  /** @param at the log's own time, epoch ms */
  push(log: Log, at: number): void {
    this.begin(at)
    this.#missed = false
    for (const { place, read } of this.#readers) {
      this.#reading = place
      read(log, this.#entry)
    }
    if (this.#missed) this.dropped++
  }

  /** Whether a log of this time comes too late to count. @param at epoch ms */
  isLate(at: number): boolean {
    return this.#lateness.excludes(at, this.newest)
  }

  /** Starts a log. Calls of `enter` and `read` for it follow. @param at the log's own time, epoch ms */
  begin(at: number): void {
    if (at > this.newest) this.reach(at)
    if (at < this.oldest) this.oldest = at
    this.#at = at
    this.#entry = this.isLate(at) ? this.#miss : this.#take
  }

  /** Lets a query read the log itself. */
  read(query: number, log: Log): void {
    const { track: place, part } = this.#sourceAt(query)
    this.#reading = place
    this.#drivenAt(place).track.readers[part]?.(log, this.#entry)
  }

  groupOf(query: number, key: string, isCopy: boolean): Group {
    return this.#drivenAt(this.#sourceAt(query).track).track.groupOf(key, isCopy)
  }

  placesOf(query: number): Places<Group> {
    return this.#drivenAt(this.#sourceAt(query).track).track.places
  }

  /** Adds a value of the log, which is not late, to the group at a place, which holds it in a slot. */
  enter(query: number, place: number, slot: number): void {
    this.#buffer.push(this.#at, this.#sourceAt(query).track, place, slot)
  }

  readonly #take = (key: string, value: string): void => {
    const group = this.#drivenAt(this.#reading).track.groupOf(key)
    this.#buffer.push(this.#at, this.#reading, group.place, group.hold(value))
  }

  readonly #miss = (): void => {
    this.#missed = true
  }

  /** What the entries of the log that is being read go to. */
  #entry = this.#take

  #sourceAt(query: number): PlacedSource {
    const source = this.sources[query]
    if (!source) throw new RangeError(`there is no query ${query}`)
    return source
  }

  #drivenAt(monitor: number): DrivenTrack {
    const driven = this.#driven[monitor]
    if (!driven) throw new RangeError(`there is no monitor or query ${monitor}`)
    return driven
  }

  /** Moves time on to `at` and evaluates everything that no later log can precede. */
  reach(at: number): void {
    if (at <= this.newest) return
    this.newest = at
    const horizon = this.#lateness.oldest(at)
    this.#first ??= at
    this.#drain(horizon)
    if (this.#out.length === 0 && horizon < this.#passAt) return
    if (this.#first <= horizon) this.#passAll(horizon)
    this.#flush()
  }

  /** Ends the recording: time runs on until every group has settled. After a silence of the service, it stops after a week. */
  finish(): void {
    this.#drain(NO_DEADLINE)
    this.#catchUp(this.#instant)
    for (const track of this.#tracks) {
      track.countLimits(this.newest)
      if (!this.#silenceAfterEnd) track.end(this.newest)
    }
    const end = this.#silenceAfterEnd ? this.newest + LONGEST_SILENCE_MS : Number.MAX_SAFE_INTEGER
    for (const driven of this.#driven) {
      this.#order = driven.passOrder
      driven.track.pass(end)
    }
    this.#flush()
  }

  /** @returns the state from which another replayer with the same monitors and options continues */
  save(): ReplayState {
    this.#catchUp()
    this.#flush()
    return {
      newest: this.newest,
      first: this.#first ?? null,
      started: this.#passAt !== NOT_YET,
      dropped: this.dropped,
      held: this.#buffer.list().map(({ at, monitor, place, slot }) => {
        const group = this.#drivenAt(monitor).track.places.at(place)
        return [at, monitor, group.key, group.valueAt(slot)]
      }),
      tracks: this.#tracks.map((track) => track.save()),
      ...(this.#rules.length > 0 ? { rules: this.#rules.map((track) => track.save()) } : {}),
    }
  }

  /** Continues from a saved state. Must be called before any other method. */
  restore(state: ReplayState): void {
    this.newest = state.newest ?? NOT_YET
    this.#first = state.first ?? undefined
    this.dropped = state.dropped
    for (const [i, track] of this.#tracks.entries()) track.restore(savedAt(state.tracks, i))
    for (const [i, track] of this.#rules.entries()) track.restore(savedAt(state.rules ?? [], i))
    for (const [at, monitor, key, value] of state.held) {
      const group = this.#drivenAt(monitor).track.groupOf(key)
      this.#buffer.push(at, monitor, group.place, group.hold(value))
    }
    if (!state.started) return
    for (const driven of this.#driven) driven.due = driven.track.due()
    this.#passAt = this.newest - this.#lateness.ms
  }

  /** The monitors that have had more groups than Datadog evaluates. */
  get exceededLimits(): ExceededLimit[] {
    return exceededLimits(this.#tracks)
  }

  /** Enters all held entries that are older than `horizon`. */
  #drain(horizon: number): void {
    const buffer = this.#buffer
    for (let at = buffer.oldest; at < horizon; at = buffer.oldest) {
      if (at !== this.#instant) {
        this.#closeInstant()
        if (this.#passAt <= at) this.#passAll(at)
        this.#instant = at
      }
      buffer.shift()
      const driven = this.#drivenAt(buffer.monitor)
      if (!driven.entered) {
        if (driven.due <= at) this.#pass(driven, at)
        driven.entered = true
        this.#entered.push(driven)
      }
      driven.track.add(buffer.place, buffer.slot, at, at)
    }
    this.#closeInstant()
  }

  /** Lets time pass for all tracks that are due by `at`. */
  #passAll(at: number): void {
    for (const driven of this.#driven) if (driven.due <= at) this.#pass(driven, at)
    this.#passAt = at + PASS_INTERVAL_MS
  }

  /** Lets time pass for all tracks until no later log can precede it, and until `at`. */
  #catchUp(at = NOT_YET): void {
    const horizon = this.#lateness.oldest(this.newest)
    const until = this.#first !== undefined && this.#first <= horizon ? Math.max(at, horizon) : at
    if (until !== NOT_YET) this.#passAll(until)
  }

  #pass(driven: DrivenTrack, at: number): void {
    this.#order = driven.passOrder
    driven.track.passUntil(at)
    driven.due = driven.track.due()
  }

  /** Evaluates an instant once all of its entries have been entered. */
  #closeInstant(): void {
    for (let driven = this.#entered.pop(); driven; driven = this.#entered.pop()) {
      driven.entered = false
      this.#order = driven.order
      driven.track.settle(this.#instant)
      driven.due = driven.track.due()
    }
  }

  #flush(): void {
    if (this.#out.length === 0) return
    const out = this.#out.sort((a, b) => a.found.at - b.found.at || a.order - b.order)
    this.#out = []
    for (const { found } of out) {
      if ('rule' in found) this.#onSignal(found)
      else this.#emit(found)
    }
  }
}

function savedAt<T>(states: readonly T[], i: number): T {
  const state = states[i]
  if (state === undefined) throw new RangeError(`the saved state has no part ${i}`)
  return state
}

import type { IndexedLog, Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Alerting } from './alerting.ts'
import { Changes, EveryChange } from './changes.ts'
import { Follower, presentOf } from './follower.ts'
import type { Group } from './group.ts'
import { type GroupLimitReport, GroupLimits } from './group-limits.ts'
import { Groups, groupsWith } from './groups.ts'
import { type Instants, instantsOf } from './instants.ts'
import { JoinedChanges } from './joined-changes.ts'
import { JoinedLimits } from './joined-limits.ts'
import { JoinedGroup, Joining } from './joining.ts'
import { lookBack } from './look-back.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import { type Dropped, Notices, type Transition } from './notices.ts'
import type { Hold, Observer } from './observer.ts'
import type { Places } from './places.ts'
import { compileReaders, type EntrySink, type Reader, SHARED_KEY } from './reading.ts'
import { type Rule, ruleOf, type State } from './state.ts'
import { restoreParts, type StatefulParts, saveParts, type TrackState } from './track-state.ts'
import { Waits } from './waits.ts'
import { type Window, windowOf } from './window.ts'
import { Withholding } from './withholding.ts'

/** How one monitor is evaluated. */
export interface TrackOptions {
  /** Milliseconds between evaluations, which are aligned to the epoch; undefined evaluates at the time of each log. */
  readonly cadenceMs: number | undefined
  /** Milliseconds for which an entry is kept after it has left the window, for late logs. */
  readonly historyMs: number
  readonly samples: boolean
  /** Whether groups beyond the limits are left out, as in Datadog. They are always reported. */
  readonly groupLimits?: boolean
  readonly emit: (transition: Transition) => void
  readonly dropped?: Dropped
  /** Sees each evaluation. The monitor is then also evaluated where no state can change. */
  readonly observer?: Observer | undefined
  /**
   * Monitors that differ from this one in their thresholds only, and judge its values. They fire on low values if this one does. Their
   * state is not saved.
   */
  readonly followers?: readonly Monitor[]
}

/** Evaluates one monitor over time: moves entries into and out of its window, and evaluates the groups that this changes. */
export class Track {
  monitor: Monitor
  /** One for each query of the monitor. */
  readonly readers: readonly Reader[]
  readonly #rule: Rule
  readonly #instants: Instants
  readonly #samples: boolean
  readonly #looksBack: boolean
  readonly #observer: Observer | undefined
  /** Whether every entry that leaves the window is of interest, whatever the states. */
  readonly #seesLeaving: boolean
  /** Whether nothing is to be evaluated when an entry leaves without a change. */
  readonly #leavesQuietly: boolean
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #window: Window
  readonly #waits: Waits
  readonly #alerting: Alerting
  readonly #followers: readonly Follower[]
  readonly #withholding: Withholding | JoinedLimits | undefined
  readonly #notices: Notices
  readonly #parts: StatefulParts
  /** The time of the last evaluation, or of the start of this monitor. */
  #clock = NOT_YET
  #hadData = false

  constructor(monitor: Monitor, options: TrackOptions) {
    this.monitor = monitor
    const { parsed } = monitor
    const { observer, followers = [], groupLimits = false } = options
    const seesAll = observer !== undefined || followers.length > 0
    this.readers = compileReaders(parsed)
    const rule = ruleOf(monitor)
    const instants = instantsOf(options.cadenceMs, rule.evaluationDelayMs)
    const stayMs = rule.windowMs + instants.delayMs
    const joining = parsed.form === 'formula' ? new Joining(parsed) : undefined
    const limits = rule.grouped && !joining ? new GroupLimits(parsed.by.length) : undefined
    const create = joining ? joinedGroups(joining, () => groups.of(SHARED_KEY).place) : groupsWith(rule, limits)
    const groups: Groups = new Groups(rule, stayMs + instants.stepMs, limits, create)
    const joined = joining && new JoinedChanges(rule, groups, joining, seesAll)
    const changes = joined ?? new (seesAll ? EveryChange : Changes)(rule, groups.places, limits)
    const parts = { rule, instants, stayMs, groups, limits, changes }
    this.#rule = rule
    this.#instants = instants
    this.#samples = options.samples
    this.#observer = observer
    this.#seesLeaving = rule.firesOnLeaving || seesAll
    this.#leavesQuietly = instants.atLogs && !seesAll && !rule.firesOnSilence
    this.#looksBack = instants.atLogs && !rule.firesOnLeaving
    this.#groups = groups
    this.#changes = parts.changes
    this.#window = windowOf(parts, options.historyMs)
    this.#waits = new Waits(parts)
    if (limits) this.#withholding = new Withholding(parts, limits, groupLimits, followers.length > 0)
    else if (joined && rule.grouped) this.#withholding = new JoinedLimits(joining, groups, joined, instants.atLogs)
    this.#notices = new Notices(monitor, rule, stayMs, options.emit, options.dropped)
    this.#alerting = new Alerting({
      ...{ rule, instants, groups, changes, notices: this.#notices },
      ...(observer && { ended: (key, at, cause) => observer.ended(this.monitor, key, at, cause) }),
    })
    const followed = { instants, groups, waits: this.#waits, stayMs, emit: options.emit }
    this.#followers = followers.map((follower) => new Follower(follower, followed))
    this.#parts = {
      ...parts,
      window: this.#window,
      waits: this.#waits,
      lifetimes: this.#alerting.lifetimes,
      withholding: this.#withholding,
      notices: this.#notices,
    }
  }

  /** By how much the monitor exceeded the group limits; undefined if it has not. */
  get exceededLimit(): GroupLimitReport | undefined {
    return this.#withholding?.report
  }

  /** Counts the groups beyond the limits if their number is not known. */
  countLimits(at: number): void {
    this.#withholding?.count(at)
  }

  /**
   * Ends the recording: no log comes after `newest`.
   * Decision `recording-ends`: the silence after the newest log of a recording is not a silence of the service. From then on no state
   * gets worse because entries leave the window, and no reminder is sent. Recoveries are notified.
   */
  end(newest: number): void {
    const lastCounting = this.#instants.after(newest + this.#instants.delayMs)
    this.#alerting.end(lastCounting)
    for (const follower of this.#followers) follower.end(lastCounting)
    this.#observer?.end?.(this.monitor, lastCounting)
  }

  /** Lets each query of the monitor read a log. */
  read(log: Log, take: EntrySink): void {
    for (const read of this.readers) read(log, take)
  }

  /** Epoch ms at which a state may change without another log; {@link NO_DEADLINE} when none can. */
  due(): number {
    if (this.#clock === NOT_YET) return NO_DEADLINE
    let timed = Math.min(this.#waits.due, this.#alerting.due)
    let hasChanges = this.#changes.size > 0
    for (const follower of this.#followers) {
      timed = Math.min(timed, follower.due)
      hasChanges ||= follower.hasChanges
    }
    let due = Math.min(this.#instants.notEarlier(timed), this.#window.nextEntering())
    if (this.#watchesLeaving) due = Math.min(due, this.#window.nextLeaving())
    return this.#instants.next(due, this.#clock, hasChanges)
  }

  /** Moves time on to a log at `at`. In arrival mode, the evaluation at `at` waits for more logs of that instant. */
  passUntil(at: number): void {
    this.#run(at, !this.#instants.atLogs)
  }

  /** Moves time on to `now` and evaluates everything due by then. */
  pass(now: number): void {
    this.#run(now, true)
  }

  /** The places of the groups. */
  get places(): Places<Group> {
    return this.#groups.places
  }

  /** The group of a key. It counts as seen once a log has been added. @param isCopy whether the key is no slice of a longer text */
  groupOf(key: string, isCopy = false): Group {
    return this.#groups.of(key, isCopy)
  }

  /**
   * Adds a value of a log to a group.
   * @param place the place of the group
   * @param slot the slot in which the group holds the value
   * @param at the log's time
   * @param now the latest time so far, not before `at`
   */
  add(place: number, slot: number, at: number, now: number, log?: IndexedLog): void {
    this.#begin(at)
    if (this.#waits.sees) this.#waits.see(place, at)
    if (this.#samples && log) this.#groups.places.at(place).keepSample(log)
    this.#window.add(at, place, slot, now)
    if (at < now && this.#looksBack) this.#lookBack(this.#groups.places.at(place), at)
  }

  /**
   * Evaluates the instant `at`, all of whose logs have been added. If no log changed a group, waits that end at this instant are
   * evaluated later in it, after the entries that leave at this instant.
   */
  settle(at: number): void {
    if (!this.#instants.atLogs) return
    if (this.#changes.size > 0) this.#waits.end(at)
    this.#evaluateChanged(at)
  }

  /** Shows another name, message and tags from now on. @param monitor one with the same query and options */
  relabel(monitor: Monitor): void {
    this.monitor = monitor
    this.#notices.monitor = monitor
  }

  /**
   * Starts at `now` with the logs that are already there. Evaluated at each log, it is evaluated once over the window that ends
   * at `now`; otherwise at its next evaluation.
   * @param logs in order of their time, none later than `now`
   */
  startWith(logs: readonly IndexedLog[], now: number): void {
    const { atLogs } = this.#instants
    if (!atLogs) this.#begin(now)
    for (const log of logs) {
      const at = log.timestamp
      if (at <= now - this.#parts.stayMs) continue
      this.read(log, (key, value) => {
        const group = this.groupOf(key)
        this.add(group.place, group.hold(value), at, atLogs ? at : now, log)
      })
    }
    if (atLogs) this.#step(now)
  }

  save(): TrackState {
    return { ...saveParts(this.#parts), clock: this.#clock, hadData: this.#hadData }
  }

  /** Continues from a saved state of the same monitor. @param state what `save` returned, or a copy of it from JSON */
  restore(state: TrackState): void {
    restoreParts(this.#parts, state)
    this.#clock = state.clock ?? NOT_YET
    this.#hadData = state.hadData
  }

  #run(until: number, inclusive: boolean): void {
    this.#begin(until)
    for (let due = this.#next(until); due < until || (inclusive && due === until); due = this.#next(until)) {
      this.#step(due)
    }
  }

  /** Starts the monitor at `at`, unless it has started. */
  #begin(at: number): void {
    if (this.#clock === NOT_YET) this.#clock = at
  }

  /** Whether an entry that leaves the window may change a state, or is to be observed. */
  get #watchesLeaving(): boolean {
    return this.#seesLeaving || this.#groups.active.size > 0 || this.#withholding?.withholds === true
  }

  /** Removes entries without an evaluation while none that leaves changes a state. @returns the next evaluation */
  #next(until: number): number {
    if (!this.#watchesLeaving) this.#window.skip(Math.min(until, this.#waits.firstGroupDue))
    else if (this.#leavesQuietly) {
      const limit = Math.min(until, this.#waits.due, this.#alerting.due, this.#withholding?.due ?? NO_DEADLINE)
      const changedAt = this.#window.leaveUntilChange(limit)
      if (changedAt !== undefined) return changedAt
    }
    return this.due()
  }

  /** Evaluates at a time that is due without a log. */
  #step(at: number): void {
    this.#clock = at
    this.#window.advance(at)
    this.#waits.end(at)
    this.#evaluateChanged(at)
    this.#alerting.pass(at)
    for (const follower of this.#followers) follower.pass(at)
    this.#groups.sweep(at)
  }

  #evaluateChanged(at: number): void {
    const anyData = this.#window.hasEntries
    if (anyData !== this.#hadData && this.#rule.grouped && this.#rule.firesOnSilence) {
      for (const group of this.#groups.inStatus(at)) this.#changes.mark(group)
    }
    this.#hadData = anyData
    this.#withholding?.apply(at)
    if (this.#changes.size > 0) this.#evaluateGroups(at, anyData)
    for (const follower of this.#followers) follower.settle(anyData, at)
  }

  #evaluateGroups(at: number, anyData: boolean): void {
    const isWhole = this.#waits.hasWholeWindow(at)
    for (const group of this.#changes.take()) {
      if (isWhole && at >= group.notBefore) this.#evaluate(group, at, anyData)
      else if (this.#observer) this.#observe(group, at, group.state, this.#waitOf(group, at))
    }
    this.#notices.settle(at)
  }

  #evaluate(group: Group, at: number, anyData: boolean): void {
    const present = presentOf(group, this.#rule)
    const before = group.state
    const isHeld = this.#alerting.evaluate(group, present, anyData, at)
    for (const follower of this.#followers) follower.evaluate(group, present, anyData, at)
    if (!this.#observer) return
    if (isHeld) this.#observe(group, at, before, { kind: 'recording-end' })
    else this.#observe(group, at, before, this.#limitOf(group))
  }

  #observe(group: Group, at: number, before: State, hold: Hold | undefined): void {
    const { key, count: entries, partValues: parts, state } = group
    const value = group.present(this.#rule.kind)
    this.#observer?.pass(this.monitor, { at, key, entries, value, parts, before, state, hold })
  }

  #limitOf(group: Group): Hold | undefined {
    return group.isLimited ? { kind: 'group-limit', value: group.unlimited(this.#rule.kind) } : undefined
  }

  #waitOf(group: Group, at: number): Hold {
    return this.#waits.hasWholeWindow(at)
      ? { kind: 'new-group-delay', until: this.#instants.notEarlier(group.notBefore) }
      : { kind: 'first-window', until: this.#waits.wholeAt }
  }

  /** Evaluates earlier windows again after a late log. A cycle that has begun or ended is not changed. */
  #lookBack(group: Group, at: number): void {
    if (group.state === 'Alert') return
    for (const past of lookBack(this.#window.entries, group, at, this.#rule)) {
      group.value = past.value
      this.#alerting.enter(group, past.state, past.at)
      this.#notices.settle(past.at)
      this.#changes.mark(group)
    }
  }
}

/** Creates the groups of a formula. @param sharedOf finds the place of the entries that belong to no group */
const joinedGroups =
  (joining: Joining, sharedOf: () => number) =>
  (key: string, places: Places<Group>): Group =>
    new JoinedGroup(key, places, joining, sharedOf)

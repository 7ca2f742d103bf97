import type { IndexedLog, Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { Changes, EveryChange } from './changes.ts'
import type { Group } from './group.ts'
import { type GroupLimitReport, GroupLimits } from './group-limits.ts'
import { Groups, groupsWith } from './groups.ts'
import { type Instants, instantsOf } from './instants.ts'
import { JoinedChanges } from './joined-changes.ts'
import { JoinedLimits } from './joined-limits.ts'
import { JoinedGroup, Joining } from './joining.ts'
import { Lifetimes } from './lifetimes.ts'
import { lookBack } from './look-back.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import { type Dropped, Notices, type Transition } from './notices.ts'
import type { Hold, Observer } from './observer.ts'
import { compileReaders, type EntrySink, type Reader, SHARED_KEY } from './reading.ts'
import { nextState, type Rule, ruleOf, SEVERITY, type State } from './state.ts'
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
}

/** Evaluates one monitor over time: moves entries into and out of its window, and evaluates the groups that this changes. */
export class Track {
  readonly monitor: Monitor
  /** One for each query of the monitor. */
  readonly readers: readonly Reader[]
  readonly #rule: Rule
  readonly #instants: Instants
  readonly #samples: boolean
  readonly #looksBack: boolean
  readonly #observer: Observer | undefined
  /** Whether every entry that leaves the window is of interest, whatever the states. */
  readonly #seesLeaving: boolean
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #window: Window
  readonly #waits: Waits
  readonly #lifetimes: Lifetimes
  readonly #withholding: Withholding | JoinedLimits | undefined
  readonly #notices: Notices
  readonly #parts: StatefulParts
  /** The time of the last evaluation, or of the start of this monitor. */
  #clock = NOT_YET
  /** The last evaluation that counts the newest log, after the recording has ended. */
  #lastCounting = NO_DEADLINE
  #hadData = false

  constructor(monitor: Monitor, options: TrackOptions) {
    this.monitor = monitor
    const { parsed } = monitor
    this.readers = compileReaders(parsed)
    const rule = ruleOf(monitor)
    const instants = instantsOf(options.cadenceMs, rule.evaluationDelayMs)
    const stayMs = rule.windowMs + instants.delayMs
    const joining = parsed.form === 'formula' ? new Joining(parsed) : undefined
    const limits = rule.grouped && !joining ? new GroupLimits(parsed.by.length) : undefined
    const create = joining ? joinedGroups(joining, () => groups.of(SHARED_KEY)) : groupsWith(rule, limits)
    const groups: Groups = new Groups(rule, stayMs + instants.stepMs, limits, create)
    const changes = joining
      ? new JoinedChanges(rule, groups)
      : new (options.observer ? EveryChange : Changes)(rule, limits)
    const parts = { rule, instants, stayMs, groups, limits, changes }
    this.#rule = rule
    this.#instants = instants
    this.#samples = options.samples
    this.#observer = options.observer
    this.#seesLeaving = rule.firesOnLeaving || options.observer !== undefined
    this.#looksBack = instants.atLogs && !rule.firesOnLeaving
    this.#groups = groups
    this.#changes = parts.changes
    this.#window = windowOf(parts, options.historyMs)
    this.#waits = new Waits(parts)
    this.#lifetimes = new Lifetimes(rule)
    if (limits) this.#withholding = new Withholding(parts, limits, options.groupLimits ?? false)
    else if (joining && rule.grouped) this.#withholding = new JoinedLimits(joining, groups, changes, instants.atLogs)
    this.#notices = new Notices(monitor, rule, stayMs, options.emit, options.dropped)
    this.#parts = {
      ...parts,
      window: this.#window,
      waits: this.#waits,
      lifetimes: this.#lifetimes,
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
    this.#lastCounting = this.#instants.after(newest + this.#instants.delayMs)
    this.#notices.silentAfter = this.#lastCounting
  }

  /** Lets each query of the monitor read a log. */
  read(log: Log, take: EntrySink): void {
    for (const read of this.readers) read(log, take)
  }

  /** Epoch ms at which a state may change without another log; {@link NO_DEADLINE} when none can. */
  due(): number {
    if (this.#clock === NOT_YET) return NO_DEADLINE
    const timed = Math.min(this.#waits.due, this.#lifetimes.due, this.#notices.remindAt)
    let due = Math.min(this.#instants.notEarlier(timed), this.#window.nextEntering())
    if (this.#watchesLeaving) due = Math.min(due, this.#window.nextLeaving())
    return this.#instants.next(due, this.#clock, this.#changes.size > 0)
  }

  /** Moves time on to a log at `at`. In arrival mode, the evaluation at `at` waits for more logs of that instant. */
  passUntil(at: number): void {
    this.#run(at, !this.#instants.atLogs)
  }

  /** Moves time on to `now` and evaluates everything due by then. */
  pass(now: number): void {
    this.#run(now, true)
  }

  /** The group of a key. It counts as seen once a log has been added. */
  groupOf(key: string): Group {
    return this.#groups.of(key)
  }

  /**
   * Adds a value of a log to a group.
   * @param slot the slot in which the group holds the value
   * @param at the log's time
   * @param now the latest time so far, not before `at`
   */
  add(group: Group, slot: number, at: number, now: number, log?: IndexedLog): void {
    this.#begin(at)
    this.#waits.see(group, at)
    if (this.#samples && log) group.keepSample(log)
    this.#window.add(at, group, slot, now)
    if (at < now && this.#looksBack && group.state !== 'Alert') this.#lookBack(group, at)
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
    this.#skip(until)
    for (let due = this.due(); due < until || (inclusive && due === until); due = this.due()) {
      this.#step(due)
      this.#skip(until)
    }
  }

  /** Starts the monitor at `at`, unless it has started. */
  #begin(at: number): void {
    if (this.#clock === NOT_YET) this.#clock = at
  }

  /** Whether an entry that leaves the window may change a state, or is to be observed. */
  get #watchesLeaving(): boolean {
    return this.#seesLeaving || this.#groups.active.size > 0
  }

  /** Removes entries without an evaluation while none that leaves can change a state. */
  #skip(until: number): void {
    if (!this.#watchesLeaving) this.#window.skip(Math.min(until, this.#waits.firstGroupDue))
  }

  /** Evaluates at a time that is due without a log. */
  #step(at: number): void {
    this.#clock = at
    this.#window.advance(at)
    this.#waits.end(at)
    this.#evaluateChanged(at)
    this.#endSilence(at)
    this.#notices.remind(at)
    this.#groups.sweep(at)
  }

  #evaluateChanged(at: number): void {
    const anyData = this.#window.hasEntries
    if (anyData !== this.#hadData && this.#rule.grouped && this.#rule.firesOnSilence) {
      for (const group of this.#groups.inStatus(at)) this.#changes.mark(group)
    }
    this.#hadData = anyData
    this.#withholding?.apply(at, anyData)
    if (this.#changes.size === 0) return
    const isWhole = this.#waits.hasWholeWindow(at)
    for (const group of this.#changes.take()) {
      if (isWhole && at >= group.notBefore) this.#evaluate(group, at, anyData)
      else if (this.#observer) this.#observe(group, at, group.state, this.#waitOf(group, at))
    }
    this.#notices.settle(at)
  }

  #evaluate(group: Group, at: number, anyData: boolean): void {
    const present = group.withheld ? Number.NaN : group.present(this.#rule.kind)
    const hasData = !Number.isNaN(present)
    const value = hasData ? present : 0
    const before = group.state
    const state = nextState(this.#rule, before, value, hasData, anyData)
    if (SEVERITY[state] > SEVERITY[before] && this.#hasEnded(group, at)) {
      if (this.#observer) this.#observe(group, at, before, { kind: 'recording-end' })
      return
    }
    group.value = value
    if (hasData) group.emptySince = NO_DEADLINE
    else this.#lifetimes.fallSilent(group, state, at)
    this.#enterState(group, state, at)
    if (this.#observer) this.#observe(group, at, before, group.isLimited ? { kind: 'group-limit' } : undefined)
  }

  #observe(group: Group, at: number, before: State, hold: Hold | undefined): void {
    const { key, count: entries, partValues: parts, state } = group
    const value = group.present(this.#rule.kind)
    this.#observer?.pass(this.monitor, { at, key, entries, value, parts, before, state, hold })
  }

  #waitOf(group: Group, at: number): Hold {
    return this.#waits.hasWholeWindow(at)
      ? { kind: 'new-group-delay', until: this.#instants.notEarlier(group.notBefore) }
      : { kind: 'first-window', until: this.#waits.wholeAt }
  }

  /** Whether a change at `at` has no other cause than the end of the recording. */
  #hasEnded(group: Group, at: number): boolean {
    if (at <= this.#lastCounting || at <= this.#instants.notEarlier(group.notBefore)) return false
    return this.#rule.firesOnLeaving || group.count === 0
  }

  #enterState(group: Group, state: State, at: number): void {
    if (state === group.state) return
    this.#notices.move(group, state, at)
    if (state === 'OK') this.#deactivate(group)
    else this.#groups.active.add(group)
  }

  #deactivate(group: Group): void {
    this.#groups.active.delete(group)
    this.#groups.forgetIdle(group)
  }

  /** Evaluates earlier windows again after a late log. A cycle that has begun or ended is not changed. */
  #lookBack(group: Group, at: number): void {
    for (const past of lookBack(this.#window.entries, group, at, this.#rule)) {
      group.value = past.value
      this.#enterState(group, past.state, past.at)
      this.#notices.settle(past.at)
      this.#changes.mark(group)
    }
  }

  #endSilence(at: number): void {
    let group = this.#lifetimes.takeTimedOut(at)
    for (; group; group = this.#lifetimes.takeTimedOut(at)) this.#resolve(group, at)
    group = this.#lifetimes.takeUnretained(at)
    for (; group; group = this.#lifetimes.takeUnretained(at)) this.#drop(group, at)
    this.#notices.settle(at)
  }

  /**
   * Decision `timeout-then-next-evaluation`: after `timeout_h` an alert resolves, and triggers again if its next evaluation is over the
   * threshold (documented). In arrival mode the next evaluation is at its next log. The state No Data does not time out (undocumented).
   */
  #resolve(group: Group, at: number): void {
    group.emptySince = NO_DEADLINE
    this.#observer?.ended(this.monitor, group.key, at, 'timeout_h')
    this.#enterState(group, 'OK', at)
    if (!this.#instants.atLogs && !group.forgotten) this.#changes.mark(group)
  }

  /**
   * Decision `dropped-silently`, undocumented: a group that is dropped after `group_retention_duration` sends no recovery. If it
   * comes back, it begins another cycle.
   */
  #drop(group: Group, at: number): void {
    this.#observer?.ended(this.monitor, group.key, at, 'group_retention_duration')
    this.#notices.drop(group)
    this.#deactivate(group)
  }
}

/** Creates the groups of a formula. @param sharedOf finds the group of the entries that belong to no group */
function joinedGroups(joining: Joining, sharedOf: () => Group): (key: string) => Group {
  const shared = () => {
    const group = sharedOf()
    return group instanceof JoinedGroup ? group : undefined
  }
  return (key) => new JoinedGroup(key, joining, shared)
}

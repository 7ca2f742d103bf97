import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { GroupLimits } from './group-limits.ts'
import { statisticOf } from './measure.ts'
import { byKey, type Dropped, Notices, severity, type Transition } from './notices.ts'
import { type Pool, poolOf } from './pool.ts'
import { compileReader, type Reader } from './reading.ts'
import { Silences } from './silences.ts'
import { nextState, type Rule, ruleOf, type State } from './state.ts'
import { entriesOf, restoreEntries, restoreStanding, standingOf, type TrackState } from './track-state.ts'
import { EntryRing, Group, owned } from './windows.ts'

export type { Transition } from './notices.ts'

export interface TrackOptions {
  /** Milliseconds between evaluations, aligned to the epoch; undefined evaluates at each log's own time. */
  readonly cadenceMs: number | undefined
  /** How long past its window an entry is remembered, for logs that come late. */
  readonly historyMs: number
  readonly samples: boolean
  /** Whether groups beyond the limits are left out, as Datadog does; they are reported in any case. */
  readonly groupLimits?: boolean
  readonly emit: (transition: Transition) => void
  readonly dropped?: Dropped
}

const mostSamples = 10
const never = Number.POSITIVE_INFINITY
const beforeTime = Number.NEGATIVE_INFINITY
/** A group counts as new again when it was silent this long: `new_group_delay`. */
const newAgainMs = 24 * 3_600_000
/** Groups beyond the limits are counted this often in arrival mode at most: as often as Datadog evaluates. */
const limitsCountedMs = 60_000
/** Counting them looks at the whole window: it waits until so many times more groups are there than at the last count. */
const limitsCountedGrowth = 5 / 4

/**
 * One monitor over time. Arrival evaluates the window (t − w, t] at each log's own time and at each instant at which an entry
 * leaves and that matters; cadence evaluates [t − delay − w, t − delay) at every aligned t.
 * Decision `window-half-open`, undocumented: a window at time t is (t − w, t] at each log, and [t − delay − w, t − delay) at each tick.
 * Decision `late-logs-live`: live, a log that comes late counts at its own place. If only rising values fire, the windows that end
 * at it or after it are looked at again, and an alert comes at once; for all else it counts from the next evaluation on.
 * Decision `delay-in-cadence-only`: `evaluation_delay` waits for logs that come late, which arrival mode counts at their own place
 * anyway; it shifts the cadence, which has a clock to shift.
 * Decision `whole-first-window`: an ungrouped monitor about too little waits for its first log, since a monitor "must be able to
 * evaluate data before alerting on missing data" (monitors/configuration), and then for a whole window from that log on.
 */
export class Track {
  readonly read: Reader
  readonly limits: GroupLimits | undefined
  readonly monitor: Monitor
  private readonly rule: Rule
  private readonly options: TrackOptions
  private readonly arrival: boolean
  private readonly ring = new EntryRing()
  private readonly groups = new Map<string, Group>()
  private readonly notices: Notices
  /** Groups that are not OK. */
  private readonly active = new Set<Group>()
  /** Groups that are beyond the limits. */
  private readonly withheld = new Set<Group>()
  private changed: Group[] = []
  /** Groups under `new_group_delay`, by the end of it. */
  private waiting: Group[] = []
  private clock = beforeTime
  /** When an ungrouped monitor about too little is evaluated first; Infinity when that is over. */
  private wholeAt = never
  /** Silent groups by when `timeout_h` resolves them, and by when `group_retention_duration` drops them. */
  private readonly timeouts: Silences
  private readonly retentions: Silences
  /** The last evaluation that counts the newest log of a recording that has ended. */
  private lastCounted = never
  private hadData = false
  private sweepAt = 1024
  private limitsCountedAt = beforeTime
  private mostLive = 0
  /** From a window's newest moment to an entry's leaving it. */
  private readonly stayMs: number
  private readonly delayMs: number
  /** How long a silent group that still matters is remembered. */
  private readonly keptMs: number
  /** A group that is OK stays so at a value that has risen to this. */
  private readonly quietUpTo: number
  /** Whether its having been seen means something of a group that is OK and holds nothing. */
  private readonly remembers: boolean

  constructor(monitor: Monitor, options: TrackOptions) {
    this.monitor = monitor
    this.options = options
    this.arrival = options.cadenceMs === undefined
    this.rule = ruleOf(monitor)
    this.read = compileReader(monitor)
    this.delayMs = this.arrival ? 0 : this.rule.evaluationDelayMs
    this.stayMs = this.rule.windowMs + this.delayMs
    this.keptMs = Math.max(
      this.rule.retentionMs + this.stayMs + (options.cadenceMs ?? 0),
      this.rule.newGroupDelayMs > 0 ? newAgainMs : 0,
    )
    this.quietUpTo = quietUpTo(this.rule)
    this.remembers = !this.rule.grouped || this.rule.newGroupDelayMs > 0 || this.rule.firesOnLeaving
    this.timeouts = new Silences(this.rule.timeoutMs ?? never)
    this.retentions = new Silences(this.rule.grouped ? this.rule.retentionMs : never)
    this.limits = this.rule.grouped ? new GroupLimits(monitor.parsed.by.length) : undefined
    this.notices = new Notices(monitor, this.rule, this.stayMs, options.emit, options.dropped)
  }

  /**
   * No log comes after `newest`.
   * Decision `recording-ends`: silence after the newest log of a recording is not the service's, so that from then on no monitor gets
   * worse by what leaves its window, and nothing reminds; recoveries are told.
   */
  end(newest: number): void {
    this.lastCounted = this.arrival ? newest : this.after(newest + this.delayMs)
    this.notices.silentAfter = this.lastCounted
  }

  /** Epoch ms at which something may change without a further log; Infinity when nothing can. */
  due(): number {
    const { ring, rule } = this
    if (this.clock === beforeTime) return never
    let due = never
    const falls = ring.from < ring.to && (this.active.size > 0 || rule.firesOnLeaving)
    if (falls) due = this.after(ring.time(ring.from) + this.stayMs)
    if (ring.to < ring.end) due = Math.min(due, this.after(ring.time(ring.to) + this.delayMs))
    const [waiting] = this.waiting
    if (waiting) due = Math.min(due, this.notEarlier(waiting.notBefore))
    if (this.changed.length > 0 && !this.arrival) due = Math.min(due, this.after(this.clock))
    due = Math.min(
      due,
      this.notEarlier(Math.min(this.wholeAt, this.timeouts.due, this.retentions.due, this.notices.remindAt)),
    )
    return this.arrival ? due : Math.max(due, this.after(this.clock))
  }

  /** Lets time pass up to the log at `at`, whose own instant is still open in arrival mode. */
  passUntil(at: number): void {
    this.run(at, !this.arrival)
  }

  /** Lets time pass up to and including `now`. */
  pass(now: number): void {
    this.run(now, true)
  }

  private run(until: number, inclusive: boolean): void {
    if (this.clock === beforeTime) this.clock = until // nothing was watched before
    if (this.arrival) this.shed(until)
    for (let due = this.due(); due < until || (inclusive && due === until); due = this.due()) {
      this.step(due)
      if (this.arrival) this.shed(until)
    }
  }

  /** Lets entries leave that cannot change any state, so that no evaluation is spent on them. */
  private shed(until: number): void {
    const { ring, stayMs } = this
    if (this.active.size > 0 || this.rule.firesOnLeaving) return
    const judged = Math.min(until, this.waiting[0]?.notBefore ?? never)
    while (ring.from < ring.to && ring.time(ring.from) + stayMs < judged) this.leave(ring.from++)
  }

  /** The group that a log belongs to. Until something of it is taken in, it has not been seen. */
  groupOf(key: string): Group {
    const known = this.groups.get(key)
    if (known) return known
    const group = new Group(owned(key))
    this.groups.set(group.key, group)
    return group
  }

  /**
   * Takes in what a log adds to a group.
   * @param slot where the group holds the log's value
   * @param at the log's time
   * @param now the latest time that has been reached, not before `at`
   */
  add(group: Group, slot: number, at: number, now: number, log?: IndexedLog): void {
    if (this.clock === beforeTime) this.clock = at
    if (this.arrival) {
      this.expire(now)
      if (now > this.clock) this.clock = now
    }
    this.see(group, at)
    if (this.options.samples && log) remember(group, log)
    this.admit(this.ring.insert(at, group, slot), at, now)
    if (this.arrival && at < now && group.state !== 'Alert' && !this.rule.firesOnLeaving) this.lookBack(group, at)
  }

  /** Gives an inserted entry its side of the window. */
  private admit(position: number, at: number, now: number): void {
    const { ring } = this
    if (this.arrival) {
      ring.to = ring.end
      if (at + this.stayMs <= now) ring.from++
      else this.enter(position)
    } else if (position < ring.from) {
      ring.from++
      ring.to++
    } else if (position < ring.to) {
      ring.to++
      this.enter(position)
    }
  }

  /**
   * Evaluates at `at` every group that changed since the last time; in cadence mode only its steps do. Waits that end with this
   * instant are left to the end of it if no log has changed anything: what leaves at it has not left yet.
   */
  settle(at: number): void {
    if (!this.arrival) return
    if (this.changed.length > 0) this.endWaits(at)
    this.evaluateChanged(at)
  }

  private step(at: number): void {
    const { ring } = this
    this.clock = at
    if (!this.arrival) {
      while (ring.to < ring.end && ring.time(ring.to) < at - this.delayMs) this.enter(ring.to++)
    }
    this.expire(at)
    this.endWaits(at)
    this.evaluateChanged(at)
    this.endSilence(at)
    this.notices.remind(at)
    this.sweep()
  }

  /** What had to wait for its first evaluation has it now. */
  private endWaits(at: number): void {
    while (this.waiting[0] && this.waiting[0].notBefore <= at) this.mark(this.waiting.shift() as Group)
    if (this.wholeAt > at) return
    this.wholeAt = never
    this.mark(this.groupOf(''))
  }

  private expire(now: number): void {
    const { ring } = this
    const oldest = now - this.stayMs
    while (ring.from < ring.to && (this.arrival ? ring.time(ring.from) <= oldest : ring.time(ring.from) < oldest)) {
      this.leave(ring.from++)
    }
    while (ring.start < ring.from && ring.time(ring.start) <= oldest - this.options.historyMs) {
      const group = ring.group(ring.start)
      group.release(ring.slot(ring.start))
      ring.shift()
      this.dropIdle(group)
    }
  }

  private enter(position: number): void {
    const group = this.ring.group(position)
    const slot = this.ring.slot(position)
    group.enter(slot)
    if (group.count === 1) this.limits?.appear(group.key)
    this.numbersOf(group)?.add(Number(group.valueAt(slot)))
    if (group.state !== 'OK' || this.valueOf(group) > this.quietUpTo) this.mark(group)
  }

  private leave(position: number): void {
    const group = this.ring.group(position)
    const slot = this.ring.slot(position)
    group.leave(slot)
    if (group.count === 0) this.limits?.vanish(group.key)
    this.numbersOf(group)?.remove(Number(group.valueAt(slot)))
    if (group.state !== 'OK' || this.rule.firesOnLeaving) this.mark(group)
  }

  private numbersOf(group: Group) {
    const { kind } = this.rule
    if (kind === 'count' || kind === 'cardinality') return undefined
    group.numbers ??= statisticOf(kind)
    return group.numbers
  }

  private mark(group: Group): void {
    if (group.changed) return
    group.changed = true
    this.changed.push(group)
  }

  private evaluateChanged(at: number): void {
    const anyData = this.ring.from < this.ring.to
    if (anyData !== this.hadData && this.rule.grouped && this.rule.firesOnSilence) this.markKept(at)
    this.hadData = anyData
    if (this.limits?.exceeded || this.withheld.size > 0) this.limit(this.limits as GroupLimits, at, anyData)
    if (this.changed.length === 0) return
    const groups = this.changed
    this.changed = []
    if (groups.length > 1) groups.sort(byKey)
    for (const group of groups) {
      group.changed = false
      if (at >= group.notBefore && (this.wholeAt === never || at >= this.wholeAt)) this.evaluate(group, at, anyData)
    }
    this.notices.settle(at)
  }

  /** Every group that is still in the monitor's status. */
  private markKept(at: number): void {
    for (const group of this.groups.values()) {
      const silentMs = group.emptySince === never ? 0 : at - group.emptySince
      if (group.lastSeen !== beforeTime && silentMs < this.rule.retentionMs) this.mark(group)
    }
  }

  private evaluate(group: Group, at: number, anyData: boolean): void {
    const hasData = group.count > 0 && !group.withheld
    const state = this.judge(group, anyData)
    if (severity[state] > severity[group.state] && this.isOver(group, at)) return
    group.value = hasData ? this.valueOf(group) : 0
    if (hasData) group.emptySince = never
    else this.fallSilent(group, state, at)
    this.enterState(group, state, at)
  }

  /** @param state the one that it enters, or keeps */
  private fallSilent(group: Group, state: State, at: number): void {
    const begins = group.emptySince === never
    if (begins) group.emptySince = at
    if (begins && (state !== 'OK' || this.rule.firesOnSilence)) this.retentions.add(group, at)
    if (isTriggered(state) && (begins || !isTriggered(group.state))) this.timeouts.add(group, at)
  }

  private judge(group: Group, anyData: boolean): State {
    const hasData = group.count > 0 && !group.withheld
    return nextState(this.rule, group.state, hasData ? this.valueOf(group) : 0, hasData, anyData)
  }

  /** Whether what leaves at `at`, or has left, did so only because the recording has ended. */
  private isOver(group: Group, at: number): boolean {
    if (at <= this.lastCounted || at <= this.notEarlier(group.notBefore)) return false
    return this.rule.firesOnLeaving || group.count === 0
  }

  private valueOf(group: Group): number {
    switch (this.rule.kind) {
      case 'count':
        return group.count
      // Decision `cardinality-exact`, undocumented: distinct values are counted, not estimated.
      case 'cardinality':
        return group.distinct
      default:
        return group.numbers?.value() ?? 0
    }
  }

  private enterState(group: Group, state: State, at: number): void {
    if (state === group.state) return
    this.notices.move(group, state, at)
    if (state !== 'OK') {
      this.active.add(group)
      return
    }
    this.active.delete(group)
    this.dropIdle(group)
  }

  private endSilence(at: number): void {
    for (let group = this.timeouts.take(at); group; group = this.timeouts.take(at)) {
      if (isTriggered(group.state)) this.resolve(group, at)
    }
    for (let group = this.retentions.take(at); group; group = this.retentions.take(at)) {
      if (group.state !== 'OK') this.drop(group)
    }
    this.notices.settle(at)
  }

  /**
   * Decision `timeout-then-next-evaluation`: after `timeout_h` an alert resolves, and triggers again if its next evaluation says so
   * (documented); in arrival mode that is when its next log comes. Missing data do not time out (undocumented).
   */
  private resolve(group: Group, at: number): void {
    group.emptySince = never
    this.enterState(group, 'OK', at)
    if (!this.arrival && !group.forgotten) this.mark(group)
  }

  /**
   * Decision `dropped-without-a-word`, undocumented: a group that is dropped after `group_retention_duration` sends no recovery; if it
   * comes back, that is another cycle.
   */
  private drop(group: Group): void {
    this.active.delete(group)
    this.notices.drop(group)
    this.dropIdle(group)
  }

  /**
   * Leaves out groups beyond the limits: for their monitor they have no logs. Which these are is only found out while it can make a
   * difference to a state.
   */
  private limit(limits: GroupLimits, at: number, anyData: boolean): void {
    const matters = this.options.groupLimits && this.limitsMatter(anyData)
    if (limits.exceeded) limits.note(at, limits.surplus ?? 0)
    if (!matters) {
      if (this.isLimitCounted(limits, at)) this.countLimits(at)
      return
    }
    const chosen = limits.exceeded ? this.chosenGroups(limits) : undefined
    if (chosen) limits.note(at, limits.live - chosen.size)
    for (const group of this.groups.values()) {
      const withheld = chosen !== undefined && group.count > 0 && !chosen.has(group.key)
      if (withheld === group.withheld) continue
      group.withheld = withheld
      if (withheld) this.withheld.add(group)
      else this.withheld.delete(group)
      this.mark(group)
    }
  }

  private isLimitCounted(limits: GroupLimits, at: number): boolean {
    if (limits.live <= this.mostLive * limitsCountedGrowth) return false
    return !this.arrival || at >= this.limitsCountedAt + limitsCountedMs
  }

  /** Counts the groups that are beyond the limits, if there are more than ever and their number is not known without. */
  countLimits(at: number): void {
    const { limits } = this
    if (!limits?.exceeded || limits.surplus !== undefined || limits.live <= this.mostLive) return
    this.mostLive = limits.live
    this.limitsCountedAt = at
    limits.note(at, limits.live - this.chosenGroups(limits).size)
  }

  private limitsMatter(anyData: boolean): boolean {
    if (this.active.size > 0 || this.rule.onMissingData.startsWith('show')) return true
    const fires = (group: Group) => group.count > 0 && judgeAlone(this.rule, this.valueOf(group), anyData)
    return this.changed.some(fires) || [...this.withheld].some(fires)
  }

  private chosenGroups(limits: GroupLimits): Set<string> {
    const live = [...this.groups.values()].filter(({ count }) => count > 0)
    return limits.choose(live, (groups, facets) => this.worths(limits, groups, facets))
  }

  private worths(limits: GroupLimits, groups: readonly Group[], facets: number): Map<string, number> {
    if (facets === this.monitor.parsed.by.length)
      return new Map(groups.map((group) => [group.key, this.valueOf(group)]))
    const pools = new Map<string, Pool>()
    for (const group of groups) {
      const prefix = limits.prefixOf(group.key, facets)
      const pool = pools.get(prefix) ?? poolOf(this.rule.kind)
      pools.set(prefix, pool)
      group.visit(pool.add)
    }
    return new Map([...pools].map(([prefix, pool]) => [prefix, pool.value()]))
  }

  /**
   * A log came after others of its group, or after time went on: looks at every window that ends at it or at one of those.
   * Only windows that rise are asked; a cycle that is open, or already over, is not rewritten.
   */
  private lookBack(group: Group, at: number): void {
    const { ring, rule } = this
    const times: number[] = []
    const slots: number[] = []
    for (let position = ring.start; position < ring.end; position++) {
      if (ring.group(position) !== group || ring.time(position) <= at - rule.windowMs) continue
      times.push(ring.time(position))
      slots.push(ring.slot(position))
    }
    let first = 0
    for (const [last, end] of times.entries()) {
      if (end >= at + rule.windowMs) return
      if (end < at || end < group.notBefore || times[last + 1] === end) continue
      while ((times[first] as number) <= end - rule.windowMs) first++
      const value = this.valueOfSlots(group, slots.slice(first, last + 1))
      const state = nextState(rule, group.state, value, true, true)
      if (state !== 'OK') {
        group.value = value
        this.enterState(group, state, end)
        this.notices.settle(end)
        this.mark(group)
      }
      if (state === 'Alert') return
    }
  }

  private valueOfSlots(group: Group, slots: readonly number[]): number {
    if (this.rule.kind === 'count') return slots.length
    if (this.rule.kind === 'cardinality') return new Set(slots).size
    const numbers = statisticOf(this.rule.kind)
    for (const slot of slots) numbers.add(Number(group.valueAt(slot)))
    return numbers.value()
  }

  private see(group: Group, at: number): void {
    if (this.rule.newGroupDelayMs > 0 && group.lastSeen + newAgainMs <= at) this.keepWaiting(group, at)
    if (!this.rule.grouped && this.rule.firesOnLess && group.lastSeen === beforeTime) {
      this.wholeAt = this.notEarlier(at + this.stayMs)
    }
    if (this.remembers && at > group.lastSeen) group.lastSeen = at
  }

  /** Decision `new-group-waits`, undocumented what follows `new_group_delay`: one evaluation of all that is in its window by then. */
  private keepWaiting(group: Group, at: number): void {
    group.notBefore = at + this.rule.newGroupDelayMs
    let place = this.waiting.length
    while (place > 0 && (this.waiting[place - 1] as Group).notBefore > group.notBefore) place--
    this.waiting.splice(place, 0, group)
  }

  /** A group that is OK and holds nothing is forgotten, unless its having been seen still means something. */
  private dropIdle(group: Group): void {
    if (!this.remembers && group.held === 0 && group.state === 'OK') this.forget(group)
  }

  private forget(group: Group): void {
    this.groups.delete(group.key)
    group.forgotten = true
  }

  private sweep(): void {
    if (!this.rule.grouped || this.groups.size < this.sweepAt) return
    for (const group of this.groups.values()) {
      if (group.held === 0 && group.state === 'OK' && group.lastSeen + this.keptMs <= this.clock) this.forget(group)
    }
    this.sweepAt = Math.max(1024, this.groups.size * 2)
  }

  /** @returns all that the future depends on; samples are not kept */
  save(): TrackState {
    const groups = [...this.groups.values()]
    const places = new Map(groups.map((group, i) => [group, i]))
    const placeOf = (group: Group) => places.get(group) as number
    const { report } = this.limits ?? {}
    return {
      keys: groups.map(({ key }) => key),
      standings: groups.flatMap((group, i) => {
        const standing = standingOf(group)
        return standing ? [[i, standing] as const] : []
      }),
      entries: entriesOf(this.ring, places),
      changed: this.changed.filter(({ forgotten }) => !forgotten).map(placeOf),
      waiting: this.waiting.filter(({ forgotten }) => !forgotten).map(placeOf),
      clock: this.clock,
      wholeAt: this.wholeAt,
      timeouts: [...this.timeouts].map(({ group, since, due }) => [placeOf(group), since, due]),
      retentions: [...this.retentions].map(({ group, since, due }) => [placeOf(group), since, due]),
      hadData: this.hadData,
      sweepAt: this.sweepAt,
      limitsCountedAt: this.limitsCountedAt,
      mostLive: this.mostLive,
      exceeded: report ?? null,
      notices: this.notices.save(placeOf),
    }
  }

  /** Goes on from where the same monitor was saved. @param state what `save` returned, maybe by way of JSON */
  restore(state: TrackState): void {
    const { ring } = this
    const groups = state.keys.map((key) => this.groupOf(key))
    restoreEntries(ring, state.entries, groups)
    ring.from = state.entries.from
    ring.to = state.entries.to
    for (let position = ring.from; position < ring.to; position++) this.enter(position)
    for (const group of this.changed) group.changed = false
    this.changed = []
    for (const [i, standing] of state.standings) restoreStanding(groups[i] as Group, standing)
    for (const group of groups) {
      if (group.state !== 'OK') this.active.add(group)
      if (group.withheld) this.withheld.add(group)
    }
    for (const i of state.changed) this.mark(groups[i] as Group)
    this.waiting = state.waiting.map((i) => groups[i] as Group)
    this.clock = state.clock ?? beforeTime
    this.wholeAt = state.wholeAt ?? never
    for (const [i, since, due] of state.timeouts) this.timeouts.put(groups[i] as Group, since, due)
    for (const [i, since, due] of state.retentions) this.retentions.put(groups[i] as Group, since, due)
    this.hadData = state.hadData
    this.sweepAt = state.sweepAt
    this.limitsCountedAt = state.limitsCountedAt ?? beforeTime
    this.mostLive = state.mostLive
    if (state.exceeded) this.limits?.note(state.exceeded.since, state.exceeded.beyond)
    this.notices.restore(state.notices, groups)
  }

  /** The first evaluation after an instant at which a window's edge passes. */
  private after(instant: number): number {
    const { cadenceMs } = this.options
    return cadenceMs === undefined ? instant : (Math.floor(instant / cadenceMs) + 1) * cadenceMs
  }

  private notEarlier(instant: number): number {
    const { cadenceMs } = this.options
    return cadenceMs === undefined || !Number.isFinite(instant) ? instant : Math.ceil(instant / cadenceMs) * cadenceMs
  }
}

/** @returns the highest value, of a rollup that only entries raise, at which a group that is OK stays OK; none for other rules */
function quietUpTo({ kind, operator, critical, warning = critical, firesOnLeaving }: Rule): number {
  const rises = (kind === 'count' || kind === 'cardinality') && !firesOnLeaving
  if (!rises) return Number.NEGATIVE_INFINITY
  const least = Math.min(critical, warning)
  return operator === '>' ? least : Math.ceil(least) - 1
}

const isTriggered = (state: State): boolean => state === 'Alert' || state === 'Warn'

/** Whether a value would move a group away from OK. */
const judgeAlone = (rule: Rule, value: number, anyData: boolean): boolean =>
  nextState(rule, 'OK', value, true, anyData) !== 'OK'

/** Keeps the newest logs of a group, oldest first. */
function remember(group: Group, log: IndexedLog): void {
  group.samples ??= []
  const { samples } = group
  let at = samples.length
  while (at > 0 && (samples[at - 1] as IndexedLog).timestamp > log.timestamp) at--
  samples.splice(at, 0, log)
  if (samples.length > mostSamples) samples.shift()
}

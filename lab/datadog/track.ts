import { createHash } from 'node:crypto'
import type { IndexedLog } from './log.ts'
import type { Monitor } from './monitor.ts'
import { compileReader, groupOfKey, type Reader } from './reading.ts'
import { entering, nextState, type Rule, reminding, ruleOf, type State, type TransitionWord } from './state.ts'
import { EntryRing, Group, owned } from './windows.ts'

/** A group of a monitor changed its state, or a reminder of it is due: what Datadog sends one notification for. */
export interface Transition {
  readonly monitor: Monitor
  readonly transition: TransitionWord
  /** Facet → value, keys as in `.by`: `{ '@ip': '203.0.113.9' }`; empty for an ungrouped monitor. */
  readonly group: Record<string, string>
  /** Epoch ms of event time. */
  readonly at: number
  readonly value: number
  /** `$ALERT_CYCLE_KEY`: the same from the trigger until the recovery, per group. */
  readonly cycleKey: string
  readonly firstTriggeredAt: number
  /** The newest matching logs of the group, ten at most; none on recovery. */
  readonly sample: IndexedLog[]
}

export interface TrackOptions {
  /** Milliseconds between evaluations, aligned to the epoch; undefined evaluates at each log's own time. */
  readonly cadenceMs: number | undefined
  /** How long past its window an entry is remembered, for logs that come late. */
  readonly historyMs: number
  readonly samples: boolean
  readonly emit: (transition: Transition) => void
}

const mostSamples = 10
const never = Number.POSITIVE_INFINITY
const beforeTime = Number.NEGATIVE_INFINITY
/** A group counts as new again when it was silent this long: `new_group_delay`. */
const newAgainMs = 24 * 3_600_000

/**
 * One monitor over time. Arrival evaluates the window (t − w, t] at each log's own time and recovers at the exact instant at
 * which the condition stops to hold; cadence evaluates [t − delay − w, t − delay) at every aligned t. Undocumented: which end of
 * the window is open; choice: as said. `evaluation_delay` shifts only the cadence, which has a clock to shift.
 */
export class Track {
  readonly read: Reader
  private readonly monitor: Monitor
  private readonly rule: Rule
  private readonly options: TrackOptions
  private readonly arrival: boolean
  private readonly ring = new EntryRing()
  private readonly groups = new Map<string, Group>()
  /** Groups that are not OK. */
  private readonly active = new Set<Group>()
  private changed: Group[] = []
  /** Groups under `new_group_delay`, first come first. */
  private waiting: Group[] = []
  private clock = beforeTime
  private hadData = false
  private sweepAt = 1024
  /** From a window's newest moment to an entry's leaving it. */
  private readonly stayMs: number
  private readonly delayMs: number
  /** How long a silent group that still matters is remembered. */
  private readonly keptMs: number

  constructor(monitor: Monitor, options: TrackOptions) {
    this.monitor = monitor
    this.options = options
    this.arrival = options.cadenceMs === undefined
    this.rule = ruleOf(monitor)
    this.read = compileReader(monitor)
    this.delayMs = this.arrival ? 0 : this.rule.evaluationDelayMs
    this.stayMs = this.rule.windowMs + this.delayMs
    this.keptMs = Math.max(this.rule.retentionMs, this.rule.newGroupDelayMs > 0 ? newAgainMs : 0)
    if (!this.rule.grouped && !this.arrival) this.mark(this.groupOf(''))
  }

  /** Epoch ms at which something may change without a further log; Infinity when nothing can. */
  due(): number {
    const { ring, rule } = this
    if (this.clock === beforeTime) return never
    let due = never
    const falls = ring.from < ring.to && (this.active.size > 0 || rule.firesOnQuiet)
    if (falls) due = this.after(ring.time(ring.from) + this.stayMs)
    if (ring.to < ring.end) due = Math.min(due, this.after(ring.time(ring.to) + this.delayMs))
    const [waiting] = this.waiting
    if (waiting) due = Math.min(due, this.notEarlier(waiting.notBefore))
    if (this.changed.length > 0 && !this.arrival) due = Math.min(due, this.after(this.clock))
    if (rule.renotify) for (const group of this.active) due = Math.min(due, this.notEarlier(this.reminderOf(group)))
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
    if (this.active.size === 0 || this.rule.firesOnQuiet) return
    while (ring.from < ring.to && ring.time(ring.from) + stayMs < until && ring.group(ring.from).state === 'OK') {
      this.leave(ring.from++)
    }
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
    if (this.arrival && at < now && group.state !== 'Alert' && !this.rule.firesOnQuiet) this.lookBack(group, at)
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

  /** Evaluates at `at` every group that changed since the last time; in cadence mode only its steps do. */
  settle(at: number): void {
    if (this.arrival) this.evaluateChanged(at)
  }

  private step(at: number): void {
    const { ring } = this
    this.clock = at
    if (!this.arrival) {
      while (ring.to < ring.end && ring.time(ring.to) < at - this.delayMs) this.enter(ring.to++)
    }
    this.expire(at)
    while (this.waiting[0] && this.waiting[0].notBefore <= at) this.mark(this.waiting.shift() as Group)
    this.evaluateChanged(at)
    this.remind(at)
    this.sweep()
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
    group.enter(this.ring.slot(position))
    this.mark(group)
  }

  private leave(position: number): void {
    const group = this.ring.group(position)
    group.leave(this.ring.slot(position))
    if (group.state !== 'OK' || this.rule.firesOnQuiet) this.mark(group)
  }

  private mark(group: Group): void {
    if (group.changed) return
    group.changed = true
    this.changed.push(group)
  }

  private evaluateChanged(at: number): void {
    const anyData = this.ring.from < this.ring.to
    if (anyData !== this.hadData && this.rule.grouped && this.rule.firesOnQuiet) {
      for (const group of this.groups.values()) if (group.lastSeen !== beforeTime) this.mark(group)
    }
    this.hadData = anyData
    const groups = this.changed
    if (groups.length === 0) return
    this.changed = []
    if (groups.length > 1) groups.sort(byKey)
    for (const group of groups) {
      group.changed = false
      if (at < group.notBefore) continue
      const value = this.rule.kind === 'count' ? group.count : group.distinct
      this.enterState(group, nextState(this.rule, group.state, value, group.count > 0, anyData), at, value)
    }
  }

  private enterState(group: Group, state: State, at: number, value: number): void {
    if (state === group.state) return
    group.state = state
    if (state === 'OK') {
      this.active.delete(group)
      if (group.cycle) this.notify(group, 'Recovered', at, value)
      group.cycle = undefined
      this.dropIdle(group)
      return
    }
    this.active.add(group)
    if (state === 'No Data' && this.rule.onMissingData !== 'show_and_notify_no_data') return
    group.cycle ??= { key: this.cycleKey(group, at), since: at, notifiedAt: at, reminders: 0 }
    group.cycle.notifiedAt = at
    group.cycle.reminders = 0
    this.notify(group, entering[state], at, value)
  }

  private notify(group: Group, transition: TransitionWord, at: number, value: number): void {
    const { cycle } = group
    if (!cycle) return
    const since = at - this.stayMs
    this.options.emit({
      monitor: this.monitor,
      transition,
      group: groupOfKey(this.monitor.parsed.by, group.key),
      at,
      value,
      cycleKey: cycle.key,
      firstTriggeredAt: cycle.since,
      sample: transition === 'Recovered' ? [] : (group.samples ?? []).filter((log) => log.timestamp >= since).reverse(),
    })
  }

  private cycleKey(group: Group, at: number): string {
    const text = JSON.stringify([this.monitor.slug, group.key, at])
    return createHash('sha256').update(text).digest('hex').slice(0, 32)
  }

  private reminderOf({ state, cycle }: Group): number {
    const { renotify } = this.rule
    if (!renotify || !cycle || !renotify.states.includes(state) || cycle.reminders >= renotify.occurrences) return never
    const at = cycle.notifiedAt + renotify.intervalMs
    return at - cycle.since > renotify.untilMs ? never : at
  }

  private remind(at: number): void {
    if (!this.rule.renotify || this.active.size === 0) return
    for (const group of [...this.active].sort(byKey)) {
      if (this.reminderOf(group) > at || !group.cycle || group.state === 'OK') continue
      group.cycle.notifiedAt = at
      group.cycle.reminders++
      this.notify(group, reminding[group.state], at, this.rule.kind === 'count' ? group.count : group.distinct)
    }
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
      const value = rule.kind === 'count' ? last + 1 - first : new Set(slots.slice(first, last + 1)).size
      const state = nextState(rule, group.state, value, true, true)
      if (state !== 'OK') this.enterState(group, state, end, value)
      if (state === 'Alert') return
    }
  }

  private see(group: Group, at: number): void {
    if (this.rule.newGroupDelayMs > 0 && group.lastSeen + newAgainMs <= at) this.keepWaiting(group, at)
    if (at > group.lastSeen) group.lastSeen = at
  }

  private keepWaiting(group: Group, at: number): void {
    group.notBefore = at + this.rule.newGroupDelayMs
    this.waiting.push(group)
  }

  /** A group that is OK and holds nothing is forgotten, unless its having been seen still means something. */
  private dropIdle(group: Group): void {
    const { rule } = this
    const matters = !rule.grouped || rule.newGroupDelayMs > 0 || rule.firesOnQuiet
    if (!matters && group.held === 0 && group.state === 'OK') this.forget(group)
  }

  private forget(group: Group): void {
    this.groups.delete(group.key)
    group.forgotten = true
  }

  private sweep(): void {
    if (!this.rule.grouped || this.groups.size < this.sweepAt) return
    for (const group of this.groups.values()) {
      if (group.held > 0 || group.lastSeen + this.keptMs > this.clock) continue
      this.forget(group)
      this.active.delete(group)
    }
    this.sweepAt = Math.max(1024, this.groups.size * 2)
  }

  /** The first evaluation after an instant at which a window's edge passes. */
  private after(instant: number): number {
    const { cadenceMs } = this.options
    return cadenceMs === undefined ? instant : (Math.floor(instant / cadenceMs) + 1) * cadenceMs
  }

  private notEarlier(instant: number): number {
    const { cadenceMs } = this.options
    return cadenceMs === undefined || instant === never ? instant : Math.ceil(instant / cadenceMs) * cadenceMs
  }
}

const byKey = (a: Group, b: Group) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)

/** Keeps the newest logs of a group, oldest first. */
function remember(group: Group, log: IndexedLog): void {
  group.samples ??= []
  const { samples } = group
  let at = samples.length
  while (at > 0 && (samples[at - 1] as IndexedLog).timestamp > log.timestamp) at--
  samples.splice(at, 0, log)
  if (samples.length > mostSamples) samples.shift()
}

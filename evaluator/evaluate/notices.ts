import { createHash } from 'node:crypto'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Group } from './group.ts'
import { type Moment, NO_DEADLINE } from './moment.ts'
import { groupOfKey } from './reading.ts'
import {
  byKey,
  type Cycle,
  ENTERING,
  REMINDING,
  type Rule,
  SEVERITY,
  type State,
  type Subject,
  type TransitionWord,
} from './state.ts'

/** A change of state or a reminder, for which Datadog sends one notification. */
export interface Transition {
  readonly monitor: Monitor
  readonly transition: TransitionWord
  /** The state before; the same as now for a reminder. */
  readonly from: State
  /** Facet → value, keys as in `.by`, those of `notify_by` only: `{ '@ip': '203.0.113.9' }`; empty for a simple alert. */
  readonly group: Record<string, string>
  /** Epoch ms of event time. */
  readonly at: number
  /** The value of the rollup. For groups that are notified together, it is the value of the group that caused the change. */
  readonly value: number
  /** `$ALERT_CYCLE_KEY`: the same from the trigger until the recovery, per group. */
  readonly cycleKey: string
  /** When the cycle began, and when it last entered a state other than OK. */
  readonly firstTriggeredAt: number
  readonly lastTriggeredAt: number
  /** The newest matching logs of the group, at most ten; empty on recovery. */
  readonly sample: IndexedLog[]
  /** The groups in it that are not OK, worst first, at most ten. */
  readonly breaching: readonly Breach[]
}

/** The saved reminders and notification groups of a monitor. */
export interface NoticesState {
  readonly remindAt: Moment
  readonly together: readonly {
    readonly key: string
    readonly state: State
    readonly cycle: Cycle | null
    readonly members: readonly number[]
  }[]
}

/** Called for a group that was not OK and is dropped from the monitor's status without a notification. */
export type Dropped = (monitor: Monitor, group: Record<string, string>) => void

/** A group that is not OK, and its value. */
export interface Breach {
  readonly group: Record<string, string>
  readonly value: number
}

/** The groups with the same values of the facets of `notify_by`: they share a notification and the state of the worst. */
class NotifyGroup implements Subject {
  readonly key: string
  state: State = 'OK'
  cycle: Cycle | undefined = undefined
  /** The groups in it that are not OK. */
  readonly members = new Set<Group>()
  /** The group in it that changed its state last. */
  lastMoved: Group

  constructor(key: string, lastMoved: Group) {
    this.key = key
    this.lastMoved = lastMoved
  }

  /**
   * Decision `worst-of-group`, undocumented: groups that are notified together by `notify_by` have the state, value and samples of the
   * worst of them: Alert before Warn before No Data, and among equals the first by key.
   */
  worst(): Group | undefined {
    let worst: Group | undefined
    for (const member of this.members) {
      const order = worst ? SEVERITY[member.state] - SEVERITY[worst.state] : 1
      if (worst === undefined || order > 0 || (order === 0 && member.key < worst.key)) worst = member
    }
    return worst
  }
}

const MAX_SHOWN = 10

/** Emits the transitions of a monitor: one per group, or one for the groups that `notify_by` combines. */
export class Notices {
  /** The earliest time at which a reminder may be due. */
  remindAt = NO_DEADLINE
  /** No reminder is sent after this time. */
  silentAfter = NO_DEADLINE
  /** Shown in the transitions. */
  monitor: Monitor
  readonly #rule: Rule
  /** Milliseconds from the end of a window until an entry of that time leaves. */
  readonly #stayMs: number
  readonly #emit: (transition: Transition) => void
  readonly #dropped: Dropped
  readonly #notifyGroups = new Map<string, NotifyGroup>()
  readonly #moved = new Set<NotifyGroup>()
  /** Each subject that has a cycle, with the group that its notifications show. */
  readonly #open = new Map<Subject, Group>()

  constructor(
    monitor: Monitor,
    rule: Rule,
    stayMs: number,
    emit: (transition: Transition) => void,
    dropped: Dropped = () => {},
  ) {
    this.monitor = monitor
    this.#rule = rule
    this.#stayMs = stayMs
    this.#emit = emit
    this.#dropped = dropped
  }

  /** Changes the state of a group. Groups that are notified together are notified by `settle`. */
  move(group: Group, state: State, at: number): void {
    if (!this.#rule.notifyBy) {
      this.#enter(group, group, state, at)
      return
    }
    group.state = state
    const key = this.#keyOf(group)
    const together = this.#notifyGroups.get(key) ?? new NotifyGroup(key, group)
    this.#notifyGroups.set(key, together)
    together.lastMoved = group
    if (state === 'OK') together.members.delete(group)
    else together.members.add(group)
    this.#moved.add(together)
  }

  /** Notifies of the groups that are notified together, once all groups have been evaluated at `at`. */
  settle(at: number): void {
    if (this.#moved.size === 0) return
    for (const together of [...this.#moved].sort(byKey)) {
      const worst = together.worst()
      this.#enter(together, worst ?? together.lastMoved, worst?.state ?? 'OK', at)
      if (!worst) this.#notifyGroups.delete(together.key)
    }
    this.#moved.clear()
  }

  /** Drops a group from the monitor's status without a notification. */
  drop(group: Group): void {
    group.state = 'OK'
    this.#closeSilently(group, group)
    const together = this.#rule.notifyBy && this.#notifyGroups.get(this.#keyOf(group))
    if (!together?.members.delete(group)) return
    together.state = together.worst()?.state ?? 'OK'
    if (together.members.size > 0) return
    this.#closeSilently(together, group)
    this.#notifyGroups.delete(together.key)
  }

  /** Sends the reminders that are due. */
  remind(at: number): void {
    if (at < this.remindAt) return
    this.remindAt = NO_DEADLINE
    if (at > this.silentAfter) return
    for (const [subject, group] of [...this.#open].sort(([a], [b]) => byKey(a, b))) {
      const { cycle, state } = subject
      if (!cycle || state === 'OK') continue
      if (this.#reminderOf(subject) <= at) {
        cycle.notifiedAt = at
        cycle.reminders++
        const worst = subject instanceof NotifyGroup ? subject.worst() : undefined
        this.#notify(subject, worst ?? group, REMINDING[state], state, at)
      }
      this.remindAt = Math.min(this.remindAt, this.#reminderOf(subject))
    }
  }

  /** @param placeOf the number by which a group is saved */
  save(placeOf: (group: Group) => number): NoticesState {
    const together = [...this.#notifyGroups.values()].map(({ key, state, cycle, members }) => {
      return { key, state, cycle: cycle ?? null, members: [...members].map(placeOf) }
    })
    return { remindAt: this.remindAt, together }
  }

  /** @param groups all groups of the monitor, by the numbers under which they were saved */
  restore(state: NoticesState, groups: readonly Group[], groupAt: (place: number) => Group): void {
    this.remindAt = state.remindAt ?? NO_DEADLINE
    for (const group of groups) if (group.cycle) this.#open.set(group, group)
    for (const { key, state: worst, cycle, members } of state.together) {
      const [first, ...rest] = members.map(groupAt)
      if (!first) continue
      const together = new NotifyGroup(key, first)
      for (const member of [first, ...rest]) together.members.add(member)
      together.state = worst
      together.cycle = cycle ? { ...cycle } : undefined
      this.#notifyGroups.set(key, together)
      if (together.cycle) this.#open.set(together, first)
    }
  }

  #enter(subject: Subject, group: Group, state: State, at: number): void {
    const from = subject.state
    if (state === from) return
    subject.state = state
    if (state === 'OK') {
      if (subject.cycle) this.#notify(subject, group, 'Recovered', from, at)
      this.#close(subject)
      return
    }
    if (state === 'No Data' && this.#rule.onMissingData !== 'show_and_notify_no_data') return
    subject.cycle ??= { key: this.#cycleKey(subject, at), since: at, enteredAt: at, notifiedAt: at, reminders: 0 }
    Object.assign(subject.cycle, { enteredAt: at, notifiedAt: at, reminders: 0 })
    this.#open.set(subject, group)
    this.remindAt = Math.min(this.remindAt, this.#reminderOf(subject))
    this.#notify(subject, group, ENTERING[state], from, at)
  }

  #close(subject: Subject): void {
    subject.cycle = undefined
    this.#open.delete(subject)
  }

  #closeSilently(subject: Subject, group: Group): void {
    if (subject.cycle) this.#dropped(this.monitor, this.#facetsOf(group, this.#rule.notifyBy))
    this.#close(subject)
  }

  #notify(subject: Subject, group: Group, transition: TransitionWord, from: State, at: number): void {
    const { cycle } = subject
    if (!cycle) return
    const since = at - this.#stayMs
    this.#emit({
      monitor: this.monitor,
      transition,
      from,
      group: this.#facetsOf(group, this.#rule.notifyBy),
      at,
      value: group.value,
      cycleKey: cycle.key,
      firstTriggeredAt: cycle.since,
      lastTriggeredAt: cycle.enteredAt,
      sample: transition === 'Recovered' ? [] : (group.samples ?? []).filter((log) => log.timestamp >= since).reverse(),
      breaching: transition === 'Recovered' ? [] : this.#breaching(subject, group),
    })
  }

  #breaching(subject: Subject, group: Group): Breach[] {
    const groups = subject instanceof NotifyGroup ? [...subject.members] : [group]
    const falling = this.#rule.operator.startsWith('<')
    return groups
      .sort(
        (a, b) =>
          SEVERITY[b.state] - SEVERITY[a.state] || (falling ? a.value - b.value : b.value - a.value) || byKey(a, b),
      )
      .slice(0, MAX_SHOWN)
      .map((each) => ({ group: this.#facetsOf(each), value: each.value }))
  }

  #facetsOf(group: Group, names?: readonly string[]): Record<string, string> {
    const facets = groupOfKey(this.monitor.parsed.by, group.key)
    return names ? Object.fromEntries(Object.entries(facets).filter(([name]) => names.includes(name))) : facets
  }

  #keyOf(group: Group): string {
    return JSON.stringify(Object.values(this.#facetsOf(group, this.#rule.notifyBy)))
  }

  /** Decision `cycle-key-per-group`, undocumented: each group has its own `$ALERT_CYCLE_KEY`; groups that are notified together share one. */
  #cycleKey({ key }: Subject, at: number): string {
    const text = JSON.stringify([this.monitor.slug, key, at])
    return createHash('sha256').update(text).digest('hex').slice(0, 32)
  }

  #reminderOf({ state, cycle }: Subject): number {
    const { renotify, onMissingData } = this.#rule
    if (state === 'No Data' && onMissingData !== 'show_and_notify_no_data') return NO_DEADLINE
    if (!renotify || !cycle || !renotify.states.includes(state) || cycle.reminders >= renotify.occurrences)
      return NO_DEADLINE
    const at = cycle.notifiedAt + renotify.intervalMs
    return at - cycle.since > renotify.untilMs ? NO_DEADLINE : at
  }
}

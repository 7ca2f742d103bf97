import type { IndexedLog } from '../log.ts'
import type { Statistic } from './measure.ts'
import type { Cycle, State, Subject } from './state.ts'

/** A copy of a text that may be a piece of a far larger one, which it would keep in memory. */
export const owned = (text: string): string => JSON.parse(JSON.stringify(text)) as string

/** One group of a monitor: what its window holds now, and where its alert stands. */
export class Group implements Subject {
  // What every log touches comes first, so that it lies close together: with many groups, a walk through memory is what a log costs.
  readonly key: string
  /** Entries in the window, and in memory at all. */
  count = 0
  held = 0
  /** Distinct values in the window. */
  distinct = 0
  state: State = 'OK'
  changed = false
  /** Its monitor knows nothing of it any more: a later log begins another group of the same key. */
  forgotten = false
  /** Most groups only ever hold one value, which stands in slot 0; there are many groups. */
  private single = ''
  private refs = 0
  private inWindow = 0
  private others: Values | undefined = undefined
  /** Beyond the group limits: as if it had no logs. */
  withheld = false
  /** Time of its newest entry that was taken in. */
  lastSeen = Number.NEGATIVE_INFINITY
  /** Before this it is not evaluated: `new_group_delay`. */
  notBefore = Number.NEGATIVE_INFINITY
  cycle: Cycle | undefined = undefined
  /** Since when its window has been empty, as its evaluations saw it. */
  emptySince = Number.POSITIVE_INFINITY
  /** What the rollup gave at its last evaluation. */
  value = 0
  /** The numbers in the window, for a rollup over a measure. */
  numbers: Statistic | undefined = undefined
  samples: IndexedLog[] | undefined = undefined

  constructor(key: string) {
    this.key = key
  }

  /** Takes hold of a value. @returns the slot in which it is kept */
  hold(value: string): number {
    this.held++
    if (this.refs === 0 && this.single !== value) this.single = owned(value)
    if (this.single === value && !this.others?.has(value)) {
      this.refs++
      return 0
    }
    this.others ??= new Values()
    return 1 + this.others.hold(value)
  }

  /** The value that is kept in a slot. */
  valueAt(slot: number): string {
    return slot === 0 ? this.single : (this.others as Values).valueAt(slot - 1)
  }

  enter(slot: number): void {
    this.count++
    const count = slot === 0 ? ++this.inWindow : (this.others as Values).enter(slot - 1)
    if (count === 1) this.distinct++
  }

  leave(slot: number): void {
    this.count--
    const count = slot === 0 ? --this.inWindow : (this.others as Values).leave(slot - 1)
    if (count === 0) this.distinct--
  }

  /** The values in the window, each with how many times it stands there. */
  visit(take: (value: string, times: number) => void): void {
    if (this.inWindow > 0) take(this.single, this.inWindow)
    this.others?.visit(take)
  }

  release(slot: number): void {
    this.held--
    if (slot === 0) this.refs--
    else if ((this.others as Values).release(slot - 1) === 0) this.others = undefined
  }
}

/** Values with how often each is held, and how often within the window. */
class Values {
  private readonly slots = new Map<string, number>()
  private readonly values: string[] = []
  private readonly refs: number[] = []
  private readonly counts: number[] = []
  private readonly free: number[] = []

  has(value: string): boolean {
    return this.slots.has(value)
  }

  valueAt(slot: number): string {
    return this.values[slot] as string
  }

  hold(value: string): number {
    let slot = this.slots.get(value)
    if (slot === undefined) {
      slot = this.free.pop() ?? this.values.length
      const kept = owned(value)
      this.slots.set(kept, slot)
      this.values[slot] = kept
      this.refs[slot] = 0
      this.counts[slot] = 0
    }
    ;(this.refs[slot] as number)++
    return slot
  }

  enter(slot: number): number {
    const count = (this.counts[slot] as number) + 1
    this.counts[slot] = count
    return count
  }

  leave(slot: number): number {
    const count = (this.counts[slot] as number) - 1
    this.counts[slot] = count
    return count
  }

  visit(take: (value: string, times: number) => void): void {
    for (const [value, slot] of this.slots) {
      const count = this.counts[slot] as number
      if (count > 0) take(value, count)
    }
  }

  /** @returns how many values are still held */
  release(slot: number): number {
    const refs = (this.refs[slot] as number) - 1
    this.refs[slot] = refs
    if (refs === 0) {
      this.slots.delete(this.values[slot] as string)
      this.values[slot] = ''
      this.free.push(slot)
    }
    return this.slots.size
  }
}

/**
 * The entries of one monitor in order of time, whatever their group: every window of a monitor is equally long, so they leave
 * in the order in which they stand. Positions count from the first entry ever and never change meaning:
 * `start ≤ from ≤ to ≤ end`; [from, to) is the window, before it lies history, after it what is not yet due.
 */
export class EntryRing {
  start = 0
  from = 0
  to = 0
  end = 0
  private times = new Float64Array(64)
  private groups = new Array<Group | undefined>(64)
  private slots = new Uint32Array(64)

  time(position: number): number {
    return this.times[position & (this.times.length - 1)] as number
  }

  group(position: number): Group {
    return this.groups[position & (this.times.length - 1)] as Group
  }

  slot(position: number): number {
    return this.slots[position & (this.times.length - 1)] as number
  }

  /** Puts an entry in its place, behind those of the same time. @returns its position */
  insert(time: number, group: Group, slot: number): number {
    if (this.end - this.start === this.times.length) this.grow()
    let position = this.end++
    while (position > this.start && this.time(position - 1) > time) {
      this.put(position, this.time(position - 1), this.group(position - 1), this.slot(position - 1))
      position--
    }
    this.put(position, time, group, slot)
    return position
  }

  /** Forgets the first entry. */
  shift(): void {
    this.groups[this.start & (this.times.length - 1)] = undefined
    this.start++
  }

  private put(position: number, time: number, group: Group, slot: number): void {
    const at = position & (this.times.length - 1)
    this.times[at] = time
    this.groups[at] = group
    this.slots[at] = slot
  }

  private grow(): void {
    const { times, groups, slots, start, end } = this
    const mask = times.length - 1
    this.times = new Float64Array(times.length * 2)
    this.groups = new Array<Group | undefined>(times.length * 2)
    this.slots = new Uint32Array(times.length * 2)
    for (let position = start; position < end; position++) {
      const at = position & mask
      this.put(position, times[at] as number, groups[at] as Group, slots[at] as number)
    }
  }
}

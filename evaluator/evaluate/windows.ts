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
  /** Its place among the groups of the entries in memory; -1 while it has none there. */
  place = -1
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

const SEGMENT_BITS = 10
const SEGMENT_SIZE = 1 << SEGMENT_BITS

/** Consecutive entries, in columns outside the heap that is searched for garbage. */
class Segment {
  readonly times = new Float64Array(SEGMENT_SIZE)
  /** Places of their groups. */
  readonly groups = new Uint32Array(SEGMENT_SIZE)
  /** Undefined until one of them is not 0, as most are, and wide only once one of them is large. */
  slots: Uint8Array | Uint32Array | undefined = undefined

  keepSlot(at: number, slot: number): void {
    if (slot > 0) this.slots ??= new Uint8Array(SEGMENT_SIZE)
    if (slot > 255 && this.slots instanceof Uint8Array) this.slots = Uint32Array.from(this.slots)
    if (this.slots) this.slots[at] = slot
  }
}

/**
 * The entries of one monitor in order of time, whatever their group: every window of a monitor is equally long, so they leave
 * in the order in which they stand. Positions count from the first entry ever and never change meaning:
 * `start ≤ from ≤ to ≤ end`; [from, to) is the window, before it lies history, after it what is not yet due.
 * Entries stand in segments, so that memory follows their number: one array that doubles is half empty, and is there
 * twice while it grows.
 */
export class EntryRing {
  start = 0
  from = 0
  to = 0
  end = 0
  /** Of the first entry of the first segment. */
  private base = 0
  private readonly segments: Segment[] = []
  private readonly groups: (Group | undefined)[] = []
  /** Places among {@link groups} that are not in use. */
  private readonly free: number[] = []
  /** One that is empty again. */
  private spare: Segment | undefined = undefined

  time(position: number): number {
    const offset = position - this.base
    return this.segmentOf(offset).times[offset & (SEGMENT_SIZE - 1)] as number
  }

  group(position: number): Group {
    const offset = position - this.base
    return this.groups[this.segmentOf(offset).groups[offset & (SEGMENT_SIZE - 1)] as number] as Group
  }

  slot(position: number): number {
    const offset = position - this.base
    return this.segmentOf(offset).slots?.[offset & (SEGMENT_SIZE - 1)] ?? 0
  }

  /** Puts an entry in its place, behind those of the same time. @returns its position */
  insert(time: number, group: Group, slot: number): number {
    if (this.end - this.base === this.segments.length << SEGMENT_BITS) this.grow()
    if (group.place < 0) this.settle(group)
    let position = this.end++
    while (position > this.start && this.time(position - 1) > time) {
      this.put(position, this.time(position - 1), this.group(position - 1).place, this.slot(position - 1))
      position--
    }
    this.put(position, time, group.place, slot)
    return position
  }

  /** Forgets the first entry, whose group has released it. */
  shift(): void {
    const group = this.group(this.start)
    if (group.held === 0) this.unsettle(group)
    const offset = this.start++ - this.base
    if (offset + 1 < SEGMENT_SIZE) return
    this.spare = this.segments.shift()
    this.base = this.start
  }

  private settle(group: Group): void {
    group.place = this.free.pop() ?? this.groups.length
    this.groups[group.place] = group
  }

  private unsettle(group: Group): void {
    this.groups[group.place] = undefined
    this.free.push(group.place)
    group.place = -1
  }

  private segmentOf(offset: number): Segment {
    return this.segments[offset >> SEGMENT_BITS] as Segment
  }

  private put(position: number, time: number, place: number, slot: number): void {
    const offset = position - this.base
    const at = offset & (SEGMENT_SIZE - 1)
    const segment = this.segmentOf(offset)
    segment.times[at] = time
    segment.groups[at] = place
    segment.keepSlot(at, slot)
  }

  private grow(): void {
    this.segments.push(this.spare ?? new Segment())
    this.spare = undefined
  }
}

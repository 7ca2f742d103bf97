import type { IndexedLog } from './log.ts'
import type { State } from './state.ts'

/** One group of a monitor: what its window holds now, and where its alert stands. */
export class Group {
  readonly key: string
  /** Entries in the window, and in memory at all. */
  count = 0
  held = 0
  /** Distinct values in the window. */
  distinct = 0
  private readonly values: (string | undefined)[] = []
  private readonly counts: number[] = []
  private readonly refs: number[] = []
  private readonly free: number[] = []
  private slots: Map<string, number> | undefined

  state: State = 'OK'
  lastSeen = 0
  /** Before this it is not evaluated: `new_group_delay`. */
  notBefore = Number.NEGATIVE_INFINITY
  changed = false
  /** Open from the first notification until the recovery. */
  cycle: { key: string; since: number; notifiedAt: number; reminders: number } | undefined
  samples: IndexedLog[] | undefined

  constructor(key: string) {
    this.key = key
  }

  /** Takes hold of a value and says where it is kept. */
  hold(value: string): number {
    const slot = this.slotOf(value)
    this.refs[slot] = (this.refs[slot] ?? 0) + 1
    this.held++
    return slot
  }

  enter(slot: number): void {
    this.count++
    const count = (this.counts[slot] ?? 0) + 1
    this.counts[slot] = count
    if (count === 1) this.distinct++
  }

  leave(slot: number): void {
    this.count--
    const count = (this.counts[slot] ?? 0) - 1
    this.counts[slot] = count
    if (count === 0) this.distinct--
  }

  release(slot: number): void {
    this.held--
    const refs = (this.refs[slot] ?? 0) - 1
    this.refs[slot] = refs
    if (refs > 0) return
    const value = this.values[slot]
    if (value !== undefined) this.slots?.delete(value)
    this.values[slot] = undefined
    this.free.push(slot)
  }

  /** Most groups hold a handful of values, for which a scan beats a map. */
  private slotOf(value: string): number {
    const { values } = this
    const found = this.slots ? (this.slots.get(value) ?? -1) : values.indexOf(value)
    if (found >= 0) return found
    const slot = this.free.pop() ?? values.length
    values[slot] = value
    if (this.slots) this.slots.set(value, slot)
    else if (values.length > 16) this.slots = indexed(values)
    return slot
  }
}

function indexed(values: readonly (string | undefined)[]): Map<string, number> {
  const slots = new Map<string, number>()
  for (const [slot, value] of values.entries()) if (value !== undefined) slots.set(value, slot)
  return slots
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

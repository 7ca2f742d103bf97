import type { Group } from '../evaluate/group.ts'

/** What a log adds to a group of a monitor, held until none that is older can come. */
export interface Held {
  /** Epoch ms. */
  readonly at: number
  /** The monitor's number. */
  readonly monitor: number
  readonly group: Group
  /** Where the group holds the value. */
  readonly slot: number
}

/** Holds what logs add, oldest first: a ring while they come in order, a heap for the stragglers. */
export class ReorderBuffer {
  /** Epoch ms of the oldest that is held; Infinity when nothing is. */
  oldest = Number.POSITIVE_INFINITY
  /** What `shift` let go last. */
  monitor = 0
  group: Group | undefined = undefined
  slot = 0
  private start = 0
  private end = 0
  private times = new Float64Array(1024)
  private monitors = new Uint16Array(1024)
  private slots = new Uint32Array(1024)
  private groups = new Array<Group | undefined>(1024)
  private readonly heap: Held[] = []

  push(at: number, monitor: number, group: Group, slot: number): void {
    if (at < this.oldest) this.oldest = at
    if (this.start < this.end && (this.times[(this.end - 1) & (this.times.length - 1)] as number) > at) {
      this.rise({ at, monitor, group, slot })
      return
    }
    if (this.end - this.start === this.times.length) this.grow()
    this.put(this.end++, at, monitor, group, slot)
  }

  /** Lets go of the oldest, if anything is held: `monitor`, `group` and `slot` are of it then. */
  shift(): void {
    const first = this.start & (this.times.length - 1)
    const straggler = this.heap[0]
    if (straggler && (this.start === this.end || straggler.at < (this.times[first] as number))) {
      this.sink()
      this.monitor = straggler.monitor
      this.group = straggler.group
      this.slot = straggler.slot
    } else if (this.start < this.end) {
      this.monitor = this.monitors[first] as number
      this.group = this.groups[first]
      this.slot = this.slots[first] as number
      this.groups[first] = undefined
      this.start++
    }
    this.findOldest()
  }

  /** All that is held, oldest first. */
  list(): Held[] {
    const queued = Array.from({ length: this.end - this.start }, (_, i): Held => {
      const index = (this.start + i) & (this.times.length - 1)
      return {
        at: this.times[index] as number,
        monitor: this.monitors[index] as number,
        group: this.groups[index] as Group,
        slot: this.slots[index] as number,
      }
    })
    return [...queued, ...this.heap].sort((a, b) => a.at - b.at)
  }

  private findOldest(): void {
    const queued = this.start < this.end ? (this.times[this.start & (this.times.length - 1)] as number) : never
    const [straggler] = this.heap
    this.oldest = straggler && straggler.at < queued ? straggler.at : queued
  }

  private put(position: number, at: number, monitor: number, group: Group, slot: number): void {
    const index = position & (this.times.length - 1)
    this.times[index] = at
    this.monitors[index] = monitor
    this.groups[index] = group
    this.slots[index] = slot
  }

  private grow(): void {
    const { times, monitors, groups, slots, start, end } = this
    const size = times.length * 2
    this.times = new Float64Array(size)
    this.monitors = new Uint16Array(size)
    this.groups = new Array<Group | undefined>(size)
    this.slots = new Uint32Array(size)
    for (let position = start; position < end; position++) {
      const index = position & (times.length - 1)
      const group = groups[index] as Group
      this.put(position, times[index] as number, monitors[index] as number, group, slots[index] as number)
    }
  }

  private rise(item: Held): void {
    const { heap } = this
    let at = heap.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Held
      if (above.at <= item.at) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  private sink(): void {
    const { heap } = this
    const item = heap.pop() as Held
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Held).at < (heap[child] as Held).at) child++
      if ((heap[child] as Held).at >= item.at) break
      heap[at] = heap[child] as Held
      at = child
    }
    heap[at] = item
  }
}

const never = Number.POSITIVE_INFINITY

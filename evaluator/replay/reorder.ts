import type { Group } from '../evaluate/group.ts'
import { NO_DEADLINE } from '../evaluate/moment.ts'
import { Ring, Rows } from '../evaluate/ring.ts'
import { Heap } from './heap.ts'

/** What a log adds to a group of a monitor, held until no older log can come. */
export interface Held {
  /** Epoch ms. */
  readonly at: number
  /** The monitor's number. */
  readonly monitor: number
  readonly group: Group
  /** Where the group holds the value. */
  readonly slot: number
}

/** Holds what logs add, oldest first: a ring for what comes in order, a heap for what comes late. */
export class ReorderBuffer {
  /** Epoch ms of the oldest that is held; {@link NO_DEADLINE} when nothing is. */
  oldest = NO_DEADLINE
  /** Of what `shift` removed last. */
  monitor = 0
  slot = 0
  readonly #inOrder = new Ring()
  /** The groups of what is held in the ring, and beside them their monitors. */
  readonly #groups = new Rows<Group>()
  readonly #monitors: number[] = []
  readonly #late = new Heap<Held>((a, b) => a.at < b.at)
  #newest = Number.NEGATIVE_INFINITY

  push(at: number, monitor: number, group: Group, slot: number): void {
    if (at < this.oldest) this.oldest = at
    if (at < this.#newest && this.#inOrder.start < this.#inOrder.end) {
      this.#late.push({ at, monitor, group, slot })
      return
    }
    this.#newest = at
    const row = this.#groups.add(group)
    this.#monitors[row] = monitor
    this.#inOrder.insert(at, row, slot)
  }

  /** Removes the oldest: `monitor` and `slot` are of it then. @returns its group; undefined when nothing is held */
  shift(): Group | undefined {
    const late = this.#late.first
    const group = late && late.at < this.#oldestInOrder ? this.#shiftLate() : this.#shiftInOrder()
    this.oldest = Math.min(this.#late.first?.at ?? NO_DEADLINE, this.#oldestInOrder)
    return group
  }

  /** All that is held, oldest first. */
  list(): Held[] {
    const ring = this.#inOrder
    const queued = Array.from({ length: ring.end - ring.start }, (_, i): Held => {
      const row = ring.owner(ring.start + i)
      return {
        at: ring.time(ring.start + i),
        monitor: this.#monitorAt(row),
        group: this.#groups.at(row),
        slot: ring.slot(ring.start + i),
      }
    })
    return [...queued, ...this.#late].sort((a, b) => a.at - b.at)
  }

  get #oldestInOrder(): number {
    const ring = this.#inOrder
    return ring.start < ring.end ? ring.time(ring.start) : NO_DEADLINE
  }

  #shiftLate(): Group | undefined {
    const late = this.#late.pop()
    if (!late) return undefined
    this.monitor = late.monitor
    this.slot = late.slot
    return late.group
  }

  #shiftInOrder(): Group | undefined {
    const ring = this.#inOrder
    if (ring.start === ring.end) return undefined
    const row = ring.owner(ring.start)
    const group = this.#groups.at(row)
    this.monitor = this.#monitorAt(row)
    this.slot = ring.slot(ring.start)
    this.#groups.remove(row)
    ring.shift()
    return group
  }

  /** @param row of something that is held */
  #monitorAt(row: number): number {
    return this.#monitors[row] as number
  }
}

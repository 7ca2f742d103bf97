import type { Group } from '../evaluate/group.ts'
import { NO_DEADLINE } from '../evaluate/moment.ts'
import { Ring, Rows } from '../evaluate/ring.ts'
import { Heap } from './heap.ts'

/** A value that a log adds to a group, held back until no older log can come. */
export interface Held {
  /** Epoch ms. */
  readonly at: number
  /** The index of the monitor. */
  readonly monitor: number
  readonly group: Group
  /** The slot in which the group holds the value. */
  readonly slot: number
}

/** Orders by time what logs add: a ring for what comes in order, a heap for what comes late. */
export class ReorderBuffer {
  /** Epoch ms of the oldest entry; {@link NO_DEADLINE} when there is none. */
  oldest = NO_DEADLINE
  /** The monitor and the slot of the entry that `shift` removed last. */
  monitor = 0
  slot = 0
  readonly #inOrder = new Ring()
  /** The groups of the entries in the ring, and their monitors by the same rows. */
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

  /** Removes the oldest entry and sets `monitor` and `slot`. @returns its group; undefined when there is no entry */
  shift(): Group | undefined {
    const late = this.#late.first
    const group = late && late.at < this.#oldestInOrder ? this.#shiftLate() : this.#shiftInOrder()
    this.oldest = Math.min(this.#late.first?.at ?? NO_DEADLINE, this.#oldestInOrder)
    return group
  }

  /** All entries, oldest first. */
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

  #monitorAt(row: number): number {
    const monitor = this.#monitors[row]
    if (monitor === undefined) throw new RangeError(`there is no monitor in row ${row}`)
    return monitor
  }
}

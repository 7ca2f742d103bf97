import { NO_DEADLINE } from '../evaluate/moment.ts'
import { Ring } from '../evaluate/ring.ts'
import { Heap } from '../heap.ts'

/** A value that a log adds to a group, held back until no older log can come. */
export interface Held {
  /** Epoch ms. */
  readonly at: number
  /** The index of the monitor. */
  readonly monitor: number
  /** The place of the group. */
  readonly place: number
  /** The slot in which the group holds the value. */
  readonly slot: number
}

/** Orders by time what logs add: a ring for what comes in order, a heap for what comes late. */
export class ReorderBuffer {
  /** Epoch ms of the oldest entry; {@link NO_DEADLINE} when there is none. */
  oldest = NO_DEADLINE
  /** The monitor, the place and the slot of the entry that `shift` removed last. */
  monitor = 0
  place = 0
  slot = 0
  readonly #monitors: number
  /** An owner is a place and a monitor in one number: place × monitors + monitor. */
  readonly #inOrder = new Ring()
  readonly #late = new Heap<Held>((a, b) => a.at < b.at)
  #newest = Number.NEGATIVE_INFINITY

  /** @param monitors the number of monitors */
  constructor(monitors: number) {
    this.#monitors = monitors
  }

  push(at: number, monitor: number, place: number, slot: number): void {
    if (at < this.oldest) this.oldest = at
    if (at < this.#newest && this.#inOrder.start < this.#inOrder.end) {
      this.#late.push({ at, monitor, place, slot })
      return
    }
    this.#newest = at
    this.#inOrder.insert(at, place * this.#monitors + monitor, slot)
  }

  /** Removes the oldest entry, if there is one, and sets `monitor`, `place` and `slot`. */
  shift(): void {
    const late = this.#late.first
    if (late && late.at < this.#oldestInOrder) this.#shiftLate()
    else this.#shiftInOrder()
    this.oldest = Math.min(this.#late.first?.at ?? NO_DEADLINE, this.#oldestInOrder)
  }

  /** All entries, oldest first. */
  list(): Held[] {
    const ring = this.#inOrder
    const queued = Array.from({ length: ring.end - ring.start }, (_, i): Held => {
      const owner = ring.owner(ring.start + i)
      return {
        at: ring.time(ring.start + i),
        monitor: owner % this.#monitors,
        place: Math.floor(owner / this.#monitors),
        slot: ring.slot(ring.start + i),
      }
    })
    return [...queued, ...this.#late].sort((a, b) => a.at - b.at)
  }

  get #oldestInOrder(): number {
    const ring = this.#inOrder
    return ring.start < ring.end ? ring.time(ring.start) : NO_DEADLINE
  }

  #shiftLate(): void {
    const late = this.#late.pop()
    if (late) Object.assign(this, { monitor: late.monitor, place: late.place, slot: late.slot })
  }

  #shiftInOrder(): void {
    const ring = this.#inOrder
    if (ring.start === ring.end) return
    const owner = ring.owner(ring.start)
    this.place = Math.floor(owner / this.#monitors)
    this.monitor = owner - this.place * this.#monitors
    this.slot = ring.slot(ring.start)
    ring.shift()
  }
}

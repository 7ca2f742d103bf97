/** Something that is due at an instant. Of two at the same instant, the one with the lower order is first. */
export interface Due {
  /** epoch ms */
  readonly at: number
  readonly order: number
}

/** A queue by time, as a binary heap: the earliest is first. */
export class TimeQueue<T extends Due> {
  readonly #heap: T[] = []

  get first(): T | undefined {
    return this.#heap[0]
  }

  push(due: T): void {
    const heap = this.#heap
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (!above || !comesBefore(due, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = due
  }

  /** Removes the earliest. @returns undefined if the queue is empty */
  shift(): T | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (!last || heap.length === 0) return first
    let at = 0
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      if (!left) break
      const isRight = right !== undefined && comesBefore(right, left)
      const child = isRight ? right : left
      if (!comesBefore(child, last)) break
      heap[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    heap[at] = last
    return first
  }
}

const comesBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** What somebody does over time: it yields how many milliseconds pass until it goes on. */
export type Activity<T = void> = AsyncGenerator<number, T, void>

interface Due {
  readonly at: number
  readonly order: number
  readonly activity: Activity
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** All activities in order of time. One at a time goes on, so that the same seed is always the same order. */
export class Schedule {
  /** epoch ms */
  now: number
  readonly #heap: Due[] = []
  #order = 0

  constructor(begin: number) {
    this.now = begin
  }

  start(at: number, activity: Activity): void {
    this.#push({ at: Math.max(at, this.now), order: this.#order++, activity })
  }

  /** Lets the next activity go on until it waits. @returns false when all activities have ended */
  async step(): Promise<boolean> {
    const due = this.#pop()
    if (!due) return false
    const { activity, at } = due
    this.now = at
    const { done, value } = await activity.next()
    if (!done) this.#push({ at: at + Math.max(1, Math.round(value)), order: this.#order++, activity })
    return true
  }

  #push(due: Due): void {
    const heap = this.#heap
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Due
      if (!comesBefore(due, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = due
  }

  #pop(): Due | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (heap.length === 0 || !last) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right && comesBefore(right, heap[child] as Due)) child++
      if (!comesBefore(heap[child] as Due, last)) break
      heap[at] = heap[child] as Due
      at = child
    }
    heap[at] = last
    return first
  }
}

const comesBefore = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

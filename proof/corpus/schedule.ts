/** Something that takes time: it yields how many milliseconds until it goes on. */
export type Doing = Generator<number, void, void>

interface Due {
  readonly at: number
  readonly order: number
  readonly doing: Doing
}

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** Everybody's doings, in order of time. */
export class Schedule {
  /** Epoch ms. */
  now: number
  private readonly heap: Due[] = []
  private order = 0

  constructor(begin: number) {
    this.now = begin
  }

  start(at: number, doing: Doing): void {
    this.push({ at: Math.max(at, this.now), order: this.order++, doing })
  }

  /** Lets the next one go on. @returns false when nobody does anything any more */
  step(): boolean {
    const due = this.pop()
    if (!due) return false
    this.now = due.at
    const { done, value } = due.doing.next()
    if (!done) this.push({ at: due.at + Math.max(1, Math.round(value)), order: this.order++, doing: due.doing })
    return true
  }

  private push(due: Due): void {
    const { heap } = this
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

  private pop(): Due | undefined {
    const { heap } = this
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

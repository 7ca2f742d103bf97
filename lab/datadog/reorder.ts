interface Timed {
  readonly at: number
}

/** Holds items until none that is older can come: a queue while they come in order, a heap for the stragglers. */
export class ReorderBuffer<T extends Timed> {
  private queue: T[] = []
  private head = 0
  private readonly heap: T[] = []

  push(item: T): void {
    const last = this.queue.at(-1)
    if (this.head === this.queue.length || (last !== undefined && last.at <= item.at)) this.queue.push(item)
    else this.rise(item)
  }

  /** @returns the oldest item if it is older than `before` (epoch ms, exclusive), which is then held no more */
  takeBefore(before: number): T | undefined {
    const queued = this.queue[this.head]
    const straggler = this.heap[0]
    const fromHeap = straggler !== undefined && (queued === undefined || straggler.at < queued.at)
    const oldest = fromHeap ? straggler : queued
    if (oldest === undefined || oldest.at >= before) return undefined
    if (fromHeap) this.sink()
    else this.advance()
    return oldest
  }

  private advance(): void {
    this.head++
    if (this.head < 4096 || this.head * 2 < this.queue.length) return
    this.queue = this.queue.slice(this.head)
    this.head = 0
  }

  private rise(item: T): void {
    const { heap } = this
    let at = heap.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as T
      if (above.at <= item.at) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  private sink(): void {
    const { heap } = this
    const item = heap.pop() as T
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as T).at < (heap[child] as T).at) child++
      if ((heap[child] as T).at >= item.at) break
      heap[at] = heap[child] as T
      at = child
    }
    heap[at] = item
  }
}

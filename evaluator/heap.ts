/** A binary heap: gives its items in order, the first one next. */
export class Heap<T> {
  readonly #isBefore: (a: T, b: T) => boolean
  readonly #items: T[] = []

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get first(): T | undefined {
    return this.#items[0]
  }

  /** Iterates in no particular order. */
  [Symbol.iterator](): Iterator<T> {
    return this.#items.values()
  }

  push(item: T): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = this.#at(parent)
      if (!this.#isBefore(item, above)) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  /** Removes the first item. */
  pop(): T | undefined {
    const items = this.#items
    const [first] = items
    const last = items.pop()
    if (last === undefined || items.length === 0) return first
    let at = 0
    for (let child = this.#firstChild(at); child < items.length; child = this.#firstChild(at)) {
      const below = this.#at(child)
      if (!this.#isBefore(below, last)) break
      items[at] = below
      at = child
    }
    items[at] = last
    return first
  }

  /** @returns the index of the child that comes first; an index after the last item when there is no child */
  #firstChild(at: number): number {
    const left = 2 * at + 1
    const right = left + 1
    return right < this.#items.length && this.#isBefore(this.#at(right), this.#at(left)) ? right : left
  }

  /** An item may itself be undefined, so the index cannot be tested by its item. @param index below `length` */
  #at(index: number): T {
    return this.#items[index] as T
  }
}

/** @returns a copy of a text. A text may be a slice of a whole line, which it would keep in memory. */
export const owned = (text: string): string => JSON.parse(JSON.stringify(text))

/** The values of a group by slot, each with the number of its entries in memory and in the window. */
export class Values {
  /** Values in the window. */
  distinct = 0
  readonly #slots = new Map<string, number>()
  readonly #values: string[] = []
  readonly #refs: number[] = []
  readonly #counts: number[] = []
  readonly #free: number[] = []

  /** Values of which the first, in slot 0, is held already. @param refs its entries in memory @param count its entries in the window */
  static startingWith(first: string, refs: number, count: number): Values {
    const values = new Values()
    values.#slots.set(first, 0)
    values.#values.push(first)
    values.#refs.push(refs)
    values.#counts.push(count)
    values.distinct = Math.min(1, count)
    return values
  }

  /** The value in a slot. */
  at(slot: number): string {
    return this.#values[slot] ?? ''
  }

  /** Holds a value until it is released. @returns its slot */
  hold(value: string): number {
    let slot = this.#slots.get(value)
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#values.length
      const kept = owned(value)
      this.#slots.set(kept, slot)
      this.#values[slot] = kept
      this.#counts[slot] = 0
      this.#refs[slot] = 0
    }
    this.#refs[slot] = (this.#refs[slot] ?? 0) + 1
    return slot
  }

  enter(slot: number): void {
    const count = (this.#counts[slot] ?? 0) + 1
    this.#counts[slot] = count
    if (count === 1) this.distinct++
  }

  leave(slot: number): void {
    const count = (this.#counts[slot] ?? 0) - 1
    this.#counts[slot] = count
    if (count === 0) this.distinct--
  }

  /** Visits the values in the window, each with the number of its entries. */
  visit(take: (value: string, times: number) => void): void {
    for (const [value, slot] of this.#slots) {
      const count = this.#counts[slot] ?? 0
      if (count > 0) take(value, count)
    }
  }

  release(slot: number): void {
    const refs = (this.#refs[slot] ?? 0) - 1
    this.#refs[slot] = refs
    if (refs > 0) return
    this.#slots.delete(this.at(slot))
    this.#values[slot] = ''
    this.#free.push(slot)
  }
}

const SEGMENT_BITS = 10
const SEGMENT_SIZE = 1 << SEGMENT_BITS

/** Consecutive entries, in typed arrays that the garbage collector does not scan. */
class Segment {
  readonly times = new Float64Array(SEGMENT_SIZE)
  readonly owners = new Uint32Array(SEGMENT_SIZE)
  /** Undefined while all slots are 0, which is the usual case. Has 32 bits only if a slot is above 255. */
  slots: Uint8Array | Uint32Array | undefined = undefined

  keepSlot(at: number, slot: number): void {
    if (slot > 0) this.slots ??= new Uint8Array(SEGMENT_SIZE)
    if (slot > 255 && this.slots instanceof Uint8Array) this.slots = Uint32Array.from(this.slots)
    if (this.slots) this.slots[at] = slot
  }
}

/**
 * Entries in order of time, each with a time, the number of its owner and a slot. Positions count from the first entry ever added.
 * The entries in [start, end) are in memory, and every method takes a position in that range.
 * Entries are stored in segments, so that memory follows their number. A doubling array would be half empty, and would exist twice
 * while it grows.
 */
export class Ring {
  start = 0
  end = 0
  /** Position of the first entry of the first segment. */
  #base = 0
  readonly #segments: Segment[] = []
  /** An empty segment that is used again. */
  #spare: Segment | undefined = undefined

  time(position: number): number {
    const offset = position - this.#base
    return this.#segmentOf(offset).times[offset & (SEGMENT_SIZE - 1)] as number
  }

  owner(position: number): number {
    const offset = position - this.#base
    return this.#segmentOf(offset).owners[offset & (SEGMENT_SIZE - 1)] as number
  }

  slot(position: number): number {
    const offset = position - this.#base
    return this.#segmentOf(offset).slots?.[offset & (SEGMENT_SIZE - 1)] ?? 0
  }

  /** Inserts an entry after those of the same time. @returns its position */
  insert(time: number, owner: number, slot: number): number {
    if (this.end - this.#base === this.#segments.length << SEGMENT_BITS) this.#grow()
    let position = this.end++
    while (position > this.start && this.time(position - 1) > time) {
      this.#put(position, this.time(position - 1), this.owner(position - 1), this.slot(position - 1))
      position--
    }
    this.#put(position, time, owner, slot)
    return position
  }

  /** Removes the first entry. */
  shift(): void {
    const offset = this.start++ - this.#base
    if (offset + 1 < SEGMENT_SIZE) return
    this.#spare = this.#segments.shift()
    this.#base = this.start
  }

  #segmentOf(offset: number): Segment {
    return this.#segments[offset >> SEGMENT_BITS] as Segment
  }

  #put(position: number, time: number, owner: number, slot: number): void {
    const offset = position - this.#base
    const at = offset & (SEGMENT_SIZE - 1)
    const segment = this.#segmentOf(offset)
    segment.times[at] = time
    segment.owners[at] = owner
    segment.keepSlot(at, slot)
  }

  #grow(): void {
    this.#segments.push(this.#spare ?? new Segment())
    this.#spare = undefined
  }
}

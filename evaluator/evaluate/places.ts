import type { Level } from './group-limits.ts'
import { NOT_YET } from './moment.ts'

/** The numbers of a place: entries in the window, entries in memory, its marks, and its version. */
const ENTERED = 0
const HELD = 1
const MARKS = 2
const VERSION = 3
/** As a shift: four numbers for each place, 16 bytes, so that a log reads one line of a processor's cache for its group. */
const WIDTH_BITS = 2

/** Marks of a place. */
const NOT_OK = 1
const COUNTS_ITSELF = 2
const CHANGED = 4

/** The place of a forgotten group. It has no entries. */
export const NOWHERE = 0

/**
 * Numbers the groups of a monitor, and holds in one typed array what each log changes of them. With many groups, the cost of a log
 * is mostly that of memory access, and the objects of the groups are ten times as large.
 */
export class Places<G> {
  #numbers = new Int32Array(64 << WIDTH_BITS)
  /** Epoch ms of the newest entry of each group, where the monitor needs to know it. */
  #seen = new Float64Array(64).fill(NOT_YET)
  readonly #groups: (G | undefined)[] = [undefined]
  /** Where the group limits count each group. Every entry reads it, and not the group itself. */
  readonly #levels: Level[] = []
  readonly #free: number[] = []

  /** @param level only with several facets @returns the place of a new group */
  add(group: G, level?: Level): number {
    const place = this.#free.pop() ?? this.#groups.length
    this.#groups[place] = group
    if (level) this.#levels[place] = level
    if (place < this.#seen.length) this.#seen[place] = NOT_YET
    while (place << WIDTH_BITS >= this.#numbers.length) this.#grow()
    return place
  }

  /** Every place is below it. */
  get end(): number {
    return this.#groups.length
  }

  /** @param place of a group that has not been forgotten */
  at(place: number): G {
    return this.#groups[place] as G
  }

  /** Where the group limits count a group; undefined with one facet. */
  levelAt(place: number): Level | undefined {
    return this.#levels[place]
  }

  /** Forgets the group of a place, which another group may take. */
  remove(place: number): void {
    if (place === NOWHERE) return
    this.renew(place)
    this.#numbers.fill(0, place << WIDTH_BITS, (place << WIDTH_BITS) + VERSION)
    this.#groups[place] = undefined
    this.#free.push(place)
  }

  /** Entries in the window. */
  entered(place: number): number {
    return this.#numbers[(place << WIDTH_BITS) + ENTERED] as number
  }

  /** Entries in memory. */
  held(place: number): number {
    return this.#numbers[(place << WIDTH_BITS) + HELD] as number
  }

  /** Epoch ms of its newest entry; {@link NOT_YET} without one. */
  lastSeen(place: number): number {
    return this.#seen[place] ?? NOT_YET
  }

  see(place: number, at: number): void {
    if (place >= this.#seen.length) this.#growSeen(place)
    this.#seen[place] = at
  }

  /** Changes whenever a place has another group, or its group another value in slot 0. */
  version(place: number): number {
    return this.#numbers[(place << WIDTH_BITS) + VERSION] as number
  }

  renew(place: number): void {
    const at = (place << WIDTH_BITS) + VERSION
    this.#numbers[at] = (this.#numbers[at] as number) + 1
  }

  /** Counts an entry that enters the window. @returns the number of entries there */
  enter(place: number): number {
    return this.#count((place << WIDTH_BITS) + ENTERED, 1)
  }

  /** Counts an entry that leaves the window. @returns the number of entries there */
  leave(place: number): number {
    return this.#count((place << WIDTH_BITS) + ENTERED, -1)
  }

  /** Counts an entry that is held in memory. @returns the number of entries there */
  hold(place: number): number {
    return this.#count((place << WIDTH_BITS) + HELD, 1)
  }

  /** Counts an entry that is removed from memory. @returns the number of entries there */
  release(place: number): number {
    return this.#count((place << WIDTH_BITS) + HELD, -1)
  }

  /** Whether the group does more at an entry than to count it, because its entries differ in their values. */
  countsItself(place: number): boolean {
    return this.#has(place, COUNTS_ITSELF)
  }

  isOk(place: number): boolean {
    return !this.#has(place, NOT_OK)
  }

  /** Whether only entries have changed the group since it was created. */
  isUnchanged(place: number): boolean {
    return !this.#has(place, NOT_OK | CHANGED)
  }

  setCountsItself(place: number, on: boolean): void {
    this.#mark(place, COUNTS_ITSELF, on)
  }

  setOk(place: number, on: boolean): void {
    this.#mark(place, NOT_OK, !on)
  }

  setChanged(place: number): void {
    this.#mark(place, CHANGED, true)
  }

  #count(at: number, by: number): number {
    const count = (this.#numbers[at] as number) + by
    this.#numbers[at] = count
    return count
  }

  #has(place: number, marks: number): boolean {
    return ((this.#numbers[(place << WIDTH_BITS) + MARKS] as number) & marks) !== 0
  }

  #mark(place: number, mark: number, on: boolean): void {
    if (place === NOWHERE) return
    const at = (place << WIDTH_BITS) + MARKS
    const marks = this.#numbers[at] as number
    this.#numbers[at] = on ? marks | mark : marks & ~mark
  }

  #growSeen(place: number): void {
    const larger = new Float64Array(2 * place).fill(NOT_YET)
    larger.set(this.#seen)
    this.#seen = larger
  }

  #grow(): void {
    const larger = new Int32Array(this.#numbers.length * 2)
    larger.set(this.#numbers)
    this.#numbers = larger
  }
}

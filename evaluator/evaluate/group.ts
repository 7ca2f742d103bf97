import type { IndexedLog } from '../log.ts'
import type { Rollup } from '../monitor/monitor-query.ts'
import type { Statistic } from './measure.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import type { Cycle, State, Subject } from './state.ts'

/** @returns a copy of a text that may be a piece of a far larger one, which it would keep in memory */
export const owned = (text: string): string => JSON.parse(JSON.stringify(text)) as string

/** A group counts as new again after this long a silence: `new_group_delay`. */
export const NEW_AGAIN_MS = 24 * 3_600_000
const MOST_SAMPLES = 10

/** One group of a monitor: what its window holds now, and where its alert stands. */
export class Group implements Subject {
  // What every log touches comes first, so that it lies close together: with many groups, access to memory is what a log costs.
  readonly key: string
  /** Entries in the window, and in memory at all. */
  count = 0
  held = 0
  /** Its place among the groups of the entries in memory; -1 while it has none there. */
  place = -1
  /** Distinct values in the window. */
  distinct = 0
  state: State = 'OK'
  changed = false
  /** Its monitor does not know it any more: a later log begins another group of the same key. */
  forgotten = false
  /** There are many groups, and most of them only ever hold one value, which stands in slot 0. */
  #single = ''
  #refs = 0
  #inWindow = 0
  #others: Values | undefined = undefined
  /** Beyond the group limits: as if it had no logs. */
  withheld = false
  /** Time of its newest entry that was taken in. */
  lastSeen = NOT_YET
  /** Before this it is not evaluated: `new_group_delay`. */
  notBefore = NOT_YET
  cycle: Cycle | undefined = undefined
  /** The evaluation that first found its window empty; {@link NO_DEADLINE} while it is not. */
  emptySince = NO_DEADLINE
  /** The rollup at its last evaluation. */
  value = 0
  /** The numbers in the window, for a rollup over a measure. */
  readonly numbers: Statistic | undefined
  samples: IndexedLog[] | undefined = undefined

  /** @param numbers for a rollup over a measure */
  constructor(key: string, numbers?: Statistic) {
    this.key = key
    this.numbers = numbers
  }

  get isSilent(): boolean {
    return this.emptySince !== NO_DEADLINE
  }

  /** How long it has been silent at `at`. */
  silentMs(at: number): number {
    return this.isSilent ? at - this.emptySince : 0
  }

  /** Keeps a value until it is released. @returns the slot in which it stands */
  hold(value: string): number {
    this.held++
    if (this.#refs === 0 && this.#single !== value) this.#single = owned(value)
    if (this.#single === value && !this.#others?.has(value)) {
      this.#refs++
      return 0
    }
    this.#others ??= new Values()
    return 1 + this.#others.hold(value)
  }

  /** The value that is kept in a slot. */
  valueAt(slot: number): string {
    return slot === 0 ? this.#single : this.#valuesBeyond.valueAt(slot - 1)
  }

  enter(slot: number): void {
    this.count++
    const times = slot === 0 ? ++this.#inWindow : this.#valuesBeyond.enter(slot - 1)
    if (times === 1) this.distinct++
    this.numbers?.add(Number(this.valueAt(slot)))
  }

  leave(slot: number): void {
    this.count--
    const times = slot === 0 ? --this.#inWindow : this.#valuesBeyond.leave(slot - 1)
    if (times === 0) this.distinct--
    this.numbers?.remove(Number(this.valueAt(slot)))
  }

  /** Passes on the values in the window, each with the number of its entries. */
  visit(take: (value: string, times: number) => void): void {
    if (this.#inWindow > 0) take(this.#single, this.#inWindow)
    this.#others?.visit(take)
  }

  release(slot: number): void {
    this.held--
    if (slot === 0) this.#refs--
    else if (this.#valuesBeyond.release(slot - 1) === 0) this.#others = undefined
  }

  /** What the rollup gives for its window. */
  rollup(kind: Rollup['kind']): number {
    switch (kind) {
      case 'count':
        return this.count
      // Decision `cardinality-exact`, undocumented: distinct values are counted, not estimated.
      case 'cardinality':
        return this.distinct
      default:
        return this.numbers?.value() ?? 0
    }
  }

  /** Keeps the newest logs, oldest first. */
  keepSample(log: IndexedLog): void {
    this.samples ??= []
    const place = this.samples.findLastIndex(({ timestamp }) => timestamp <= log.timestamp) + 1
    this.samples.splice(place, 0, log)
    if (this.samples.length > MOST_SAMPLES) this.samples.shift()
  }

  /** Slots above 0 are handed out by the other values, which are there as long as one of these slots is in use. */
  get #valuesBeyond(): Values {
    return this.#others as Values
  }
}

/** Values, each with the number of entries that keep it and the number of those in the window. */
class Values {
  readonly #slots = new Map<string, number>()
  readonly #values: string[] = []
  readonly #refs: number[] = []
  readonly #counts: number[] = []
  readonly #free: number[] = []

  has(value: string): boolean {
    return this.#slots.has(value)
  }

  valueAt(slot: number): string {
    return this.#values[slot] ?? ''
  }

  hold(value: string): number {
    let slot = this.#slots.get(value)
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#values.length
      const kept = owned(value)
      this.#slots.set(kept, slot)
      this.#values[slot] = kept
    }
    this.#refs[slot] = (this.#refs[slot] ?? 0) + 1
    return slot
  }

  enter(slot: number): number {
    const count = (this.#counts[slot] ?? 0) + 1
    this.#counts[slot] = count
    return count
  }

  leave(slot: number): number {
    const count = (this.#counts[slot] ?? 0) - 1
    this.#counts[slot] = count
    return count
  }

  visit(take: (value: string, times: number) => void): void {
    for (const [value, slot] of this.#slots) {
      const count = this.#counts[slot] ?? 0
      if (count > 0) take(value, count)
    }
  }

  /** @returns the number of values that are still kept */
  release(slot: number): number {
    const refs = (this.#refs[slot] ?? 0) - 1
    this.#refs[slot] = refs
    if (refs === 0) {
      this.#slots.delete(this.valueAt(slot))
      this.#values[slot] = ''
      this.#free.push(slot)
    }
    return this.#slots.size
  }
}

import type { IndexedLog } from '../log.ts'
import type { Level } from './group-limits.ts'
import type { Statistic } from './measure.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import type { Cycle, Rule, State, Subject } from './state.ts'

/** @returns a copy of a text. A text may be a slice of a whole line, which it would keep in memory. */
export const owned = (text: string): string => JSON.parse(JSON.stringify(text))

/** The silence after which a group counts as new again, for `new_group_delay`. */
export const NEW_AGAIN_MS = 24 * 3_600_000
const MAX_SAMPLES = 10

/** One group of a monitor: the entries in its window and the state of its alert. */
export class Group implements Subject {
  // The fields that each log uses come first and so lie close together: with many groups, a log costs mostly its memory access.
  readonly key: string
  /** Entries in the window, and in memory at all. */
  count = 0
  held = 0
  /** Its row among the groups of the entries in memory; -1 while it has no entry. */
  place = -1
  /** Distinct values in the window. */
  distinct = 0
  state: State = 'OK'
  changed = false
  /** Whether its monitor has forgotten it. A later log with the same key begins another group. */
  forgotten = false
  /** The value of slot 0. Most groups hold no other value. */
  #single = ''
  #refs = 0
  #inWindow = 0
  #others: Values | undefined = undefined
  /** Whether it is beyond the group limits and evaluated as if it had no logs. */
  withheld = false
  /** Epoch ms of its newest entry. */
  lastSeen = NOT_YET
  /** Epoch ms before which it is not evaluated: `new_group_delay`. */
  notBefore = NOT_YET
  cycle: Cycle | undefined = undefined
  /** Epoch ms of the evaluation that first found its window empty; {@link NO_DEADLINE} while it is not empty. */
  emptySince = NO_DEADLINE
  /** The rollup at its last evaluation. */
  value = 0
  /** The numbers in the window; only for a rollup over a measure. */
  readonly numbers: Statistic | undefined
  samples: IndexedLog[] | undefined = undefined
  /** Where the group limits count it. */
  readonly level: Level | undefined

  /** @param numbers only for a rollup over a measure @param level only with several facets */
  constructor(key: string, numbers?: Statistic, level?: Level) {
    this.key = key
    this.numbers = numbers
    this.level = level
  }

  /** Whether it has no entries, and evaluations of it differ in nothing from those of a new group with the same key. */
  get isAsNew(): boolean {
    return (
      this.held === 0 &&
      this.state === 'OK' &&
      this.value === 0 &&
      !this.isSilent &&
      !this.withheld &&
      !this.changed &&
      this.lastSeen === NOT_YET &&
      this.notBefore === NOT_YET &&
      !this.cycle &&
      !this.samples
    )
  }

  get isSilent(): boolean {
    return this.emptySince !== NO_DEADLINE
  }

  /** Milliseconds for which it has been silent at `at`. */
  silentMs(at: number): number {
    return this.isSilent ? at - this.emptySince : 0
  }

  /** Holds a value until it is released. @returns its slot */
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

  /** Holds a value of one query of a formula. A group of a monitor with one query holds it as it is. @returns its slot */
  holdOf(_query: number, value: string): number {
    return this.hold(value)
  }

  /** The value in a slot, without its query in a group of a formula. */
  textAt(slot: number): string {
    return this.valueAt(slot)
  }

  /** The value in a slot. */
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

  /** Visits the values in the window, each with the number of its entries. */
  visit(take: (value: string, times: number) => void): void {
    if (this.#inWindow > 0) take(this.#single, this.#inWindow)
    this.#others?.visit(take)
  }

  release(slot: number): void {
    this.held--
    if (slot === 0) this.#refs--
    else if (this.#valuesBeyond.release(slot - 1) === 0) this.#others = undefined
  }

  /** The value of the monitor's query over its window; NaN when it has none. */
  present(kind: Rule['kind']): number {
    return this.count > 0 ? this.rollup(kind) : Number.NaN
  }

  /** What each query of a formula measures. A monitor with one query has none. */
  get partValues(): readonly number[] {
    return []
  }

  /** Whether a limit leaves out some of its entries. */
  get isLimited(): boolean {
    return this.withheld
  }

  /** The value of the rollup over its window. */
  rollup(kind: Rule['kind']): number {
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

  /** Keeps a log if it is one of the newest. They are in order of time. */
  keepSample(log: IndexedLog): void {
    this.samples ??= []
    const place = this.samples.findLastIndex(({ timestamp }) => timestamp <= log.timestamp) + 1
    this.samples.splice(place, 0, log)
    if (this.samples.length > MAX_SAMPLES) this.samples.shift()
  }

  /** The values of the slots above 0. */
  get #valuesBeyond(): Values {
    if (!this.#others) throw new RangeError('no slot above 0 is in use')
    return this.#others
  }
}

/** Values by slot, each with the number of its entries in memory and in the window. */
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

  /** @returns the number of values that are still held */
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

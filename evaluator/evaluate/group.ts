import type { IndexedLog } from '../log.ts'
import type { Level } from './group-limits.ts'
import type { Statistic } from './measure.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import { NOWHERE, type Places } from './places.ts'
import type { Cycle, Rule, State, Subject } from './state.ts'
import { owned, Values } from './values.ts'

/** The silence after which a group counts as new again, for `new_group_delay`. */
export const NEW_AGAIN_MS = 24 * 3_600_000
const MAX_SAMPLES = 10

/** One group of a monitor: the entries in its window and the state of its alert. Its entries are counted at its place. */
export class Group implements Subject {
  readonly key: string
  changed = false
  /** Whether it is beyond the group limits and evaluated as if it had no logs. */
  withheld = false
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
  readonly #places: Places<Group>
  #place: number
  #state: State = 'OK'
  /** The value in slot 0 while no other value is held, which is the usual case. */
  #single = ''
  #values: Values | undefined = undefined

  /** @param numbers only for a rollup over a measure @param level only with several facets */
  constructor(key: string, places: Places<Group>, numbers?: Statistic, level?: Level) {
    this.key = key
    this.numbers = numbers
    this.level = level
    this.#places = places
    this.#place = places.add(this, level)
    if (numbers) places.setCountsItself(this.#place, true)
  }

  /** Its number among the groups of its monitor; {@link NOWHERE} once it has been forgotten. */
  get place(): number {
    return this.#place
  }

  /** Whether its monitor has forgotten it. A later log with the same key begins another group. */
  get forgotten(): boolean {
    return this.#place === NOWHERE
  }

  /** Forgets it. It has no entries. */
  forget(): void {
    this.#places.remove(this.#place)
    this.#place = NOWHERE
  }

  /** Epoch ms of its newest entry. */
  get lastSeen(): number {
    return this.#places.lastSeen(this.#place)
  }

  set lastSeen(at: number) {
    this.#places.see(this.#place, at)
  }

  get state(): State {
    return this.#state
  }

  set state(state: State) {
    this.#state = state
    this.#places.setOk(this.#place, state === 'OK')
  }

  /** Entries in the window. */
  get count(): number {
    return this.#places.entered(this.#place)
  }

  /** Entries in memory. */
  get held(): number {
    return this.#places.held(this.#place)
  }

  /** Distinct values in the window. */
  get distinct(): number {
    return this.#values?.distinct ?? Math.min(1, this.count)
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

  /** Holds a value until it is released. @param isCopy whether the value is no slice of a longer text @returns its slot */
  hold(value: string, isCopy = false): number {
    const places = this.#places
    const held = places.hold(this.#place)
    if (this.#values) return this.#values.hold(value)
    if (this.#single === value) return 0
    places.renew(this.#place)
    if (held === 1) {
      this.#single = isCopy ? value : owned(value)
      return 0
    }
    this.#values = Values.startingWith(this.#single, held - 1, this.count)
    places.setCountsItself(this.#place, true)
    return this.#values.hold(value)
  }

  /** Holds a value of one query of a formula. A group of a monitor with one query holds it as it is. @returns its slot */
  holdOf(_query: number, value: string, isCopy = false): number {
    return this.hold(value, isCopy)
  }

  /** The value in a slot, without its query in a group of a formula. */
  textAt(slot: number): string {
    return this.valueAt(slot)
  }

  /** The value in a slot. */
  valueAt(slot: number): string {
    return this.#values?.at(slot) ?? this.#single
  }

  enter(slot: number): void {
    this.#places.enter(this.#place)
    this.#values?.enter(slot)
    this.numbers?.add(Number(this.valueAt(slot)))
  }

  leave(slot: number): void {
    this.#places.leave(this.#place)
    this.#values?.leave(slot)
    this.numbers?.remove(Number(this.valueAt(slot)))
  }

  /** Visits the values in the window, each with the number of its entries. */
  visit(take: (value: string, times: number) => void): void {
    if (this.#values) this.#values.visit(take)
    else if (this.count > 0) take(this.#single, this.count)
  }

  release(slot: number): void {
    const held = this.#places.release(this.#place)
    if (!this.#values) return
    if (held > 0) {
      this.#values.release(slot)
      return
    }
    this.#values = undefined
    this.#places.renew(this.#place)
    this.#places.setCountsItself(this.#place, this.numbers !== undefined)
  }

  /** The value of the monitor's query over its window; NaN when it has none. */
  present(kind: Rule['kind']): number {
    return this.count > 0 ? this.rollup(kind) : Number.NaN
  }

  /** What each query of a formula measures. A monitor with one query has none. */
  get partValues(): readonly number[] {
    return []
  }

  /** The value of the monitor's query without regard to group limits; NaN when it has none. */
  unlimited(kind: Rule['kind']): number {
    return this.present(kind)
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
    this.#places.setChanged(this.#place)
    this.samples ??= []
    const place = this.samples.findLastIndex(({ timestamp }) => timestamp <= log.timestamp) + 1
    this.samples.splice(place, 0, log)
    if (this.samples.length > MAX_SAMPLES) this.samples.shift()
  }
}

import { compileFormula, type Evaluate } from '../monitor/formula.ts'
import type { MeasuredQuery } from '../monitor/monitor-query.ts'
import type { JoinedQuery } from '../monitor/variables.ts'
import { Group } from './group.ts'
import { type Statistic, statisticOf } from './measure.ts'
import type { Places } from './places.ts'
import { poolOf } from './pool.ts'
import { owned } from './values.ts'

/** What the groups of one formula have in common. */
export class Joining {
  readonly query: JoinedQuery
  readonly grouped: boolean
  /** By query: the number of groups that have entries of it in the window. */
  readonly live: number[]
  readonly #evaluate: Evaluate
  readonly #values: Float64Array
  readonly #hasShared: boolean

  constructor(query: JoinedQuery) {
    this.query = query
    this.grouped = query.by.length > 0
    this.live = query.queries.map(() => 0)
    const names = query.variables.map(({ name }) => name)
    this.#evaluate = compileFormula(query.expression, names)
    this.#values = new Float64Array(names.length)
    this.#hasShared = names.some((_, part) => this.isShared(part))
  }

  /** Whether the entries of a query belong to no group, while the formula has groups. */
  isShared(part: number): boolean {
    return this.grouped && this.query.queries[part]?.by.length === 0
  }

  /**
   * The value of a group.
   * Decision `group-of-a-formula`, undocumented: a group exists while a query that groups has a log of it in the window. Its value
   * needs a value of every query: one that has no log of the group has none. `default_zero` gives 0 for it, and the value of a query
   * that does not group counts in every group. Without groups, the formula has its one value even when no query has a log.
   * @param limited whether a query has no value for a group that is beyond its limits
   * @returns NaN when it has no value
   */
  valueOf(group: JoinedGroup, sharedOf: () => JoinedGroup | undefined, limited = true): number {
    const shared = this.#hasShared ? sharedOf() : undefined
    let exists = !this.grouped
    for (let part = 0; part < this.#values.length; part++) {
      const isShared = this.isShared(part)
      const owner = isShared ? shared : group
      const value = (limited ? owner?.partValue(part) : owner?.partScore(part)) ?? Number.NaN
      this.#values[part] = value
      if (!isShared && !Number.isNaN(value)) exists = true
    }
    return exists ? this.#evaluate(this.#values) : Number.NaN
  }

  /** The value of each query for a group, as `valueOf` uses it. */
  partsOf(group: JoinedGroup, sharedOf: () => JoinedGroup | undefined): number[] {
    this.valueOf(group, sharedOf)
    return [...this.#values]
  }
}

/** The entries of one query in one group. */
class Part {
  readonly query: MeasuredQuery
  readonly numbers: Statistic | undefined
  /** The slots of the values in memory. */
  readonly slots = new Map<string, number>()
  /** Entries, and distinct values, in the window. */
  count = 0
  distinct = 0

  constructor(query: MeasuredQuery) {
    const { kind } = query.rollup
    this.query = query
    this.numbers = kind === 'count' || kind === 'cardinality' ? undefined : statisticOf(kind)
  }

  value(): number {
    if (this.count === 0) return Number.NaN
    const { kind } = this.query.rollup
    if (kind === 'count') return this.count
    return kind === 'cardinality' ? this.distinct : (this.numbers?.value() ?? Number.NaN)
  }
}

/** One group of a formula: it holds the values of each of its queries apart. As a text, a value has its query: `1:200`. */
export class JoinedGroup extends Group {
  /** The queries, as bits by their index, for which the group is beyond the limits. */
  withheldParts = 0
  readonly #joining: Joining
  readonly #places: Places<Group>
  readonly #shared: () => JoinedGroup | undefined
  readonly #parts: readonly Part[]
  readonly #values: string[] = []
  readonly #partOf: number[] = []
  readonly #refs: number[] = []
  readonly #counts: number[] = []
  readonly #free: number[] = []

  /** @param shared finds the group of the entries that belong to no group */
  constructor(key: string, places: Places<Group>, joining: Joining, shared: () => JoinedGroup | undefined) {
    super(key, places)
    places.setCountsItself(this.place, true)
    this.#places = places
    this.#joining = joining
    this.#shared = shared
    this.#parts = joining.query.queries.map((query) => new Part(query))
  }

  /** Entries of a query in the window. */
  partCount(part: number): number {
    return this.#partAt(part).count
  }

  /** What a query measures, without regard to limits. NaN without an entry. */
  partScore(part: number): number {
    return this.#partAt(part).value()
  }

  /** What a query measures. NaN without an entry, and where the group is beyond the limits of the query. */
  partValue(part: number): number {
    return this.withheldParts & (1 << part) ? Number.NaN : this.#partAt(part).value()
  }

  override present(): number {
    return this.#joining.valueOf(this, this.#shared)
  }

  /** What each query of the formula measures; NaN where it has no value. */
  override get partValues(): readonly number[] {
    return this.#joining.partsOf(this, this.#shared)
  }

  override unlimited(): number {
    return this.#joining.valueOf(this, this.#shared, false)
  }

  override get isLimited(): boolean {
    return this.withheldParts !== 0
  }

  /** The entries of all queries: whatever enters or leaves may change the value. */
  override rollup(): number {
    return this.count
  }

  override hold(text: string): number {
    const colon = text.indexOf(':')
    return this.holdOf(Number(text.slice(0, colon)), text.slice(colon + 1))
  }

  override holdOf(part: number, value: string): number {
    this.#places.hold(this.place)
    const { slots } = this.#partAt(part)
    let slot = slots.get(value)
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#values.length
      const kept = owned(value)
      slots.set(kept, slot)
      this.#values[slot] = kept
      this.#partOf[slot] = part
      this.#refs[slot] = 0
      this.#counts[slot] = 0
    }
    this.#refs[slot] = (this.#refs[slot] ?? 0) + 1
    return slot
  }

  override textAt(slot: number): string {
    return this.#values[slot] ?? ''
  }

  override valueAt(slot: number): string {
    return `${this.#partOf[slot] ?? 0}:${this.textAt(slot)}`
  }

  override enter(slot: number): void {
    this.#places.enter(this.place)
    const number = this.#partOf[slot] ?? 0
    const part = this.#partAt(number)
    if (part.count++ === 0) this.#joining.live[number] = (this.#joining.live[number] ?? 0) + 1
    const times = (this.#counts[slot] ?? 0) + 1
    this.#counts[slot] = times
    if (times === 1) part.distinct++
    part.numbers?.add(Number(this.#values[slot]))
  }

  override leave(slot: number): void {
    this.#places.leave(this.place)
    const number = this.#partOf[slot] ?? 0
    const part = this.#partAt(number)
    if (--part.count === 0) this.#joining.live[number] = (this.#joining.live[number] ?? 0) - 1
    const times = (this.#counts[slot] ?? 0) - 1
    this.#counts[slot] = times
    if (times === 0) part.distinct--
    part.numbers?.remove(Number(this.#values[slot]))
  }

  override release(slot: number): void {
    this.#places.release(this.place)
    const refs = (this.#refs[slot] ?? 0) - 1
    this.#refs[slot] = refs
    if (refs > 0) return
    this.#partAt(this.#partOf[slot] ?? 0).slots.delete(this.#values[slot] ?? '')
    this.#values[slot] = ''
    this.#free.push(slot)
  }

  /** A log that several queries match is kept once. */
  override keepSample(log: Parameters<Group['keepSample']>[0]): void {
    if (!this.samples?.includes(log)) super.keepSample(log)
  }

  /** Visits the values of a query in the window, each with the number of its entries. */
  visitPart(part: number, take: (value: string, times: number) => void): void {
    for (const [value, slot] of this.#partAt(part).slots) {
      const times = this.#counts[slot] ?? 0
      if (times > 0) take(value, times)
    }
  }

  #partAt(part: number): Part {
    const found = this.#parts[part]
    if (!found) throw new RangeError(`the formula has no query ${part}`)
    return found
  }
}

/** What a query measures over the logs of several groups together; NaN without an entry. */
export function pooledScore(groups: readonly JoinedGroup[], part: number, query: MeasuredQuery): number {
  const pool = poolOf(query.rollup.kind)
  let any = false
  for (const group of groups) {
    group.visitPart(part, (value, times) => {
      any = true
      pool.add(value, times)
    })
  }
  return any ? pool.value() : Number.NaN
}

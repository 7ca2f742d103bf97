import { compileFormula, type Evaluate } from '../monitor/formula.ts'
import type { MeasuredQuery, Rollup } from '../monitor/monitor-query.ts'
import type { JoinedQuery } from '../monitor/variables.ts'
import { Group } from './group.ts'
import { type Statistic, statisticOf } from './measure.ts'
import type { Places } from './places.ts'
import { poolOf } from './pool.ts'
import { Values } from './values.ts'

/** What the groups of one formula have in common. */
export class Joining {
  readonly query: JoinedQuery
  readonly grouped: boolean
  /** The number of queries. */
  readonly width: number
  /** By query: the number of groups that have entries of it in the window. */
  readonly live: number[]
  readonly #evaluate: Evaluate
  readonly #values: Float64Array
  readonly #kinds: readonly Rollup['kind'][]
  readonly #isShared: readonly boolean[]
  readonly #hasShared: boolean
  /** Entries in the window by place and query: many groups, so no object for each. */
  #entered = new Int32Array(64)

  constructor(query: JoinedQuery) {
    this.query = query
    this.grouped = query.by.length > 0
    this.live = query.queries.map(() => 0)
    const names = query.variables.map(({ name }) => name)
    this.#evaluate = compileFormula(query.expression, names)
    this.#values = new Float64Array(names.length)
    this.width = query.queries.length
    this.#kinds = query.queries.map(({ rollup }) => rollup.kind)
    this.#isShared = query.queries.map(({ by }) => this.grouped && by.length === 0)
    this.#hasShared = names.some((_, part) => this.isShared(part))
  }

  /** Whether the entries of a query belong to no group, while the formula has groups. */
  isShared(part: number): boolean {
    return this.#isShared[part] === true
  }

  kindOf(part: number): Rollup['kind'] {
    const kind = this.#kinds[part]
    if (kind === undefined) throw new RangeError(`the formula has no query ${part}`)
    return kind
  }

  /** The query of a slot of a group. */
  partOf(slot: number): number {
    return slot % this.width
  }

  /** The slot of a value among those of its query. */
  innerSlot(slot: number): number {
    return Math.floor(slot / this.width)
  }

  /** Entries of a query in the window. @param place of the group */
  entered(place: number, part: number): number {
    return this.#entered[place * this.width + part] ?? 0
  }

  /** Counts an entry that enters the window. */
  enter(place: number, part: number): void {
    const at = place * this.width + part
    while (at >= this.#entered.length) this.#entered = doubled(this.#entered)
    const count = (this.#entered[at] as number) + 1
    this.#entered[at] = count
    if (count === 1) this.live[part] = (this.live[part] ?? 0) + 1
  }

  /** Counts an entry that leaves the window. */
  leave(place: number, part: number): void {
    const at = place * this.width + part
    const count = (this.#entered[at] as number) - 1
    this.#entered[at] = count
    if (count === 0) this.live[part] = (this.live[part] ?? 0) - 1
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

/** The values of one query in one group; of a query that counts logs there are none. */
class Part {
  readonly values = new Values()
  readonly numbers: Statistic | undefined

  constructor(kind: Rollup['kind']) {
    this.numbers = kind === 'count' || kind === 'cardinality' ? undefined : statisticOf(kind)
  }
}

/** One group of a formula: it holds the values of each of its queries apart. As a text, a value has its query: `1:200`. */
export class JoinedGroup extends Group {
  /** The queries, as bits by their index, for which the group is beyond the limits. */
  withheldParts = 0
  readonly #joining: Joining
  readonly #places: Places<Group>
  readonly #shared: () => JoinedGroup | undefined
  #parts: (Part | undefined)[] | undefined = undefined

  /** @param shared finds the group of the entries that belong to no group */
  constructor(key: string, places: Places<Group>, joining: Joining, shared: () => JoinedGroup | undefined) {
    super(key, places)
    places.setCountsItself(this.place, true)
    this.#places = places
    this.#joining = joining
    this.#shared = shared
  }

  /** Entries of a query in the window. */
  partCount(part: number): number {
    return this.#joining.entered(this.place, part)
  }

  /** What a query measures, without regard to limits. NaN without an entry. */
  partScore(part: number): number {
    const count = this.partCount(part)
    if (count === 0) return Number.NaN
    const kind = this.#joining.kindOf(part)
    if (kind === 'count') return count
    const { values, numbers } = this.#partAt(part)
    return kind === 'cardinality' ? values.distinct : (numbers?.value() ?? Number.NaN)
  }

  /** What a query measures. NaN without an entry, and where the group is beyond the limits of the query. */
  partValue(part: number): number {
    return this.withheldParts & (1 << part) ? Number.NaN : this.partScore(part)
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

  /** The slots of a query are its index plus a multiple of the number of queries; one that counts logs has only the first. */
  override holdOf(part: number, value: string): number {
    this.#places.hold(this.place)
    if (this.#joining.kindOf(part) === 'count') return part
    return part + this.#joining.width * this.#partAt(part).values.hold(value)
  }

  override textAt(slot: number): string {
    const part = this.#joining.partOf(slot)
    return this.#parts?.[part]?.values.at(this.#joining.innerSlot(slot)) ?? ''
  }

  override valueAt(slot: number): string {
    return `${this.#joining.partOf(slot)}:${this.textAt(slot)}`
  }

  override enter(slot: number): void {
    this.#places.enter(this.place)
    const part = this.#joining.partOf(slot)
    this.#joining.enter(this.place, part)
    const tally = this.#parts?.[part]
    if (!tally) return
    tally.values.enter(this.#joining.innerSlot(slot))
    tally.numbers?.add(Number(this.textAt(slot)))
  }

  override leave(slot: number): void {
    this.#places.leave(this.place)
    const part = this.#joining.partOf(slot)
    this.#joining.leave(this.place, part)
    const tally = this.#parts?.[part]
    if (!tally) return
    tally.values.leave(this.#joining.innerSlot(slot))
    tally.numbers?.remove(Number(this.textAt(slot)))
  }

  override release(slot: number): void {
    this.#places.release(this.place)
    this.#parts?.[this.#joining.partOf(slot)]?.values.release(this.#joining.innerSlot(slot))
  }

  /** A log that several queries match is kept once. */
  override keepSample(log: Parameters<Group['keepSample']>[0]): void {
    if (!this.samples?.includes(log)) super.keepSample(log)
  }

  /** Visits the values of a query in the window, each with the number of its entries. */
  visitPart(part: number, take: (value: string, times: number) => void): void {
    if (this.#joining.kindOf(part) !== 'count') this.#partAt(part).values.visit(take)
    else if (this.partCount(part) > 0) take('', this.partCount(part))
  }

  #partAt(part: number): Part {
    this.#parts ??= []
    const known = this.#parts[part]
    if (known) return known
    const added = new Part(this.#joining.kindOf(part))
    this.#parts[part] = added
    return added
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

function doubled(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(numbers.length * 2)
  larger.set(numbers)
  return larger
}

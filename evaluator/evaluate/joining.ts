import { compileFormula, type Evaluate } from '../monitor/formula.ts'
import type { Rollup } from '../monitor/monitor-query.ts'
import type { JoinedQuery } from '../monitor/variables.ts'
import { Group } from './group.ts'
import { type Statistic, statisticOf } from './measure.ts'
import { NOWHERE, type Places } from './places.ts'
import { poolOf } from './pool.ts'
import { Values } from './values.ts'

/** What the groups of one formula have in common. */
export class Joining {
  readonly query: JoinedQuery
  readonly grouped: boolean
  /** The number of queries. */
  readonly width: number
  /** Whether all queries count logs, so that every group is no more than their numbers. */
  readonly countsLogs: boolean
  /** Whether a query counts in every group. */
  readonly hasShared: boolean
  /** By query: the number of groups that have entries of it in the window. */
  readonly live: number[]
  readonly #evaluate: Evaluate
  readonly #values: Float64Array
  readonly #kinds: readonly Rollup['kind'][]
  readonly #isShared: readonly boolean[]
  /** By place and query: entries in the window. Many groups, so no object for each. */
  #entered = new Int32Array(64)
  /** By place: the queries, as bits by their index, for which the group is beyond the limits. */
  #withheld = new Int32Array(64)
  /** By place and query: the values of queries that do not only count logs. */
  readonly #parts: (Part | undefined)[] = []

  constructor(query: JoinedQuery) {
    this.query = query
    this.grouped = query.by.length > 0
    this.live = query.queries.map(() => 0)
    const names = query.variables.map(({ name }) => name)
    this.#evaluate = compileFormula(query.expression, names)
    this.#values = new Float64Array(names.length)
    this.width = query.queries.length
    this.#kinds = query.queries.map(({ rollup }) => rollup.kind)
    this.countsLogs = this.#kinds.every((kind) => kind === 'count')
    this.#isShared = query.queries.map(({ by }) => this.grouped && by.length === 0)
    this.hasShared = names.some((_, part) => this.isShared(part))
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

  /** Starts a new group, whose place another may have had. */
  begin(place: number): void {
    while ((place + 1) * this.width > this.#entered.length) this.#entered = doubled(this.#entered)
    while (place >= this.#withheld.length) this.#withheld = doubled(this.#withheld)
    this.#withheld[place] = 0
    if (!this.countsLogs) this.#parts.fill(undefined, place * this.width, (place + 1) * this.width)
  }

  withheld(place: number): number {
    return this.#withheld[place] ?? 0
  }

  withhold(place: number, parts: number): void {
    this.#withheld[place] = parts
  }

  /** Adds an entry that enters the window. */
  enter(place: number, slot: number): void {
    const part = this.countsLogs ? slot : this.partOf(slot)
    const at = place * this.width + part
    const count = (this.#entered[at] as number) + 1
    this.#entered[at] = count
    if (count === 1) this.live[part] = (this.live[part] as number) + 1
    if (!this.countsLogs) this.#parts[at]?.enter(this.innerSlot(slot))
  }

  /** Removes an entry that leaves the window. */
  leave(place: number, slot: number): void {
    const part = this.countsLogs ? slot : this.partOf(slot)
    const at = place * this.width + part
    const count = (this.#entered[at] as number) - 1
    this.#entered[at] = count
    if (count === 0) this.live[part] = (this.live[part] as number) - 1
    if (!this.countsLogs) this.#parts[at]?.leave(this.innerSlot(slot))
  }

  /** The values of a query that does not count logs. */
  partAt(place: number, part: number): Part {
    const at = place * this.width + part
    const known = this.#parts[at]
    if (known) return known
    while (this.#parts.length < at) this.#parts.push(undefined)
    const added = new Part(this.kindOf(part))
    this.#parts[at] = added
    return added
  }

  /** What a query measures in a group, without regard to limits. NaN without an entry. */
  score(place: number, part: number): number {
    const count = this.entered(place, part)
    if (count === 0) return Number.NaN
    const kind = this.#kinds[part]
    if (kind === 'count') return count
    const { values, numbers } = this.partAt(place, part)
    return kind === 'cardinality' ? values.distinct : (numbers?.value() ?? Number.NaN)
  }

  /**
   * The value of a group.
   * Decision `group-of-a-formula`, undocumented: a group exists while a query that groups has a log of it in the window. Its value
   * needs a value of every query: one that has no log of the group has none. `default_zero` gives 0 for it, and the value of a query
   * that does not group counts in every group. Without groups, the formula has its one value even when no query has a log.
   * @param sharedOf finds the place of the entries that belong to no group
   * @param isLimited whether a query has no value for a group that is beyond its limits
   * @returns NaN when it has no value
   */
  valueOf(place: number, sharedOf: () => number, isLimited = true): number {
    const shared = this.hasShared ? sharedOf() : NOWHERE
    let exists = !this.grouped
    for (let part = 0; part < this.#values.length; part++) {
      const isShared = this.isShared(part)
      const owner = isShared ? shared : place
      const isWithheld = isLimited && (this.withheld(owner) & (1 << part)) !== 0
      const value = isWithheld ? Number.NaN : this.score(owner, part)
      this.#values[part] = value
      if (!isShared && !Number.isNaN(value)) exists = true
    }
    return exists ? this.#evaluate(this.#values) : Number.NaN
  }

  /** The value of each query for a group, as `valueOf` uses it. */
  partsOf(place: number, sharedOf: () => number): number[] {
    this.valueOf(place, sharedOf)
    return [...this.#values]
  }

  /** Visits the values of a query in the window of a group, each with the number of its entries. */
  visit(place: number, part: number, take: (value: string, times: number) => void): void {
    if (this.kindOf(part) !== 'count') this.partAt(place, part).values.visit(take)
    else if (this.entered(place, part) > 0) take('', this.entered(place, part))
  }
}

/** The values of one query in one group; of a query that counts logs there are none. */
class Part {
  readonly values = new Values()
  readonly numbers: Statistic | undefined

  constructor(kind: Rollup['kind']) {
    this.numbers = kind === 'count' || kind === 'cardinality' ? undefined : statisticOf(kind)
  }

  enter(slot: number): void {
    this.values.enter(slot)
    this.numbers?.add(Number(this.values.at(slot)))
  }

  leave(slot: number): void {
    this.values.leave(slot)
    this.numbers?.remove(Number(this.values.at(slot)))
  }
}

/** One group of a formula: what it has of each of its queries is held by place. As a text, a value has its query: `1:200`. */
export class JoinedGroup extends Group {
  readonly #joining: Joining
  readonly #places: Places<Group>
  readonly #shared: () => number

  /** @param shared finds the place of the entries that belong to no group */
  constructor(key: string, places: Places<Group>, joining: Joining, shared: () => number) {
    super(key, places)
    joining.begin(this.place)
    places.setCountsItself(this.place, !joining.countsLogs)
    this.#places = places
    this.#joining = joining
    this.#shared = shared
  }

  /** The queries, as bits by their index, for which the group is beyond the limits. */
  get withheldParts(): number {
    return this.#joining.withheld(this.place)
  }

  set withheldParts(parts: number) {
    this.#joining.withhold(this.place, parts)
  }

  override present(): number {
    return this.#joining.valueOf(this.place, this.#shared)
  }

  /** What each query of the formula measures; NaN where it has no value. */
  override get partValues(): readonly number[] {
    return this.#joining.partsOf(this.place, this.#shared)
  }

  override unlimited(): number {
    return this.#joining.valueOf(this.place, this.#shared, false)
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
    return part + this.#joining.width * this.#joining.partAt(this.place, part).values.hold(value)
  }

  override textAt(slot: number): string {
    const part = this.#joining.partOf(slot)
    if (this.#joining.kindOf(part) === 'count') return ''
    return this.#joining.partAt(this.place, part).values.at(this.#joining.innerSlot(slot))
  }

  override valueAt(slot: number): string {
    return `${this.#joining.partOf(slot)}:${this.textAt(slot)}`
  }

  override release(slot: number): void {
    this.#places.release(this.place)
    const part = this.#joining.partOf(slot)
    if (this.#joining.kindOf(part) === 'count') return
    this.#joining.partAt(this.place, part).values.release(this.#joining.innerSlot(slot))
  }

  /** A log that several queries match is kept once. */
  override keepSample(log: Parameters<Group['keepSample']>[0]): void {
    if (!this.samples?.includes(log)) super.keepSample(log)
  }
}

/** What a query measures over the logs of several groups together; NaN without an entry. */
export function pooledScore(joining: Joining, places: readonly number[], part: number): number {
  const pool = poolOf(joining.kindOf(part))
  let any = false
  for (const place of places) {
    joining.visit(place, part, (value, times) => {
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

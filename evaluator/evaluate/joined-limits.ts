import type { FacetLimit } from '../monitor/variables.ts'
import type { GroupLimitReport } from './group-limits.ts'
import type { Groups } from './groups.ts'
import type { JoinedChanges } from './joined-changes.ts'
import { JoinedGroup, type Joining, pooledScore } from './joining.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import { partsOfKey } from './reading.ts'
import { moveFirst, selectFirst } from './select-first.ts'
import { byKey } from './state.ts'
import type { WithholdingState } from './withholding.ts'

/** Room for numbers that are used until the next call. A new array for each would soon be collected. */
class Scratch<T extends Int32Array | Float64Array> {
  readonly #create: new (
    length: number,
  ) => T
  #numbers: T

  constructor(create: new (length: number) => T) {
    this.#create = create
    this.#numbers = new create(0)
  }

  /** @returns an array of this length; its numbers are those of the last call, or 0 */
  of(length: number): T {
    if (this.#numbers.length < length) this.#numbers = new this.#create(2 * length)
    return this.#numbers.subarray(0, length) as T
  }
}

/** In arrival mode, the shortest time between two choices of the groups of a query: as often as Datadog evaluates. */
const CHOICE_INTERVAL_MS = 60_000

/**
 * Leaves out the groups beyond the limits of the queries of a formula.
 * Decision `limits-of-a-formula`: each query keeps the highest or lowest values of each facet, as its `group_by` asks. Without
 * a `limit` it keeps ten, or five of the fourth facet (documented). They are chosen facet by facet, by what `sort` names over
 * all their logs; among equals the first by name is chosen (undocumented). A query has no value for a group that it does not
 * keep. Where monitors are evaluated at each log, the choice is made anew each minute.
 */
export class JoinedLimits {
  readonly #joining: Joining
  readonly #groups: Groups
  readonly #changes: JoinedChanges
  readonly #atLogs: boolean
  #chosenAt = NOT_YET
  /** The score of the last that was kept at the last choice. Most of what was below it is so again. */
  readonly #lasts = new Map<FacetLimit, number>()
  /** Used again at each choice. */
  readonly #chosen = new Scratch(Int32Array)
  readonly #live = new Scratch(Int32Array)
  readonly #scores = new Scratch(Float64Array)
  #since: number | undefined
  #beyond = 0
  #withholds = false

  constructor(joining: Joining, groups: Groups, changes: JoinedChanges, atLogs: boolean) {
    this.#joining = joining
    this.#groups = groups
    this.#changes = changes
    this.#atLogs = atLogs
  }

  get report(): GroupLimitReport | undefined {
    return this.#since === undefined ? undefined : { since: this.#since, beyond: this.#beyond }
  }

  get withholds(): boolean {
    return this.#withholds
  }

  /** Epoch ms from which an evaluation may choose anew, while entries only leave. */
  get due(): number {
    const isChosen = this.#withholds || this.#exceeded.includes(true)
    return isChosen ? this.#chosenAt + CHOICE_INTERVAL_MS : NO_DEADLINE
  }

  /** Chooses the groups that each query keeps. Those for which that changes are evaluated next. */
  apply(at: number): void {
    if (this.#atLogs && at < this.#chosenAt + CHOICE_INTERVAL_MS) return
    const exceeded = this.#exceeded
    if (!this.#withholds && !exceeded.includes(true)) return
    this.#chosenAt = at
    const joining = this.#joining
    const chosen = this.#chosen.of(this.#groups.places.end).fill(0)
    let beyond = 0
    for (const [part, { limits }] of joining.query.variables.entries()) {
      if (exceeded[part]) beyond = Math.max(beyond, this.#withhold(chosen, part, limits))
    }
    this.#withholds = beyond > 0
    if (beyond > 0) {
      this.#since ??= at
      this.#beyond = Math.max(this.#beyond, beyond)
    }
    for (let place = 0; place < chosen.length; place++) {
      const parts = chosen[place] as number
      if (parts === joining.withheld(place)) continue
      joining.withhold(place, parts)
      this.#changes.list(place)
    }
  }

  /** The number of surplus groups is always known. */
  count(): void {}

  save(): WithholdingState {
    return { limitsCountedAt: this.#chosenAt, mostLive: 0, exceeded: this.report ?? null }
  }

  restore({ limitsCountedAt, exceeded }: WithholdingState): void {
    this.#chosenAt = limitsCountedAt ?? NOT_YET
    for (const group of this.#groups) if (group instanceof JoinedGroup && group.withheldParts) this.#withholds = true
    this.#since = exceeded?.since
    this.#beyond = exceeded?.beyond ?? 0
  }

  /** By query: whether it can have more values of a facet than it keeps. */
  get #exceeded(): boolean[] {
    return this.#joining.query.variables.map(({ limits }, part) => this.#mayExceed(limits, part))
  }

  #mayExceed(limits: readonly FacetLimit[], part: number): boolean {
    const live = this.#joining.live[part] ?? 0
    return limits.some(({ most }) => live > most)
  }

  /** Writes which groups a query does not keep. @param chosen by place, the queries as bits @returns how many groups these are */
  #withhold(chosen: Int32Array, part: number, limits: readonly FacetLimit[]): number {
    const bit = 1 << part
    const places = this.#live.of(chosen.length)
    let count = 0
    for (let place = 0; place < chosen.length; place++) {
      if (this.#joining.entered(place, part) === 0) continue
      places[count++] = place
      chosen[place] = (chosen[place] as number) | bit
    }
    const kept = this.#keep(places.subarray(0, count), limits)
    for (const place of kept) chosen[place] = (chosen[place] as number) & ~bit
    return count - kept.length
  }

  /** Keeps the values of the first facet, and then for each of them those of the others. @param live is reordered */
  #keep(live: Int32Array, [limit, ...rest]: readonly FacetLimit[]): Int32Array {
    if (!limit) return live
    // Of one facet each group has a value of its own, and there may be many.
    if (this.#joining.query.by.length === 1) return this.#best(live, limit)
    const values = new Map<string, number[]>()
    for (const place of live) {
      const value = partsOfKey(this.#keyOf(place))[limit.facet] ?? ''
      const members = values.get(value)
      if (members) members.push(place)
      else values.set(value, [place])
    }
    const scored = [...values].map(([key, members]) => ({ key, members, score: this.#scoreOf(members, limit) }))
    scored.sort((a, b) => b.score - a.score || byKey(a, b))
    const kept = scored.slice(0, limit.most).map(({ members }) => this.#keep(Int32Array.from(members), rest))
    return Int32Array.from(kept.flatMap((places) => [...places]))
  }

  #best(live: Int32Array, limit: FacetLimit): Int32Array {
    const { most } = limit
    if (live.length <= most) return live
    const scores = this.#scores.of(this.#groups.places.end)
    for (const place of live) scores[place] = this.#rank(this.#joining.score(place, limit.score), limit)
    const scoreAt = (place: number) => scores[place] as number
    const before = this.#lasts.get(limit) ?? Number.NEGATIVE_INFINITY
    const high = moveFirst(live, (place) => scoreAt(place) >= before)
    const ranked = high < most ? live : live.subarray(0, high)
    selectFirst(ranked, most, (a, b) => scoreAt(a) > scoreAt(b))
    const last = ranked
      .subarray(0, most)
      .reduce((least, place) => Math.min(least, scoreAt(place)), Number.POSITIVE_INFINITY)
    this.#lasts.set(limit, last)
    // Only those that have the score of the last that is kept are compared by name.
    const better = moveFirst(ranked, (place) => scoreAt(place) > last)
    const equal = ranked.subarray(better)
    const equals = equal.subarray(
      0,
      moveFirst(equal, (place) => scoreAt(place) === last),
    )
    selectFirst(equals, most - better, (a, b) => this.#keyOf(a) < this.#keyOf(b))
    return ranked.subarray(0, most)
  }

  #scoreOf(members: readonly number[], limit: FacetLimit): number {
    const [only, ...others] = members
    const isAlone = only !== undefined && others.length === 0
    return this.#rank(
      isAlone ? this.#joining.score(only, limit.score) : pooledScore(this.#joining, members, limit.score),
      limit,
    )
  }

  /** A higher number comes first. What has no value comes last, whatever the order. */
  #rank(score: number, { lowest }: FacetLimit): number {
    if (Number.isNaN(score)) return Number.NEGATIVE_INFINITY
    return lowest ? -score : score
  }

  #keyOf(place: number): string {
    return this.#groups.places.at(place).key
  }
}

import type { Changes } from './changes.ts'
import type { Group } from './group.ts'
import type { Choice, GroupLimitReport, GroupLimits } from './group-limits.ts'
import type { Groups } from './groups.ts'
import { type Moment, NO_DEADLINE, NOT_YET } from './moment.ts'
import type { MonitorParts } from './parts.ts'
import { type Pool, poolOf } from './pool.ts'
import { nextState, type Rule } from './state.ts'

/** In arrival mode, the shortest time between two counts of the groups beyond the limits: as often as Datadog evaluates. */
const RECOUNT_INTERVAL_MS = 60_000
/** A count reads the whole window, so it is repeated only once the number of groups has grown by this factor. */
const RECOUNT_GROWTH = 5 / 4

/** After changes of so many groups the choice is made again. */
const MAX_TOUCHED = 1024

/** The saved counts of the groups beyond the limits. */
export interface WithholdingState {
  readonly limitsCountedAt: Moment
  readonly mostLive: number
  readonly exceeded: GroupLimitReport | null
}

/** Leaves out the groups beyond the limits: they are evaluated as if they had no logs. */
export class Withholding {
  readonly #limits: GroupLimits
  readonly #rule: Rule
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #leavesOut: boolean
  readonly #hasFollowers: boolean
  readonly #atLogs: boolean
  readonly #withheld = new Set<Group>()
  /** Those of them that would alert. */
  readonly #firing = new Set<Group>()
  /** The last choice, while it is known to be the same; the groups whose entries have changed since. */
  #choice: Choice | undefined
  readonly #touched = new Set<Group>()
  #countedAt = NOT_YET
  #mostLive = 0

  /**
   * @param leavesOut whether groups beyond the limits are left out; otherwise they are only counted
   * @param hasFollowers whether other rules judge the values as well
   */
  constructor(
    { rule, instants, groups, changes }: MonitorParts,
    limits: GroupLimits,
    leavesOut: boolean,
    hasFollowers: boolean,
  ) {
    this.#hasFollowers = hasFollowers
    this.#limits = limits
    this.#rule = rule
    this.#groups = groups
    this.#changes = changes
    this.#leavesOut = leavesOut
    this.#atLogs = instants.atLogs
    if (leavesOut) changes.watcher = (group, entered) => this.#touch(group, entered)
  }

  get report(): GroupLimitReport | undefined {
    return this.#limits.report
  }

  /** Whether groups are left out that come back when entries of others leave. */
  get withholds(): boolean {
    return this.#withheld.size > 0
  }

  /** Epoch ms from which an evaluation may choose or count anew, while entries only leave. */
  get due(): number {
    const limits = this.#limits
    if (!limits.exceeded && this.#withheld.size === 0) return NO_DEADLINE
    if (this.#leavesOut) return NOT_YET
    const isCounted = limits.surplus !== undefined || limits.live <= this.#mostLive * RECOUNT_GROWTH
    return isCounted ? NO_DEADLINE : this.#countedAt + RECOUNT_INTERVAL_MS
  }

  /** Chooses the groups to leave out before an evaluation, if that can change a state. */
  apply(at: number): void {
    const limits = this.#limits
    if (!limits.exceeded && this.#withheld.size === 0) return
    const matters = this.#leavesOut && this.#matters()
    if (limits.exceeded) limits.note(at, limits.surplus ?? 0)
    if (!matters) {
      if (this.#isRecounted(at)) this.count(at)
      return
    }
    const known = limits.exceeded ? this.#choice : undefined
    const choice = limits.exceeded ? (known ?? this.#choose()) : undefined
    if (choice) limits.note(at, limits.live - choice.keys.size)
    for (const group of known ? this.#touched : this.#groups) {
      this.#withhold(group, choice !== undefined && group.count > 0 && !choice.keys.has(group.key))
    }
    this.#choice = choice
    this.#touched.clear()
  }

  #withhold(group: Group, withheld: boolean): void {
    if (withheld === group.withheld || group.forgotten) return
    group.withheld = withheld
    if (withheld) this.#withheld.add(group)
    else this.#withheld.delete(group)
    this.#noteFiring(group)
    this.#changes.mark(group)
  }

  /**
   * Learns that an entry of a group has entered or left. The choice stays the same while that is one of a value of the first facet
   * that is not chosen, and its score does not become better than those that are.
   */
  #touch(group: Group, entered: boolean): void {
    if (group.withheld) this.#noteFiring(group)
    if (!this.#choice) return
    this.#touched.add(group)
    if (this.#touched.size <= MAX_TOUCHED && !this.#mayChange(this.#choice, group, entered)) return
    this.#choice = undefined
    this.#touched.clear()
  }

  #mayChange(choice: Choice, group: Group, entered: boolean): boolean {
    const { kind } = this.#rule
    // Of every other rollup the score may rise when an entry leaves.
    if (kind !== 'count' && kind !== 'cardinality') return true
    const first = this.#limits.prefixIn(group, 1)
    if (choice.hasFirst(first)) return true
    return entered && (!this.#limits.isAlone(group.level) || choice.takes(first, group.rollup(kind)))
  }

  /** Keeps the groups that are left out and would alert. */
  #noteFiring(group: Group): void {
    if (group.withheld && this.#fires(group)) this.#firing.add(group)
    else this.#firing.delete(group)
  }

  /** The state of a group that has entries does not depend on the others. */
  #fires(group: Group): boolean {
    return group.count > 0 && nextState(this.#rule, 'OK', group.rollup(this.#rule.kind), true, true) !== 'OK'
  }

  /** Counts the groups beyond the limits if there are more groups than before and `surplus` does not give the number. */
  count(at: number): void {
    const limits = this.#limits
    if (!limits.exceeded || limits.surplus !== undefined || limits.live <= this.#mostLive) return
    this.#mostLive = limits.live
    this.#countedAt = at
    limits.note(at, limits.live - this.#choose().keys.size)
  }

  save(): WithholdingState {
    return { limitsCountedAt: this.#countedAt, mostLive: this.#mostLive, exceeded: this.report ?? null }
  }

  restore({ limitsCountedAt, mostLive, exceeded }: WithholdingState): void {
    for (const group of this.#groups) {
      if (!group.withheld) continue
      this.#withheld.add(group)
      this.#noteFiring(group)
    }
    this.#countedAt = limitsCountedAt ?? NOT_YET
    this.#mostLive = mostLive
    if (exceeded) this.#limits.note(exceeded.since, exceeded.beyond)
  }

  #isRecounted(at: number): boolean {
    if (this.#limits.live <= this.#mostLive * RECOUNT_GROWTH) return false
    return !this.#atLogs || at >= this.#countedAt + RECOUNT_INTERVAL_MS
  }

  /** Whether leaving groups out can change a state. */
  #matters(): boolean {
    if (this.#hasFollowers || this.#groups.active.size > 0 || this.#rule.onMissingData.startsWith('show')) return true
    return this.#firing.size > 0 || this.#changes.groups.some((group) => this.#fires(group))
  }

  /** Chooses the groups that are evaluated. */
  #choose(): Choice {
    const live = [...this.#groups].filter(({ count }) => count > 0)
    return this.#limits.choose(live, (groups, facets) => this.#scores(groups, facets))
  }

  /** @returns the rollup over all logs with the same first `facets` values, by their prefix */
  #scores(groups: readonly Group[], facets: number): Map<string, number> {
    const { kind } = this.#rule
    const limits = this.#limits
    // The limits of a formula are those of its queries: JoinedLimits.
    if (kind === 'formula') return new Map()
    if (facets === limits.facets) return new Map(groups.map((group) => [group.key, group.rollup(kind)]))
    const scores = new Map<string, number>()
    const firsts = new Map<string, Group>()
    const pools = new Map<string, Pool>()
    for (const group of groups) {
      const prefix = limits.prefixIn(group, facets)
      const first = firsts.get(prefix)
      if (first) {
        const pool = pools.get(prefix) ?? poolOf(kind)
        if (!pools.has(prefix)) first.visit(pool.add)
        pools.set(prefix, pool)
        group.visit(pool.add)
      } else {
        // Most prefixes have one group, whose rollup is known.
        firsts.set(prefix, group)
        scores.set(prefix, group.rollup(kind))
      }
    }
    for (const [prefix, pool] of pools) scores.set(prefix, pool.value())
    return scores
  }
}

import type { FacetLimit } from '../monitor/variables.ts'
import type { Changes } from './changes.ts'
import type { GroupLimitReport } from './group-limits.ts'
import type { Groups } from './groups.ts'
import { JoinedGroup, type Joining, pooledScore } from './joining.ts'
import { NOT_YET } from './moment.ts'
import { partsOfKey } from './reading.ts'
import { byKey } from './state.ts'
import type { WithholdingState } from './withholding.ts'

/** In arrival mode, the shortest time between two choices of the groups of a query: as often as Datadog evaluates. */
const CHOICE_INTERVAL_MS = 60_000

/**
 * Leaves out the groups beyond the limits of the queries of a formula.
 * Decision `limits-of-a-formula`: each query keeps the highest or lowest values of each facet as its `group_by` asks, and without a
 * `limit` ten, of the fourth facet five (documented). They are chosen facet by facet, by what `sort` names over all their logs, and
 * among equals the first by name (undocumented). A query has no value for a group that it does not keep. At an evaluation at each
 * log, the choice is made anew each minute.
 */
export class JoinedLimits {
  readonly #joining: Joining
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #atLogs: boolean
  #chosenAt = NOT_YET
  #since: number | undefined
  #beyond = 0
  #withholds = false

  constructor(joining: Joining, groups: Groups, changes: Changes, atLogs: boolean) {
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

  /** Chooses the groups that each query keeps. Those for which that changes are evaluated next. */
  apply(at: number): void {
    if (this.#atLogs && at < this.#chosenAt + CHOICE_INTERVAL_MS) return
    const exceeded = this.#joining.query.variables.map(({ limits }, part) => this.#mayExceed(limits, part))
    if (!this.#withholds && !exceeded.includes(true)) return
    this.#chosenAt = at
    const before = new Map<JoinedGroup, number>()
    const all: JoinedGroup[] = []
    for (const group of this.#groups) {
      if (!(group instanceof JoinedGroup) || (group.count === 0 && group.withheldParts === 0)) continue
      all.push(group)
      if (group.withheldParts !== 0) before.set(group, group.withheldParts)
      group.withheldParts = 0
    }
    let beyond = 0
    for (const [part, { limits }] of this.#joining.query.variables.entries()) {
      if (exceeded[part]) beyond = Math.max(beyond, this.#withhold(all, part, limits))
    }
    this.#withholds = beyond > 0
    if (beyond > 0) {
      this.#since ??= at
      this.#beyond = Math.max(this.#beyond, beyond)
    }
    for (const group of all) if (group.withheldParts !== (before.get(group) ?? 0)) this.#changes.mark(group)
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

  /** Whether a query can have more values of a facet than it keeps. */
  #mayExceed(limits: readonly FacetLimit[], part: number): boolean {
    const live = this.#joining.live[part] ?? 0
    return limits.some(({ most }) => live > most)
  }

  /** @returns how many groups a query does not keep */
  #withhold(all: readonly JoinedGroup[], part: number, limits: readonly FacetLimit[]): number {
    const live = all.filter((group) => group.partCount(part) > 0)
    const kept = new Set(this.#keep(live, limits))
    for (const group of live) if (!kept.has(group)) group.withheldParts |= 1 << part
    return live.length - kept.size
  }

  /** Keeps the values of the first facet, and then for each of them those of the others. */
  #keep(groups: readonly JoinedGroup[], [limit, ...rest]: readonly FacetLimit[]): readonly JoinedGroup[] {
    if (!limit) return groups
    const query = this.#joining.query.queries[limit.score]
    if (!query) return groups
    // Of one facet each group has a value of its own, and there may be many.
    if (this.#joining.query.by.length === 1) return bestOf(groups, limit)
    const values = new Map<string, JoinedGroup[]>()
    for (const group of groups) {
      const value = this.#facetOf(group, limit.facet)
      const members = values.get(value)
      if (members) members.push(group)
      else values.set(value, [group])
    }
    const scored = [...values].map(([key, members]) => {
      const [only, ...others] = members
      const score = only && others.length === 0 ? only.partScore(limit.score) : pooledScore(members, limit.score, query)
      return { key, members, score: limit.lowest ? -score : score }
    })
    scored.sort((a, b) => ranked(b.score) - ranked(a.score) || byKey(a, b))
    return scored.slice(0, limit.most).flatMap(({ members }) => this.#keep(members, rest))
  }

  #facetOf({ key }: JoinedGroup, facet: number): string {
    return partsOfKey(key)[facet] ?? ''
  }
}

/** What has no value comes last, whatever the order. */
const ranked = (score: number): number => (Number.isNaN(score) ? Number.NEGATIVE_INFINITY : score)

function bestOf(groups: readonly JoinedGroup[], { most, lowest, score }: FacetLimit): readonly JoinedGroup[] {
  if (groups.length <= most) return groups
  const scores = new Float64Array(groups.length)
  for (const [i, group] of groups.entries())
    scores[i] = ranked(lowest ? -group.partScore(score) : group.partScore(score))
  // The score of the last that is kept; only those that have the same are compared by name.
  const last = scores.toSorted()[groups.length - most] ?? Number.NEGATIVE_INFINITY
  const kept = groups.filter((_, i) => (scores[i] ?? last) > last)
  const equal = groups.filter((_, i) => scores[i] === last).sort(byKey)
  return [...kept, ...equal.slice(0, most - kept.length)]
}

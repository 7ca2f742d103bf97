import { endOfPart } from './reading.ts'

/** The number of values of each facet that Datadog evaluates, by the number of facets: monitors/types/log. */
const MAX_VALUES = [0, 1000, 30, 10, 5]

/** By how much a monitor exceeded the number of groups that Datadog evaluates. */
export interface GroupLimitReport {
  /** Epoch ms of event time at which there first were too many groups. */
  readonly since: number
  /** The highest number of surplus groups at any count. With several facets there may have been a quarter more between counts. */
  readonly beyond: number
}

/** The values of one facet that occur together with given values of the facets before it. */
export interface Level {
  readonly prefix: string
  /** The level of the facet before; undefined for the first facet. */
  readonly above: Level | undefined
  /** Values, and groups, that have logs in the window. */
  values: number
  groups: number
  /** Groups and levels that refer to it, whether they have logs or not. */
  uses: number
}

/**
 * Counts the groups that have logs in the window, facet by facet, and chooses the groups that Datadog evaluates.
 * Decision `top-groups`: the values of the first facet with the highest rollup over all their logs, then for each of them the values
 * of the second facet, and so on (documented). The highest are chosen whatever the comparison of the monitor, and among equals the
 * first by name (undocumented).
 */
export class GroupLimits {
  since: number | undefined = undefined
  beyond = 0
  /** Groups that have logs in the window. */
  live = 0
  readonly facets: number
  readonly #most: number
  readonly #levels = new Map<string, Level>()
  /** The number of levels with too many values. */
  #overfull = 0

  constructor(facets: number) {
    this.facets = facets
    this.#most = MAX_VALUES[facets] ?? 0
  }

  get exceeded(): boolean {
    return this.facets === 1 ? this.live > this.#most : this.#overfull > 0
  }

  /** The number of groups beyond the limits; undefined with several facets, where the number of groups does not determine it. */
  get surplus(): number | undefined {
    return this.facets === 1 ? Math.max(0, this.live - this.#most) : undefined
  }

  /** Records a count. @param beyond the number of surplus groups at `at` */
  note(at: number, beyond: number): void {
    this.since ??= at
    this.beyond = Math.max(this.beyond, beyond)
  }

  get report(): GroupLimitReport | undefined {
    return this.since === undefined ? undefined : { since: this.since, beyond: this.beyond }
  }

  /** The level of a new group's last facet; undefined with one facet, where the number of groups is enough. */
  levelOf(key: string): Level | undefined {
    return this.facets < 2 ? undefined : this.#levelAt(key, this.facets - 1)
  }

  /** Forgets a group, which has no log in the window. */
  release(level: Level | undefined): void {
    for (let each = level; each && --each.uses === 0; each = each.above) this.#levels.delete(each.prefix)
  }

  /** Whether a group is the only one in the window with its value of the first facet. */
  isAlone(level: Level | undefined): boolean {
    let first = level
    while (first?.above?.above) first = first.above
    return first === undefined || first.groups === 1
  }

  /** Counts a group that has its first log in the window. */
  appear(level: Level | undefined): void {
    this.live++
    let isNew = true
    for (let each = level; each; each = each.above) {
      if (isNew && each.values++ === this.#most) this.#overfull++
      isNew = each.groups++ === 0
    }
  }

  /** Removes a group whose last log has left the window. */
  vanish(level: Level | undefined): void {
    this.live--
    let isGone = true
    for (let each = level; each; each = each.above) {
      if (isGone && --each.values === this.#most) this.#overfull--
      isGone = --each.groups === 0
    }
  }

  /** @param facets the number of facets before the level */
  #levelAt(key: string, facets: number): Level {
    const prefix = this.prefixOf(key, facets)
    let level = this.#levels.get(prefix)
    if (!level) {
      const above = facets === 0 ? undefined : this.#levelAt(key, facets - 1)
      level = { prefix, above, values: 0, groups: 0, uses: 0 }
      this.#levels.set(prefix, level)
    }
    level.uses++
    return level
  }

  /** The part of a group's key made by its first `facets` facets. */
  prefixOf(key: string, facets: number): string {
    if (facets === this.facets) return key
    let end = 0
    for (let facet = 0; facet < facets; facet++) end = endOfPart(key, end)
    return key.slice(0, end)
  }

  /** The same of a group, whose levels know it. */
  prefixIn({ key, level }: Limited, facets: number): string {
    if (facets === this.facets) return key
    let each = level
    for (let above = this.facets - 1; each && above > facets; above--) each = each.above
    return each?.prefix ?? this.prefixOf(key, facets)
  }

  /**
   * Chooses the values of one facet after the other, each among the groups that are left.
   * @param scoresOf the rollup over all logs of the same first `facets` values, by their prefix
   */
  choose<G extends Limited>(
    groups: readonly G[],
    scoresOf: (groups: readonly G[], facets: number) => ReadonlyMap<string, number>,
  ): Choice {
    let kept = groups
    let firsts: readonly Scored[] = []
    for (let facets = 1; facets <= this.facets; facets++) {
      const top = this.#top(scoresOf(kept, facets), facets)
      if (facets === 1) firsts = top
      const chosen = new Set(top.map(([name]) => name))
      kept = kept.filter((group) => chosen.has(this.prefixIn(group, facets)))
    }
    const last = firsts.length < this.#most ? undefined : firsts.at(-1)
    return new Choice(new Set(kept.map(({ key }) => key)), new Set(firsts.map(([name]) => name)), last)
  }

  #top(scores: ReadonlyMap<string, number>, facets: number): Scored[] {
    const below = new Map<string, Scored[]>()
    for (const choice of scores) {
      const above = this.prefixOf(choice[0], facets - 1)
      const best = below.get(above)
      if (best) keepBest(best, choice, this.#most)
      else below.set(above, [choice])
    }
    return [...below.values()].flat()
  }
}

type Scored = readonly [name: string, score: number]

/** A group whose number is limited. */
interface Limited {
  readonly key: string
  readonly level?: Level | undefined
}

/** The groups that are evaluated. */
export class Choice {
  readonly keys: ReadonlySet<string>
  readonly #firsts: ReadonlySet<string>
  readonly #last: Scored | undefined

  /** @param firsts the values of the first facet that are evaluated @param last the worst of them; undefined while there is room */
  constructor(keys: ReadonlySet<string>, firsts: ReadonlySet<string>, last: Scored | undefined) {
    this.keys = keys
    this.#firsts = firsts
    this.#last = last
  }

  hasFirst(value: string): boolean {
    return this.#firsts.has(value)
  }

  /** Whether a value of the first facet that is not evaluated would be with this score. */
  takes(value: string, score: number): boolean {
    return this.#last === undefined || isBetter([value, score], this.#last)
  }
}

const isBetter = ([a, scoreA]: Scored, [b, scoreB]: Scored): boolean => scoreA > scoreB || (scoreA === scoreB && a < b)

/** Adds a choice to the best, which are sorted, if it is one of the `most` best. */
function keepBest(best: Scored[], choice: Scored, most: number): void {
  const last = best.at(-1)
  if (best.length === most && last && !isBetter(choice, last)) return
  let [place, end] = [0, best.length]
  while (place < end) {
    const middle = (place + end) >> 1
    if (isBetter(best[middle] ?? choice, choice)) place = middle + 1
    else end = middle
  }
  best.splice(place, 0, choice)
  if (best.length > most) best.pop()
}

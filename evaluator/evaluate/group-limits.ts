import { endOfPart, partsOfKey } from './reading.ts'

/** Top values per facet, by the number of facets: documentation, monitors/types/log. */
const MOST_VALUES = [0, 1000, 30, 10, 5]

/** What one monitor had more of than Datadog evaluates. */
export interface GroupLimitReport {
  /** When there first were too many groups, epoch ms of event time. */
  readonly since: number
  /** The highest number of groups left over at any count; of several facets there may have been a quarter more. */
  readonly beyond: number
}

/** The values of one facet below a choice of the facets before it. */
interface Level {
  values: number
  groups: number
}

/**
 * Counts the groups that have logs in the window, level by level, and chooses those that Datadog evaluates.
 * Decision `top-groups`: the values of the first facet with the highest rollup over all their logs, then below each of them those
 * of the second, and so on (documented); highest whatever the comparison, among equals the first by name (undocumented).
 */
export class GroupLimits {
  since: number | undefined = undefined
  beyond = 0
  /** Groups that have logs in the window. */
  live = 0
  readonly facets: number
  readonly #most: number
  readonly #levels = new Map<string, Level>()
  /** Levels with too many values. */
  #overfull = 0

  constructor(facets: number) {
    this.facets = facets
    this.#most = MOST_VALUES[facets] ?? 0
  }

  get exceeded(): boolean {
    return this.facets === 1 ? this.live > this.#most : this.#overfull > 0
  }

  /** The number of groups left over; undefined where the number of all groups does not determine it. */
  get surplus(): number | undefined {
    return this.facets === 1 ? Math.max(0, this.live - this.#most) : undefined
  }

  /** @param beyond how many groups are left over at `at` */
  note(at: number, beyond: number): void {
    this.since ??= at
    this.beyond = Math.max(this.beyond, beyond)
  }

  get report(): GroupLimitReport | undefined {
    return this.since === undefined ? undefined : { since: this.since, beyond: this.beyond }
  }

  appear(key: string): void {
    this.live++
    if (this.facets === 1) return
    let isNew = true
    for (const prefix of this.prefixesOf(key)) {
      const level = this.#levels.get(prefix) ?? { values: 0, groups: 0 }
      if (isNew && level.values++ === this.#most) this.#overfull++
      isNew = level.groups++ === 0
      this.#levels.set(prefix, level)
    }
  }

  vanish(key: string): void {
    this.live--
    if (this.facets === 1) return
    let isGone = true
    for (const prefix of this.prefixesOf(key)) {
      const level = this.#levels.get(prefix)
      if (!level) continue
      if (isGone && --level.values === this.#most) this.#overfull--
      isGone = --level.groups === 0
      if (isGone) this.#levels.delete(prefix)
    }
  }

  /** Above a group: from the facet before the last up to none. */
  prefixesOf(key: string): string[] {
    if (this.facets < 2) return ['']
    return partsOfKey(key)
      .map((_, i, parts) => parts.slice(0, i).join(''))
      .reverse()
  }

  /** The part of a group's key made by its first `facets` facets. */
  prefixOf(key: string, facets: number): string {
    if (facets === this.facets) return key
    let end = 0
    for (let facet = 0; facet < facets; facet++) end = endOfPart(key, end)
    return key.slice(0, end)
  }

  /**
   * Goes from facet to facet, and looks only at the groups below those values of the facets before it that are evaluated.
   * @param scoresOf the rollup over all logs of each choice of the first `facets` facets, by its prefix
   * @returns the keys of the groups that are evaluated
   */
  choose<G extends { readonly key: string }>(
    groups: readonly G[],
    scoresOf: (groups: readonly G[], facets: number) => ReadonlyMap<string, number>,
  ): Set<string> {
    let kept = groups
    for (let facets = 1; facets <= this.facets; facets++) {
      const chosen = this.#top(scoresOf(kept, facets), facets)
      kept = kept.filter(({ key }) => chosen.has(this.prefixOf(key, facets)))
    }
    return new Set(kept.map(({ key }) => key))
  }

  #top(scores: ReadonlyMap<string, number>, facets: number): Set<string> {
    const below = new Map<string, Scored[]>()
    for (const choice of scores) {
      const above = this.prefixOf(choice[0], facets - 1)
      const choices = below.get(above)
      if (choices) choices.push(choice)
      else below.set(above, [choice])
    }
    return new Set(
      [...below.values()].flatMap((choices) =>
        choices
          .sort(bestFirst)
          .slice(0, this.#most)
          .map(([name]) => name),
      ),
    )
  }
}

type Scored = readonly [name: string, score: number]

const bestFirst = ([a, scoreA]: Scored, [b, scoreB]: Scored): number => scoreB - scoreA || (a < b ? -1 : 1)

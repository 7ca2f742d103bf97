import type { Group } from './group.ts'
import type { GroupLimits, Level } from './group-limits.ts'
import type { Places } from './places.ts'
import { byKey, type Rule } from './state.ts'

/** Adds entries to their groups and removes them, and lists the groups that the next evaluation must evaluate. */
export class Changes {
  protected readonly places: Places<Group>
  readonly #rule: Rule
  readonly #limits: GroupLimits | undefined
  readonly #hasLevels: boolean
  /** Sees each group that an entry enters or leaves, after it was counted. */
  watcher: ((group: Group, entered: boolean) => void) | undefined = undefined
  /** A group that is OK stays OK while its value rises up to this. */
  readonly #quietUpTo: number
  #groups: Group[] = []

  constructor(rule: Rule, places: Places<Group>, limits: GroupLimits | undefined) {
    this.#rule = rule
    this.places = places
    this.#limits = limits
    this.#hasLevels = limits !== undefined && limits.facets > 1
    this.#quietUpTo = quietUpTo(rule)
  }

  get groups(): readonly Group[] {
    return this.#groups
  }

  get size(): number {
    return this.#groups.length
  }

  /** Adds an entry that enters the window. */
  enter(place: number, slot: number): void {
    const { places } = this
    if (places.countsItself(place)) places.at(place).enter(slot)
    else places.enter(place)
    if (this.#limits && places.entered(place) === 1) this.#limits.appear(this.#levelAt(place))
    this.watcher?.(places.at(place), true)
    if (!places.isOk(place) || this.#rollupAt(place) > this.#quietUpTo) this.mark(places.at(place))
  }

  /** Removes an entry that leaves the window. */
  leave(place: number, slot: number): void {
    const { places } = this
    if (places.countsItself(place)) places.at(place).leave(slot)
    else places.leave(place)
    if (this.#limits && places.entered(place) === 0) this.#limits.vanish(this.#levelAt(place))
    this.watcher?.(places.at(place), false)
    if (!places.isOk(place) || this.#rule.firesOnLeaving) this.mark(places.at(place))
  }

  /** Lists a group for the next evaluation. */
  mark(group: Group): void {
    if (group.changed) return
    group.changed = true
    this.places.setChanged(group.place)
    this.#groups.push(group)
  }

  /** Empties the list. @returns the groups that were in it, in order of their keys */
  take(): readonly Group[] {
    const groups = this.#groups
    this.#groups = []
    for (const group of groups) group.changed = false
    return groups.length > 1 ? groups.sort(byKey) : groups
  }

  #levelAt(place: number): Level | undefined {
    return this.#hasLevels ? this.places.levelAt(place) : undefined
  }

  /** The rollup of a group that has an entry in the window. */
  #rollupAt(place: number): number {
    const { places } = this
    const { kind } = this.#rule
    if (places.countsItself(place)) return places.at(place).rollup(kind)
    return kind === 'count' ? places.entered(place) : 1
  }
}

/** Lists every group whose entries change, so that an observer sees every value. */
export class EveryChange extends Changes {
  override enter(place: number, slot: number): void {
    super.enter(place, slot)
    this.mark(this.places.at(place))
  }

  override leave(place: number, slot: number): void {
    super.leave(place, slot)
    this.mark(this.places.at(place))
  }
}

/** @returns the highest value at which a group that is OK stays OK, if only entering entries can fire the rule; otherwise -Infinity */
export function quietUpTo({ kind, operator, critical, warning = critical, firesOnLeaving }: Rule): number {
  const rises = (kind === 'count' || kind === 'cardinality') && !firesOnLeaving
  if (!rises) return Number.NEGATIVE_INFINITY
  const least = Math.min(critical, warning)
  return operator === '>' ? least : Math.ceil(least) - 1
}

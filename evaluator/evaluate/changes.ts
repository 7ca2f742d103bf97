import type { Group } from './group.ts'
import type { GroupLimits } from './group-limits.ts'
import { byKey, type Rule } from './state.ts'

/** Adds entries to their groups and removes them, and lists the groups that the next evaluation must evaluate. */
export class Changes {
  readonly #rule: Rule
  readonly #limits: GroupLimits | undefined
  /** A group that is OK stays OK while its value rises up to this. */
  readonly #quietUpTo: number
  #groups: Group[] = []

  constructor(rule: Rule, limits: GroupLimits | undefined) {
    this.#rule = rule
    this.#limits = limits
    this.#quietUpTo = quietUpTo(rule)
  }

  get groups(): readonly Group[] {
    return this.#groups
  }

  get size(): number {
    return this.#groups.length
  }

  /** Adds an entry that enters the window. */
  enter(group: Group, slot: number): void {
    group.enter(slot)
    if (group.count === 1) this.#limits?.appear(group.level)
    if (group.state !== 'OK' || group.rollup(this.#rule.kind) > this.#quietUpTo) this.mark(group)
  }

  /** Removes an entry that leaves the window. */
  leave(group: Group, slot: number): void {
    group.leave(slot)
    if (group.count === 0) this.#limits?.vanish(group.level)
    if (group.state !== 'OK' || this.#rule.firesOnLeaving) this.mark(group)
  }

  /** Lists a group for the next evaluation. */
  mark(group: Group): void {
    if (group.changed) return
    group.changed = true
    this.#groups.push(group)
  }

  /** Empties the list. @returns the groups that were in it, in order of their keys */
  take(): readonly Group[] {
    const groups = this.#groups
    this.#groups = []
    for (const group of groups) group.changed = false
    return groups.length > 1 ? groups.sort(byKey) : groups
  }
}

/** Lists every group whose entries change, so that an observer sees every value. */
export class EveryChange extends Changes {
  override enter(group: Group, slot: number): void {
    super.enter(group, slot)
    this.mark(group)
  }

  override leave(group: Group, slot: number): void {
    super.leave(group, slot)
    this.mark(group)
  }
}

/** @returns the highest value at which a group that is OK stays OK, if only entering entries can fire the rule; otherwise -Infinity */
export function quietUpTo({ kind, operator, critical, warning = critical, firesOnLeaving }: Rule): number {
  const rises = (kind === 'count' || kind === 'cardinality') && !firesOnLeaving
  if (!rises) return Number.NEGATIVE_INFINITY
  const least = Math.min(critical, warning)
  return operator === '>' ? least : Math.ceil(least) - 1
}

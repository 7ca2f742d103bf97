import { Group, NEW_AGAIN_MS } from './group.ts'
import type { GroupLimits } from './group-limits.ts'
import { statisticOf } from './measure.ts'
import { NOT_YET } from './moment.ts'
import { Places } from './places.ts'
import type { Rule } from './state.ts'
import { owned } from './values.ts'

/** The lowest number of groups at which idle ones are removed. */
const MIN_SWEPT_GROUPS = 1024
/**
 * Idle groups are removed when the number of groups has grown by this factor since. Most come back, and to create one again costs
 * more than to count it.
 */
const SWEPT_GROWTH = 4

/** Creates the group of a key. */
type CreateGroup = (key: string, places: Places<Group>) => Group

/** The groups of a monitor. A group that no evaluation needs any more is forgotten. */
export class Groups {
  /** The groups that are not OK. */
  readonly active = new Set<Group>()
  readonly places = new Places<Group>()
  /** The number of groups at which idle ones are removed next. */
  sweepAt = MIN_SWEPT_GROUPS
  readonly #byKey = new Map<string, Group>()
  readonly #rule: Rule
  /** Milliseconds for which a silent group is remembered. */
  readonly #keptMs: number
  readonly #create: CreateGroup
  readonly #limits: GroupLimits | undefined

  /**
   * @param stayMs the longest time in ms from an entry to the evaluation at which it has left the window
   */
  constructor(rule: Rule, stayMs: number, limits: GroupLimits | undefined, create: CreateGroup) {
    this.#rule = rule
    this.#limits = limits
    this.#create = create
    this.#keptMs = Math.max(rule.retentionMs + stayMs, rule.newGroupDelayMs > 0 ? NEW_AGAIN_MS : 0)
  }

  /**
   * @param isCopy whether the key is no slice of a longer text
   * @returns the group of a key, which is created if necessary and counts as seen once it has an entry
   */
  of(key: string, isCopy = false): Group {
    const known = this.#byKey.get(key)
    if (known) return known
    if (!this.#rule.remembersGroups) this.sweep(NOT_YET)
    const group = this.#create(isCopy ? key : owned(key), this.places)
    this.#byKey.set(group.key, group)
    return group
  }

  [Symbol.iterator](): Iterator<Group> {
    return this.#byKey.values()
  }

  /** Releases the value of an entry that is removed from memory. */
  release(place: number, slot: number): void {
    const { places } = this
    if (places.countsItself(place)) places.at(place).release(slot)
    else places.release(place)
    if (places.held(place) === 0 && !places.isUnchanged(place)) this.forgetIdle(places.at(place))
  }

  /**
   * Forgets a group that is OK and has no entries, unless the rule needs to know that it has been seen. One that is as new stays
   * until the next sweep: most groups come back, and to create a group costs more than all else that is done with an entry.
   */
  forgetIdle(group: Group): void {
    if (this.#rule.remembersGroups || group.held > 0 || group.state !== 'OK' || group.isAsNew) return
    this.#forget(group)
  }

  /** Forgets the groups that have been silent for longer than the rule needs to know. */
  sweep(now: number): void {
    if (!this.#rule.grouped || this.#byKey.size < this.sweepAt) return
    for (const group of this) {
      if (group.held === 0 && group.state === 'OK' && group.lastSeen + this.#keptMs <= now) this.#forget(group)
    }
    this.sweepAt = Math.max(MIN_SWEPT_GROUPS, this.#byKey.size * SWEPT_GROWTH)
  }

  /** The groups that are in the monitor's status at `at`. */
  *inStatus(at: number): Iterable<Group> {
    const { retentionMs } = this.#rule
    for (const group of this) if (group.lastSeen !== NOT_YET && group.silentMs(at) < retentionMs) yield group
  }

  #forget(group: Group): void {
    if (group.forgotten) return
    this.#byKey.delete(group.key)
    this.#limits?.release(group.level)
    group.forget()
  }
}

/** Creates the groups of a monitor with one query. */
export function groupsWith({ kind }: Rule, limits: GroupLimits | undefined): CreateGroup {
  const isMeasure = kind !== 'count' && kind !== 'cardinality' && kind !== 'formula'
  return (key, places) => new Group(key, places, isMeasure ? statisticOf(kind) : undefined, limits?.levelOf(key))
}

import { Group, NEW_AGAIN_MS, owned } from './group.ts'
import { statisticOf } from './measure.ts'
import { NOT_YET } from './moment.ts'
import type { Rule } from './state.ts'

/** Idle groups are looked for once there are this many groups. */
const LEAST_SWEPT = 1024

/** The groups of a monitor, until there is nothing left to know of them. */
export class Groups {
  /** Those that are not OK. */
  readonly active = new Set<Group>()
  /** The number of groups at which idle ones are looked for. */
  sweepAt = LEAST_SWEPT
  readonly #byKey = new Map<string, Group>()
  readonly #rule: Rule
  /** How long a silent group that still matters is remembered. */
  readonly #keptMs: number

  /** @param stayMs how long an entry is in the window at most, until an evaluation has let it leave */
  constructor(rule: Rule, stayMs: number) {
    this.#rule = rule
    this.#keptMs = Math.max(rule.retentionMs + stayMs, rule.newGroupDelayMs > 0 ? NEW_AGAIN_MS : 0)
  }

  /** @returns the group of a key; one that is new has not been seen until it takes something in */
  of(key: string): Group {
    const known = this.#byKey.get(key)
    if (known) return known
    const { kind } = this.#rule
    const numbers = kind === 'count' || kind === 'cardinality' ? undefined : statisticOf(kind)
    const group = new Group(owned(key), numbers)
    this.#byKey.set(group.key, group)
    return group
  }

  [Symbol.iterator](): Iterator<Group> {
    return this.#byKey.values()
  }

  /** Forgets a group if it is OK, holds nothing, and it does not matter that it has been seen. */
  forgetIdle(group: Group): void {
    if (!this.#rule.remembersGroups && group.held === 0 && group.state === 'OK') this.#forget(group)
  }

  /** Forgets the groups that have been silent so long that it does not matter any more that they have been seen. */
  sweep(now: number): void {
    if (!this.#rule.grouped || this.#byKey.size < this.sweepAt) return
    for (const group of this) {
      if (group.held === 0 && group.state === 'OK' && group.lastSeen + this.#keptMs <= now) this.#forget(group)
    }
    this.sweepAt = Math.max(LEAST_SWEPT, this.#byKey.size * 2)
  }

  /** Every group that is still in the monitor's status. */
  *inStatus(at: number): Iterable<Group> {
    const { retentionMs } = this.#rule
    for (const group of this) if (group.lastSeen !== NOT_YET && group.silentMs(at) < retentionMs) yield group
  }

  #forget(group: Group): void {
    this.#byKey.delete(group.key)
    group.forgotten = true
  }
}

import type { Changes } from './changes.ts'
import { type Group, NEW_AGAIN_MS } from './group.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import { type Moment, NO_DEADLINE, NOT_YET } from './moment.ts'
import type { MonitorParts } from './parts.ts'
import type { Rule } from './state.ts'

/** The waits of a monitor as they are saved. */
export interface WaitsState {
  /** Groups under `new_group_delay`, by the end of it. */
  readonly waiting: readonly number[]
  readonly wholeAt: Moment
}

/** What waits for its first evaluation: new groups, and a monitor that has not seen a whole window yet. */
export class Waits {
  readonly #rule: Rule
  readonly #instants: Instants
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #stayMs: number
  /** Groups under `new_group_delay`, by the end of it. */
  #waiting: Group[] = []
  /** When an ungrouped monitor about too little is evaluated first; no deadline once that is over. */
  #wholeAt = NO_DEADLINE

  constructor({ rule, instants, stayMs, groups, changes }: MonitorParts) {
    this.#rule = rule
    this.#instants = instants
    this.#stayMs = stayMs
    this.#groups = groups
    this.#changes = changes
  }

  /** When the next wait ends: that of a group. */
  get firstGroupDue(): number {
    return this.#waiting[0]?.notBefore ?? NO_DEADLINE
  }

  /** When the next wait ends. */
  get due(): number {
    return Math.min(this.firstGroupDue, this.#wholeAt)
  }

  /**
   * A group takes something in.
   * Decision `whole-first-window`: an ungrouped monitor about too little waits for its first log, since a monitor "must be able to
   * evaluate data before alerting on missing data" (monitors/configuration), and then for a whole window from that log on.
   */
  see(group: Group, at: number): void {
    const { newGroupDelayMs, grouped, firesOnLess, remembersGroups } = this.#rule
    if (newGroupDelayMs > 0 && group.lastSeen + NEW_AGAIN_MS <= at) this.#wait(group, at + newGroupDelayMs)
    if (!grouped && firesOnLess && group.lastSeen === NOT_YET) {
      this.#wholeAt = this.#instants.notEarlier(at + this.#stayMs)
    }
    if (remembersGroups && at > group.lastSeen) group.lastSeen = at
  }

  /** Ends the waits that are over at `at`: the next evaluation looks at what waited. */
  end(at: number): void {
    for (let group = this.#waiting[0]; group && group.notBefore <= at; group = this.#waiting[0]) {
      this.#waiting.shift()
      this.#changes.mark(group)
    }
    if (this.#wholeAt > at) return
    this.#wholeAt = NO_DEADLINE
    this.#changes.mark(this.#groups.of(''))
  }

  /** Whether the monitor has seen all of the window that is evaluated at `at`. */
  hasWholeWindow(at: number): boolean {
    return this.#wholeAt === NO_DEADLINE || at >= this.#wholeAt
  }

  save(placeOf: (group: Group) => number): WaitsState {
    return {
      waiting: this.#waiting.filter(({ forgotten }) => !forgotten).map(placeOf),
      wholeAt: this.#wholeAt,
    }
  }

  restore({ waiting, wholeAt }: WaitsState, groupAt: (place: number) => Group): void {
    this.#waiting = waiting.map(groupAt)
    this.#wholeAt = wholeAt ?? NO_DEADLINE
  }

  /** Decision `new-group-waits`, undocumented what follows `new_group_delay`: one evaluation of all that is in its window by then. */
  #wait(group: Group, until: number): void {
    group.notBefore = until
    const place = this.#waiting.findLastIndex(({ notBefore }) => notBefore <= until) + 1
    this.#waiting.splice(place, 0, group)
  }
}

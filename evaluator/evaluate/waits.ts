import type { Changes } from './changes.ts'
import { type Group, NEW_AGAIN_MS } from './group.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import { type Moment, NO_DEADLINE, NOT_YET } from './moment.ts'
import type { MonitorParts } from './parts.ts'
import type { Rule } from './state.ts'

/** The saved waits of a monitor. */
export interface WaitsState {
  /** The groups under `new_group_delay`, in order of its end. */
  readonly waiting: readonly number[]
  readonly wholeAt: Moment
}

/** Delays first evaluations: of new groups, and of a monitor that has not seen a whole window. */
export class Waits {
  readonly #rule: Rule
  readonly #instants: Instants
  readonly #groups: Groups
  readonly #changes: Changes
  readonly #stayMs: number
  /** The groups under `new_group_delay`, in order of its end. */
  #waiting: Group[] = []
  /** Whether the monitor needs to know when its groups have entries. */
  readonly sees: boolean
  /** When an ungrouped monitor on low values is evaluated first; {@link NO_DEADLINE} before its first log and after that evaluation. */
  #wholeAt = NO_DEADLINE

  constructor({ rule, instants, stayMs, groups, changes }: MonitorParts) {
    this.#rule = rule
    this.#instants = instants
    this.#stayMs = stayMs
    this.#groups = groups
    this.#changes = changes
    this.sees = rule.newGroupDelayMs > 0 || rule.remembersGroups
  }

  /** When the next wait of a group ends. */
  get firstGroupDue(): number {
    return this.#waiting[0]?.notBefore ?? NO_DEADLINE
  }

  /** When the monitor has seen a whole window; {@link NO_DEADLINE} if it does not wait for one. */
  get wholeAt(): number {
    return this.#wholeAt
  }

  /** When the next wait ends. */
  get due(): number {
    return Math.min(this.firstGroupDue, this.#wholeAt)
  }

  /**
   * Records that a group has an entry at `at`.
   * Decision `whole-first-window`: an ungrouped monitor on low values waits for its first log, because a monitor "must be able to
   * evaluate data before alerting on missing data" (monitors/configuration), and then for a whole window from that log on.
   */
  see(place: number, at: number): void {
    const { newGroupDelayMs, grouped, firesOnLess, remembersGroups } = this.#rule
    const { places } = this.#groups
    const lastSeen = places.lastSeen(place)
    if (newGroupDelayMs > 0 && lastSeen + NEW_AGAIN_MS <= at) this.#wait(places.at(place), at + newGroupDelayMs)
    if (!grouped && firesOnLess && lastSeen === NOT_YET) {
      this.#wholeAt = this.#instants.notEarlier(at + this.#stayMs)
    }
    if (!remembersGroups || at <= lastSeen) return
    places.see(place, at)
    places.setChanged(place)
  }

  /** Ends the waits that are over at `at`, and lists their groups for the next evaluation. */
  end(at: number): void {
    for (let group = this.#waiting[0]; group && group.notBefore <= at; group = this.#waiting[0]) {
      this.#waiting.shift()
      this.#changes.mark(group)
    }
    if (this.#wholeAt > at) return
    this.#wholeAt = NO_DEADLINE
    this.#changes.mark(this.#groups.of(''))
  }

  /** Whether the monitor has seen the whole window that is evaluated at `at`. */
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

  /** Decision `new-group-waits`, undocumented: at the end of `new_group_delay`, the group is evaluated once over its whole window. */
  #wait(group: Group, until: number): void {
    group.notBefore = until
    const place = this.#waiting.findLastIndex(({ notBefore }) => notBefore <= until) + 1
    this.#waiting.splice(place, 0, group)
  }
}

import type { Group } from './group.ts'
import { NO_DEADLINE } from './moment.ts'
import { type SilenceState, Silences } from './silences.ts'
import { isTriggered, type Rule, type State } from './state.ts'

/** The saved silences of a monitor's groups. */
export interface LifetimesState {
  readonly timeouts: readonly SilenceState[]
  readonly retentions: readonly SilenceState[]
}

/** Ends the state of groups that get no more logs: `timeout_h` and `group_retention_duration`. */
export class Lifetimes {
  readonly #rule: Rule
  /** Silent groups, by the time at which `timeout_h` resolves them. */
  readonly #timeouts: Silences
  /** Silent groups, by the time at which `group_retention_duration` drops them. */
  readonly #retentions: Silences

  constructor(rule: Rule) {
    this.#rule = rule
    this.#timeouts = new Silences(rule.timeoutMs ?? NO_DEADLINE)
    this.#retentions = new Silences(rule.grouped ? rule.retentionMs : NO_DEADLINE)
  }

  /** Epoch ms at which the next group is resolved or dropped. */
  get due(): number {
    return Math.min(this.#timeouts.due, this.#retentions.due)
  }

  /** Records that an evaluation at `at` found no log of a group. @param state the state that the group enters or keeps */
  fallSilent(group: Group, state: State, at: number): void {
    const begins = !group.isSilent
    if (begins) group.emptySince = at
    if (begins && (state !== 'OK' || this.#rule.firesOnSilence)) this.#retentions.add(group, at)
    if (isTriggered(state) && (begins || !isTriggered(group.state))) this.#timeouts.add(group, at)
  }

  /** Removes a group whose alert has timed out by `at`. */
  takeTimedOut(at: number): Group | undefined {
    let group = this.#timeouts.take(at)
    while (group && !isTriggered(group.state)) group = this.#timeouts.take(at)
    return group
  }

  /** Removes a group that is not OK and whose retention has ended by `at`. */
  takeUnretained(at: number): Group | undefined {
    let group = this.#retentions.take(at)
    while (group?.state === 'OK') group = this.#retentions.take(at)
    return group
  }

  save(placeOf: (group: Group) => number): LifetimesState {
    return { timeouts: this.#timeouts.save(placeOf), retentions: this.#retentions.save(placeOf) }
  }

  restore({ timeouts, retentions }: LifetimesState, groupAt: (place: number) => Group): void {
    this.#timeouts.restore(timeouts, groupAt)
    this.#retentions.restore(retentions, groupAt)
  }
}

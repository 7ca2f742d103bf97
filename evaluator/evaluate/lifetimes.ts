import type { Group } from './group.ts'
import { NO_DEADLINE } from './moment.ts'
import { type SilenceState, Silences } from './silences.ts'
import { isTriggered, type Rule, type State } from './state.ts'

/** The silences of a monitor's groups as they are saved. */
export interface LifetimesState {
  readonly timeouts: readonly SilenceState[]
  readonly retentions: readonly SilenceState[]
}

/** How long a group that gets no more logs keeps its state. */
export class Lifetimes {
  readonly #rule: Rule
  /** Silent groups by when `timeout_h` resolves them. */
  readonly #timeouts: Silences
  /** Silent groups by when `group_retention_duration` drops them. */
  readonly #retentions: Silences

  constructor(rule: Rule) {
    this.#rule = rule
    this.#timeouts = new Silences(rule.timeoutMs ?? NO_DEADLINE)
    this.#retentions = new Silences(rule.grouped ? rule.retentionMs : NO_DEADLINE)
  }

  /** Epoch ms at which the next silence has lasted long enough. */
  get due(): number {
    return Math.min(this.#timeouts.due, this.#retentions.due)
  }

  /** An evaluation at `at` finds no log of a group. @param state the one that it enters or keeps */
  fallSilent(group: Group, state: State, at: number): void {
    const begins = !group.isSilent
    if (begins) group.emptySince = at
    if (begins && (state !== 'OK' || this.#rule.firesOnSilence)) this.#retentions.add(group, at)
    if (isTriggered(state) && (begins || !isTriggered(group.state))) this.#timeouts.add(group, at)
  }

  /** @returns a group whose alert has timed out by `at` */
  takeTimedOut(at: number): Group | undefined {
    let group = this.#timeouts.take(at)
    while (group && !isTriggered(group.state)) group = this.#timeouts.take(at)
    return group
  }

  /** @returns a group that is not OK and whose retention has ended by `at` */
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

import type { Changes } from './changes.ts'
import type { Group } from './group.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import { Lifetimes } from './lifetimes.ts'
import { NO_DEADLINE } from './moment.ts'
import type { Notices } from './notices.ts'
import type { Observer } from './observer.ts'
import { nextState, type Rule, SEVERITY, type State } from './state.ts'

/** What decides on the states of groups. */
export interface AlertingParts {
  readonly rule: Rule
  readonly instants: Instants
  readonly groups: Pick<Groups, 'active' | 'forgetIdle'>
  readonly changes: Pick<Changes, 'mark'>
  readonly notices: Notices
  /** Is told of each state that ends without an evaluation. */
  readonly ended?: (key: string, at: number, cause: Parameters<Observer['ended']>[3]) => void
}

/** The states of the groups of a monitor: which one follows from a value, and when it ends in silence. */
export class Alerting {
  readonly lifetimes: Lifetimes
  readonly #rule: Rule
  readonly #instants: Instants
  readonly #groups: AlertingParts['groups']
  readonly #changes: AlertingParts['changes']
  readonly #notices: Notices
  readonly #ended: AlertingParts['ended']
  /** The last evaluation that counts the newest log, after the recording has ended. */
  #lastCounting = NO_DEADLINE

  constructor({ rule, instants, groups, changes, notices, ended }: AlertingParts) {
    this.lifetimes = new Lifetimes(rule)
    this.#rule = rule
    this.#instants = instants
    this.#groups = groups
    this.#changes = changes
    this.#notices = notices
    this.#ended = ended
  }

  /** Epoch ms at which a state may change, or a reminder be due, without an evaluation. */
  get due(): number {
    return Math.min(this.lifetimes.due, this.#notices.remindAt)
  }

  /** Ends the recording. @param lastCounting the last evaluation that counts its newest log */
  end(lastCounting: number): void {
    this.#lastCounting = lastCounting
    this.#notices.silentAfter = lastCounting
  }

  /**
   * Evaluates a group.
   * @param present the value over its window; NaN when it has none
   * @param anyData whether the window contains a log of any group
   * @returns whether it keeps its state because only the end of the recording would change it
   */
  evaluate(group: Group, present: number, anyData: boolean, at: number): boolean {
    const hasData = !Number.isNaN(present)
    const value = hasData ? present : 0
    const state = nextState(this.#rule, group.state, value, hasData, anyData)
    if (SEVERITY[state] > SEVERITY[group.state] && this.#hasEnded(group, at)) return true
    group.value = value
    if (hasData) group.emptySince = NO_DEADLINE
    else this.lifetimes.fallSilent(group, state, at)
    this.enter(group, state, at)
    return false
  }

  enter(group: Group, state: State, at: number): void {
    if (state === group.state) return
    this.#notices.move(group, state, at)
    if (state === 'OK') this.#deactivate(group)
    else this.#groups.active.add(group)
  }

  /** Ends the states of groups that have been silent for long enough, and sends the reminders that are due. */
  pass(at: number): void {
    let group = this.lifetimes.takeTimedOut(at)
    for (; group; group = this.lifetimes.takeTimedOut(at)) this.#resolve(group, at)
    group = this.lifetimes.takeUnretained(at)
    for (; group; group = this.lifetimes.takeUnretained(at)) this.#drop(group, at)
    this.#notices.settle(at)
    this.#notices.remind(at)
  }

  /** Whether a change at `at` has no other cause than the end of the recording. */
  #hasEnded(group: Group, at: number): boolean {
    if (at <= this.#lastCounting || at <= this.#instants.notEarlier(group.notBefore)) return false
    return this.#rule.firesOnLeaving || group.count === 0
  }

  #deactivate(group: Group): void {
    this.#groups.active.delete(group)
    this.#groups.forgetIdle(group)
  }

  /**
   * Decision `timeout-then-next-evaluation`: after `timeout_h` an alert resolves, and triggers again if its next evaluation is over the
   * threshold (documented). In arrival mode the next evaluation is at its next log. The state No Data does not time out (undocumented).
   */
  #resolve(group: Group, at: number): void {
    group.emptySince = NO_DEADLINE
    this.#ended?.(group.key, at, 'timeout_h')
    this.enter(group, 'OK', at)
    if (!this.#instants.atLogs && !group.forgotten) this.#changes.mark(group)
  }

  /**
   * Decision `dropped-silently`, undocumented: a group that is dropped after `group_retention_duration` sends no recovery. If it
   * comes back, it begins another cycle.
   */
  #drop(group: Group, at: number): void {
    this.#ended?.(group.key, at, 'group_retention_duration')
    this.#notices.drop(group)
    // A group that comes back without a value begins another silence. On silence, a dropped group does not fire again.
    if (!this.#rule.firesOnSilence) group.emptySince = NO_DEADLINE
    this.#deactivate(group)
  }
}

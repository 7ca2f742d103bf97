import type { Monitor } from '../monitor/monitor.ts'
import { Alerting } from './alerting.ts'
import { quietUpTo } from './changes.ts'
import { Group } from './group.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import { NO_DEADLINE, NOT_YET } from './moment.ts'
import { Notices, type Transition } from './notices.ts'
import { Places } from './places.ts'
import { byKey, type Rule, ruleOf } from './state.ts'
import type { Waits } from './waits.ts'

/** What a follower shares with the monitor that it follows. */
export interface Followed {
  readonly instants: Instants
  readonly groups: Groups
  readonly waits: Pick<Waits, 'hasWholeWindow'>
  readonly stayMs: number
  readonly emit: (transition: Transition) => void
}

/** The state of a group under another threshold. The group itself holds the entries. */
class Standing extends Group {
  source: Group

  constructor(source: Group, places: Places<Group>) {
    super(source.key, places)
    this.source = source
  }

  override get count(): number {
    return this.source.count
  }
}

const MIN_SWEPT = 1024

/**
 * A monitor that differs from another in its thresholds only. It judges the values that the other has computed, and keeps no state
 * of a group that is OK, unless it fires on silence.
 */
export class Follower {
  readonly #rule: Rule
  readonly #quietUpTo: number
  readonly #followed: Followed
  readonly #alerting: Alerting
  readonly #notices: Notices
  readonly #places = new Places<Group>()
  readonly #standings = new Map<string, Standing>()
  /** Standings that are evaluated next, whether their value changes or not. */
  readonly #marked = new Set<Group>()
  /** Standings that have become OK, or were dropped. */
  #idle: Group[] = []
  #hadData = false
  #sweepAt = MIN_SWEPT

  constructor(monitor: Monitor, followed: Followed) {
    const rule = ruleOf(monitor)
    this.#rule = rule
    this.#quietUpTo = quietUpTo(rule)
    this.#followed = followed
    this.#notices = new Notices(monitor, rule, followed.stayMs, followed.emit)
    this.#alerting = new Alerting({
      rule,
      instants: followed.instants,
      groups: { active: new Set(), forgetIdle: (group) => void this.#idle.push(group) },
      changes: { mark: (group) => void this.#marked.add(group) },
      notices: this.#notices,
    })
  }

  /** Whether every group is OK, so that nothing happens without a value beyond its thresholds. */
  get #isIdle(): boolean {
    return this.#standings.size === 0
  }

  /** Whether it needs the next evaluation, whatever changes. */
  get hasChanges(): boolean {
    return this.#marked.size > 0
  }

  /** Epoch ms at which a state may change without a change of a value. */
  get due(): number {
    return this.#isIdle ? NO_DEADLINE : this.#alerting.due
  }

  end(lastCounting: number): void {
    this.#alerting.end(lastCounting)
  }

  /** Judges the value of a group that has changed. @param present NaN when it has none */
  evaluate(group: Group, present: number, anyData: boolean, at: number): void {
    const isQuiet = (Number.isNaN(present) ? 0 : present) <= this.#quietUpTo
    if (isQuiet && this.#isIdle) return
    const known = this.#standings.get(group.key)
    if (isQuiet && !known) return
    const standing = known ?? new Standing(group, this.#places)
    if (!known) this.#standings.set(group.key, standing)
    standing.source = group
    this.#judge(standing, present, anyData, at)
    if (standing.state === 'OK') this.#idle.push(standing)
  }

  /** Ends the evaluation of an instant. */
  settle(anyData: boolean, at: number): void {
    if (anyData !== this.#hadData && this.#rule.grouped && this.#rule.firesOnSilence) this.#markAll(at)
    this.#hadData = anyData
    if (this.#isIdle) return
    if (this.#marked.size > 0) this.#judgeMarked(anyData, at)
    this.#notices.settle(at)
    this.#tidy()
  }

  #judgeMarked(anyData: boolean, at: number): void {
    const marked = [...this.#marked].sort(byKey)
    this.#marked.clear()
    const isWhole = this.#followed.waits.hasWholeWindow(at)
    for (const standing of marked) {
      if (!(standing instanceof Standing) || !isWhole || at < standing.source.notBefore) continue
      this.#judge(standing, presentOf(standing.source, this.#rule), anyData, at)
      if (standing.state === 'OK') this.#idle.push(standing)
    }
  }

  /** Lets time pass until `at`. */
  pass(at: number): void {
    if (this.#isIdle) return
    this.#alerting.pass(at)
    this.#tidy()
  }

  #judge(standing: Standing, present: number, anyData: boolean, at: number): void {
    standing.notBefore = standing.source.notBefore
    this.#alerting.evaluate(standing, present, anyData, at)
  }

  /** Lists every group in the monitor's status. */
  #markAll(at: number): void {
    for (const group of this.#followed.groups) {
      const known = this.#standings.get(group.key)
      if (group.lastSeen === NOT_YET || (known?.silentMs(at) ?? 0) >= this.#rule.retentionMs) continue
      const standing = known ?? new Standing(group, this.#places)
      this.#standings.set(group.key, standing)
      standing.source = group
      this.#marked.add(standing)
    }
  }

  /** Forgets what is as a new standing would be. A rule that fires on silence needs to know since when a group has been silent. */
  #tidy(): void {
    if (!this.#rule.firesOnSilence) {
      for (const group of this.#idle) this.#forget(group)
    } else if (this.#standings.size >= this.#sweepAt) {
      for (const standing of this.#standings.values()) if (standing.source.forgotten) this.#forget(standing)
      this.#sweepAt = Math.max(MIN_SWEPT, 2 * this.#standings.size)
    }
    this.#idle = []
  }

  #forget(group: Group): void {
    if (group.state !== 'OK' || this.#marked.has(group)) return
    this.#standings.delete(group.key)
    group.forget()
  }
}

/** The value of a group over its window; NaN when it has none, or is beyond the group limits. */
export const presentOf = (group: Group, { kind }: Pick<Rule, 'kind'>): number =>
  group.withheld ? Number.NaN : group.present(kind)

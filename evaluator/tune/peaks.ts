import type { Observer, Pass } from '../evaluate/observer.ts'
import { groupOfKey } from '../evaluate/reading.ts'
import { compares, ruleOf } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Reached } from './tuning.ts'

interface Peak {
  value: number
  at: number
}

/** The value of each group that came nearest to alerting: the highest, or the lowest where low values alert. */
export class Peaks implements Observer {
  readonly #peaks = new Map<Monitor, Map<string, Peak>>()
  readonly #ends = new Map<Monitor, number>()

  end(monitor: Monitor, lastCounting: number): void {
    this.#ends.set(monitor, lastCounting)
  }

  pass(monitor: Monitor, { key, at, value, hold, parts }: Pass): void {
    // The limits of a formula leave out single queries, and its value is the one that is judged.
    const isJudged =
      hold === undefined || hold.kind === 'recording-end' || (hold.kind === 'group-limit' && parts.length > 0)
    if (!isJudged || Number.isNaN(value) || at > (this.#ends.get(monitor) ?? Number.POSITIVE_INFINITY)) return
    const direction = directionOf(monitor)
    if (direction === 0) return
    const ofMonitor = this.#peaks.get(monitor) ?? new Map<string, Peak>()
    this.#peaks.set(monitor, ofMonitor)
    const known = ofMonitor.get(key)
    if (!known) ofMonitor.set(key, { value, at })
    else if ((value - known.value) * direction > 0) Object.assign(known, { value, at })
  }

  ended(): void {}

  /**
   * The value that came nearest to the threshold of a monitor, of all groups that never alerted.
   * @param leader the monitor whose evaluation was observed
   * @param alerted whether an alert spoke for a group
   */
  nearestMiss(leader: Monitor, monitor: Monitor, alerted: (group: Reached['group']) => boolean): Reached | undefined {
    const direction = directionOf(monitor)
    const { by, operator, threshold } = monitor.parsed
    let best: { key: string; value: number; at: number } | undefined
    for (const [key, { value, at }] of this.#peaks.get(leader) ?? []) {
      const order = best ? (value - best.value) * direction || best.at - at || (key < best.key ? 1 : -1) : 1
      if (order < 0 || compares(value, operator, threshold) || alerted(groupOfKey(by, key))) continue
      best = { key, value, at }
    }
    return best && { group: groupOfKey(by, best.key), value: best.value, at: new Date(best.at).toISOString() }
  }
}

/** 1 where high values alert, -1 where low ones do, 0 where neither is nearer than the other. */
const directionOf = ({ parsed: { operator } }: Monitor): number =>
  operator.startsWith('>') ? 1 : operator.startsWith('<') ? -1 : 0

/** The groups that alerted, as alerts name them: only by the facets of `notify_by`. */
export class Alerted {
  alerts = 0
  readonly groups = new Map<string, Reached['group']>()
  readonly #names: readonly string[] | undefined

  constructor(monitor: Monitor) {
    this.#names = ruleOf(monitor).notifyBy
  }

  add(group: Reached['group']): void {
    this.alerts++
    const key = textOf(group)
    if (!this.groups.has(key)) this.groups.set(key, group)
  }

  /** Whether an alert spoke for this group of the monitor. */
  covers(group: Reached['group']): boolean {
    const names = this.#names
    const spoken = names ? Object.entries(group).filter(([name]) => names.includes(name)) : Object.entries(group)
    return this.groups.has(textOf(Object.fromEntries(spoken)))
  }
}

const textOf = (group: Reached['group']): string => JSON.stringify(Object.entries(group))

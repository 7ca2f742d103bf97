import type { SearchMonitor } from 'alertproof'
import type { Facet, Rollup } from 'alertproof/query'
import { alertLasting, type Proof, type Timeline } from '../../detections/harness.ts'
import { groupOf, MINUTE_MS, windowText, withValue } from './events.ts'

/** A detection, with the words and the events that its claims need. */
export class Scene {
  /** How many events take it over its threshold: N + 1. */
  readonly reach: number
  readonly windowMs: number
  readonly by: Facet | undefined
  readonly rollup: Rollup
  /** `session`-like words for the group and the window, in the names of claims. */
  readonly subject: string
  readonly window: string
  readonly #monitor: SearchMonitor
  readonly #proof: Proof

  constructor(monitor: SearchMonitor, proof: Proof) {
    const { operator, threshold, windowMs, by, rollup } = monitor.parsed
    if (by.length > 1) throw new Error(`${monitor.slug}: no claim is written for more than one facet in .by`)
    this.#monitor = monitor
    this.#proof = proof
    this.reach = operator === '>' ? Math.floor(threshold) + 1 : Math.ceil(threshold)
    this.windowMs = windowMs
    this.window = windowText(windowMs)
    this.by = by[0]
    this.rollup = rollup
    this.subject = this.by ? `one ${this.by.name}` : 'the service'
  }

  /** `count` events that count, from an instant of the case on. @param more.stepMs between two of them (default 1) */
  volley(count: number, fromMs = 0, { subject = 0, stepMs = 1, first = 0 } = {}): object[] {
    return Array.from({ length: count }, (_, i) => this.#proof.counts(first + i, fromMs + i * stepMs, subject))
  }

  one(i: number, atMs: number, subject = 0): object {
    return this.#proof.counts(i, atMs, subject)
  }

  /** Events of subject 0 that stay one step short, a millisecond apart. */
  almost = (count: number): object[] => Array.from({ length: count }, (_, i) => this.#proof.almost(i, i, 0))

  /** One alert for the group of each subject. */
  alerts(...subjects: number[]): Record<string, string>[] {
    return subjects.map((subject) => groupOf(this.#monitor, this.one(0, 0, subject)))
  }

  /** One alert of the monitor, with the reminders that it asks for. */
  alert(triggeredMs: number, recoveredMs: number): Timeline {
    return alertLasting(triggeredMs, recoveredMs, (this.#monitor.options.renotify_interval ?? 0) * MINUTE_MS)
  }

  /** An event of another environment, which only lets time pass. */
  elsewhere(atMs: number): object {
    return withValue(this.one(0, atMs), ['env'], 'staging')
  }
}

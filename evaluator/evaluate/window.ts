import type { Changes } from './changes.ts'
import type { Groups } from './groups.ts'
import type { Instants } from './instants.ts'
import { NO_DEADLINE } from './moment.ts'
import type { MonitorParts } from './parts.ts'
import { Ring } from './ring.ts'

/**
 * The entries of a monitor that count at an evaluation. Of the entries in memory, those in [from, to) are in the window. Those before
 * have left it, and those after enter it at a later evaluation.
 * Decision `window-half-open`, undocumented: a window at time t is (t − w, t] at each log, and [t − delay − w, t − delay) at each tick.
 */
export abstract class Window {
  /** The owner of an entry is the place of its group. */
  readonly entries = new Ring()
  from = 0
  to = 0
  protected readonly instants: Instants
  protected readonly stayMs: number
  readonly #groups: Groups
  protected readonly changes: Changes
  readonly #historyMs: number

  /** @param historyMs milliseconds for which an entry is kept after it has left the window, for late logs */
  constructor({ instants, stayMs, groups, changes }: MonitorParts, historyMs: number) {
    this.instants = instants
    this.stayMs = stayMs
    this.#groups = groups
    this.changes = changes
    this.#historyMs = historyMs
  }

  get hasEntries(): boolean {
    return this.from < this.to
  }

  /** Adds an entry. @param now the latest time so far, not before `at` */
  abstract add(at: number, place: number, slot: number, now: number): void

  /** Moves to the window of an evaluation at `at`. */
  abstract advance(at: number): void

  /** Removes the entries that leave before `until`, when no state depends on the time at which they leave. */
  abstract skip(until: number): void

  /**
   * Removes the entries that leave before `until`, until that lists a group for evaluation.
   * @returns the time at which it does; undefined if nothing is to be evaluated
   */
  abstract leaveUntilChange(until: number): number | undefined

  /** The next evaluation at which an entry enters. */
  nextEntering(): number {
    const { entries, instants } = this
    return this.to < entries.end ? instants.after(entries.time(this.to) + instants.delayMs) : NO_DEADLINE
  }

  /** The next evaluation at which an entry has left. */
  nextLeaving(): number {
    return this.hasEntries ? this.instants.after(this.entries.time(this.from) + this.stayMs) : NO_DEADLINE
  }

  /** Restores the window from its saved bounds. */
  restore(from: number, to: number): void {
    this.from = from
    this.to = to
    for (let position = from; position < to; position++) this.enter(position)
  }

  protected enter(position: number): void {
    this.changes.enter(this.entries.owner(position), this.entries.slot(position))
  }

  protected leave(position: number): void {
    this.changes.leave(this.entries.owner(position), this.entries.slot(position))
  }

  /** Forgets the entries that are older than the history of a window that begins at `oldest`. */
  protected forget(oldest: number): void {
    const { entries } = this
    while (entries.start < this.from && entries.time(entries.start) <= oldest - this.#historyMs) {
      this.#groups.release(entries.owner(entries.start), entries.slot(entries.start))
      entries.shift()
    }
  }
}

class ArrivalWindow extends Window {
  add(at: number, place: number, slot: number, now: number): void {
    this.advance(now)
    this.entries.insert(at, place, slot)
    this.to = this.entries.end
    if (at + this.stayMs <= now) this.from++
    else this.changes.enter(place, slot)
  }

  advance(at: number): void {
    const oldest = at - this.stayMs
    while (this.from < this.to && this.entries.time(this.from) <= oldest) this.leave(this.from++)
    this.forget(oldest)
  }

  skip(until: number): void {
    while (this.from < this.to && this.entries.time(this.from) + this.stayMs < until) this.leave(this.from++)
  }

  leaveUntilChange(until: number): number | undefined {
    const { entries, changes } = this
    while (this.from < this.to) {
      const time = entries.time(this.from)
      if (time + this.stayMs >= until) return undefined
      // All that leave at one time leave before an evaluation.
      do this.leave(this.from++)
      while (this.from < this.to && entries.time(this.from) === time)
      if (changes.size > 0) return time + this.stayMs
    }
    return undefined
  }
}

class CadenceWindow extends Window {
  add(at: number, place: number, slot: number): void {
    const position = this.entries.insert(at, place, slot)
    if (position < this.from) {
      this.from++
      this.to++
    } else if (position < this.to) {
      this.to++
      this.changes.enter(place, slot)
    }
  }

  advance(at: number): void {
    const { entries } = this
    const newest = at - this.instants.delayMs
    while (this.to < entries.end && entries.time(this.to) < newest) this.enter(this.to++)
    const oldest = at - this.stayMs
    while (this.from < this.to && entries.time(this.from) < oldest) this.leave(this.from++)
    this.forget(oldest)
  }

  /** Does nothing: the cost of an evaluation at a cadence does not depend on the number of entries that leave. */
  skip(): void {}

  leaveUntilChange(): undefined {}
}

/** @param historyMs milliseconds for which an entry is kept after it has left the window, for late logs */
export const windowOf = (parts: MonitorParts, historyMs: number): Window =>
  parts.instants.atLogs ? new ArrivalWindow(parts, historyMs) : new CadenceWindow(parts, historyMs)

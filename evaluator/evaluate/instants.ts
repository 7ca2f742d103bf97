import { NO_DEADLINE } from './moment.ts'

/** The times at which a monitor is evaluated, in epoch ms. */
export interface Instants {
  /** Whether the monitor is evaluated at the time of each log. */
  readonly atLogs: boolean
  /** Milliseconds between evaluations; 0 when it is evaluated at the time of each log. */
  readonly stepMs: number
  /** Milliseconds from the end of a window to its evaluation. */
  readonly delayMs: number
  /** The first evaluation that sees an entry cross an edge of the window at `crossing`. */
  after(crossing: number): number
  /** The first evaluation at `time` or later. */
  notEarlier(time: number): number
  /** The next evaluation. @param due when one is due without a log @param hasChanges whether a log requires one */
  next(due: number, clock: number, hasChanges: boolean): number
}

/**
 * Evaluates at the time of each log, and when an entry leaves the window or a wait ends.
 * Decision `delay-in-cadence-only`: `evaluation_delay` waits for late logs. Arrival mode ignores it, because it counts late logs at
 * their own time; cadence mode shifts its windows by it.
 */
class ArrivalInstants implements Instants {
  readonly atLogs = true
  readonly stepMs = 0
  readonly delayMs = 0

  after(crossing: number): number {
    return crossing
  }

  notEarlier(time: number): number {
    return time
  }

  next(due: number): number {
    return due
  }
}

/** Evaluates at multiples of a cadence, counted from the epoch. */
class CadenceInstants implements Instants {
  readonly atLogs = false
  readonly stepMs: number
  readonly delayMs: number

  constructor(cadenceMs: number, delayMs: number) {
    this.stepMs = cadenceMs
    this.delayMs = delayMs
  }

  after(crossing: number): number {
    return (Math.floor(crossing / this.stepMs) + 1) * this.stepMs
  }

  notEarlier(time: number): number {
    return Number.isFinite(time) ? Math.ceil(time / this.stepMs) * this.stepMs : time
  }

  next(due: number, clock: number, hasChanges: boolean): number {
    if (due === NO_DEADLINE && !hasChanges) return due
    const soonest = this.after(clock)
    return hasChanges ? soonest : Math.max(due, soonest)
  }
}

/**
 * @param cadenceMs milliseconds between evaluations; undefined evaluates at the time of each log
 * @param delayMs `evaluation_delay`
 */
export const instantsOf = (cadenceMs: number | undefined, delayMs: number): Instants =>
  cadenceMs === undefined ? new ArrivalInstants() : new CadenceInstants(cadenceMs, delayMs)

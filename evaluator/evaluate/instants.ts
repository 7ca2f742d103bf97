import { NO_DEADLINE } from './moment.ts'

/** When a monitor is evaluated. All times are epoch ms. */
export interface Instants {
  /** Whether the time of each log is an instant of evaluation. */
  readonly atLogs: boolean
  /** Milliseconds from one evaluation to the next; 0 where logs decide. */
  readonly stepMs: number
  /** Milliseconds from the newest moment of a window to its evaluation. */
  readonly delayMs: number
  /** The first evaluation after something has crossed an edge of the window at `crossing`. */
  after(crossing: number): number
  /** The first evaluation at `time` or later. */
  notEarlier(time: number): number
  /** The next evaluation. @param due when time alone asks for one @param hasChanges whether a log asks for one */
  next(due: number, clock: number, hasChanges: boolean): number
}

/**
 * At the time of each log, and at each time at which an entry leaves or a wait ends.
 * Decision `delay-in-cadence-only`: `evaluation_delay` waits for logs that come late, which arrival mode counts at their own place
 * anyway; it shifts the cadence, which has a clock to shift.
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

/** At multiples of a cadence since the epoch. */
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

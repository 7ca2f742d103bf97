import type { Observer, Pass } from '../evaluate/observer.ts'
import type { Rule } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { shortfall } from './threshold.ts'
import { isHeldBeyond, isTrigger } from './verdict.ts'

/** An end of a group's alert without an evaluation. */
export interface Ending {
  readonly at: number
  readonly cause: string
}

/** Keeps each evaluation of some groups. */
export class Recorder implements Observer {
  readonly passes = new Map<string, Pass[]>()
  readonly endings = new Map<string, Ending[]>()

  readonly #keys: readonly string[]

  constructor(keys: readonly string[]) {
    this.#keys = keys
    this.begin()
  }

  begin(): void {
    for (const key of this.#keys) {
      this.passes.set(key, [])
      this.endings.set(key, [])
    }
  }

  pass(_: Monitor, pass: Pass): void {
    this.passes.get(pass.key)?.push(pass)
  }

  ended(_: Monitor, key: string, at: number, cause: string): void {
    this.endings.get(key)?.push({ at, cause })
  }
}

/** The values of one group in the order of time, in few bytes each. */
export class ValueRecorder implements Observer {
  readonly times: number[] = []
  readonly values: number[] = []
  /** Whether only the end of the recording makes the value. */
  readonly afterEnd: boolean[] = []
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  begin(): void {
    for (const list of [this.times, this.values, this.afterEnd]) list.length = 0
  }

  pass(_: Monitor, { key, at, value, hold }: Pass): void {
    if (key !== this.#key) return
    this.times.push(at)
    this.values.push(value)
    this.afterEnd.push(hold?.kind === 'recording-end')
  }

  ended(): void {}
}

/** Finds, among all groups, the one that fired first, or was held back, or came nearest to the threshold. */
export class Survey implements Observer {
  best: Pass | undefined
  #score = Number.NEGATIVE_INFINITY
  readonly #rule: Rule
  readonly #isAsked: (key: string) => boolean

  constructor(rule: Rule, isAsked: (key: string) => boolean) {
    this.#rule = rule
    this.#isAsked = isAsked
  }

  begin(): void {
    this.best = undefined
    this.#score = Number.NEGATIVE_INFINITY
  }

  pass(_: Monitor, pass: Pass): void {
    const score = this.#scoreOf(pass)
    if (score <= this.#score || !this.#isAsked(pass.key)) return
    this.#score = score
    this.best = pass
  }

  ended(): void {}

  #scoreOf(pass: Pass): number {
    const { value } = pass
    if (isTrigger(pass)) return Number.POSITIVE_INFINITY
    if (isHeldBeyond(this.#rule, pass)) return Number.MAX_VALUE
    return Number.isNaN(value) ? -Number.MAX_VALUE : -shortfall(this.#rule, value)
  }
}

/** Keeps the last evaluation of each group up to an instant, if the group has logs in the window or is not OK. */
export class Snapshot implements Observer {
  readonly passes = new Map<string, Pass>()
  readonly #until: number
  readonly #isAsked: (key: string) => boolean

  constructor(until: number, isAsked: (key: string) => boolean) {
    this.#until = until
    this.#isAsked = isAsked
  }

  begin(): void {
    this.passes.clear()
  }

  pass(_: Monitor, pass: Pass): void {
    if (pass.at > this.#until || !this.#isAsked(pass.key)) return
    if (pass.entries > 0 || pass.state !== 'OK') this.passes.set(pass.key, pass)
    else this.passes.delete(pass.key)
  }

  ended(_: Monitor, key: string, at: number): void {
    if (at <= this.#until) this.passes.delete(key)
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { CALL_MS, callLimit, NoAnswer, withBudget, within } from '../bounded.ts'
import { StoreAway, type StoreName } from './away.ts'
import { type Admission, Breaker } from './breaker.ts'

/** What an error of a store's client says of the store. */
export interface Fault {
  /**
   * `silent`: no answer, or one that is not the store's. `refusing`: the store says that it cannot serve. `local`: this
   * process was short of something, or the call was cut short.
   */
  kind: 'silent' | 'refusing' | 'local'
  /** Whether the call may be made again: it was not carried out, or carrying it out twice does not differ from once. */
  isRepeatable: boolean
  /** When the store wants to be asked again. */
  retryAfterMs?: number | undefined
}

/** @returns undefined for what is an answer: the store works, and says this of the request */
export type Judge = (error: unknown) => Fault | undefined

export interface Pass {
  admission: Admission
  limitMs: number
  /** By `performance.now()`. */
  startedAt: number
}

/** A wait that is shorter says nothing of the store. */
const SILENCE_MS = 1_500
const MOST_TRIES = 4
const FIRST_PAUSE_MS = 100

/** Half of what the backoff has reached at least: callers that failed together do not come back together. */
const pauseAfter = (tries: number): number => FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random())

/** @returns the pause before the next try, or undefined when there is to be none */
export function pauseBefore(tries: number, { isRepeatable, retryAfterMs = 0 }: Fault, leftMs: number) {
  if (!isRepeatable || tries >= MOST_TRIES) return undefined
  const pauseMs = Math.max(retryAfterMs, pauseAfter(tries))
  return pauseMs < leftMs ? pauseMs : undefined
}

/** Every call to one store passes here: it has a limit of time, bounded tries, and a breaker before it. */
export class StoreGuard {
  readonly store: StoreName
  readonly #breaker = new Breaker()
  #since: Date | undefined
  #answeredAt = Number.NEGATIVE_INFINITY
  #ping: Promise<void> | undefined

  constructor(store: StoreName) {
    this.store = store
  }

  /** @throws StoreAway at once for a store that is known to be away, and when the request's budget is used up */
  enter(): Pass {
    const { ms: limitMs, evenIfAway } = callLimit()
    if (limitMs <= 0) throw this.#away(new Error('the time of the request was used up'))
    const admission = evenIfAway ? 'call' : this.#breaker.admit()
    if (admission === undefined) throw this.#away(new Error('not asked: it did not answer just now'))
    return { admission, limitMs, startedAt: performance.now() }
  }

  answered(): void {
    this.#since = undefined
    this.#heard()
  }

  /** @returns what the caller is to throw */
  failed(pass: Pass, { kind, retryAfterMs }: Fault, cause: unknown): StoreAway {
    if (kind === 'refusing') this.#heard()
    else if (kind === 'silent' && this.#isOfStore(pass, cause)) this.#breaker.silent(pass.admission)
    else this.#breaker.undecided(pass.admission)
    if (kind !== 'local') this.#since ??= new Date()
    return this.#away(cause, retryAfterMs)
  }

  /** A short wait that was over is the caller's. And a store that answered others meanwhile is slow for this call only. */
  #isOfStore({ startedAt }: Pass, cause: unknown): boolean {
    return this.#answeredAt < startedAt && !(cause instanceof NoAnswer && cause.ms < SILENCE_MS)
  }

  #heard(): void {
    this.#answeredAt = performance.now()
    this.#breaker.answered()
  }

  /** @param work made again after a repeatable fault, while there is time; it is told when its time is over */
  async call<T>(judge: Judge, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const pass = this.enter()
    const until = pass.startedAt + pass.limitMs
    for (let tries = 1; ; tries++) {
      const abort = new AbortController()
      try {
        const value = await within(until - performance.now(), work(abort.signal))
        this.answered()
        return value
      } catch (error) {
        if (error instanceof NoAnswer) abort.abort()
        const fault = judge(error)
        if (!fault) {
          this.answered()
          throw error
        }
        const pauseMs = pauseBefore(tries, fault, until - performance.now())
        if (pauseMs === undefined) throw this.failed(pass, fault, error)
        await delay(pauseMs)
      }
    }
  }

  /** What readiness asks: goes past the breaker, and is one question, however many ask at once. */
  ping(ask: () => Promise<unknown>): Promise<void> {
    this.#ping ??= withBudget(CALL_MS, ask, { evenIfAway: true })
      .then(() => undefined)
      .finally(() => {
        this.#ping = undefined
      })
    return this.#ping
  }

  #away(cause: unknown, retryAfterMs?: number): StoreAway {
    return new StoreAway(this.store, { cause, since: this.#since, ...(retryAfterMs !== undefined && { retryAfterMs }) })
  }
}

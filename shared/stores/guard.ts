import { setTimeout as delay } from 'node:timers/promises'
import { CALL_MS, callLimit, NoAnswer, withBudget, within } from '../bounded.ts'
import { type Admission, Breaker } from './breaker.ts'
import { type StoreName, StoreUnavailable } from './unavailable.ts'

/** The meaning of a client error for the store. */
export interface Fault {
  /**
   * `silent`: no answer, or an answer from something else. `refusing`: the store says that it cannot serve. `local`:
   * this process lacked a resource, or the call was cut short.
   */
  kind: 'silent' | 'refusing' | 'local'
  /** Whether the call may be repeated: it was not carried out, or a second time has no further effect. */
  isRepeatable: boolean
  /** The wait that the store asked for. */
  retryAfterMs?: number | undefined
}

/** @returns undefined for an answer about the request: the store works */
export type Judge = (error: unknown) => Fault | undefined

export interface Pass {
  admission: Admission
  limitMs: number
  /** By `performance.now()`. */
  startedAt: number
}

/** A shorter wait tells nothing about the store. */
const SILENCE_MS = 1_500
const MOST_TRIES = 4
const FIRST_PAUSE_MS = 100

/** At least half of the backoff, at random: callers that failed together must not return together. */
const pauseAfter = (tries: number): number => FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random())

/** @returns the pause before the next attempt; undefined if there is none */
export function pauseBefore(tries: number, { isRepeatable, retryAfterMs = 0 }: Fault, leftMs: number) {
  if (!isRepeatable || tries >= MOST_TRIES) return undefined
  const pauseMs = Math.max(retryAfterMs, pauseAfter(tries))
  return pauseMs < leftMs ? pauseMs : undefined
}

/** Every call to one store passes here. It adds a time limit, bounded retries and a breaker. */
export class StoreGuard {
  readonly store: StoreName
  readonly #breaker = new Breaker()
  #since: Date | undefined
  #answeredAt = Number.NEGATIVE_INFINITY
  #ping: Promise<void> | undefined

  constructor(store: StoreName) {
    this.store = store
  }

  /** @throws StoreUnavailable at once if the breaker is open or the budget of the request is used up */
  enter(): Pass {
    const { ms: limitMs, evenIfAway } = callLimit()
    if (limitMs <= 0) throw this.#unavailable(new Error('the time of the request was used up'))
    const admission = evenIfAway ? 'call' : this.#breaker.admit()
    if (admission === undefined) throw this.#unavailable(new Error('not asked: it did not answer just now'))
    return { admission, limitMs, startedAt: performance.now() }
  }

  answered(): void {
    this.#since = undefined
    this.#heard()
  }

  /** @returns the error that the caller must throw */
  failed(pass: Pass, { kind, retryAfterMs }: Fault, cause: unknown): StoreUnavailable {
    if (kind === 'refusing') this.#heard()
    else if (kind === 'silent' && this.#isOfStore(pass, cause)) this.#breaker.silent(pass.admission)
    else this.#breaker.undecided(pass.admission)
    if (kind !== 'local') this.#since ??= new Date()
    return this.#unavailable(cause, retryAfterMs)
  }

  /** A short limit is the caller's own. A store that answered others meanwhile is slow for this call only. */
  #isOfStore({ startedAt }: Pass, cause: unknown): boolean {
    return this.#answeredAt < startedAt && !(cause instanceof NoAnswer && cause.ms < SILENCE_MS)
  }

  #heard(): void {
    this.#answeredAt = performance.now()
    this.#breaker.answered()
  }

  /** @param work repeated after a repeatable fault while there is time; its signal is aborted at the end of the time */
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

  /** The readiness check. It ignores the breaker, and simultaneous callers share one call. */
  ping(ask: () => Promise<unknown>): Promise<void> {
    this.#ping ??= withBudget(CALL_MS, ask, { evenIfAway: true })
      .then(() => undefined)
      .finally(() => {
        this.#ping = undefined
      })
    return this.#ping
  }

  #unavailable(cause: unknown, retryAfterMs?: number): StoreUnavailable {
    return new StoreUnavailable(this.store, {
      cause,
      since: this.#since,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }
}

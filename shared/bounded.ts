import { AsyncLocalStorage } from 'node:async_hooks'

/** The time limit of one call to a store, retries included. */
export const CALL_MS = 2_000
/** The time limit of all store calls of one request. Datadog waits 15 s for an answer, web waits 11 s for functions. */
export const REQUEST_MS = 10_000

interface Budget {
  /** By `performance.now()`. */
  until: number
  callMs: number
  /** Calls a store even if it is known to be unavailable, to find out whether it answers again. */
  evenIfAway: boolean
}

const budgets = new AsyncLocalStorage<Budget>()

/**
 * Runs `work` and allows at most `ms` for all of its store calls together. An inner budget cannot outlast an outer
 * one.
 * @param callMs time limit of one call; a caller that can wait longer than a visitor raises it
 */
export function withBudget<T>(
  ms: number,
  work: () => T,
  { callMs = CALL_MS, evenIfAway = false }: { callMs?: number; evenIfAway?: boolean } = {},
): T {
  const until = Math.min(performance.now() + ms, budgets.getStore()?.until ?? Number.POSITIVE_INFINITY)
  return budgets.run({ until, callMs, evenIfAway }, work)
}

/** The limit of the next store call. @returns `ms` is zero or less once the budget is used up */
export function callLimit(): { ms: number; evenIfAway: boolean } {
  const budget = budgets.getStore()
  if (!budget) return UNBUDGETED
  return { ms: Math.min(budget.callMs, budget.until - performance.now()), evenIfAway: budget.evenIfAway }
}
const UNBUDGETED = { ms: CALL_MS, evenIfAway: false }

/** The time limit passed before an answer came. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly ms: number

  constructor(ms: number) {
    super(`no answer within ${Math.max(0, Math.round(ms))} ms`)
    this.ms = ms
  }
}

/**
 * Waits for `work`, at most `ms`.
 * @throws NoAnswer when the time is over; the work goes on, and a later failure of it is ignored
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = afterPoll(ms, () => reject(new NoAnswer(ms)))
    const settle = <V>(end: (value: V) => void) => {
      return (value: V) => {
        clearTimeout(timer)
        end(value)
      }
    }
    work.then(settle(resolve), settle(reject))
  })
}

/**
 * Calls `late` after `ms`, once the event loop has polled its sockets. In a busy process timers run first, although
 * the answer has already arrived.
 */
export const afterPoll = (ms: number, late: () => void): NodeJS.Timeout => setTimeout(() => setImmediate(late), ms)

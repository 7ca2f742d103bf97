import { AsyncLocalStorage } from 'node:async_hooks'

/** How long one call to a store may take, with everything that is tried again inside it. */
export const CALL_MS = 2_000
/** How long a request may wait for its stores in all: Datadog gives an answer 15 s, web gives functions 11 s. */
export const REQUEST_MS = 10_000

interface Budget {
  /** By `performance.now()`. */
  until: number
  callMs: number
  /** Asks a store that is known to be away as well: so is found out that it is back. */
  evenIfAway: boolean
}

const budgets = new AsyncLocalStorage<Budget>()

/**
 * Runs `work` with at most `ms` for all of its calls to stores together. A budget inside of another one cannot outlast it.
 * @param callMs how long one call may take; a caller with more patience than a visitor gives more
 */
export function withBudget<T>(
  ms: number,
  work: () => T,
  { callMs = CALL_MS, evenIfAway = false }: { callMs?: number; evenIfAway?: boolean } = {},
): T {
  const until = Math.min(performance.now() + ms, budgets.getStore()?.until ?? Number.POSITIVE_INFINITY)
  return budgets.run({ until, callMs, evenIfAway }, work)
}

/** What the next call to a store may take. @returns `ms` is zero or less when the budget is used up */
export function callLimit(): { ms: number; evenIfAway: boolean } {
  const budget = budgets.getStore()
  if (!budget) return UNBUDGETED
  return { ms: Math.min(budget.callMs, budget.until - performance.now()), evenIfAway: budget.evenIfAway }
}
const UNBUDGETED = { ms: CALL_MS, evenIfAway: false }

/** The time was over before there was an answer. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  readonly ms: number

  constructor(ms: number) {
    super(`no answer within ${Math.max(0, Math.round(ms))} ms`)
    this.ms = ms
  }
}

/**
 * Waits for a store no longer than a visitor should.
 * @throws when the time is over; the work itself goes on, and its later failure is nobody's
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
 * Calls `late` after `ms`, but only once what has arrived meanwhile was read: when this process was busy, its timers come
 * before the answers that lie in its sockets.
 */
export const afterPoll = (ms: number, late: () => void): NodeJS.Timeout => setTimeout(() => setImmediate(late), ms)

import { setTimeout as delay } from 'node:timers/promises'

export interface TransportOptions {
  /** For one attempt. */
  readonly timeoutMs?: number
  /** Before each further attempt when Datadog does not say how long to wait. */
  readonly backoffMs?: readonly number[]
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 30_000
const BACKOFF_MS = [1000, 2000, 4000, 8000]
/** Datadog's limits are per minute or less; whoever is told to wait longer than this should rather run it later. */
const LONGEST_WAIT_MS = 60_000

/**
 * A `fetch` for the client, in place of its own retries, which repeat a failed write too: 429 is tried again whatever it was,
 * after the seconds that `x-ratelimit-reset` names; 5xx only when nothing can have been written; a lost connection never.
 */
export function createTransport(options: TransportOptions = {}): typeof fetch {
  const { timeoutMs = TIMEOUT_MS, backoffMs = BACKOFF_MS, signal } = options
  return async (input, init = {}) => {
    const reads = (init.method ?? 'GET').toUpperCase() === 'GET'
    for (let attempt = 0; ; attempt++) {
      const deadline = AbortSignal.timeout(timeoutMs)
      const response = await fetch(input, {
        ...init,
        // The keys go to the host that was named, and to no other.
        redirect: 'error',
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      })
      const backoff = backoffMs[attempt]
      const waitMs = waitOf(response.headers.get('x-ratelimit-reset')) ?? backoff
      const mayHelp = response.status === 429 || (reads && response.status >= 500)
      if (!mayHelp || backoff === undefined || waitMs === undefined || waitMs > LONGEST_WAIT_MS) return response
      await response.body?.cancel()
      await delay(waitMs, undefined, { ...(signal && { signal }) })
    }
  }
}

function waitOf(seconds: string | null): number | undefined {
  return seconds !== null && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined
}

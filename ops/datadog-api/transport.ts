import { setTimeout as delay } from 'node:timers/promises'

export interface TransportOptions {
  /** For one attempt. */
  readonly timeoutMs?: number
  /** The wait before each further attempt, when Datadog names none. */
  readonly backoffMs?: readonly number[]
  readonly signal?: AbortSignal
}

const TIMEOUT_MS = 30_000
const BACKOFF_MS = [1000, 2000, 4000, 8000]
/** Datadog's limits are per minute or less. If it asks for a longer wait, the answer is returned and the user can retry later. */
const LONGEST_WAIT_MS = 60_000

/**
 * A `fetch` for the client that replaces its own retries, because those also repeat a failed write. A 429 is retried for any
 * request, after the seconds in `x-ratelimit-reset`; a 5xx is retried for reads only; a lost connection is never retried.
 */
export function createTransport(options: TransportOptions = {}): typeof fetch {
  const { timeoutMs = TIMEOUT_MS, backoffMs = BACKOFF_MS, signal } = options
  return async (input, init = {}) => {
    const reads = (init.method ?? 'GET').toUpperCase() === 'GET'
    for (let attempt = 0; ; attempt++) {
      const deadline = AbortSignal.timeout(timeoutMs)
      const response = await fetch(input, {
        ...init,
        // A redirect would carry the keys to another host.
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

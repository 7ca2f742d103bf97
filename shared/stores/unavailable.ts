import { codeOf } from '../error.ts'
export type StoreName = 'postgres' | 'redis' | 'tables'

const RETRY_AFTER_SECONDS = 2
const LONGEST_RETRY_AFTER_SECONDS = 30

/**
 * A store that cannot be used now: it does not answer, it answers that it cannot serve, or something else answers. An
 * answer about the request itself (no such row, a conflict) is a different error.
 */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable'
  readonly store: StoreName
  /** The first failure since the store last answered. */
  readonly since: Date | undefined
  readonly retryAfterSeconds: number

  constructor(
    store: StoreName,
    { cause, since, retryAfterMs = 0 }: { cause?: unknown; since?: Date | undefined; retryAfterMs?: number } = {},
  ) {
    super(`${store} cannot be used`, { cause })
    this.store = store
    this.since = since
    const asked = Math.ceil(retryAfterMs / 1000)
    this.retryAfterSeconds = Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(RETRY_AFTER_SECONDS, asked))
  }
}

/** Network faults, by the codes of Node. */
const NETWORK =
  /^(?:E(?:CONN\w+|TIMEDOUT|PIPE|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|MFILE|NFILE)|REQUEST_SEND_ERROR)$/

/** @returns the seconds until a retry makes sense; undefined for an error that is not of a store */
export function retryAfterOf(error: unknown): number | undefined {
  if (error instanceof StoreUnavailable) return error.retryAfterSeconds
  const code = error instanceof Error ? codeOf(error) : undefined
  return code !== undefined && NETWORK.test(code) ? RETRY_AFTER_SECONDS : undefined
}

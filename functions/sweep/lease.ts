import type { Leases } from '../../shared/stores/port.ts'

export interface HeldLease {
  readonly fence: number
  /** Aborted when another holder may have the lease, because it could not be renewed in time. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

/**
 * Takes a lease and renews it until it is released. After a crash it lasts at most `ttlMs`.
 * @returns undefined while another holder has it
 */
export async function holdLease(
  leases: Leases,
  name: string,
  { ttlMs, renewMs }: { ttlMs: number; renewMs: number },
): Promise<HeldLease | undefined> {
  const askedAt = performance.now()
  const lease = await leases.acquire(name, ttlMs)
  if (!lease) return undefined
  const lost = new AbortController()
  let until = askedAt + ttlMs
  const renew = async () => {
    const before = performance.now()
    const renewed = await lease.renew().catch(() => undefined)
    if (renewed) until = before + ttlMs
    // A store that does not answer may still have the lease; nobody else gets it before its time is over.
    else if (renewed === false || performance.now() >= until) lost.abort()
  }
  const heartbeat = setInterval(() => void renew(), renewMs).unref()
  return {
    fence: lease.fence,
    get lost() {
      // A suspended process wakes up before its timers run.
      if (performance.now() >= until) lost.abort()
      return lost.signal
    },
    async release() {
      clearInterval(heartbeat)
      await lease.release()
    },
  }
}

import { AsyncResource } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { callLimit, within } from '../../bounded.ts'
import type { Leases } from '../port.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { DataMark, isCluster, MARKER, type Marker } from './data-mark.ts'
import { createLeases } from './leases.ts'

/** One life of the data in Redis: from its mark until the server restarts, fails over or is restored. */
export interface Incarnation {
  id: string
  /** The connection in which the mark was seen. */
  generation: number
}

export interface Incarnations {
  /**
   * Waits until the data behind the present connection has a mark, and writes one if no other host does.
   * @throws if that takes too long or a store fails: sessions cannot be judged then
   */
  enter(): Promise<Incarnation>
  /** Whether the incarnation is still the present one, so that what was read since then belongs to it. */
  isCurrent(incarnation: Incarnation): boolean
}

export interface IncarnationOptions {
  /** Restores in Redis what it may have lost. Called before the data is marked. */
  restore: () => Promise<void>
  /** Whether `restore` also restores the epochs of users. A mark that was written without them is then completed. */
  withEpochs: boolean
  /** How long to wait for another host to write the mark, because it can restore more. */
  patienceMs: number
  warn: (message: string, fields: Record<string, string>) => void
}

const LEASE_MS = 15_000
const RENEW_MS = 5_000
const POLL_MS = 100
/** A request that waits longer is asked to try again; earlier, if its own time is over. */
const WAIT_MS = 2_000
/** Compare this often: a proxy may hide another server, and a failover need not break a connection. */
const COMPARE_EVERY_MS = 5_000

/**
 * Distinguishes the lives of the data in one Redis. After a restart, a failover or a restore the data may be gone,
 * older, or different. A mark names the servers that hold it. It is compared on each connection, and every few
 * seconds while Redis is in use. A running server may also get an older state together with its old mark; a number
 * that each check raises reveals that.
 */
export function createIncarnations(redis: Redis, options: IncarnationOptions): Incarnations {
  const leases = createLeases(redis)
  const data = new DataMark(redis)
  let generation = 0
  let known: { id: string; comparedAt: number } | undefined
  let settling: Promise<string> | undefined

  /** @param of the generation of the check; the result for an old generation is ignored */
  async function settle(of: number): Promise<string> {
    const noticedAt = performance.now()
    try {
      for (;;) {
        const { marker, servers } = await data.read()
        const isWhole = marker && (marker.epochs || !options.withEpochs)
        if (isWhole) await data.extend()
        // If the connection broke meanwhile, the two halves of the answer may come from different servers.
        if (of !== generation) break
        if (isWhole) return marker.id
        known = undefined
        if (marker || performance.now() - noticedAt >= options.patienceMs) {
          const id = await underLease(leases, () => restoreAndMark(data, servers, marker, options))
          if (of !== generation) break
          if (id !== undefined) return id
        }
        await delay(POLL_MS)
      }
    } catch (error) {
      if (of === generation) throw error
    }
    return settled()
  }

  // Outlives the request that began it, and has none of its limits.
  const begin = AsyncResource.bind((of: number): Promise<string> => {
    const work = settle(of).finally(() => {
      if (settling === work) settling = undefined
    })
    work.then(
      (id) => {
        if (of === generation) known = { id, comparedAt: performance.now() }
      },
      () => {},
    )
    return work
  })
  function settled(): Promise<string> {
    settling ??= begin(generation)
    return settling
  }

  const lost = () => {
    generation++
    known = undefined
    settling = undefined
  }
  const look = () => void settled().catch(() => {})
  for (const event of isCluster(redis) ? ['close', '-node', '+node'] : ['close']) redis.on(event, lost)
  // A replica of a cluster may take over without a broken connection; the client then reads the slots again.
  for (const event of ['ready', 'refresh']) redis.on(event, look)

  return {
    async enter() {
      const of = generation
      if (known) {
        if (performance.now() - known.comparedAt >= COMPARE_EVERY_MS) look()
        return { id: known.id, generation: of }
      }
      return { id: await within(Math.min(WAIT_MS, callLimit().ms), settled()).catch(unjudged), generation: of }
    },
    isCurrent: ({ id, generation: of }) => of === generation && (known?.id ?? id) === id,
  }
}

async function restoreAndMark(
  data: DataMark,
  servers: string,
  marker: Marker | undefined,
  { restore, withEpochs, warn }: IncarnationOptions,
): Promise<string> {
  await restore()
  const id = await data.write(servers, marker, withEpochs)
  if (!marker) warn('redis was restarted, restored or replaced; its sessions are compared with the ledger', {})
  return id
}

/** @returns what the work returns; undefined if another host holds the lease */
async function underLease<T>(leases: Leases, work: () => Promise<T>): Promise<T | undefined> {
  const lease = await leases.acquire(MARKER, LEASE_MS)
  if (!lease) return undefined
  // Two hosts may write the mark at once: each restores everything, and the later mark stays.
  const renewing = setInterval(() => void lease.renew().catch(() => {}), RENEW_MS)
  try {
    return await work()
  } finally {
    clearInterval(renewing)
    await lease.release().catch(() => {})
  }
}

/** Sessions in Redis cannot be judged now, whatever the cause. The request may be tried again. */
function unjudged(cause: unknown): never {
  throw cause instanceof StoreUnavailable ? cause : new StoreUnavailable('redis', { cause })
}

import { AsyncResource } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { callLimit, within } from '../../bounded.ts'
import { unchecked } from '../../unchecked.ts'
import { StoreUnavailable } from '../unavailable.ts'
import { createLeases } from './leases.ts'
import { replyCodeOf } from './reply-code.ts'

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

interface Marker {
  id: string
  /**
   * The run ids of the servers that held the data at the time of the mark. A restart or another server has a
   * different id.
   */
  servers: string
  /** ISO 8601 */
  at: string
  epochs: boolean
}

const MARKER = 'incarnation'
/** Raised by each check of any host. A lower number than seen before means older data. */
const TIDE = 'incarnation:tide'
const MARKER_MS = 7 * 24 * 3_600_000
const LEASE_MS = 15_000
const RENEW_MS = 5_000
const POLL_MS = 100
/** The time limit for one node of a cluster; the limits of commands are those of the whole cluster. */
const NODE_MS = 2_000
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
  let generation = 0
  let known: { id: string; comparedAt: number } | undefined
  let settling: Promise<string> | undefined
  let tide = 0

  async function compare(): Promise<{ marker: Marker | undefined; servers: string }> {
    await lookForOlder()
    const [servers, text] = await Promise.all([serversOf(redis), redis.get(MARKER)])
    const marker = text === null ? undefined : readMarker(text)
    return { marker: marker?.servers === servers ? marker : undefined, servers }
  }

  /** Removes the mark from data that is older than data seen before: otherwise every host would accept it. */
  async function lookForOlder(): Promise<void> {
    const seen = tide
    const [risen] = await Promise.all([redis.incr(TIDE), redis.pexpire(TIDE, MARKER_MS)])
    if (risen > seen) {
      tide = Math.max(tide, risen)
      return
    }
    await redis.del(MARKER)
    tide = risen
  }

  /** @param of the generation of the check; the result for an old generation is ignored */
  async function settle(of: number): Promise<string> {
    const noticedAt = performance.now()
    try {
      for (;;) {
        const { marker, servers } = await compare()
        const isWhole = marker && (marker.epochs || !options.withEpochs)
        if (isWhole) await redis.pexpire(MARKER, MARKER_MS)
        // If the connection broke meanwhile, the two halves of the answer may come from different servers.
        if (of !== generation) break
        if (isWhole) return marker.id
        known = undefined
        if (marker || performance.now() - noticedAt >= options.patienceMs) {
          const id = await underLease(() => mark(servers, marker))
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

  async function mark(servers: string, marker: Marker | undefined): Promise<string> {
    await options.restore()
    const at = new Date().toISOString()
    const marked: Marker = { ...(marker ?? { id: randomUUID(), servers, at }), epochs: options.withEpochs }
    await redis.set(MARKER, JSON.stringify(marked), 'PX', MARKER_MS)
    if (!marker)
      options.warn('redis was restarted, restored or replaced; its sessions are compared with the ledger', {})
    return marked.id
  }

  async function underLease(work: () => Promise<string>): Promise<string | undefined> {
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

function readMarker(text: string): Marker | undefined {
  try {
    return unchecked<Marker>(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Sessions in Redis cannot be judged now, whatever the cause. The request may be tried again. */
function unjudged(cause: unknown): never {
  throw cause instanceof StoreUnavailable ? cause : new StoreUnavailable('redis', { cause })
}

/** The run ids of all servers. A server that gives none counts as empty; then only the mark identifies the data. */
async function serversOf(client: Redis | Cluster): Promise<string> {
  const servers = isCluster(client) ? client.nodes('master') : [client]
  const ids = await Promise.all(servers.map((server) => within(NODE_MS, runIdOf(server))))
  return ids.sort().join()
}

async function runIdOf(server: Redis): Promise<string> {
  const info = await server.info('server').catch((error: unknown) => {
    // Redis has no code for an unknown command: ERR is the code of many faults.
    const isUnknown = error instanceof Error && error.message.startsWith('ERR unknown')
    if (replyCodeOf(error) === 'NOPERM' || isUnknown) return ''
    throw error
  })
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}

const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster

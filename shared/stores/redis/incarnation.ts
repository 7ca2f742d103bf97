import { AsyncResource } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster, Redis } from 'ioredis'
import { callLimit, within } from '../../bounded.ts'
import { unchecked } from '../../unchecked.ts'
import { StoreAway } from '../away.ts'
import { createLeases } from './leases.ts'

/** One life of the data in Redis: from when it was marked until the server restarts, fails over or is restored. */
export interface Incarnation {
  id: string
  /** Of the connection in which it was seen. */
  generation: number
}

export interface Incarnations {
  /**
   * Waits until the data behind the present connection is marked, and marks it if nobody does.
   * @throws if that takes too long or a store fails: then nothing can be said of a session
   */
  enter(): Promise<Incarnation>
  /** Whether nothing has come between: what was read since then is of that incarnation. */
  isCurrent(incarnation: Incarnation): boolean
}

export interface IncarnationOptions {
  /** Brings back into Redis what it may have forgotten; called before the data is marked. */
  restore: () => Promise<void>
  /** Whether `restore` brings back the epochs of users as well. A mark that was left without them is completed then. */
  withEpochs: boolean
  /** How long to wait for another host to mark the data, which can bring back more. */
  patienceMs: number
  warn: (message: string, fields: Record<string, string>) => void
}

interface Marker {
  id: string
  /** The run ids of the servers that held the data when it was marked. A restart or another server has another one. */
  servers: string
  /** ISO 8601 */
  at: string
  epochs: boolean
}

const MARKER = 'incarnation'
/** Rises at each look of any host: what is lower than a host has seen is data of an earlier time. */
const TIDE = 'incarnation:tide'
const MARKER_MS = 7 * 24 * 3_600_000
const LEASE_MS = 15_000
const RENEW_MS = 5_000
const POLL_MS = 100
/** A node of a cluster is asked by itself: the limits of commands are those of the whole cluster. */
const NODE_MS = 2_000
/** A request that waits longer is answered that it may try again; sooner, if its own time is over. */
const WAIT_MS = 2_000
/** A proxy may hide that there is another server behind it, and a failover need not break a connection. */
const COMPARE_EVERY_MS = 5_000

/**
 * Tells apart the lives of the data in one Redis: after a restart, a failover or a restore it may be empty, older, or
 * another one. A mark that we write names the servers that hold it. It is compared on each connection, and every few
 * seconds while it is used. A server that goes on running may get an older state as well, with the mark of that time: a
 * number that each look raises shows it.
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

  /** Takes the mark away from data that is older than what was seen before: every host would take it for its own. */
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

  /** @param of the generation that it is about: one that is over is left to its successor */
  async function settle(of: number): Promise<string> {
    const noticedAt = performance.now()
    try {
      for (;;) {
        const { marker, servers } = await compare()
        const isWhole = marker && (marker.epochs || !options.withEpochs)
        if (isWhole) await redis.pexpire(MARKER, MARKER_MS)
        // A connection that broke meanwhile may have given one half of the answer before and the other after.
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
    // Two who mark at once do no harm: each brings back all of it, and the later mark stands.
    const renewing = setInterval(() => void lease.renew().catch(() => {}), RENEW_MS)
    try {
      return await work()
    } finally {
      clearInterval(renewing)
      await lease.release().catch(() => {})
    }
  }

  // Outlives the request that happens to ask first, and has none of its limits.
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
  // A replica of a cluster may take over without a connection that breaks: then the slots are read again.
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

/** Whatever it was: nothing can be said of the sessions in Redis, and the request may be tried again. */
function unjudged(cause: unknown): never {
  throw cause instanceof StoreAway ? cause : new StoreAway('redis', { cause })
}

/** A server that tells no run id has an empty one: then the mark alone says whether it is the same data. */
async function serversOf(client: Redis | Cluster): Promise<string> {
  const servers = isCluster(client) ? client.nodes('master') : [client]
  const ids = await Promise.all(servers.map((server) => within(NODE_MS, runIdOf(server))))
  return ids.sort().join()
}

async function runIdOf(server: Redis): Promise<string> {
  const info = await server.info('server').catch((error: unknown) => {
    if (error instanceof Error && /^(?:NOPERM|ERR unknown)/.test(error.message)) return ''
    throw error
  })
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? ''
}

const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster

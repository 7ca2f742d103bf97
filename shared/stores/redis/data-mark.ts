import { randomUUID } from 'node:crypto'
import type { Cluster, Redis } from 'ioredis'
import { within } from '../../bounded.ts'
import { unchecked } from '../../unchecked.ts'
import { replyCodeOf } from './reply-code.ts'

export interface Marker {
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

export const MARKER = 'incarnation'
/** Raised by each check of any host. A lower number than seen before means older data. */
const TIDE = 'incarnation:tide'
const MARKER_MS = 7 * 24 * 3_600_000
/** The time limit for one node of a cluster; the limits of commands are those of the whole cluster. */
const NODE_MS = 2_000

/** The mark that names one life of the data and the servers that hold it. */
export class DataMark {
  readonly #redis: Redis
  #tide = 0

  constructor(redis: Redis) {
    this.#redis = redis
  }

  /** @returns the mark, if it names the present servers, and their run ids */
  async read(): Promise<{ marker: Marker | undefined; servers: string }> {
    await this.#lookForOlder()
    const [servers, text] = await Promise.all([serversOf(this.#redis), this.#redis.get(MARKER)])
    const marker = text === null ? undefined : readMarker(text)
    return { marker: marker?.servers === servers ? marker : undefined, servers }
  }

  /** Writes a new mark, or completes one that was written without epochs. @returns its id */
  async write(servers: string, marker: Marker | undefined, epochs: boolean): Promise<string> {
    const at = new Date().toISOString()
    const marked: Marker = { ...(marker ?? { id: randomUUID(), servers, at }), epochs }
    await this.#redis.set(MARKER, JSON.stringify(marked), 'PX', MARKER_MS)
    return marked.id
  }

  async extend(): Promise<void> {
    await this.#redis.pexpire(MARKER, MARKER_MS)
  }

  /** Removes the mark from data that is older than data seen before: otherwise every host would accept it. */
  async #lookForOlder(): Promise<void> {
    const seen = this.#tide
    const [risen] = await Promise.all([this.#redis.incr(TIDE), this.#redis.pexpire(TIDE, MARKER_MS)])
    if (risen > seen) {
      this.#tide = Math.max(this.#tide, risen)
      return
    }
    await this.#redis.del(MARKER)
    this.#tide = risen
  }
}

function readMarker(text: string): Marker | undefined {
  try {
    return unchecked<Marker>(JSON.parse(text))
  } catch {
    return undefined
  }
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

export const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster

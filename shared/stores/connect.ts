import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { unchecked } from '../unchecked.ts'
import { StoreGuard } from './guard.ts'
import { boundQueries, SILENCE_MS, STATEMENT_MS } from './postgres/bounded-queries.ts'
import { boundCommands } from './redis/bounded-commands.ts'
import { createTablesClient, type Tables, type TablesOptions, type TablesSource } from './tables/client.ts'
import { redisNodes, withoutTlsParameters } from './tls.ts'

/** A store in use: `ping` is what readiness asks, `close` lets the process end. */
interface Connection {
  /** @throws StoreAway within about two seconds when the store cannot be used */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** As `storeTls` decides; without it the connection is plain, whatever the URL says. */
  tls?: ConnectionOptions | undefined
  /** Connection faults as they happen; each use of a store that cannot be reached fails on its own as well. */
  onError?: ((error: Error) => void) | undefined
}

const CONNECT_MS = 900
/** After this a connection that is to end is cut. */
const DISCONNECT_MS = 100
const LONGEST_RECONNECT_MS = 1000
const DEFAULT_PORT = 6379
const POOL_SIZE = 8
const READY_KEY_MS = 60_000
const SILENT_NODE_MS = 2_000

/** @param url of the form `postgres://…`; nothing is connected before the first query */
export function connectPostgres(url: string, { tls, onError }: ConnectOptions = {}): Connection & { pool: pg.Pool } {
  const pool = new pg.Pool({
    // What pg finds in the URL would win over `ssl` here.
    connectionString: withoutTlsParameters(url),
    ssl: tls ?? false,
    max: POOL_SIZE,
    connectionTimeoutMillis: SILENCE_MS,
    query_timeout: SILENCE_MS,
    // The server gives up too, so that no abandoned statement goes on holding a row.
    statement_timeout: STATEMENT_MS,
    idleTimeoutMillis: 30_000,
    application_name: 'mini-ato-saas',
  })
  // Without a listener an idle connection that breaks ends the process.
  pool.on('error', (error) => onError?.(error))
  const guard = new StoreGuard('postgres')
  boundQueries(pool, guard)
  return { pool, ping: () => guard.ping(() => pool.query('SELECT 1')), close: () => pool.end() }
}

/**
 * @param url of the form `redis://…` or `rediss://…`, or several of them, comma-separated: nodes of one cluster. Nothing is
 * connected before the first command
 */
export function connectRedis(
  url: string,
  { tls, cluster = false, onError }: ConnectOptions & { cluster?: boolean | undefined } = {},
): Connection & { redis: Redis } {
  const urls = redisNodes(url)
  const client = cluster || urls.length > 1 ? createCluster(urls, tls) : createRedis(url, tls)
  // Both have the commands that the stores use; as a union of the two they could not be called.
  const redis = unchecked<Redis>(client)
  client.on('error', (error) => onError?.(error))
  const guard = new StoreGuard('redis')
  boundCommands(client, guard)
  return {
    redis,
    // A write: a Redis that is full, or a replica, still answers a PING.
    ping: () => guard.ping(() => redis.set('ready', '1', 'PX', READY_KEY_MS)),
    close: async () => client.disconnect(),
  }
}

const redisOptions = (tls: ConnectionOptions | undefined) => ({
  connectTimeout: CONNECT_MS,
  disconnectTimeout: DISCONNECT_MS,
  // A round trip less before a new connection is of use.
  disableClientInfo: true,
  // A command is told at once that its connection is gone. Whether it is sent again is decided by `boundCommands`.
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  ...(tls === undefined ? {} : { tls }),
})
const pauseBeforeReconnect = (times: number) => Math.min(times * 50, LONGEST_RECONNECT_MS) * (0.5 + Math.random() / 2)

const createRedis = (url: string, tls: ConnectionOptions | undefined) =>
  new Redis(withoutTlsParameters(url), {
    ...redisOptions(tls),
    lazyConnect: true,
    retryStrategy: pauseBeforeReconnect,
  })

/** The nodes that are named are asked for the others; all of them have the user and password of the first. */
function createCluster(urls: readonly string[], tls: ConnectionOptions | undefined): Cluster {
  const nodes = urls.map((url) => new URL(url))
  const [first] = nodes
  return new Cluster(
    nodes.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) })),
    {
      lazyConnect: true,
      clusterRetryStrategy: pauseBeforeReconnect,
      slotsRefreshTimeout: CONNECT_MS,
      // A managed cluster shows certificates for names, and tells the names of its nodes.
      ...(tls && { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) }),
      redisOptions: {
        ...redisOptions(tls),
        // One connection is given up by `boundCommands`; of a cluster only the node's own knows which.
        socketTimeout: SILENT_NODE_MS,
        ...(first?.username && { username: decodeURIComponent(first.username) }),
        ...(first?.password && { password: decodeURIComponent(first.password) }),
      },
    },
  )
}

/** @param source a storage account or Azurite; nothing is connected before the first use */
export function connectTables(source: TablesSource, options: TablesOptions = {}): Connection & { tables: Tables } {
  const tables = createTablesClient(source, options)
  // Its sockets do not keep a process alive.
  return { tables, ping: () => tables.ping(), close: async () => {} }
}

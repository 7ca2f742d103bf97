import type { ConnectionOptions } from 'node:tls'
import { Cluster, Redis } from 'ioredis'
import pg from 'pg'
import { unchecked } from '../unchecked.ts'
import { StoreGuard } from './guard.ts'
import { boundQueries, SILENCE_MS, STATEMENT_MS } from './postgres/bounded-queries.ts'
import { boundCommands } from './redis/bounded-commands.ts'
import { createTablesClient, type Tables, type TablesOptions, type TablesSource } from './tables/client.ts'
import { redisNodes, withoutTlsParameters } from './tls.ts'

/** An open store. `ping` is the readiness check, `close` lets the process end. */
interface Connection {
  /** @throws StoreUnavailable within about two seconds when the store cannot be used */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** The decision of `storeTls`. Without it the connection is plain, whatever the URL says. */
  tls?: ConnectionOptions | undefined
  /** Receives connection faults as they happen. A call on a store that cannot be reached fails as well. */
  onError?: ((error: Error) => void) | undefined
}

const CONNECT_MS = 900
/** A connection that is being closed is cut after this time. */
const DISCONNECT_MS = 100
const LONGEST_RECONNECT_MS = 1000
const DEFAULT_PORT = 6379
const POOL_SIZE = 8
const READY_KEY_MS = 60_000
const SILENT_NODE_MS = 2_000

/** @param url of the form `postgres://…`; nothing is connected before the first query */
export function connectPostgres(url: string, { tls, onError }: ConnectOptions = {}): Connection & { pool: pg.Pool } {
  const pool = new pg.Pool({
    // pg would prefer a setting in the URL over `ssl`.
    connectionString: withoutTlsParameters(url),
    ssl: tls ?? false,
    max: POOL_SIZE,
    connectionTimeoutMillis: SILENCE_MS,
    query_timeout: SILENCE_MS,
    // The server stops as well, so that an abandoned statement does not keep a row locked.
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
 * @param url `redis://…` or `rediss://…`; several, comma-separated, are nodes of one cluster. Nothing is connected
 * before the first command
 */
export function connectRedis(
  url: string,
  { tls, cluster = false, onError }: ConnectOptions & { cluster?: boolean | undefined } = {},
): Connection & { redis: Redis } {
  const urls = redisNodes(url)
  const client = cluster || urls.length > 1 ? createCluster(urls, tls) : createRedis(url, tls)
  // Both clients have the commands that the stores use; TypeScript cannot call them on a union.
  const redis = unchecked<Redis>(client)
  client.on('error', (error) => onError?.(error))
  const guard = new StoreGuard('redis')
  boundCommands(client, guard)
  return {
    redis,
    // A write, because a full Redis and a replica still answer a PING.
    ping: () => guard.ping(() => redis.set('ready', '1', 'PX', READY_KEY_MS)),
    close: async () => client.disconnect(),
  }
}

const redisOptions = (tls: ConnectionOptions | undefined) => ({
  connectTimeout: CONNECT_MS,
  disconnectTimeout: DISCONNECT_MS,
  // Saves a round trip per new connection.
  disableClientInfo: true,
  // A command fails as soon as its connection is gone. `boundCommands` decides whether it is sent again.
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

/** The client asks the named nodes for the others. All of them have the user and password of the first. */
function createCluster(urls: readonly string[], tls: ConnectionOptions | undefined): Cluster {
  const nodes = urls.map((url) => new URL(url))
  const [first] = nodes
  return new Cluster(
    nodes.map(({ hostname, port }) => ({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || DEFAULT_PORT) })),
    {
      lazyConnect: true,
      clusterRetryStrategy: pauseBeforeReconnect,
      slotsRefreshTimeout: CONNECT_MS,
      // A managed cluster has certificates for names and announces its nodes by name.
      ...(tls && { dnsLookup: (address: string, done: (error: null, address: string) => void) => done(null, address) }),
      redisOptions: {
        ...redisOptions(tls),
        // `boundCommands` closes an overdue connection, but in a cluster only the client of the node knows which one
        // it is.
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
  // The sockets do not keep the process alive, so there is nothing to close.
  return { tables, ping: () => tables.ping(), close: async () => {} }
}

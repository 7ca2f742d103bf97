import type { ConnectionOptions } from 'node:tls'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createTablesClient, type Tables, type TablesOptions, type TablesSource } from './tables/client.ts'
import { withoutTlsParameters } from './tls.ts'

/** A store in use: `ping` is what readiness asks, `close` lets the process end. */
interface Connection {
  /** @throws within about two seconds when the store does not answer */
  ping(): Promise<void>
  close(): Promise<void>
}

export interface ConnectOptions {
  /** As `storeTls` decides; without it the connection is plain, whatever the URL says. */
  tls?: ConnectionOptions | undefined
  /** Connection faults as they happen; each use of a store that cannot be reached fails on its own as well. */
  onError?: ((error: Error) => void) | undefined
}

/** An unreachable store must deny soon: a request that hangs is a request that an attacker can multiply. */
const CONNECT_MS = 900
const COMMAND_MS = 2000
const POOL_SIZE = 8

/** @param url of the form `postgres://…`; nothing is connected before the first query */
export function connectPostgres(url: string, { tls, onError }: ConnectOptions = {}): Connection & { pool: pg.Pool } {
  const pool = new pg.Pool({
    // What pg finds in the URL would win over `ssl` here.
    connectionString: withoutTlsParameters(url),
    ssl: tls ?? false,
    max: POOL_SIZE,
    connectionTimeoutMillis: COMMAND_MS,
    query_timeout: COMMAND_MS,
    // The server gives up too, so that no abandoned statement goes on holding a row.
    statement_timeout: COMMAND_MS,
    idleTimeoutMillis: 30_000,
    application_name: 'mini-ato-saas',
  })
  // Without a listener an idle connection that breaks ends the process.
  pool.on('error', (error) => onError?.(error))
  return { pool, ping: async () => void (await pool.query('SELECT 1')), close: () => pool.end() }
}

/** @param url of the form `redis://…` or `rediss://…`; nothing is connected before the first command */
export function connectRedis(url: string, { tls, onError }: ConnectOptions = {}): Connection & { redis: Redis } {
  const redis = new Redis(withoutTlsParameters(url), {
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => Math.min(times * 50, 1000),
    // A command whose reply was lost may have been carried out: sent again, an attempt would count twice.
    autoResendUnfulfilledCommands: false,
    ...(tls === undefined ? {} : { tls }),
  })
  redis.on('error', (error) => onError?.(error))
  return {
    redis,
    ping: async () => void (await redis.ping()),
    close: async () => redis.disconnect(),
  }
}

/** @param source a storage account or Azurite; nothing is connected before the first use */
export function connectTables(source: TablesSource, options: TablesOptions = {}): Connection & { tables: Tables } {
  const tables = createTablesClient(source, options)
  // Its sockets do not keep a process alive.
  return { tables, ping: () => tables.ping(), close: async () => {} }
}

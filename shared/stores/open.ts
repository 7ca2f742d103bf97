import type { FunctionsConfig, WebConfig } from '../config.ts'
import { connectPostgres, connectRedis, connectTables } from './connect.ts'
import { azureCredential } from './tables/credential.ts'
import { postgresTls, redisTls } from './tls.ts'

type OnError = (error: Error) => void

/** Opens the stores of a configuration with its security settings. Nothing is connected before its first use. */
export const openPostgres = (config: FunctionsConfig, onError?: OnError) =>
  connectPostgres(config.DATABASE_URL.reveal(), { tls: postgresTls(config), onError })

export const openRedis = (config: FunctionsConfig | WebConfig, onError?: OnError) =>
  connectRedis(config.REDIS_URL.reveal(), { tls: redisTls(config), cluster: config.REDIS_CLUSTER, onError })

export function openTables(config: FunctionsConfig | WebConfig) {
  const { TABLES_URL: url, TABLES_CONNECTION: connection } = config
  // Azure ends the endpoint with a slash, and the library adds one before each table.
  if (url !== undefined) return connectTables({ url: url.replace(/\/+$/, ''), credential: azureCredential(config) })
  if (connection !== undefined) return connectTables(connection.reveal())
  throw new Error('a configuration without tables was parsed')
}

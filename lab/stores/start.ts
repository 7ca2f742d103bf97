import { resolve } from 'node:path'
import { loadSecrets } from '../start/secrets.ts'
import { lockDirectory } from './lock.ts'
import { startPostgres } from './postgres/start.ts'
import { startRedis } from './redis.ts'
import type { RunningStore, StoreOptions } from './store.ts'
import { startTables } from './tables.ts'

/** The variables from which the apps read the addresses of their stores. */
export const STORE_NAMES = ['DATABASE_URL', 'REDIS_URL', 'TABLES_CONNECTION'] as const
export type StoreName = (typeof STORE_NAMES)[number]
export type StoreConnections = Readonly<Record<StoreName, string>>

export interface StoresOptions {
  /** The lab's directory, with data, secrets and logs. */
  readonly dir: string
  /** Preferred TCP ports; a free one is used for a missing or taken one. */
  readonly ports?: Partial<Record<StoreName, number>>
  /** Running stores, each of which replaces the embedded one. */
  readonly given?: Partial<Record<StoreName, string | undefined>>
  readonly withBlobAndQueue?: boolean
  readonly log?: (text: string) => void
  /** Called with each line of a store and its name. */
  readonly onLine?: (store: StoreName, line: string) => void
  /** Called for each store that is ready. */
  readonly onReady?: (store: StoreName, running: RunningStore) => void
}

export interface RunningStores extends StoreConnections {
  /** The embedded stores by name, without given ones. */
  readonly running: Partial<Record<StoreName, RunningStore>>
  /** Stops all embedded stores; safe to call twice. */
  close(): Promise<void>
}

const STARTERS = { DATABASE_URL: startPostgres, REDIS_URL: startRedis, TABLES_CONNECTION: startTables } as const

/**
 * Starts Postgres, Redis and Tables at the same time. If one fails, the others are stopped before the error is thrown.
 * @throws with reason and remedy when another process uses the directory or a store does not start
 */
export async function startStores(options: StoresOptions): Promise<RunningStores> {
  const dir = resolve(options.dir)
  const given = options.given ?? {}
  const lock = await lockDirectory(dir)
  const running: Partial<Record<StoreName, RunningStore>> = {}
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= Promise.all(Object.values(running).map((store) => store.close())).then(lock.release)
    return closing
  }
  try {
    const secrets = await loadSecrets(dir)
    const results = await Promise.allSettled(
      STORE_NAMES.filter((name) => !given[name]).map(async (name) => {
        const store = await STARTERS[name](storeOptions(name, dir, secrets, options)).catch((cause: Error) => {
          throw new Error(`${cause.message}\nTo use a server of your own instead, set ${name}.`, { cause })
        })
        running[name] = store
        await Promise.all(store.pids.map(lock.add))
        options.onReady?.(name, store)
      }),
    )
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    const connection = (name: StoreName) => {
      const found = given[name] || running[name]?.connection
      if (!found) throw new Error(`The store for ${name} has no connection.`)
      return found
    }
    return {
      DATABASE_URL: connection('DATABASE_URL'),
      REDIS_URL: connection('REDIS_URL'),
      TABLES_CONNECTION: connection('TABLES_CONNECTION'),
      running,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function storeOptions(
  name: StoreName,
  dir: string,
  secrets: StoreOptions['secrets'],
  { ports, log, onLine, withBlobAndQueue = false }: StoresOptions,
): StoreOptions & { withBlobAndQueue: boolean } {
  const port = ports?.[name]
  return {
    dir,
    secrets,
    log: log ?? (() => {}),
    withBlobAndQueue,
    ...(port === undefined ? {} : { port }),
    ...(onLine ? { onLine: (line: string) => onLine(name, line) } : {}),
  }
}

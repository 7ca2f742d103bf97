import { type RunningStores, STORE_NAMES, type StoreConnections, type StoreName, startStores } from '../stores/start.ts'
import type { LogFiles } from './log-files.ts'
import type { Undo } from './undo.ts'

/** The names of the stores in logs and in run.json. */
const PART_NAMES: Readonly<Record<StoreName, string>> = {
  DATABASE_URL: 'postgres',
  REDIS_URL: 'redis',
  TABLES_CONNECTION: 'tables',
}

export interface BackingOptions {
  readonly dir: string
  readonly given: Partial<Record<StoreName, string | undefined>>
  readonly withBlobAndQueue: boolean
  readonly build: () => Promise<void>
  readonly logs: LogFiles
  readonly log: (text: string) => void
  readonly onReady: (name: string, detail: string) => void
  /** Called when a store has ended unexpectedly. It is not restarted, because its data may be lost. */
  readonly onLost: (error: Error) => void
  readonly undo: Undo
}

/** Starts the stores and builds the apps at the same time. */
export async function startBacking(options: BackingOptions): Promise<RunningStores> {
  const { dir, given, withBlobAndQueue, build, logs, log, onReady, onLost, undo } = options
  const [built, opened] = await Promise.allSettled([
    build().then(() => onReady('build', 'dist/')),
    startStores({
      dir,
      given,
      withBlobAndQueue,
      log,
      onLine: (name, line) => logs.note(PART_NAMES[name], line),
      onReady: (_, store) => onReady(store.name, store.detail),
    }),
  ])
  if (opened.status === 'rejected') throw opened.reason
  const stores = opened.value
  let stopping = false
  undo.push('stores', () => {
    stopping = true
    return stores.close()
  })
  for (const store of Object.values(stores.running)) {
    void store.ended.then(({ code, signal }) => {
      if (!stopping) onLost(new Error(`${store.name} ended with ${signal ?? `exit code ${code}`}; see ${logs.dir}`))
    })
  }
  if (built.status === 'rejected') throw built.reason
  return stores
}

export function connectionsOf(stores: StoreConnections): StoreConnections {
  const { DATABASE_URL, REDIS_URL, TABLES_CONNECTION } = stores
  return { DATABASE_URL, REDIS_URL, TABLES_CONNECTION }
}

export function pidsOf(stores: RunningStores): Record<string, number> {
  return Object.fromEntries(
    STORE_NAMES.flatMap((name) => {
      const pid = stores.running[name]?.pid
      return pid === undefined ? [] : [[PART_NAMES[name], pid] as const]
    }),
  )
}

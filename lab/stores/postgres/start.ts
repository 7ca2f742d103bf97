import pg from 'pg'
import { beforeItEnds, type Part, startNative } from '../../processes/part.ts'
import { withFreePort } from '../../processes/ports.ts'
import { deferred } from '../../start/deferred.ts'
import type { RunningStore, StoreOptions } from '../store.ts'
import type { Account } from './account.ts'
import { findBinaries } from './binaries.ts'
import { accountFor, DATABASE_USER, dataHome, prepareData } from './data.ts'
import { stopLeftover } from './leftover.ts'

const DATABASE = 'mini_ato'
const READY_MS = 30_000

/** No disk flushes, because a lab may lose its data. No socket file, whose path is limited to 107 bytes. */
const SETTINGS = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'timezone=UTC',
  'log_timezone=UTC',
]

/**
 * Starts PostgreSQL 18 on the data of the lab in `dir`, which are created at the first start and persist.
 * @throws with the server's last lines when it does not start
 */
export async function startPostgres(options: StoreOptions): Promise<RunningStore> {
  const account = await accountFor(options.dir)
  const { postgres, initdb } = await findBinaries(account)
  const home = await dataHome(options.dir, account)
  const password = options.secrets.POSTGRES_PASSWORD
  const data = await prepareData(home, { initdb, account, password, movable: !home.startsWith(options.dir) })
  const stopped = await stopLeftover(data)
  if (stopped) options.log(`stopped a PostgreSQL server that an earlier lab left running (process ${stopped})`)
  return withFreePort(async (port) => {
    const part = await launch({ postgres, data, home, port, account, onLine: options.onLine })
    const url = (database: string) => `postgres://${DATABASE_USER}:${password}@127.0.0.1:${port}/${database}`
    try {
      await createDatabase(url('postgres'))
    } catch (error) {
      await part.stop()
      throw error
    }
    const { pid, ended, stop: close } = part
    return {
      name: 'PostgreSQL',
      detail: '18',
      connection: url(DATABASE),
      pid,
      pids: [pid],
      durable: true,
      ended,
      close,
    }
  }, options.port)
}

interface Launch {
  readonly postgres: string
  readonly data: string
  readonly home: string
  readonly port: number
  readonly account: Account | undefined
  readonly onLine: StoreOptions['onLine']
}

/** Resolves when the server accepts connections. */
async function launch({ postgres, data, home, port, account, onLine }: Launch): Promise<Part> {
  const ready = deferred()
  const part = await startNative({
    name: 'PostgreSQL',
    command: postgres,
    args: ['-D', data, '-p', String(port), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    cwd: home,
    // The "fast" shutdown, which ends open connections.
    stopSignal: 'SIGINT',
    onStderr(line) {
      onLine?.(line)
      if (line.includes('database system is ready to accept connections')) ready.resolve()
    },
    ...(account ? { uid: account.uid, gid: account.gid } : {}),
  })
  await beforeItEnds(part, ready.promise, READY_MS)
  return part
}

async function createDatabase(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE])
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}

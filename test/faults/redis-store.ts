import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { beforeItEnds, type Part, startNative } from '../../lab/processes/part.ts'
import { freePort } from '../../lab/processes/ports.ts'
import { deferred } from '../../lab/start/deferred.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'
import { findRedisServer, startRedis } from '../../lab/stores/redis.ts'

const READY_MS = 15_000
const DUMP = 'dump.rdb'

/** A Redis that can be killed, brought back and given an older dump. */
export interface RedisStore {
  /** `redis-server 7.0.15` or `embedded`. */
  readonly detail: string
  readonly connection: string
  readonly pid: number
  /** Whether it is a real redis-server: only that one keeps its port, has a memory limit and reads dumps. */
  readonly isReal: boolean
  /** Sends one command of the operator's. */
  command(...words: string[]): Promise<unknown>
  kill(): Promise<void>
  /** Starts it again on its port. @param from a dump made by `dump`; without one it is empty */
  start(from?: string): Promise<void>
  /** Writes what it holds to a file of that name. @returns the file */
  dump(name: string): Promise<string>
  close(): Promise<void>
}

/** Starts a real redis-server if there is one (see `REDIS_SERVER`), else the embedded one. */
export async function openRedisStore(dir: string): Promise<RedisStore> {
  const server = await findRedisServer()
  return server ? openReal(server, join(dir, 'redis')) : openEmbedded(dir)
}

async function openReal(server: { command: string; version: string }, dir: string): Promise<RedisStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const port = await freePort()
  const connection = `redis://127.0.0.1:${port}`
  const launch = async (): Promise<Part> => {
    const ready = deferred()
    const part = await startNative({
      name: 'redis-server',
      command: server.command,
      args: [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--dbfilename', DUMP],
        ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
      ],
      onStdout(line) {
        if (line.includes('Ready to accept connections')) ready.resolve()
      },
    })
    await beforeItEnds(part, ready.promise, READY_MS)
    return part
  }
  let part = await launch()
  const command = async (...words: string[]) => {
    const client = new Redis(connection, { maxRetriesPerRequest: 1 })
    client.on('error', () => {})
    try {
      const [name = '', ...given] = words
      return await client.call(name, ...given)
    } finally {
      client.disconnect()
    }
  }
  return {
    detail: `redis-server ${server.version}`,
    connection,
    isReal: true,
    get pid() {
      return part.pid
    },
    command,
    async kill() {
      process.kill(part.pid, 'SIGKILL')
      await part.ended
    },
    async start(from) {
      await rm(join(dir, DUMP), { force: true })
      if (from !== undefined) await copyFile(from, join(dir, DUMP))
      part = await launch()
    },
    async dump(name) {
      await command('SAVE')
      const file = join(dir, `${name}.rdb`)
      await copyFile(join(dir, DUMP), file)
      return file
    },
    close: () => part.stop(),
  }
}

async function openEmbedded(dir: string): Promise<RedisStore> {
  const store = await startRedis({ dir, secrets: await loadSecrets(dir), log: () => {} })
  const never = () => Promise.reject(new Error('this needs a real redis-server: see REDIS_SERVER'))
  return { ...store, detail: 'embedded', isReal: false, command: never, kill: never, start: never, dump: never }
}

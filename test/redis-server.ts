import { Redis } from 'ioredis'
import { beforeItEnds, startNative } from '../lab/processes/part.ts'
import { freePort } from '../lab/processes/ports.ts'
import { deferred } from '../lab/start/deferred.ts'
import { findRedisServer } from '../lab/stores/redis.ts'

const READY_MS = 15_000

export interface RedisServerProcess {
  port: number
  url: string
  /** Writes what it holds into `dump.rdb` of its directory. */
  save(): Promise<void>
  kill(): Promise<void>
}

const server = await findRedisServer()

/** Why tests that need a program of Redis are skipped here, in words; false where there is one. */
export const withoutRedisServer = server === undefined && 'no redis-server: set REDIS_SERVER to one, or install it'
if (withoutRedisServer) process.stderr.write(`skipped: ${withoutRedisServer}\n`)

/**
 * A redis-server that reads the `dump.rdb` of its directory, if there is one, and writes it only when asked.
 * @param port the one of a server that was stopped, to come back in its place
 */
export async function startRedisServer(
  dir: string,
  port = 0,
  more: readonly string[] = [],
): Promise<RedisServerProcess> {
  if (!server) throw new Error('there is no redis-server')
  const at = port || (await freePort(0))
  const ready = deferred()
  const part = await startNative({
    name: 'redis-server',
    command: server.command,
    args: [
      ...['--port', String(at), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no'],
      ...['--maxmemory-policy', 'noeviction', ...more],
    ],
    onStdout: (line) => {
      if (line.includes('Ready to accept connections')) ready.resolve()
    },
  })
  let ended = false
  void part.ended.then(() => {
    ended = true
  })
  await beforeItEnds(part, ready.promise, READY_MS)
  return {
    port: at,
    url: `redis://127.0.0.1:${at}`,
    async save() {
      const redis = new Redis(at)
      await redis.save()
      redis.disconnect()
    },
    kill: async () => {
      if (!ended) process.kill(part.pid, 'SIGKILL')
      await part.ended
    },
  }
}

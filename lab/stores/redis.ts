import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { deferred } from '../deferred.ts'
import { childEnvironment } from '../processes/environment.ts'
import { awaitMessage, beforeItEnds, startNative, startNode } from '../processes/part.ts'
import { freePort, withFreePort } from '../processes/ports.ts'
import type { RunningStore, StoreOptions } from './store.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('./children/redis.mjs', import.meta.url))
const READY_MS = 15_000
/** The oldest server whose commands are all that the apps use (EXPIRE GT, GETDEL). */
const OLDEST_MAJOR = 7

/**
 * Starts Redis: a `redis-server` on PATH if there is one, else the embedded implementation. Either keeps nothing on
 * disk: sessions end with the lab. Both listen on loopback only. The embedded one has a password, made anew each time: it
 * would otherwise take commands from the body of a form that a web page posts to its port; redis-server hangs up on that.
 */
export async function startRedis(options: StoreOptions): Promise<RunningStore> {
  const version = await installedVersion()
  if (version !== undefined) return startInstalled(version, options)
  return startEmbedded(options)
}

/** `Redis server v=7.0.15 …` or `Valkey server v=8.1.0 …`; undefined when there is none, or one too old. */
async function installedVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await run('redis-server', ['--version'], { timeout: 5000, env: childEnvironment() })
    const [, version, major] = /\bv=((\d+)\.\S+)/.exec(stdout) ?? []
    return Number(major) >= OLDEST_MAJOR ? version : undefined
  } catch {
    return undefined
  }
}

function startInstalled(version: string, options: StoreOptions): Promise<RunningStore> {
  return withFreePort(async (port) => {
    const ready = deferred()
    const part = await startNative({
      name: 'redis-server',
      command: 'redis-server',
      // Production runs with noeviction too: a full store must refuse, never forget a revocation.
      args: [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', tmpdir()],
        ...['--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'],
      ],
      onStdout(line) {
        options.onLine?.(line)
        if (line.includes('Ready to accept connections')) ready.resolve()
      },
      ...(options.onLine ? { onStderr: options.onLine } : {}),
    })
    await beforeItEnds(part, ready.promise, READY_MS)
    const connection = `redis://127.0.0.1:${port}`
    const { pid, ended, stop: close } = part
    return { name: 'Redis', detail: `redis-server ${version}`, connection, pid, pids: [pid], ended, close }
  }, options.port)
}

async function startEmbedded(options: StoreOptions): Promise<RunningStore> {
  const wanted = options.port === undefined ? 0 : await freePort(options.port)
  const password = randomBytes(24).toString('base64url')
  const part = startNode({
    name: 'Redis (embedded)',
    script: CHILD,
    args: [String(wanted)],
    env: { REDIS_PASSWORD: password },
    ...(options.onLine ? { onStdout: options.onLine, onStderr: options.onLine } : {}),
  })
  const { port } = await awaitMessage(part, 'ready', READY_MS)
  const connection = `redis://:${password}@127.0.0.1:${port}`
  const { pid, ended, stop: close } = part
  return { name: 'Redis', detail: 'embedded, in memory', connection, pid, pids: [pid], ended, close }
}

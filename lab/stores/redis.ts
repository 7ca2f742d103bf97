import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { childEnvironment } from '../processes/environment.ts'
import { awaitMessage, beforeItEnds, startNative, startNode } from '../processes/part.ts'
import { freePort, withFreePort } from '../processes/ports.ts'
import { deferred } from '../start/deferred.ts'
import type { RunningStore, StoreOptions } from './store.ts'

const run = promisify(execFile)
const CHILD = fileURLToPath(new URL('./redis-child.mjs', import.meta.url))
const READY_MS = 15_000
/** The oldest server with all commands of the apps (EXPIRE GT, GETDEL). */
const MIN_MAJOR = 7

/** A usable `redis-server`. */
export interface RedisServer {
  readonly command: string
  readonly version: string
}

/**
 * Starts `redis-server` if it is available, which keeps its data in the lab's directory, else the embedded implementation,
 * whose data end with the lab. Both listen on loopback only. The embedded one has a new password at each start, because it would otherwise
 * execute commands in a form that a web page posts to its port; redis-server closes such a connection.
 * @throws when `REDIS_SERVER` names a program that cannot be used
 */
export async function startRedis(options: StoreOptions): Promise<RunningStore> {
  const server = await findRedisServer()
  return server ? startInstalled(server, options) : startEmbedded(options)
}

/**
 * Finds the program that `REDIS_SERVER` names, else a `redis-server` on PATH.
 * @returns undefined if `REDIS_SERVER` is `none`, or if it is unset and PATH has no usable one
 * @throws if `REDIS_SERVER` names a program that does not run or is too old
 */
export async function findRedisServer(): Promise<RedisServer | undefined> {
  const named = process.env.REDIS_SERVER
  if (named === 'none') return undefined
  const command = named || 'redis-server'
  const version = await versionOf(command)
  if (version !== undefined) return { command, version }
  if (!named) return undefined
  throw new Error(
    `REDIS_SERVER is ${named}, which is not a redis-server of version ${MIN_MAJOR} or later. Set another one, or "none" for the embedded one.`,
  )
}

/** Reads `Redis server v=7.0.15 …` or `Valkey server v=8.1.0 …`; undefined if it is missing or too old. */
async function versionOf(command: string): Promise<string | undefined> {
  try {
    const { stdout } = await run(command, ['--version'], { timeout: 5000, env: childEnvironment() })
    const [, version, major] = /\bv=((\d+)\.\S+)/.exec(stdout) ?? []
    return Number(major) >= MIN_MAJOR ? version : undefined
  } catch {
    return undefined
  }
}

const dataIn = (dir: string): string => join(dir, 'redis')

/** Removes the sessions that an earlier lab kept. */
export const removeRedisData = (dir: string): Promise<void> => rm(dataIn(dir), { recursive: true, force: true })

async function startInstalled({ command, version }: RedisServer, options: StoreOptions): Promise<RunningStore> {
  const data = dataIn(options.dir)
  await mkdir(data, { recursive: true, mode: 0o700 })
  return withFreePort(async (port) => {
    const ready = deferred()
    const part = await startNative({
      name: 'redis-server',
      command,
      // As in production, noeviction: a full store must refuse writes instead of dropping a revocation.
      args: [
        ...['--port', String(port), '--bind', '127.0.0.1', '--dir', data],
        // The file of commands is written once a second. What a crash loses is in the ledger, which wins over Redis.
        ...['--save', '', '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
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
    return {
      name: 'Redis',
      detail: `redis-server ${version}`,
      connection,
      pid,
      pids: [pid],
      durable: true,
      ended,
      close,
    }
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
  return { name: 'Redis', detail: 'embedded, in memory', connection, pid, pids: [pid], durable: false, ended, close }
}

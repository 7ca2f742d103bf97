import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { Random } from '../../attacks/kit/random.ts'
import { type Edge, startEdge } from '../../lab/edge/edge.ts'
import { azure } from '../../lab/edge/flavour.ts'
import { awaitMessage, type Part, startNode } from '../../lab/processes/part.ts'
import { type LabHandle, startLab } from '../../lab/start/lab.ts'
import { type Launch, type Launched, type LaunchOptions, launchWeb } from '../../lab/start/programs.ts'
import { loadSecrets } from '../../lab/start/secrets.ts'
import { createUndo } from '../../lab/start/undo.ts'
import { startPostgres } from '../../lab/stores/postgres/start.ts'
import type { RunningStore } from '../../lab/stores/store.ts'
import { startTables } from '../../lab/stores/tables.ts'
import { type FunctionsConfig, parseFunctionsConfig } from '../../shared/config.ts'
import { type Cast, openCast } from './cast.ts'
import { type HttpProxy, startHttpProxy } from './http-proxy.ts'
import { addressIn, type FaultProxy, startProxy, through } from './proxy.ts'
import { createRecord, type EventRecord } from './record.ts'
import { openRedisStore, type RedisStore } from './redis-store.ts'

const CLOCK = pathToFileURL(new URL('./clock-shift.mjs', import.meta.url).pathname).href
const READY_MS = 30_000
/** The project's own default, and not the lab's quick one: no renewal falls into a scenario. */
const SETTINGS = { SESSION_RENEW_SECONDS: '300', SESSION_GRACE_SECONDS: '30' }

export interface StageOptions {
  readonly dir: string
  readonly root: string
  /** The compiled Functions host. */
  readonly hostBundle: string
  /** Seconds between two sweeps that are asked for beside the timer's own; undefined: the timer alone. */
  readonly sweepEverySeconds: number | undefined
  readonly settings: Readonly<{ [variable: string]: string }>
  readonly random: Random
  readonly log: (text: string) => void
  readonly signal: AbortSignal
}

/** A lab whose every part can be hurt, and the people in it. */
export interface Stage {
  readonly lab: LabHandle
  readonly config: FunctionsConfig
  readonly random: Random
  readonly signal: AbortSignal
  readonly log: (text: string) => void
  /** In front of what both hosts use; `web` is in front of web, for functions alone. */
  readonly proxies: {
    readonly redis: FaultProxy
    /** In front of that one, for one host alone. */
    readonly redisOf: { readonly web: FaultProxy; readonly functions: FaultProxy }
    readonly postgres: FaultProxy
    readonly tables: HttpProxy
    readonly web: HttpProxy
  }
  readonly redis: RedisStore
  readonly postgres: ManagedPostgres
  readonly record: EventRecord
  readonly cast: Cast
  /** How often the sender tries one delivery, and how far apart. */
  readonly sender: Sender
  /** Milliseconds by which a host's clock is off from its next start on. */
  readonly clock: { web: number; functions: number }
  /** Variables that replace a host's own from its next start on. */
  readonly variables: { readonly web: Record<string, string>; readonly functions: Record<string, string> }
  /** Asks the Functions host for a sweep now, as its administrator can. */
  sweep(): Promise<void>
  /** Turns the sweeps that are asked for beside the timer's own on or off. */
  sweepOften(on: boolean): void
  /** Hands each line of web's stdout to a second taker as well; undefined ends it. */
  twice(take: ((line: string) => void) | undefined): void
  /** SIGKILL, and a start at once. */
  crash(host: 'web' | 'functions'): Promise<void>
  /** A second Functions host on the same stores, behind an edge of its own. */
  second(): Promise<{ origin: string; sweep(): Promise<void>; close(): Promise<void> }>
  close(): Promise<void>
}

export interface ManagedPostgres {
  readonly connection: string
  readonly pid: number
  kill(): Promise<void>
  stop(): Promise<void>
  start(): Promise<void>
}

export interface Sender {
  /** Before each further try, in ms: none of them means a single try. */
  retrySpacingMs: readonly number[]
}

/** How the reference's own sender spread six tries over thirty seconds. */
export const SPACING: Readonly<{ [tries: number]: readonly number[] }> = {
  1: [],
  2: [1000],
  6: [1000, 2000, 4000, 8000, 15_000],
}

/** Starts the stores, the proxies before them, and a lab on these. Whatever fails, nothing stays behind. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const undo = createUndo(options.log)
  try {
    return await open(options, undo)
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function open(options: StageOptions, undo: ReturnType<typeof createUndo>): Promise<Stage> {
  const { dir, root, random, log, signal } = options
  const secrets = await loadSecrets(dir)
  const [redis, postgres, tables] = await Promise.all([
    openRedisStore(dir),
    openPostgres(dir),
    startTables({ dir, secrets, log }),
  ])
  undo.push('stores', () => Promise.all([redis.close(), postgres.stop(), tables.close()]))
  const at = { web: 0, functions: 0 }
  const webEdge = { port: 0 }
  const toRedis = await startProxy(addressIn(redis.connection))
  const redisOf = {
    web: await startProxy({ host: '127.0.0.1', port: toRedis.port }),
    functions: await startProxy({ host: '127.0.0.1', port: toRedis.port }),
  }
  const proxies = {
    redis: toRedis,
    redisOf,
    postgres: await startProxy(addressIn(postgres.connection)),
    tables: await startHttpProxy(() => addressIn(tables.connection).port),
    web: await startHttpProxy(() => webEdge.port),
  }
  undo.push('proxies', () => {
    const { redisOf: ofHosts, ...others } = proxies
    return Promise.all([...Object.values(ofHosts), ...Object.values(others)].map((proxy) => proxy.close()))
  })
  const record = createRecord()
  const clock = { web: 0, functions: 0 }
  const variables = { web: {}, functions: {} }
  const sender: Sender = { retrySpacingMs: [] }
  let secondTaker: ((line: string) => void) | undefined

  /** The app as the lab would start it, on the clock of the stage, its lines noted. */
  const around =
    (host: 'web' | 'functions', launch: Launch): Launch =>
    async (given) => {
      const launched = await launch({
        ...given,
        env: {
          ...given.env,
          ...variables[host],
          REDIS_URL: through(given.env.REDIS_URL ?? '', proxies.redisOf[host]),
          ...(host === 'functions' && { WEB_ORIGIN: proxies.web.origin }),
          ...(clock[host] !== 0 && { NODE_OPTIONS: `--import ${CLOCK}`, FAULT_CLOCK_MS: String(clock[host]) }),
        },
        onStdout(line) {
          record.take(line)
          if (host === 'web') secondTaker?.(line)
          given.onStdout(line)
        },
      })
      at[host] = launched.port
      return launched
    }
  const launchHost = launchBundledHost(options.hostBundle)

  const lab = await startLab({
    dir,
    root,
    ports: { web: 0, functions: 0, datadog: 0 },
    log,
    signal,
    given: {
      REDIS_URL: through(redis.connection, proxies.redis),
      DATABASE_URL: through(postgres.connection, proxies.postgres),
      TABLES_CONNECTION: through(tables.connection, proxies.tables),
    },
    settings: { ...SETTINGS, ...options.settings },
    webhookQueue: sender,
    build: async () => {},
    programs: { web: around('web', launchWeb), functions: around('functions', launchHost) },
  })
  undo.push('lab', lab.stop)
  webEdge.port = portOf(lab.urls.web)
  const config = parseFunctionsConfig(lab.env.functions)
  const direct = {
    REDIS_URL: redis.connection,
    DATABASE_URL: postgres.connection,
    TABLES_CONNECTION: tables.connection,
  }
  const cast = await openCast({ config, direct, urls: lab.urls, signal })
  undo.push('cast', cast.close)

  const sweepAt = async (port: number) => {
    const asked = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"input":""}' }
    const answer = await fetch(`http://127.0.0.1:${port}/admin/functions/sweep`, {
      ...asked,
      signal: AbortSignal.timeout(2000),
    })
    await answer.body?.cancel()
    if (answer.status !== 202) throw new Error(`a sweep could not be asked for: ${answer.status}`)
  }
  const sweep = () => sweepAt(at.functions)
  let often = true
  const { sweepEverySeconds } = options
  if (sweepEverySeconds !== undefined) {
    // While functions is away nobody sweeps: that is part of the fault.
    const timer = setInterval(() => void (often && sweep().catch(() => {})), sweepEverySeconds * 1000)
    undo.push('sweeps', () => clearInterval(timer))
  }

  return {
    ...{ lab, config, random, signal, log, proxies, redis, postgres, record, cast, sender, clock, variables, sweep },
    twice(take) {
      secondTaker = take
    },
    sweepOften(on) {
      often = on
    },
    async crash(host) {
      await lab[host].kill()
      await lab[host].start()
    },
    async second() {
      const behind = { port: 0 }
      const part = await around('functions', async (given) => {
        const launched = await launchHost({ ...given, dir: `${dir}/second` })
        behind.port = launched.port
        return launched
      })({ root, dir, env: lab.env.functions, onStdout: () => {}, onStderr: () => {}, born: () => {} })
      const edge: Edge = await startEdge({ flavour: azure, target: () => behind.port })
      const close = async () => {
        await edge.close()
        await part.part.stop()
      }
      undo.push('second host', close)
      return { origin: edge.origin, sweep: () => sweepAt(behind.port), close }
    },
    close: () => undo.run(),
  }
}

const launchBundledHost =
  (script: string): Launch =>
  async ({ root, dir, env, born, onStdout, onStderr }: LaunchOptions): Promise<Launched> => {
    const part: Part = startNode({
      name: 'functions',
      script,
      args: ['--root', root, '--port', '0', '--state-dir', `${dir}/timers`, '--no-local-settings'],
      cwd: root,
      ...{ env, onStdout, onStderr },
    })
    born(part)
    const { port } = await awaitMessage(part, 'ready', READY_MS)
    return { part, port: Number(port) }
  }

async function openPostgres(dir: string): Promise<ManagedPostgres> {
  const secrets = await loadSecrets(dir)
  const options = { dir, secrets, log: () => {} }
  let running: RunningStore = await startPostgres(options)
  const { connection } = running
  return {
    connection,
    get pid() {
      return running.pid
    },
    async kill() {
      process.kill(running.pid, 'SIGKILL')
      await running.ended
    },
    stop: () => running.close(),
    async start() {
      running = await startPostgres({ ...options, port: portOf(connection) })
      if (running.connection !== connection) throw new Error('PostgreSQL came back on another port')
    },
  }
}

const portOf = (url: string): number => Number(new URL(url).port)

/** Waits, unless the run is stopped. */
export const wait = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal })

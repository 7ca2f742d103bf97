import type { ServerResponse } from 'node:http'
import { join, resolve } from 'node:path'
import { type AppFiles, readAppFiles } from './app-settings.ts'
import { acquireCore, type RegisteredFunction, type Registrations, releaseCore } from './core-module.ts'
import { overrideEnv } from './env.ts'
import { buildFunctionTable, type FunctionTable } from './function-table.ts'
import { sendEmpty } from './http-response.ts'
import { invoke, type Trigger } from './invoke.ts'
import { type ListeningServer, listen, stopListening } from './listen.ts'
import { loadApp } from './load-app.ts'
import { createHostLog } from './log.ts'
import { isLoopbackName } from './loopback.ts'
import { createRunning, endsWithin } from './running.ts'
import { createListener } from './server.ts'
import { type PreparedTimer, prepareTimer, startTimer, timerInfoNow } from './timer.ts'
import { traceContext } from './trace.ts'

export interface HostOptions {
  /** Folder with host.json and package.json. */
  readonly root: string
  /** 0 chooses a free port; default 7071, as with `func`. */
  readonly port?: number
  /** Loopback only. */
  readonly hostname?: string
  /** Added to the process environment while the host runs; takes precedence over local.settings.json. */
  readonly env?: Readonly<Record<string, string>>
  /** Called with each line of the host or of `context.log`; default stderr. */
  readonly log?: (line: string) => void
  /** The folder for the status of timers; default `<root>/.lab/timers`. */
  readonly stateDir?: string
  /** false leaves local.settings.json unread. */
  readonly localSettings?: boolean
  /** The time that a stop waits for running invocations; default 10,000, as in Azure. */
  readonly drainMs?: number
  /** The time limit of the appTerminate hooks; default 5,000, as in Azure. */
  readonly terminateMs?: number
}

export interface FunctionInfo {
  readonly name: string
  readonly type: 'httpTrigger' | 'timerTrigger'
  /** Empty for a timer. */
  readonly methods: readonly string[]
  /** Path with its prefix, `/api/auth/login`; empty for a timer. */
  readonly route: string
}

export interface FunctionsHost {
  readonly url: string
  readonly port: number
  /** The served functions in the order of matching. */
  readonly functions: readonly FunctionInfo[]
  /** One message per function in error, which is not served. */
  readonly errors: readonly string[]
  /** Stops listening, waits for running invocations (`drainMs`), then for the appTerminate hooks (`terminateMs`). */
  close(): Promise<void>
  /** Answers every running request with 500, as after a crash of the worker. */
  failRunning(): Promise<void>
}

const DEFAULT_BODY_LIMIT_BYTES = 104_857_600

/**
 * Runs a function app of the v4 programming model like Azure's host, with HTTP and timer triggers.
 *
 * **One host at a time in a process**: the answer to `require('@azure/functions-core')`, the environment and the module
 * cache are process-wide. For a second host, or to isolate a crash, use `spawnFunctionsHost`.
 * @throws Error when the app cannot start because of a file, its code, or the port; then nothing is left running
 */
export async function startFunctionsHost(options: HostOptions): Promise<FunctionsHost> {
  const root = resolve(options.root)
  const hostname = options.hostname ?? '127.0.0.1'
  if (!isLoopbackName(hostname)) throw new Error(`This host binds to loopback only, not to ${hostname}`)
  const files = await readAppFiles(root, options.localSettings ?? true)
  const write = options.log ?? ((line: string) => process.stderr.write(`${line}\n`))
  const registrations = acquireCore(createHostLog(files.hostJson.logLevel, write))
  const undo: (() => unknown)[] = [() => releaseCore(registrations)]
  try {
    for (const note of files.notes) write(`Note: ${note}`)
    const listening = await listen(options.port ?? 7071, hostname)
    undo.unshift(() => stopListening(listening.server))
    undo.unshift(overrideEnv({ ...options.env }, { ...files.localValues, ...localEnv(listening.port) }))
    undo.unshift(await loadApp(registrations, root, files.entryFiles, files.isModulePackage))
    return await serve({ ...listening, root, hostname, files, registrations, write, undo, options })
  } catch (error) {
    for (const step of undo) await step()
    throw error
  }
}

interface Loaded extends ListeningServer {
  readonly root: string
  readonly hostname: string
  readonly files: AppFiles
  readonly registrations: Registrations
  readonly write: (line: string) => void
  /** Reverts the changes of the start, step by step. */
  readonly undo: readonly (() => unknown)[]
  readonly options: HostOptions
}

async function serve(loaded: Loaded): Promise<FunctionsHost> {
  const { registrations, files, write, port, server } = loaded
  const { hostJson } = files
  const registered = buildFunctionTable(registrations.functions.values(), hostJson.routePrefix, process.env)
  const { timers, faults } = prepareTimers(registered, loaded)
  const table = { ...registered, timers: timers.map(({ target }) => target), faults }
  const errors = faults.map(({ message }) => message)
  for (const line of [...errors, ...table.warnings]) write(`Warning: ${line}`)
  if (registrations.functions.size === 0) write('Warning: the app registered no functions')

  const running = createRunning()
  const open = new Set<ServerResponse>()
  const run = (registered: RegisteredFunction, trigger: Trigger) =>
    running.track(invoke(registrations, registered, trigger, hostJson.functionTimeoutMs))
  const runTimer = ({ target }: PreparedTimer, info: string, reason: string) =>
    run(target.registered, { binding: target.binding, data: { json: info }, traceContext: traceContext(), reason })
  const listener = createListener({
    run,
    table,
    hostJson,
    log: registrations.log,
    bodyLimitBytes: bodyLimit(),
    homepage: process.env.AzureWebJobsDisableHomepage?.toLowerCase() !== 'true',
    startTimer: (name) => {
      const timer = timers.find(({ target }) => target.name === name)
      if (timer)
        running.track(timerInfoNow(timer).then((info) => runTimer(timer, info, 'Run on request'))).catch(() => {})
    },
  })
  loaded.setListener((request, response) => {
    open.add(response)
    response.once('close', () => open.delete(response))
    listener(request, response)
  })
  const scheduled = timers.filter(({ target }) => !target.disabled)
  const stops = await Promise.all(
    scheduled.map((timer) => startTimer(timer, (info, reason) => runTimer(timer, info, reason), registrations.log)),
  )
  const { drainMs = 10_000, terminateMs = 5_000 } = loaded.options
  const close = async () => {
    for (const response of open) if (!response.headersSent) response.shouldKeepAlive = false
    const drained = Promise.all([stopListening(server), ...stops.map((stop) => stop()), running.settled()])
    if (!(await endsWithin(drained, drainMs)))
      write(`Warning: invocations that still ran after ${drainMs} ms were abandoned`)
    server.closeAllConnections()
    const terminated = await endsWithin(terminate(registrations), terminateMs)
    if (!terminated) write(`Warning: the appTerminate hooks exceeded their limit of ${terminateMs} ms`)
    for (const step of loaded.undo) await step()
  }
  let closing: Promise<void> | undefined
  return {
    url: `http://${loaded.hostname.includes(':') ? `[${loaded.hostname.replace(/[[\]]/g, '')}]` : loaded.hostname}:${port}`,
    port,
    functions: [...table.http.filter(({ disabled }) => !disabled).map(httpInfo), ...scheduled.map(timerInfo)],
    errors,
    close: () => {
      closing ??= close()
      return closing
    },
    failRunning: async () => {
      const closed = [...open].map((response) => new Promise((done) => response.once('close', done)))
      for (const response of open) sendEmpty(response, 500)
      await endsWithin(Promise.all(closed), 1000)
    },
  }
}

/** @returns the timers with a valid schedule, and all faults */
function prepareTimers(table: FunctionTable, { root, options }: Loaded) {
  const timers: PreparedTimer[] = []
  const faults = [...table.faults]
  for (const target of table.timers) {
    try {
      timers.push(prepareTimer(target, options.stateDir ?? join(root, '.lab', 'timers'), process.env))
    } catch (error) {
      const message = `The '${target.name}' function is in error: ${error instanceof Error ? error.message : error}`
      faults.push({ registered: target.registered, message })
    }
  }
  return { timers, faults }
}

async function terminate({ hooks, appHookData, appOnlyHookData, log }: Registrations): Promise<void> {
  try {
    for (const hook of hooks.appTerminate) await hook({ hookData: appOnlyHookData, appHookData })
  } catch (error) {
    log('error', 'Host.Worker', `An appTerminate hook failed: ${error}`)
  }
}

/** The variables that Core Tools sets for a local run. */
const localEnv = (port: number) => ({
  WEBSITE_HOSTNAME: `localhost:${port}`,
  AZURE_FUNCTIONS_ENVIRONMENT: 'Development',
})

function bodyLimit(): number {
  const text = process.env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT
  if (text === undefined) return DEFAULT_BODY_LIMIT_BYTES
  const bytes = Number(text)
  if (!Number.isInteger(bytes) || bytes < 0)
    throw new Error('FUNCTIONS_REQUEST_BODY_SIZE_LIMIT must be a number of bytes')
  return bytes
}

const httpInfo = ({ name, methods, route }: FunctionTable['http'][number]): FunctionInfo => ({
  name,
  type: 'httpTrigger',
  methods,
  route: `/${route}`,
})

const timerInfo = ({ target }: PreparedTimer): FunctionInfo => ({
  name: target.name,
  type: 'timerTrigger',
  methods: [],
  route: '',
})

import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Datadog } from '../datadog/server.ts'
import type { QueueOptions } from '../datadog/webhook-queue.ts'
import { endLeftover } from '../processes/leftovers.ts'
import type { Supervised } from '../processes/supervised.ts'
import { removeRedisData } from '../stores/redis.ts'
import type { StoreConnections, StoreName } from '../stores/start.ts'
import { createApps } from './apps.ts'
import { connectionsOf, pidsOf, startBacking } from './backing.ts'
import { deferred } from './deferred.ts'
import { DetectionFiles } from './detections.ts'
import { type AppEnvironments, appEnvironments } from './environment.ts'
import { followDetections } from './follow-detections.ts'
import { type ConsolePorts, openFront, type Ports } from './front.ts'
import { openLogFiles } from './log-files.ts'
import { buildApps, migrateDatabase } from './prepare.ts'
import { type Launch, launchFunctions, launchWeb } from './programs.ts'
import { createRunRecord, lastRun, type RunFile, readRunFile, removeRunFile } from './run-file.ts'
import { type LabSecrets, loadSecrets } from './secrets.ts'
import { createUndo, type Undo } from './undo.ts'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))

export interface LabOptions {
  /** The directory of data, secrets, logs and run.json; for one lab at a time. */
  readonly dir: string
  /** Preferred ports; a free one is used for a taken one and for 0. */
  readonly ports: Ports
  /** The interval of the evaluation; without it, monitors are evaluated at each event. */
  readonly cadenceSeconds?: number
  /** Retries and time-outs of the stand-in's webhooks; read at each delivery. */
  readonly webhookQueue?: QueueOptions
  /** What the console can do beyond the lab. */
  readonly console?: ConsolePorts
  /** Called with messages for a person. */
  readonly log: (text: string) => void
  /** Called for each part that is ready. */
  readonly onReady?: (part: ReadyPart) => void
  /** Aborts the start. */
  readonly signal?: AbortSignal
  /** Running stores, each of which replaces the embedded one. */
  readonly given?: Partial<Record<StoreName, string | undefined>>
  /** Also starts Azurite's blob and queue services, which Azure's own host needs. */
  readonly withBlobAndQueue?: boolean
  /** Further variables of the apps. */
  readonly settings?: Readonly<Record<string, string | undefined>>
  /** The project's root, or a test's replacement. */
  readonly root?: string
  readonly detections?: string
  /** The seed of the exercise whose detections these are. */
  readonly exercise?: number
  /** Reads the detections anew when they are edited. */
  readonly followDetections?: boolean
  readonly programs?: { readonly web?: Launch; readonly functions?: Launch }
  readonly build?: (root: string) => Promise<void>
  readonly migrate?: (databaseUrl: string) => Promise<void>
}

export interface ReadyPart {
  readonly name: string
  readonly detail: string
  /** Since the lab's start. */
  readonly ms: number
}

/** A running lab. */
export interface LabHandle {
  readonly dir: string
  readonly urls: RunFile['urls']
  readonly stores: StoreConnections
  /** Whether sessions outlive the lab. */
  readonly keepsSessions: boolean
  readonly secrets: LabSecrets
  /** The environments of the apps. */
  readonly env: AppEnvironments
  /** The apps, each of which can be stopped and started again. */
  readonly web: Supervised
  readonly functions: Supervised
  readonly datadog: Datadog
  /** The folder of the log files, and the file with both hosts' events. */
  readonly logs: { readonly dir: string; readonly events: string }
  /** The current content of run.json. */
  run(): Promise<RunFile>
  /** Resolves when every log line so far has reached the stand-in. */
  flush(): Promise<void>
  /** Resolves with the reason when a part has ended for good; then the lab must be stopped. */
  readonly failed: Promise<Error>
  /** Stops all parts in reverse order; safe to call twice. */
  stop(): Promise<void>
}

/** A lab is already running in this directory; `run` describes it. */
export class LabRunningError extends Error {
  override readonly name = 'LabRunningError'
  readonly run: RunFile

  constructor(run: RunFile) {
    super(`A lab is already running: process ${run.pid}, ${run.urls.web}`)
    this.run = run
  }
}

/**
 * Starts a lab: stores, the stand-in, edges, both apps and the delivery of their logs. If a part fails, everything started
 * so far is stopped.
 * @throws LabRunningError, or the error of a part that could not start
 */
export async function startLab(options: LabOptions): Promise<LabHandle> {
  const dir = resolve(options.dir)
  const running = await readRunFile(dir)
  if (running) throw new LabRunningError(running)
  await endLastRun(dir, options.log)
  const undo = createUndo(options.log)
  try {
    return await start({ ...options, dir }, undo)
  } catch (error) {
    await undo.run()
    throw error
  }
}

async function start(options: LabOptions, undo: Undo): Promise<LabHandle> {
  const { dir, log, signal, ports, cadenceSeconds, webhookQueue, root = PROJECT, settings = {}, given = {} } = options
  const onReady = readyTimer(options.onReady)
  const failure = deferred<Error>()
  const secrets = await loadSecrets(dir)
  const detectionsFolder = options.detections ?? join(root, 'detections')
  const files = await DetectionFiles.open(detectionsFolder)
  const detections = files.content
  const logs = await openLogFiles(dir)
  undo.push('log files', logs.close)
  undo.push('run.json', () => removeRunFile(dir))

  const build = () => (options.build ?? buildApps)(root)
  const stores = await startBacking({
    dir,
    given,
    build,
    logs,
    log,
    onReady,
    undo,
    withBlobAndQueue: options.withBlobAndQueue ?? false,
    onLost: failure.resolve,
  })
  signal?.throwIfAborted()
  await (options.migrate ?? migrateDatabase)(stores.DATABASE_URL)
  onReady('migrations', '')
  signal?.throwIfAborted()

  const { exercise } = options
  const front = await openFront({
    root,
    detectionsFolder,
    console: options.console,
    exercise,
    ports,
    secrets,
    detections,
    cadenceSeconds,
    webhookQueue,
    logs,
    log,
    undo,
  })
  const { webEdge, functionsEdge, datadog } = front
  const mode = cadenceSeconds === undefined ? 'at each event' : `every ${cadenceSeconds} s`
  if (options.followDetections) {
    const watch = await followDetections(files, datadog, log)
    undo.push('watch of the detections', watch.close)
  }
  onReady('Datadog stand-in', `${detections.monitors.length} monitors, evaluated ${mode}`)
  const urls = { web: webEdge.origin, functions: functionsEdge.origin, datadog: datadog.url }
  const mail = { smtpUrl: front.smtpUrl, mailboxUrl: datadog.mailboxUrl }
  const { rumUrl, url: apiUrl } = datadog
  const env = appEnvironments({ secrets, stores, origins: urls, mail, rumUrl, apiUrl, settings })

  const record = createRunRecord(dir, {
    started_at: new Date().toISOString(),
    mode: { cadence_seconds: cadenceSeconds ?? null },
    urls,
    stores: connectionsOf(stores),
    ...(exercise !== undefined && { exercise: { seed: exercise, detections: files.dir } }),
    pids: () => ({ web: apps.web.pid, functions: apps.functions.pid, ...pidsOf(stores) }),
  })
  const apps = createApps({
    root,
    dir,
    env,
    front,
    logs,
    log,
    programs: { web: options.programs?.web ?? launchWeb, functions: options.programs?.functions ?? launchFunctions },
    onReady(host) {
      onReady(host, urls[host])
      record.processesChanged()
    },
    onGivenUp: failure.resolve,
  })
  undo.push('apps', apps.stop)
  await apps.start(signal)
  await record.publish()
  return {
    dir,
    urls,
    secrets,
    env,
    datadog,
    stores: connectionsOf(stores),
    keepsSessions: stores.running.REDIS_URL?.durable ?? true,
    web: apps.web,
    functions: apps.functions,
    logs: { dir: logs.dir, events: logs.events },
    run: record.read,
    flush: front.flush,
    failed: failure.promise,
    stop: undo.run,
  }
}

/** Ends processes that outlived a killed lab, because they may hold data or ports that the next one needs. */
async function endLastRun(dir: string, log: (text: string) => void): Promise<void> {
  const last = await lastRun(dir)
  for (const [name, { pid, born }] of Object.entries(last?.pids ?? {})) {
    if (await endLeftover(pid, born)) log(`stopped ${name}, which an earlier lab left running (process ${pid})`)
  }
  // Its stand-in lost the alerts that were under way, so a stolen session that outlived it would never be contained.
  if (last) await removeRedisData(dir)
  await removeRunFile(dir)
}

function readyTimer(listener: LabOptions['onReady']): (name: string, detail: string) => void {
  const started = performance.now()
  return (name, detail) => listener?.({ name, detail, ms: performance.now() - started })
}

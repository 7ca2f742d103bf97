import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { REVOKE_PATH } from '../../shared/containment/revoke-call.ts'
import type { ConsoleOptions } from '../console/console.ts'
import { type Configuration, type Datadog, type DatadogOptions, startDatadog } from '../datadog/server.ts'
import type { QueueOptions } from '../datadog/webhook-queue.ts'
import { CookieCopies } from '../edge/copies.ts'
import { type Edge, startEdge } from '../edge/edge.ts'
import { azure, heroku } from '../edge/flavour.ts'
import type { RecordedCall } from '../edge/recording.ts'
import { createDrain } from '../logplex/drain.ts'
import { createForwarder } from '../logplex/forwarder.ts'
import { Mailbox } from '../mailbox/mailbox.ts'
import { startReceiver } from '../mailbox/receive.ts'
import { ENV, RUM, SERVICE } from './environment.ts'
import type { LogFiles } from './log-files.ts'
import type { LabSecrets } from './secrets.ts'
import type { Undo } from './undo.ts'

export interface Ports {
  readonly web: number
  readonly functions: number
  readonly datadog: number
}

export type ConsolePorts = Pick<ConsoleOptions, 'attacks' | 'containments' | 'countryOf'>

export interface FrontOptions {
  /** The project's root, which holds the built console. */
  readonly root: string
  /** The seed of the exercise that runs. */
  readonly exercise: number | undefined
  readonly ports: Ports
  readonly secrets: LabSecrets
  readonly detections: Configuration
  /** Where they were read. */
  readonly detectionsFolder: string
  readonly cadenceSeconds: number | undefined
  readonly webhookQueue: QueueOptions | undefined
  /** What the console can do beyond the lab. */
  readonly console: ConsolePorts | undefined
  readonly logs: LogFiles
  readonly log: (text: string) => void
  readonly undo: Undo
}

/** Everything between the apps and the outside world: their edges, and the delivery of their logs to Datadog. */
export interface Front {
  readonly webEdge: Edge
  readonly functionsEdge: Edge
  readonly datadog: Datadog
  /** The value of `SMTP_URL`. */
  readonly smtpUrl: string
  /** Sets the port of the app behind an edge. */
  readonly behind: { web: number; functions: number }
  /** Accepts a line of an app's stdout. */
  takeWeb(line: string): void
  takeFunctions(line: string): void
  /** Resolves when every line so far has reached Datadog or was given up. */
  flush(): Promise<void>
}

/** No program listens on the reserved port 1: until an app is up, its edge answers like a platform without a running app. */
const NO_APP = 1

/** Opens all public ports of the lab; the apps are connected later. */
export async function openFront(options: FrontOptions): Promise<Front> {
  const { ports, secrets, logs, log, undo } = options
  const behind = { web: NO_APP, functions: NO_APP }
  const seen: Seen = { routerLine: () => {}, call: () => {} }
  const edges = await openEdges({ ...options, behind, seen })
  const { webEdge, functionsEdge } = edges
  const mailbox = new Mailbox()
  const receiver = await startReceiver(mailbox, (line) => logs.note('mail', line))
  undo.push('mail receiver', receiver.close)
  const forwarding = forwardingSwitch(logs)
  const datadog = await startDatadog(datadogOptions(options, { ...edges, mailbox, forwarding }))
  seen.call = (call) => datadog.console?.noteCall(call)
  undo.push('Datadog stand-in', datadog.close)
  const { drain, forwarder } = openDelivery(datadog.intakeUrl, secrets.DD_API_KEY, logs)
  seen.routerLine = (line) => drain.router(line)
  undo.push('log delivery', () => Promise.all([drain.close(), forwarder.close()]))
  for (const [name, wanted, got] of [
    ['web', ports.web, webEdge.port],
    ['functions', ports.functions, functionsEdge.port],
    ['the Datadog stand-in', ports.datadog, datadog.port],
  ] as const) {
    if (wanted !== 0 && wanted !== got) log(`port ${wanted} is taken: ${name} uses ${got}`)
  }
  return {
    ...{ webEdge, functionsEdge, datadog, behind, smtpUrl: receiver.url },
    takeWeb(line) {
      logs.event('web', line)
      drain.app(line)
    },
    takeFunctions(line) {
      logs.event('functions', line)
      if (forwarding.isOn) forwarder.write(line)
    },
    async flush() {
      await Promise.all([drain.flush(), forwarder.flush()])
    },
  }
}

/** What learns of the traffic of web's edge. Both are connected after the edge, because they need its origin. */
interface Seen {
  routerLine: (line: string) => void
  call: (call: RecordedCall) => void
}

interface Edges {
  readonly webEdge: Edge
  readonly functionsEdge: Edge
  readonly copies: CookieCopies
}

async function openEdges({
  ports,
  logs,
  undo,
  behind,
  seen,
}: FrontOptions & { readonly behind: Front['behind']; readonly seen: Seen }): Promise<Edges> {
  const copies = new CookieCopies()
  const webEdge = await startEdge({
    flavour: heroku,
    onRequest: (headers) => copies.note(headers),
    record: { path: REVOKE_PATH, done: (call) => seen.call(call) },
    port: ports.web,
    target: () => behind.web,
    onRouterLine(line) {
      logs.router(line)
      seen.routerLine(line)
    },
  })
  const functionsEdge = await startEdge({ flavour: azure, port: ports.functions, target: () => behind.functions })
  undo.push('edges', () => Promise.all([webEdge.close(), functionsEdge.close()]))
  return { webEdge, functionsEdge, copies }
}

interface Forwarding {
  readonly isOn: boolean
  set(on: boolean): void
}

/** Whether the logs of functions are forwarded. */
function forwardingSwitch(logs: LogFiles): Forwarding {
  let isOn = true
  return {
    get isOn() {
      return isOn
    },
    set(on) {
      if (on !== isOn) logs.note('delivery', `the functions' logs are ${on ? 'forwarded again' : 'NOT forwarded'}`)
      isOn = on
    },
  }
}

function datadogOptions(
  { root, detectionsFolder, exercise, ports, secrets, detections, cadenceSeconds, ...options }: FrontOptions,
  {
    webEdge,
    functionsEdge,
    copies,
    mailbox,
    forwarding,
  }: Edges & { readonly mailbox: Mailbox; readonly forwarding: Forwarding },
): DatadogOptions {
  return {
    ...detections,
    port: ports.datadog,
    apiKey: secrets.DD_API_KEY,
    appKey: secrets.DD_APP_KEY,
    variables: {
      ATO_FUNCTIONS_ORIGIN: functionsEdge.origin,
      ATO_FUNCTION_KEY: secrets.ATO_FUNCTION_KEY,
      ATO_WEBHOOK_SECRET: secrets.ATO_WEBHOOK_SECRET,
    },
    tags: [`env:${ENV}`],
    rum: { ...RUM, origin: webEdge.origin },
    mailbox,
    console: {
      root,
      detections: detectionsFolder,
      ...(exercise !== undefined && { exercise: String(exercise) }),
      version: versionOfProject(),
      urls: { web: webEdge.origin, functions: functionsEdge.origin },
      ...options.console,
    },
    copyOf: (sid, hasEnded) => copies.find(sid, hasEnded),
    setForwarding: forwarding.set,
    log: (line) => options.logs.note('datadog', line),
    ...(cadenceSeconds !== undefined && { cadenceSeconds }),
    ...(options.webhookQueue && { queue: options.webhookQueue }),
  }
}

/** The ways of the logs to Datadog: the drain of web, and the forwarder of functions. */
function openDelivery(intakeUrl: string, apiKey: string, logs: LogFiles) {
  const log = (line: string) => logs.note('delivery', line)
  return {
    drain: createDrain({ url: drainUrl(intakeUrl, apiKey), log }),
    forwarder: createForwarder({
      ...{ url: intakeUrl, apiKey, service: SERVICE },
      ...{ ddtags: `env:${ENV}`, hostname: 'functions', log },
    }),
  }
}

function versionOfProject(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

/** The URL for `heroku drains:add`, as in Datadog's guide. */
function drainUrl(intakeUrl: string, apiKey: string): string {
  const query = new URLSearchParams({
    'dd-api-key': apiKey,
    ddsource: 'heroku',
    ddtags: `env:${ENV}`,
    service: SERVICE,
    host: 'web',
  })
  return `${intakeUrl}?${query}`
}

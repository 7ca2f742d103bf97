import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { REVOKE_PATH } from '../../shared/containment/revoke-call.ts'
import type { ConsoleOptions } from '../console/console.ts'
import { type Configuration, type Datadog, startDatadog } from '../datadog/server.ts'
import type { QueueOptions } from '../datadog/webhook-queue.ts'
import { CookieCopies } from '../edge/copies.ts'
import { type Edge, startEdge } from '../edge/edge.ts'
import { azure, heroku } from '../edge/flavour.ts'
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
  const {
    root,
    detectionsFolder,
    exercise,
    ports,
    secrets,
    detections,
    cadenceSeconds,
    webhookQueue,
    logs,
    log,
    undo,
  } = options
  const behind = { web: NO_APP, functions: NO_APP }
  let drain: ReturnType<typeof createDrain> | undefined
  let view: Datadog['console']
  const copies = new CookieCopies()
  const webEdge = await startEdge({
    flavour: heroku,
    onRequest: (headers) => copies.note(headers),
    record: { path: REVOKE_PATH, done: (call) => view?.noteCall(call) },
    port: ports.web,
    target: () => behind.web,
    onRouterLine(line) {
      logs.router(line)
      drain?.router(line)
    },
  })
  const functionsEdge = await startEdge({ flavour: azure, port: ports.functions, target: () => behind.functions })
  undo.push('edges', () => Promise.all([webEdge.close(), functionsEdge.close()]))
  const mailbox = new Mailbox()
  const receiver = await startReceiver(mailbox, (line) => logs.note('mail', line))
  undo.push('mail receiver', receiver.close)
  let forwarding = true
  const datadog = await startDatadog({
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
    setForwarding(on) {
      if (on !== forwarding)
        logs.note('delivery', `the functions' logs are ${on ? 'forwarded again' : 'NOT forwarded'}`)
      forwarding = on
    },
    log: (line) => logs.note('datadog', line),
    ...(cadenceSeconds === undefined ? {} : { cadenceSeconds }),
    ...(webhookQueue && { queue: webhookQueue }),
  })
  view = datadog.console
  undo.push('Datadog stand-in', datadog.close)
  const note = (line: string) => logs.note('delivery', line)
  const forwarder = createForwarder({
    url: datadog.intakeUrl,
    apiKey: secrets.DD_API_KEY,
    service: SERVICE,
    ddtags: `env:${ENV}`,
    hostname: 'functions',
    log: note,
  })
  const opened = createDrain({ url: drainUrl(datadog.intakeUrl, secrets.DD_API_KEY), log: note })
  drain = opened
  undo.push('log delivery', () => Promise.all([opened.close(), forwarder.close()]))
  for (const [name, wanted, got] of [
    ['web', ports.web, webEdge.port],
    ['functions', ports.functions, functionsEdge.port],
    ['the Datadog stand-in', ports.datadog, datadog.port],
  ] as const) {
    if (wanted !== 0 && wanted !== got) log(`port ${wanted} is taken: ${name} uses ${got}`)
  }
  return {
    webEdge,
    functionsEdge,
    datadog,
    smtpUrl: receiver.url,
    behind,
    takeWeb(line) {
      logs.event('web', line)
      opened.app(line)
    },
    takeFunctions(line) {
      logs.event('functions', line)
      if (forwarding) forwarder.write(line)
    },
    async flush() {
      await Promise.all([opened.flush(), forwarder.flush()])
    },
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

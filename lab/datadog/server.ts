import { createHash, timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import { Evaluator, type IndexedLog, type Monitor, nextAligned, type Transition, type Updated } from 'alertproof'
import type { Pipeline } from 'alertproof/intake'
import type { Webhook } from 'alertproof/notify'
import { RuleEvaluator, type SiemRule, type SignalChange } from 'alertproof/siem'
import type { Detector } from '../console/api.ts'
import { type Console, type ConsoleOptions, createConsole } from '../console/console.ts'
import type { Mailbox } from '../mailbox/mailbox.ts'
import { listenOnLoopback } from '../processes/loopback.ts'
import { AlertBook, type AlertEvent } from './alerts.ts'
import { Clock } from './clock.ts'
import { RecentLogs } from './recent.ts'
import { type CopyOf, type Counters, createRoutes } from './routes.ts'
import type { RumApplication } from './rum/batch.ts'
import { createRumIntake, RUM_PATH } from './rum/intake.ts'
import { SignalBook, type SignalBookOptions } from './signals.ts'
import type { QueueOptions } from './webhook-queue.ts'

export interface DatadogOptions {
  /** Port on both loopback addresses; a free one is used instead of 0 or of a taken one. */
  port: number
  apiKey: string
  /** Opens the API for monitors together with the API key; without it that API refuses all. */
  appKey?: string
  monitors: readonly Monitor[]
  /** Rules of Cloud SIEM; those that are not enabled are not evaluated. */
  rules?: readonly SiemRule[]
  webhooks: readonly Webhook[]
  /** Applied in order to every log after its preprocessing. */
  pipelines?: readonly Pipeline[]
  /** The account's custom variables, which webhooks refer to as `$NAME`. */
  variables: Readonly<Record<string, string>>
  /**
   * Evaluates monitors at this interval, aligned to the minute, as Datadog does. Without it they are evaluated at each log. Rules are always
   * evaluated at each log.
   */
  cadenceSeconds?: number
  latenessSeconds?: number
  /** Drops repeated Logplex frames. Off by default, because Datadog does not document it. */
  deduplicateFrames?: boolean
  /** Tags of the account, added to every log that has no tag with that key. */
  tags?: readonly string[]
  /** The account's one RUM application. */
  rum?: RumApplication
  /** Turns the functions' log forwarding on or off, as the owner of the subscription can. Absent without a forwarder. */
  setForwarding?: (on: boolean) => void
  /** Copies the cookie of a session, for the attack on the person at the screen. Absent without an edge. */
  copyOf?: CopyOf
  /** The lab's mailbox, shown at the same address although it is not part of Datadog. */
  mailbox?: Mailbox
  /** The lab's console, at the same address. */
  console?: ConsoleOptions
  /** Retries and time-outs of webhooks. */
  queue?: QueueOptions
  /** Called with messages for a person: refused requests, failed deliveries, logs left out. */
  log?: (line: string) => void
}

/** What the account is configured with, as its files say. */
export type Configuration = Required<Pick<DatadogOptions, 'monitors' | 'rules' | 'webhooks' | 'pipelines'>>

/** The running stand-in. */
export interface Datadog {
  url: string
  port: number
  /** The URL of the intake for a drain or forwarder, without the key. */
  intakeUrl: string
  /** The page of the lab's mail. */
  mailboxUrl: string
  /** The URL for the SDK's `proxy` option. */
  rumUrl: string
  alerts: AlertBook
  signals: SignalBook
  /** Absent if the account has none. */
  console: Console | undefined
  subscribe(listener: (event: AlertEvent) => void): () => void
  /** Changes a custom variable of the account. Requests that are already queued keep the old value, retries included. */
  setVariable(name: string, value: string): void
  /**
   * Replaces the monitors, rules, webhooks and pipelines. Monitors and rules that are evaluated as before keep their state.
   * @returns the slugs of the monitors and rules that started anew
   * @throws Error naming the file when a message cannot be read; then nothing has changed
   * @see decisions `edited-monitor`, `edited-rule`
   */
  configure(next: Configuration): readonly string[]
  /** Stops the evaluation, abandons running deliveries and frees the port. */
  close(): Promise<void>
}

/**
 * Starts the stand-in for Datadog (log intake, search, monitors, Cloud SIEM rules and webhooks) on loopback only.
 * @throws Error naming the file when the message of a monitor or of a rule cannot be read
 */
export async function startDatadog(options: DatadogOptions): Promise<Datadog> {
  const { monitors, rules = [], webhooks, pipelines = [], cadenceSeconds, latenessSeconds, log = () => {} } = options
  let current: Configuration = { monitors, rules, webhooks, pipelines }
  const server = http.createServer()
  const { port, closeSecond } = await listenOnLoopback(server, options.port)
  const url = `http://127.0.0.1:${port}`
  const variables = { ...options.variables }
  const recent = new RecentLogs()
  const mode = cadenceSeconds === undefined ? 'arrival' : `every ${cadenceSeconds} s`
  const console =
    options.console &&
    createConsole({
      ...options.console,
      ...{ mode, can: abilitiesOf(options), cadenceSeconds, logs: recent, log },
      configuration: () => current,
      openSignals: (slug) => signals.open(slug).map(({ group }) => group),
    })
  const given = { ...options, rules, variables, origin: url, observer: console?.deliveries }
  const { alerts, signals } = await booksOrClose(server, closeSecond, given)
  console?.follow(alerts, signals)
  const evaluator = new Evaluator([...monitors], {
    samples: true,
    dropped: (monitor, group) => alerts.forget(monitor, group),
    ...(console && { observer: console.values.observer }),
    ...(cadenceSeconds === undefined ? { live: true } : { cadenceSeconds }),
    ...(latenessSeconds !== undefined && { latenessSeconds }),
  })
  const ruleEvaluator = new RuleEvaluator(rules, {
    ...(console && { observer: console.values.ruleObserver }),
    ...(latenessSeconds !== undefined && { latenessSeconds }),
  })
  const counters: Counters = { logs: 0, refused_requests: 0, too_old: 0, duplicate_frames: 0 }

  const notify = (found: readonly (Transition | SignalChange)[]) => {
    for (const each of found) {
      if ('rule' in each) signals.notify(each)
      else alerts.notify(each)
    }
  }
  /** A failed evaluation is logged and does not stop later ones. */
  const evaluate = (step: () => (Transition | SignalChange)[]) => {
    try {
      notify(step())
    } catch (error) {
      log(`evaluation failed: ${error instanceof Error ? error.stack : error}`)
    }
  }
  const clock = new Clock(
    (now) => (cadenceSeconds === undefined ? evaluator.nextDue() : nextAligned(now, cadenceSeconds)),
    (now) => evaluate(() => evaluator.advance(now)),
  )
  clock.set()
  const ruleClock = new Clock(
    () => ruleEvaluator.nextDue(),
    (now) => evaluate(() => ruleEvaluator.advance(now)),
  )

  /** @param bytes of the whole request */
  const take = (logs: readonly IndexedLog[], bytes: number) => {
    for (const entry of logs) {
      entry.tags = withAccountTags(entry.tags, options.tags)
      recent.add(entry, bytes / logs.length)
      counters.logs++
      console?.see(entry)
      evaluate(() => evaluator.push(entry))
      evaluate(() => ruleEvaluator.push(entry))
    }
    clock.set()
    ruleClock.set()
  }

  const routes = createRoutes({
    isKey: keyCheck(options.apiKey),
    isAppKey: options.appKey === undefined ? () => false : keyCheck(options.appKey),
    take,
    recent,
    rum: options.rum && createRumIntake(options.rum, log),
    alerts,
    signals,
    counters,
    setForwarding: options.setForwarding,
    mailbox: options.mailbox,
    copyOf: options.copyOf,
    console,
    log,
    configuration: () => current,
    mode,
    deduplicateFrames: options.deduplicateFrames ?? false,
  })
  server.on('request', routes)

  return {
    url,
    port,
    intakeUrl: `${url}/api/v2/logs`,
    mailboxUrl: `${url}/mail`,
    rumUrl: `${url}${RUM_PATH}`,
    alerts,
    signals,
    console,
    subscribe: (listener) => alerts.subscribe(listener),
    setVariable(name, value) {
      variables[name] = value
    },
    configure(next) {
      const useAlerts = alerts.prepare(next.monitors, next.webhooks)
      const useSignals = signals.prepare(next.rules, next.webhooks)
      useAlerts()
      useSignals()
      current = next
      const now = Date.now()
      const restarted = new Set<string>()
      const renew = <T extends Transition | SignalChange>(by: Detector, update: () => Updated<T>) =>
        evaluate(() => {
          const updated = update()
          for (const slug of updated.restarted) {
            const book = by === 'monitor' ? alerts : signals
            book.restart(slug)
            restarted.add(slug)
          }
          return updated.changes
        })
      renew('monitor', () => evaluator.update(next.monitors, recent, now))
      renew('rule', () => ruleEvaluator.update(next.rules, recent, now))
      console?.values.edited(next)
      clock.set()
      ruleClock.set()
      return [...restarted]
    },
    async close() {
      clock.stop()
      ruleClock.stop()
      alerts.close()
      signals.close()
      console?.close()
      options.mailbox?.close()
      const closed = Promise.all([server.listening && new Promise((done) => server.close(done)), closeSecond()])
      server.closeAllConnections()
      await closed
    },
  }
}

/** What the console can show and do beyond the stand-in itself. */
const abilitiesOf = ({ mailbox, rum, copyOf }: DatadogOptions): string[] => [
  ...(mailbox ? ['mail'] : []),
  ...(rum ? ['rum'] : []),
  ...(copyOf ? ['mine'] : []),
]

async function booksOrClose(
  server: http.Server,
  closeSecond: () => Promise<void>,
  options: Omit<ConstructorParameters<typeof AlertBook>[0] & SignalBookOptions, 'nextId'>,
): Promise<{ alerts: AlertBook; signals: SignalBook }> {
  let count = 0
  const nextId = () => ++count
  try {
    return { alerts: new AlertBook({ ...options, nextId }), signals: new SignalBook({ ...options, nextId }) }
  } catch (error) {
    server.close()
    await closeSecond()
    throw error
  }
}

/** Compares digests in constant time; they have equal length for any input. */
function keyCheck(apiKey: string): (presented: string) => boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const expected = digest(apiKey)
  return (presented) => timingSafeEqual(digest(presented), expected)
}

function withAccountTags(tags: string[] = [], account: readonly string[] = []): string[] {
  const keyOf = (tag: string) => tag.split(':', 1)[0]
  const keys = new Set(tags.map(keyOf))
  return [...tags, ...account.filter((tag) => !keys.has(keyOf(tag)))]
}

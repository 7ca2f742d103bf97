import { type Delivery, type SignalReport, signalNotifierFor, type Webhook } from 'alertproof/notify'
import type { SiemRule, SignalChange } from 'alertproof/siem'
import { type QueueOptions, WebhookQueue } from './webhook-queue.ts'

export type SignalEvent =
  | { kind: 'signal'; signal: SignalReport }
  /** A delivery of a signal's notification has ended. */
  | { kind: 'signal-delivery'; signal: SignalReport; delivery: Delivery }

/** A signal that is open. */
export interface OpenSignal {
  signal_id: string
  severity: string
  case: string
  group: Readonly<Record<string, string>>
  value: number
  first_seen: string
}

export interface SignalBookOptions {
  rules: readonly SiemRule[]
  webhooks: readonly Webhook[]
  variables: Readonly<Record<string, string>>
  origin: string
  /** @returns the next id, which alerts count up as well */
  nextId: () => number
  queue?: QueueOptions
  log?: (line: string) => void
}

const MAX_SIGNALS = 5000
const SAMPLE_LOGS = 10

/** Renders each signal that opens or rises, delivers it to its webhooks, and keeps the newest signals and those that are open. */
export class SignalBook {
  readonly #notifiers: ReadonlyMap<string, ReturnType<typeof signalNotifierFor>>
  readonly #queues: ReadonlyMap<string, WebhookQueue>
  readonly #nextId: () => number
  readonly #log: (line: string) => void
  readonly #listeners = new Set<(event: SignalEvent) => void>()
  /** By the slug of the rule, then by id. */
  readonly #open = new Map<string, Map<string, OpenSignal>>()
  #signals: SignalReport[] = []

  /** @throws Error naming the file when a rule's message cannot be read */
  constructor({ rules, webhooks, variables, origin, nextId, queue = {}, log = () => {} }: SignalBookOptions) {
    this.#notifiers = new Map(rules.map((rule) => [rule.slug, signalNotifierFor(rule, { variables, origin })]))
    this.#queues = new Map(webhooks.map((webhook) => [webhook.name, new WebhookQueue(webhook, queue)]))
    this.#nextId = nextId
    this.#log = log
  }

  /** Keeps the change and, unless the signal closes, queues its deliveries. */
  notify(change: SignalChange): SignalReport {
    this.#move(change)
    const notify = this.#notifiers.get(change.rule.slug)
    if (!notify) throw new Error(`unknown rule "${change.rule.slug}"`)
    const { title, message, webhooks, values } = notify(change)
    const recipients = change.transition === 'Closed' ? [] : webhooks
    const unknown_webhooks = recipients.filter((name) => !this.#queues.has(name))
    const signal = { ...reportOf(change), id: this.#nextId(), title, message, unknown_webhooks }
    this.#signals.push(signal)
    if (this.#signals.length > MAX_SIGNALS * 1.1) this.#signals = this.#signals.slice(-MAX_SIGNALS)
    for (const name of unknown_webhooks) this.#log(`${signal.rule} notifies @webhook-${name}, which does not exist`)
    this.#tell({ kind: 'signal', signal })
    for (const name of recipients) {
      const delivery = this.#queues.get(name)?.send(values, (ended) => this.#ended(signal, ended))
      if (delivery) signal.deliveries.push(delivery)
    }
    return signal
  }

  /** Oldest first. @param since epoch ms, compared with `notified_at`, inclusive */
  list({ since = 0, rule }: { since?: number; rule?: string } = {}): SignalReport[] {
    return this.#signals.filter((signal) => signal.notified_at >= since && (!rule || signal.rule === rule))
  }

  /** The open signals of a rule. */
  open(slug: string): OpenSignal[] {
    return [...(this.#open.get(slug)?.values() ?? [])]
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (event: SignalEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  close(): void {
    this.#listeners.clear()
    for (const queue of this.#queues.values()) queue.close()
  }

  #move({ rule, transition, signalId, severity, caseName, group, value, firstSeen }: SignalChange): void {
    const open = this.#open.get(rule.slug) ?? new Map<string, OpenSignal>()
    this.#open.set(rule.slug, open)
    if (transition === 'Closed') return void open.delete(signalId)
    const first_seen = new Date(firstSeen).toISOString()
    open.set(signalId, { signal_id: signalId, severity, case: caseName, group, value, first_seen })
  }

  #ended(signal: SignalReport, delivery: Delivery): void {
    const { webhook, state, error, status, answer } = delivery
    if (state !== 'delivered')
      this.#log(`${signal.title}: @webhook-${webhook} ${state}: ${error ?? `${status} ${answer}`}`)
    this.#tell({ kind: 'signal-delivery', signal, delivery })
  }

  #tell(event: SignalEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

function reportOf(change: SignalChange) {
  const { rule, transition, severity, caseName, at, group, value, signalId, firstSeen, lastSeen, sample } = change
  return {
    ...{ signal_id: signalId, rule: rule.slug, name: rule.name, transition, severity, case: caseName },
    at: new Date(at).toISOString(),
    notified_at: Date.now(),
    ...{ group, value },
    first_seen: new Date(firstSeen).toISOString(),
    last_seen: new Date(lastSeen).toISOString(),
    sample: sample.slice(0, SAMPLE_LOGS),
    deliveries: [] as Delivery[],
  }
}

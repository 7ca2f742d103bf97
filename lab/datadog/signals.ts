import { type Delivery, type SignalReport, signalNotifierFor, type Webhook } from 'alertproof/notify'
import type { SiemRule, SignalChange } from 'alertproof/siem'
import { traceOf } from './alerts.ts'
import { type About, Deliveries, type DeliveriesOptions, newest } from './deliveries.ts'

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

export interface SignalBookOptions extends DeliveriesOptions {
  rules: readonly SiemRule[]
  variables: Readonly<Record<string, string>>
  origin: string
  /** @returns the next id, which alerts count up as well */
  nextId: () => number
}

const MAX_SIGNALS = 5000
const SAMPLE_LOGS = 10

/** The trace of a signal is its own. */
const aboutSignal = ({ rule, signal_id, transition }: SignalReport): About => ({
  ...{ trace: traceOf(rule, signal_id), detection: rule, by: 'rule', transition },
})

/** Renders each signal that opens or rises, delivers it to its webhooks, and keeps the newest signals and those that are open. */
export class SignalBook {
  readonly #notifierOf: (rule: SiemRule) => ReturnType<typeof signalNotifierFor>
  #notifiers: ReadonlyMap<string, ReturnType<typeof signalNotifierFor>>
  readonly #deliveries: Deliveries<SignalEvent>
  readonly #nextId: () => number
  /** By the slug of the rule, then by id. */
  readonly #open = new Map<string, Map<string, OpenSignal>>()
  #signals: SignalReport[] = []

  /** @throws Error naming the file when a rule's message cannot be read */
  constructor({ rules, variables, origin, nextId, ...deliveries }: SignalBookOptions) {
    this.#notifierOf = (rule) => signalNotifierFor(rule, { variables, origin })
    this.#notifiers = this.#notifiersOf(rules)
    this.#deliveries = new Deliveries(deliveries)
    this.#nextId = nextId
  }

  /**
   * Reads the messages of other rules.
   * @returns what uses these rules and webhooks from then on
   * @throws Error naming the file when a rule's message cannot be read
   */
  prepare(rules: readonly SiemRule[], webhooks: readonly Webhook[]): () => void {
    const notifiers = this.#notifiersOf(rules)
    return () => {
      this.#notifiers = notifiers
      this.#deliveries.use(webhooks)
    }
  }

  /** Forgets the open signals of a rule that starts anew or is deleted, without a notification. */
  restart(slug: string): void {
    this.#open.delete(slug)
  }

  /** Keeps the change and, unless the signal closes, queues its deliveries. */
  notify(change: SignalChange): SignalReport {
    this.#move(change)
    const notify = this.#notifiers.get(change.rule.slug)
    if (!notify) throw new Error(`unknown rule "${change.rule.slug}"`)
    const { title, message, webhooks, values } = notify(change)
    const recipients = change.transition === 'Closed' ? [] : webhooks
    const unknown_webhooks = this.#deliveries.unknown(change.rule.slug, recipients)
    const signal = { ...reportOf(change), id: this.#nextId(), title, message, unknown_webhooks }
    this.#signals.push(signal)
    this.#signals = newest(this.#signals, MAX_SIGNALS)
    this.#deliveries.tell({ kind: 'signal', signal })
    this.#deliveries.send(recipients, signal, values, aboutSignal(signal), (delivery) => ({
      kind: 'signal-delivery',
      signal,
      delivery,
    }))
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
    return this.#deliveries.subscribe(listener)
  }

  close(): void {
    this.#deliveries.close()
  }

  #notifiersOf(rules: readonly SiemRule[]): ReadonlyMap<string, ReturnType<typeof signalNotifierFor>> {
    return new Map(rules.map((rule) => [rule.slug, this.#notifierOf(rule)]))
  }

  #move({ rule, transition, signalId, severity, caseName, group, value, firstSeen }: SignalChange): void {
    const open = this.#open.get(rule.slug) ?? new Map<string, OpenSignal>()
    this.#open.set(rule.slug, open)
    if (transition === 'Closed') return void open.delete(signalId)
    const first_seen = new Date(firstSeen).toISOString()
    open.set(signalId, { signal_id: signalId, severity, case: caseName, group, value, first_seen })
  }
}

function reportOf(change: SignalChange): Omit<SignalReport, 'id' | 'title' | 'message' | 'unknown_webhooks'> {
  const { rule, transition, severity, caseName, at, group, value, signalId, firstSeen, lastSeen, sample } = change
  return {
    ...{ signal_id: signalId, rule: rule.slug, name: rule.name, transition, severity, case: caseName },
    at: new Date(at).toISOString(),
    notified_at: Date.now(),
    ...{ group, value },
    first_seen: new Date(firstSeen).toISOString(),
    last_seen: new Date(lastSeen).toISOString(),
    sample: sample.slice(0, SAMPLE_LOGS),
    deliveries: [],
  }
}

import type { Monitor, Transition } from 'alertproof'
import {
  type Alert,
  comparisonText,
  type Delivery,
  measuredText,
  type Notification,
  notifierFor,
  type Webhook,
} from 'alertproof/notify'
import { type About, Deliveries, type DeliveriesOptions, newest } from './deliveries.ts'

export type AlertEvent =
  | { kind: 'alert'; alert: Alert }
  /** A delivery of the alert has ended. */
  | { kind: 'delivery'; alert: Alert; delivery: Delivery }

/** A group that is not OK. */
export interface GroupState {
  group: Readonly<Record<string, string>>
  transition: Transition['transition']
  since: string
  value: number
  cycle_key: string
  /** Epoch ms of the last trigger and of its last notification. */
  triggered_at: number | null
  notified_at: number
}

export interface AlertBookOptions extends DeliveriesOptions {
  monitors: readonly Monitor[]
  variables: Readonly<Record<string, string>>
  origin: string
  /** @returns the next id, which signals count up as well */
  nextId: () => number
}

const MAX_ALERTS = 5000
const SAMPLE_LOGS = 10

const keyOf = (group: Readonly<Record<string, string>>): string => JSON.stringify(Object.entries(group))

function textOf({ monitor, transition, value }: Transition): string {
  return (transition.endsWith('Triggered') ? comparisonText : measuredText)(monitor, value)
}

/** The trace of an alert is that of its cycle. */
export const traceOf = (detection: string, cycle: string): string => `${detection} ${cycle}`

const aboutAlert = ({ monitor, cycle_key, transition }: Alert): About => ({
  ...{ trace: traceOf(monitor, cycle_key), detection: monitor, by: 'monitor', transition },
})

/** Renders each transition, delivers it to its webhooks, and keeps the newest alerts and the groups that are not OK. */
export class AlertBook {
  readonly #notifierOf: (monitor: Monitor) => ReturnType<typeof notifierFor>
  #notifiers: ReadonlyMap<string, ReturnType<typeof notifierFor>>
  readonly #deliveries: Deliveries<AlertEvent>
  readonly #groups = new Map<string, Map<string, GroupState>>()
  readonly #nextId: () => number
  #alerts: Alert[] = []

  /** @throws Error naming the file when a monitor's message cannot be read */
  constructor({ monitors, variables, origin, nextId, ...deliveries }: AlertBookOptions) {
    this.#notifierOf = (monitor) => notifierFor(monitor, { variables, origin })
    this.#notifiers = this.#notifiersOf(monitors)
    this.#deliveries = new Deliveries(deliveries)
    this.#nextId = nextId
  }

  /**
   * Reads the messages of other monitors.
   * @returns what uses these monitors and webhooks from then on
   * @throws Error naming the file when a monitor's message cannot be read
   */
  prepare(monitors: readonly Monitor[], webhooks: readonly Webhook[]): () => void {
    const notifiers = this.#notifiersOf(monitors)
    return () => {
      this.#notifiers = notifiers
      this.#deliveries.use(webhooks)
    }
  }

  /** Forgets the groups of a monitor that starts anew or is deleted, without a notification. */
  restart(slug: string): void {
    this.#groups.delete(slug)
  }

  /** Renders the alert, keeps it and queues its deliveries. */
  notify(transition: Transition): Alert {
    this.#moveGroup(transition)
    const notify = this.#notifiers.get(transition.monitor.slug)
    if (!notify) throw new Error(`unknown monitor "${transition.monitor.slug}"`)
    const notification = notify(transition)
    const alert = this.#remember(transition, notification)
    this.#deliveries.tell({ kind: 'alert', alert })
    const { webhooks, values } = notification
    this.#deliveries.send(webhooks, alert, values, aboutAlert(alert), (delivery) => ({
      kind: 'delivery',
      alert,
      delivery,
    }))
    return alert
  }

  /** Oldest first. @param since epoch ms, compared with `notified_at`, inclusive */
  list({ since = 0, monitor }: { since?: number; monitor?: string } = {}): Alert[] {
    return this.#alerts.filter((alert) => alert.notified_at >= since && (!monitor || alert.monitor === monitor))
  }

  /** Groups that are not OK, by the slug of their monitor. */
  groups(slug: string): GroupState[] {
    return [...(this.#groups.get(slug)?.values() ?? [])]
  }

  /** Forgets a group after its retention, without a notification. */
  forget({ slug }: Monitor, group: Readonly<Record<string, string>>): void {
    this.#groups.get(slug)?.delete(keyOf(group))
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (event: AlertEvent) => void): () => void {
    return this.#deliveries.subscribe(listener)
  }

  close(): void {
    this.#deliveries.close()
  }

  #notifiersOf(monitors: readonly Monitor[]): ReadonlyMap<string, ReturnType<typeof notifierFor>> {
    return new Map(monitors.map((monitor) => [monitor.slug, this.#notifierOf(monitor)]))
  }

  #moveGroup({ monitor, group, transition, at, value, cycleKey, lastTriggeredAt }: Transition): void {
    const groups = this.#groups.get(monitor.slug) ?? new Map<string, GroupState>()
    this.#groups.set(monitor.slug, groups)
    const key = keyOf(group)
    if (transition === 'Recovered') return void groups.delete(key)
    const triggered_at = transition.endsWith('Triggered') ? lastTriggeredAt : (groups.get(key)?.triggered_at ?? null)
    const state = { group, transition, since: new Date(at).toISOString(), value, cycle_key: cycleKey }
    groups.set(key, { ...state, triggered_at, notified_at: at })
  }

  #remember(transition: Transition, notification: Notification): Alert {
    const alert: Alert = {
      id: this.#nextId(),
      event_id: notification.id,
      monitor: transition.monitor.slug,
      name: transition.monitor.name,
      transition: transition.transition,
      at: new Date(transition.at).toISOString(),
      notified_at: Date.now(),
      group: transition.group,
      scope: notification.scope,
      value: transition.value,
      measured: textOf(transition),
      cycle_key: transition.cycleKey,
      first_triggered_at: new Date(transition.firstTriggeredAt).toISOString(),
      title: notification.title,
      message: notification.message,
      sample: transition.sample.slice(0, SAMPLE_LOGS),
      deliveries: [],
      unknown_webhooks: this.#deliveries.unknown(transition.monitor.slug, notification.webhooks),
    }
    this.#alerts.push(alert)
    this.#alerts = newest(this.#alerts, MAX_ALERTS)
    return alert
  }
}

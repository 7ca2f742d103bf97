import type { IndexedLog } from '../log.ts'

/** One transition of one group for a reader, with the deliveries of its notifications. */
export interface Alert {
  /** Counts up from 1 while the stand-in runs. */
  id: number
  /** `$ID`, as the webhook received it. */
  event_id: string
  /** The monitor's slug. */
  monitor: string
  name: string
  transition: string
  /** When the monitor changed its state, in the time of the logs: ISO 8601 with ms. */
  at: string
  /** When the notification was made: epoch ms by this machine's clock. */
  notified_at: number
  group: Readonly<Record<string, string>>
  scope: string
  value: number
  /** What was measured, for a person: `2 values of @device_hash > 1`; without the threshold when it is not crossed. */
  measured: string
  cycle_key: string
  first_triggered_at: string
  title: string
  message: string
  sample: readonly IndexedLog[]
  deliveries: Delivery[]
  /** The `@webhook-…` handles for which this account has no webhook. */
  unknown_webhooks: string[]
}

/** One change of one signal of a Cloud SIEM rule for a reader, with the deliveries of its notifications. */
export interface SignalReport {
  /** Counts up together with the ids of alerts. */
  id: number
  /** `$SECURITY_SIGNAL_ID` */
  signal_id: string
  /** The rule's slug. */
  rule: string
  name: string
  transition: 'Triggered' | 'Raised' | 'Closed'
  severity: string
  case: string
  /** When it opened, rose or closed, in the time of the logs: ISO 8601 with ms. */
  at: string
  /** When the notification was made: epoch ms by this machine's clock. */
  notified_at: number
  group: Readonly<Record<string, string>>
  value: number
  first_seen: string
  last_seen: string
  title: string
  message: string
  sample: readonly IndexedLog[]
  /** None when it closes: Datadog does not notify of that. */
  deliveries: Delivery[]
  /** The `@webhook-…` handles for which this account has no webhook. */
  unknown_webhooks: string[]
}

/** One notification to one webhook. It changes until `state` is no longer `pending`. */
export interface Delivery {
  webhook: string
  state: 'pending' | 'delivered' | 'refused' | 'failed'
  attempts: number
  /** The HTTP status of the last answer. */
  status?: number
  /** At most 2 KiB of the last answer. */
  answer?: string
  error?: string
  /** Epoch ms of the first attempt. */
  started_at?: number
  /** From the first attempt to the last answer. */
  duration_ms?: number
}

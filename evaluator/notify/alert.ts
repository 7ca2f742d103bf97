import type { IndexedLog } from '../log.ts'

/** One transition of one group as a person is shown it, with what became of its notifications. */
export interface Alert {
  /** Counts up from 1 while the stand-in runs. */
  id: number
  /** `$ID`, as the webhook received it. */
  event_id: string
  /** The monitor's slug. */
  monitor: string
  name: string
  transition: string
  /** When the monitor changed its mind, in the time of the logs: ISO 8601, ms. */
  at: string
  /** When that was noticed and told: epoch ms on this machine's clock. */
  notified_at: number
  group: Readonly<Record<string, string>>
  scope: string
  value: number
  cycle_key: string
  first_triggered_at: string
  title: string
  message: string
  sample: readonly IndexedLog[]
  deliveries: Delivery[]
  /** `@webhook-…` handles that name no webhook of this account: notified nobody. */
  unknown_webhooks: string[]
}

/** One notification on its way to one webhook; changes until `state` is no longer `pending`. */
export interface Delivery {
  webhook: string
  state: 'pending' | 'delivered' | 'refused' | 'failed'
  attempts: number
  /** Of the last answer, if there was one. */
  status?: number
  /** At most 2 KiB of the last answer. */
  answer?: string
  error?: string
  /** Epoch ms of the first attempt. */
  started_at?: number
  /** First attempt to last answer. */
  duration_ms?: number
}

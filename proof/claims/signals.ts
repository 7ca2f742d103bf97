import { signalNotifierFor, substitute, type Webhook } from 'alertproof/notify'
import type { SiemRule, SignalChange } from 'alertproof/siem'
import type { DetectionCase } from '../../detections/harness.ts'
import { replayRule } from '../../detections/siem-harness.ts'
import { type Alert, type AlertFault, readAlert } from '../../functions/contain/alert.ts'

export interface DeliveredSignal {
  readonly change: SignalChange
  /** Names of the webhooks that the case of the rule notifies. */
  readonly webhooks: readonly string[]
  /** What the receiver makes of the payload as it is sent. */
  readonly read: Alert | { fault: AlertFault; why: string }
}

/** Takes the events of a case the whole way: the rule, its notification, the payload by raw substitution, and the parser of functions. */
export function deliverSignals(rule: SiemRule, webhook: Webhook, given: DetectionCase): DeliveredSignal[] {
  const notify = signalNotifierFor(rule, { variables: {}, origin: 'http://127.0.0.1' })
  return replayRule(rule, given).changes.flatMap((change) => {
    if (change.transition === 'Closed') return []
    const { webhooks, values } = notify(change)
    return [{ change, webhooks, read: readAlert(substitute(webhook.payload, values), new Date(change.at)) }]
  })
}

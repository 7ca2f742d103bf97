import { cadenceOf } from '../evaluate/cadence.ts'
import type { Transition } from '../evaluate/evaluate.ts'
import { compileReader, compileReaders, groupOfKey } from '../evaluate/reading.ts'
import type { IndexedLog } from '../log.ts'
import { notifierFor, type PayloadValues, recipientsOf, renderRequest, signalNotifierFor } from '../notify/index.ts'
import { Replayer } from '../replay/index.ts'
import type { Severity, SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'
import type { Case } from './case.ts'

/** What Datadog would send at a change. */
export interface Sent {
  readonly title: string
  readonly message: string
  /** The handles of the message, in its order. */
  readonly recipients: readonly string[]
  /** By the name of the webhook: the JSON of its body, or its text. */
  readonly payloads: Readonly<Record<string, unknown>>
}

/** A change of state of a group of a monitor, or of a signal of a rule. */
export interface Happened {
  readonly monitor: { readonly slug: string }
  readonly transition: Transition['transition'] | SignalChange['transition']
  readonly group: Readonly<Record<string, string>>
  /** Epoch ms. */
  readonly at: number
  readonly value: number
  /** Of a signal. */
  readonly severity?: Severity
}

/** One change in a case. */
export interface Happening {
  readonly transition: Happened
  sent(): Sent
}

/** What happened in a case, in the order of time. */
export interface Outcome {
  readonly happenings: readonly Happening[]
  /** How many logs that a monitor counts came too late. */
  readonly late: number
}

const SITE = 'https://app.datadoghq.com'
const MAX_SAMPLE = 10

/** What is evaluated in a case. */
export type Evaluated = Pick<Case, 'monitors' | 'rules'>

/** Evaluates a case. @param evaluated in place of its own */
export function outcomeOf(given: Case, { monitors, rules }: Evaluated = given): Outcome {
  const found: (Transition | SignalChange)[] = []
  const take = (change: Transition | SignalChange) => void found.push(change)
  const replayer = new Replayer(monitors, { ...given.options, rules }, take, take)
  for (const log of given.logs) replayer.push(log, log.timestamp)
  replayer.finish()
  found.sort((a, b) => a.at - b.at)
  return { late: replayer.dropped, happenings: found.map((change, i) => happeningOf(change, i, given)) }
}

function happeningOf(change: Transition | SignalChange, number: number, given: Case): Happening {
  let sent: Sent | undefined
  return {
    transition: 'rule' in change ? { ...change, monitor: change.rule } : change,
    sent() {
      sent ??= 'rule' in change ? sentOfSignal(change, number, given) : sentOf(change, number, given)
      return sent
    },
  }
}

function sentOf(transition: Transition, number: number, given: Case): Sent {
  const { monitor } = transition
  const link = `${SITE}/monitors/${monitor.id}`
  const notify = notifierFor(monitor, { variables: given.variables, origin: SITE, link })
  const { title, message, webhooks, values } = notify({ ...transition, sample: sampleOf(transition, given) })
  return {
    title,
    message,
    recipients: monitor.draft ? [] : recipientsOf(message),
    payloads: payloadsOf(webhooks, values, number, given),
  }
}

/** Nobody is notified of a signal that closes. */
function sentOfSignal(change: SignalChange, number: number, given: Case): Sent {
  const notify = signalNotifierFor(change.rule, { variables: given.variables, origin: SITE })
  const { title, message, handles, webhooks, values } = notify({ ...change, sample: sampleOfSignal(change, given) })
  if (change.transition === 'Closed') return { title, message, recipients: [], payloads: {} }
  return { title, message, recipients: recipientsOf(handles), payloads: payloadsOf(webhooks, values, number, given) }
}

function payloadsOf(webhooks: readonly string[], values: PayloadValues, number: number, given: Case) {
  // `$ID` is random in an account; in a case it counts up, so that it can be compared.
  const numbered = { ...values, own: { ...values.own, ID: String(number + 1) } }
  return Object.fromEntries(
    given.webhooks
      .filter(({ name }) => webhooks.includes(name))
      .map((webhook) => [webhook.name, bodyOf(renderRequest(webhook, numbered).body)] as const),
  )
}

function bodyOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The newest logs of the group in the window of the transition, newest first; none on recovery. */
function sampleOf({ monitor, transition, group, at, breaching }: Transition, { logs, options }: Case): IndexedLog[] {
  if (transition === 'Recovered') return []
  const live = cadenceOf(monitor, options) === undefined
  const until = live ? at : at - (monitor.options.evaluation_delay ?? 0) * 1000
  const since = until - monitor.parsed.windowMs
  const isWithin = (time: number) => (live ? time > since && time <= until : time >= since && time < until)
  const wanted = breaching[0]?.group ?? group
  const readers = compileReaders(monitor.parsed)
  const counted = logs.filter((log) => {
    if (!isWithin(log.timestamp)) return false
    let isOf = false
    for (const read of readers) {
      read(log, (key) => {
        const facets = groupOfKey(monitor.parsed.by, key)
        isOf ||= Object.entries(wanted).every(([name, value]) => facets[name] === value)
      })
    }
    return isOf
  })
  return counted.sort((a, b) => b.timestamp - a.timestamp).slice(0, MAX_SAMPLE)
}

/** The newest logs that a query counted for the signal, newest first; none when it closes. */
function sampleOfSignal({ rule, transition, group, at }: SignalChange, { logs }: Case): IndexedLog[] {
  if (transition === 'Closed') return []
  const counted = logs.filter(
    (log) =>
      log.timestamp > at - Math.max(rule.evaluationWindowMs, 1) && log.timestamp <= at && isOfSignal(log, rule, group),
  )
  return counted.sort((a, b) => b.timestamp - a.timestamp).slice(0, MAX_SAMPLE)
}

/** The queries of a rule are joined by the values of their groups, in their order. */
function isOfSignal(log: IndexedLog, rule: SiemRule, group: SignalChange['group']): boolean {
  const wanted = Object.values(group)
  return rule.queries.some((query) => {
    let isOf = false
    compileReader(query)(log, (key) => {
      const values = Object.values(groupOfKey(query.by, key))
      isOf ||= rule.signalBy.every((place, i) => values[place] === wanted[i])
    })
    return isOf
  })
}

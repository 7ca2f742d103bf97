import { cadenceOf } from '../evaluate/cadence.ts'
import type { Transition } from '../evaluate/evaluate.ts'
import { compileReaders, groupOfKey } from '../evaluate/reading.ts'
import type { IndexedLog } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { notifierFor, recipientsOf, renderRequest } from '../notify/index.ts'
import { Replayer } from '../replay/index.ts'
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

/** One change of state of one group in a case. */
export interface Happening {
  readonly transition: Transition
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

/** Evaluates a case. @param monitors which are evaluated in place of its own */
export function outcomeOf(given: Case, monitors: readonly Monitor[] = given.monitors): Outcome {
  const transitions: Transition[] = []
  const replayer = new Replayer(monitors, given.options, (transition) => transitions.push(transition))
  for (const log of given.logs) replayer.push(log, log.timestamp)
  replayer.finish()
  transitions.sort((a, b) => a.at - b.at)
  return { late: replayer.dropped, happenings: transitions.map((transition, i) => happeningOf(transition, i, given)) }
}

function happeningOf(transition: Transition, number: number, given: Case): Happening {
  let sent: Sent | undefined
  return {
    transition,
    sent() {
      sent ??= sentOf(transition, number, given)
      return sent
    },
  }
}

function sentOf(transition: Transition, number: number, given: Case): Sent {
  const { monitor } = transition
  const link = `${SITE}/monitors/${monitor.id}`
  const notify = notifierFor(monitor, { variables: given.variables, origin: SITE, link })
  const { title, message, webhooks, values } = notify({ ...transition, sample: sampleOf(transition, given) })
  // `$ID` is random in an account; in a case it counts up, so that it can be compared.
  const numbered = { ...values, own: { ...values.own, ID: String(number + 1) } }
  const payloads = given.webhooks
    .filter(({ name }) => webhooks.includes(name))
    .map((webhook) => [webhook.name, bodyOf(renderRequest(webhook, numbered).body)] as const)
  return {
    title,
    message,
    recipients: monitor.draft ? [] : recipientsOf(message),
    payloads: Object.fromEntries(payloads),
  }
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

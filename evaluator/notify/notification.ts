import { createHash, randomBytes } from 'node:crypto'
import type { Transition } from '../evaluate/evaluate.ts'
import type { State } from '../evaluate/state.ts'
import type { Monitor } from '../monitor/monitor.ts'
import {
  EVENT_TYPE,
  eventMessage,
  hasHiddenHandles,
  logsSample,
  statusText,
  withoutHandles,
  withoutMarkdown,
} from './event-text.ts'
import type { PayloadValues } from './payload.ts'
import { compileTemplate, type MessageFacts, webhookHandles } from './template.ts'
import { type Flag, TemplateError } from './template-parser.ts'

/** The texts and the recipients of one transition. */
export interface Notification {
  /** `$ID`: unique for each notification. */
  id: string
  /** `$ALERT_SCOPE`: `key:value` pairs in group-by order, separated by commas, without escaping. */
  scope: string
  /** `$EVENT_TITLE` */
  title: string
  /** The rendered message with its handles. */
  message: string
  /** The names after `@webhook-` in the rendered message. */
  webhooks: string[]
  values: PayloadValues
}

/** The account in which notifications are made. */
export interface NotifyOptions {
  /** Custom variables of the account. */
  variables: Readonly<Record<string, string>>
  /** The origin of `$LINK` and `{{log.link}}`. */
  origin: string
  /** `$LINK`, if it is not the page of the stand-in. */
  link?: string
}

/**
 * Prepares a monitor's notifications.
 * @throws Error naming the file when its name, message or escalation message cannot be read
 */
export function notifierFor(
  monitor: Monitor,
  { variables, origin, link: page }: NotifyOptions,
): (transition: Transition) => Notification {
  const compile = (text: string) => {
    try {
      return compileTemplate(text)
    } catch (error) {
      if (error instanceof TemplateError) throw new Error(`${monitor.file}: ${error.message}`)
      throw error
    }
  }
  const name = compile(monitor.name)
  const message = compile(monitor.message)
  const escalation = compile(monitor.options.escalation_message ?? '')
  return (transition) => {
    const link = page ?? `${origin}/lab/alerts?monitor=${encodeURIComponent(monitor.slug)}`
    // Decision `last-override-wins`, undocumented: if a message has several override_priority, the last one counts.
    let priority = priorityOf(monitor)
    const facts = factsOf(transition, link, (other) => {
      priority = other
    })
    const rendered = facts.flags.has('is_renotify') ? `${message(facts)}\n${escalation(facts)}` : message(facts)
    return notificationOf(transition, { name: name(facts), message: rendered.trim(), priority, link, variables })
  }
}

/**
 * The conditions that hold at a transition, derived from Datadog's lists of transitions and of conditions.
 * @param from the state before
 */
export function flagsOf(transition: string, from: State): Set<Flag> {
  switch (transition) {
    case 'Triggered':
      return new Set(['is_alert'])
    case 'Re-Triggered':
    case 'Renotify':
      return new Set(['is_alert', 'is_renotify'])
    case 'Warn':
      return new Set(from === 'Alert' ? ['is_warning', 'is_alert_to_warning'] : ['is_warning'])
    case 'Re-Warn':
      return new Set(['is_warning', 'is_renotify'])
    case 'No Data':
      return new Set(['is_no_data'])
    case 'Re-No Data':
      return new Set(['is_no_data', 'is_renotify'])
    default:
      return new Set(['is_recovery', recoveryFrom(from)])
  }
}

function recoveryFrom(from: State): Flag {
  if (from === 'No Data') return 'is_no_data_recovery'
  return from === 'Warn' ? 'is_warning_recovery' : 'is_alert_recovery'
}

function factsOf(transition: Transition, link: string, override: (priority: string) => void): MessageFacts {
  const { monitor, at, value, group, firstTriggeredAt, lastTriggeredAt } = transition
  const { thresholds } = monitor.options
  return {
    flags: flagsOf(transition.transition, transition.from),
    priority: priorityOf(monitor),
    group,
    numbers: {
      value,
      threshold: monitor.parsed.threshold,
      warn_threshold: thresholds?.warning,
      alert_recovery_threshold: thresholds?.critical_recovery,
      warn_recovery_threshold: thresholds?.warning_recovery,
      comparator: monitor.parsed.operator,
      triggered_duration_sec: Math.round((at - firstTriggeredAt) / 1000),
    },
    dates: { first_triggered_at: firstTriggeredAt, last_triggered_at: lastTriggeredAt },
    link,
    override,
    ...(transition.transition !== 'Recovered' && transition.sample[0] && { log: transition.sample[0] }),
  }
}

const priorityOf = ({ priority }: Monitor): string => (priority === null ? '' : `P${priority}`)

interface Rendered {
  readonly name: string
  readonly message: string
  readonly priority: string
  readonly link: string
  readonly variables: Readonly<Record<string, string>>
}

/** Decision `scope-in-group-by-order`: `$ALERT_SCOPE` has the facets of `.by` in their order, and only those of `notify_by`. */
export const groupTagsOf = (monitor: Monitor, group: Readonly<Record<string, string>>): string[] =>
  monitor.parsed.by.filter(({ name }) => Object.hasOwn(group, name)).map(({ name }) => `${name}:${group[name]}`)

function notificationOf(transition: Transition, { name, message, priority, link, variables }: Rendered): Notification {
  const { monitor } = transition
  const id = randomBytes(8).readBigUInt64BE().toString()
  const groupTags = groupTagsOf(monitor, transition.group)
  const scope = groupTags.join(',')
  const title = titleOf(transition, name, scope, priority)
  const shown = hasHiddenHandles(monitor) ? withoutHandles(message) : message
  const tags = [...monitor.tags, ...groupTags]
  const own = {
    ...NOT_APPLICABLE,
    ID: id,
    AGGREG_KEY: createHash('sha256').update(monitor.slug).digest('hex').slice(0, 32),
    ALERT_CYCLE_KEY: transition.cycleKey,
    ALERT_ID: String(monitor.id),
    ALERT_PRIORITY: priority,
    ALERT_QUERY: monitor.query,
    ALERT_SCOPE: scope,
    ALERT_STATUS: statusText(transition),
    ALERT_TITLE: name,
    ALERT_TRANSITION: transition.transition,
    ALERT_TYPE: ALERT_TYPES[transition.transition] ?? 'info',
    DATE: String(transition.at),
    DATE_POSIX: String(Math.floor(transition.at / 1000)),
    EVENT_MSG: eventMessage(transition, shown, link),
    EVENT_TITLE: title,
    EVENT_TYPE,
    HOSTNAME: transition.group.host ?? '',
    LAST_UPDATED: String(transition.at),
    LAST_UPDATED_POSIX: String(Math.floor(transition.at / 1000)),
    LINK: link,
    LOGS_SAMPLE: logsSample(transition),
    ORG_ID: '1',
    ORG_NAME: 'lab',
    PRIORITY: 'normal',
    TAGS: tags.join(','),
    TEXT_ONLY_MSG: withoutMarkdown(shown),
  }
  const webhooks = monitor.draft ? [] : webhookHandles(message)
  return { id, scope, title, message, webhooks, values: { own, tags, custom: variables } }
}

const ALERT_TYPES: Record<string, string> = {
  Triggered: 'error',
  'Re-Triggered': 'error',
  Warn: 'warning',
  'Re-Warn': 'warning',
  'No Data': 'warning',
  'Re-No Data': 'warning',
  Recovered: 'success',
}

/** Documented names that apply to a log monitor only. */
const NAMES_OF_ALERTS =
  'AGGREG_KEY ALERT_CYCLE_KEY ALERT_ID ALERT_PRIORITY ALERT_QUERY ALERT_SCOPE ALERT_STATUS ALERT_TITLE ALERT_TRANSITION ALERT_TYPE HOSTNAME LOGS_SAMPLE'
/** Documented names that do not apply to a log monitor, by prefix. They are replaced by an empty text. */
const NAMES_OF_OTHERS: Readonly<Record<string, string>> = {
  '': 'ALERT_METRIC EMAIL METRIC_NAMESPACE SNAPSHOT USER USERNAME',
  INCIDENT_:
    'ATTACHMENTS COMMANDER CUSTOMER_IMPACT FIELDS INTEGRATIONS MSG PUBLIC_ID SEVERITY STATUS TITLE TODOS URL UUID',
  SECURITY_RULE_: 'NAME ID QUERY MATCHED_QUERIES GROUP_BY_FIELDS TYPE',
  SECURITY_SIGNAL_: 'ID SEVERITY TITLE MSG ATTRIBUTES',
  SYNTHETICS_: 'TEST_NAME FIRST_FAILING_STEP_NAME SUMMARY',
}
const NOT_APPLICABLE: Record<string, string> = Object.fromEntries(
  Object.entries(NAMES_OF_OTHERS).flatMap(([prefix, names]) => names.split(' ').map((name) => [prefix + name, ''])),
)

/** The documented names without a value of their own. */
export const EMPTY_NAMES: Readonly<Record<string, string>> = {
  ...NOT_APPLICABLE,
  ...Object.fromEntries(NAMES_OF_ALERTS.split(' ').map((name) => [name, ''])),
}

/** `[P2] [Triggered on {@ip:203.0.113.9}] Name`, as in captured payloads. */
function titleOf({ monitor, transition }: Transition, name: string, scope: string, priority: string): string {
  const where = scope !== '' && monitor.options.include_tags !== false ? ` on {${scope}}` : ''
  return `${priority && `[${priority}] `}[${transition}${where}] ${name}`
}

import { createHash, randomBytes } from 'node:crypto'
import type { Transition } from './evaluate.ts'
import type { IndexedLog } from './log.ts'
import type { Monitor } from './monitor.ts'
import type { PayloadValues } from './payload.ts'
import { compileTemplate, type MessageFacts, webhookHandles } from './template.ts'
import { type Flag, TemplateError } from './template-parser.ts'

/** What one transition says, and to whom. */
export interface Notification {
  /** `$ID`: of this event, never given twice. */
  id: string
  /** `$ALERT_SCOPE`: `key:value` in group-by order, comma separated, values as they are. */
  scope: string
  /** `$EVENT_TITLE` */
  title: string
  /** Rendered, handles included. */
  message: string
  /** Names behind `@webhook-…` in the rendered message. */
  webhooks: string[]
  values: PayloadValues
}

export interface NotifyOptions {
  /** Custom variables of the account. */
  variables: Readonly<Record<string, string>>
  /** Where `$LINK` and `{{log.link}}` lead. */
  origin: string
}

/**
 * Prepares a monitor's notifications.
 * @returns a function of a transition and the transition before it in the same group, if that was no recovery
 * @throws Error naming the file when its name, message or escalation message cannot be read
 */
export function notifierFor(
  monitor: Monitor,
  { variables, origin }: NotifyOptions,
): (transition: Transition, before?: Transition['transition']) => Notification {
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
  return (transition, before) => {
    const link = `${origin}/lab/alerts?monitor=${encodeURIComponent(monitor.slug)}`
    const facts = factsOf(transition, before, link)
    const rendered = facts.flags.has('is_renotify') ? `${message(facts)}\n${escalation(facts)}` : message(facts)
    return notificationOf(transition, name(facts), rendered.trim(), link, variables)
  }
}

/** Which conditions hold; the pairing of transitions and conditions is derived from Datadog's two lists. */
export function flagsOf(transition: string, before?: string): Set<Flag> {
  switch (transition) {
    case 'Triggered':
      return new Set(['is_alert'])
    case 'Re-Triggered':
    case 'Renotify':
      return new Set(['is_alert', 'is_renotify'])
    case 'Warn':
      return new Set(isAlert(before) ? ['is_warning', 'is_alert_to_warning'] : ['is_warning'])
    case 'Re-Warn':
      return new Set(['is_warning', 'is_renotify'])
    case 'No Data':
      return new Set(['is_no_data'])
    case 'Re-No Data':
      return new Set(['is_no_data', 'is_renotify'])
    default:
      return new Set(['is_recovery', recoveryFrom(before)])
  }
}

const isAlert = (before: string | undefined): boolean => before === 'Triggered' || before === 'Re-Triggered'

function recoveryFrom(before: string | undefined): Flag {
  if (before?.endsWith('No Data')) return 'is_no_data_recovery'
  return before?.endsWith('Warn') ? 'is_warning_recovery' : 'is_alert_recovery'
}

function factsOf(transition: Transition, before: string | undefined, link: string): MessageFacts {
  const { monitor, at, value, group, firstTriggeredAt } = transition
  const { thresholds } = monitor.options
  return {
    flags: flagsOf(transition.transition, before),
    priority: priorityOf(monitor),
    group,
    numbers: {
      value,
      threshold: monitor.parsed.threshold,
      warn_threshold: thresholds?.warning,
      ok_threshold: thresholds?.critical_recovery,
      comparator: monitor.parsed.operator,
      triggered_duration_sec: Math.round((at - firstTriggeredAt) / 1000),
    },
    dates: { first_triggered_at: firstTriggeredAt, last_triggered_at: at },
    link,
    ...(transition.transition !== 'Recovered' && transition.sample[0] && { log: transition.sample[0] }),
  }
}

const priorityOf = ({ priority }: Monitor): string => (priority === null ? '' : `P${priority}`)

function notificationOf(
  transition: Transition,
  name: string,
  message: string,
  link: string,
  variables: Readonly<Record<string, string>>,
): Notification {
  const { monitor } = transition
  const id = randomBytes(8).readBigUInt64BE().toString()
  const groupTags = monitor.parsed.by.map((facet) => `${facet.name}:${transition.group[facet.name] ?? ''}`)
  const scope = groupTags.join(',')
  const title = titleOf(transition, name, scope)
  const tags = [...monitor.tags, ...groupTags]
  const own = {
    ...NOT_APPLICABLE,
    ID: id,
    AGGREG_KEY: createHash('sha256').update(monitor.slug).digest('hex').slice(0, 32),
    ALERT_CYCLE_KEY: transition.cycleKey,
    ALERT_ID: String(monitor.id),
    ALERT_PRIORITY: priorityOf(monitor),
    ALERT_QUERY: monitor.query,
    ALERT_SCOPE: scope,
    ALERT_TITLE: name,
    ALERT_TRANSITION: transition.transition,
    ALERT_TYPE: ALERT_TYPES[transition.transition] ?? 'info',
    DATE: String(transition.at),
    DATE_POSIX: String(Math.floor(transition.at / 1000)),
    EVENT_MSG: eventMessage(transition, message, link),
    EVENT_TITLE: title,
    EVENT_TYPE: 'log_alert',
    HOSTNAME: transition.group.host ?? '',
    LAST_UPDATED: String(transition.at),
    LAST_UPDATED_POSIX: String(Math.floor(transition.at / 1000)),
    LINK: link,
    LOGS_SAMPLE: logsSample(transition),
    ORG_ID: '1',
    ORG_NAME: 'lab',
    PRIORITY: 'normal',
    TAGS: tags.join(','),
    TEXT_ONLY_MSG: withoutMarkdown(message),
  }
  return { id, scope, title, message, webhooks: webhookHandles(message), values: { own, tags, custom: variables } }
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

/** Documented names that say nothing about a log monitor; empty, not literal. */
const NOT_APPLICABLE: Record<string, string> = Object.fromEntries(
  [
    ...['ALERT_METRIC', 'ALERT_STATUS', 'EMAIL', 'METRIC_NAMESPACE', 'SNAPSHOT', 'USER', 'USERNAME'],
    ...['ATTACHMENTS', 'COMMANDER', 'CUSTOMER_IMPACT', 'FIELDS', 'INTEGRATIONS', 'MSG', 'PUBLIC_ID', 'SEVERITY'].map(
      (name) => `INCIDENT_${name}`,
    ),
    ...['STATUS', 'TITLE', 'TODOS', 'URL', 'UUID'].map((name) => `INCIDENT_${name}`),
    ...['NAME', 'ID', 'QUERY', 'MATCHED_QUERIES', 'GROUP_BY_FIELDS', 'TYPE'].map((name) => `SECURITY_RULE_${name}`),
    ...['ID', 'SEVERITY', 'TITLE', 'MSG', 'ATTRIBUTES'].map((name) => `SECURITY_SIGNAL_${name}`),
    ...['TEST_NAME', 'FIRST_FAILING_STEP_NAME', 'SUMMARY'].map((name) => `SYNTHETICS_${name}`),
  ].map((name) => [name, '']),
)

/** `[P2] [Triggered on {@ip:203.0.113.9}] Name`, as captured payloads show it. */
function titleOf({ monitor, transition }: Transition, name: string, scope: string): string {
  const priority = monitor.priority === null ? '' : `[${priorityOf(monitor)}] `
  const where = scope !== '' && monitor.options.include_tags !== false ? ` on {${scope}}` : ''
  return `${priority}[${transition}${where}] ${name}`
}

const COMPARISONS: Record<string, string> = {
  '>': 'More than',
  '>=': 'At least',
  '<': 'Less than',
  '<=': 'At most',
  '==': 'Exactly',
  '!=': 'Not',
}

function eventMessage({ monitor, transition, at }: Transition, message: string, link: string): string {
  const { operator, threshold, search, windowMs, by } = monitor.parsed
  const facets = by.length === 0 ? '' : ` by **${by.map((facet) => facet.name).join(',')}**`
  const matched =
    `${COMPARISONS[operator]} **${threshold}** log events matched in the last **${windowMs / 60_000}m** ` +
    `against the monitored query: **[${search}](${link})**${facets}`
  const told = transition === 'Recovered' ? [] : [matched]
  const when = `The monitor was last triggered at ${new Date(at).toUTCString()}.`
  return ['%%%', message, ...told, when, `[Monitor Status](${link})`, '%%%'].join('\n\n')
}

const withoutMarkdown = (text: string): string =>
  text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/\*\*|__|^#+ /gm, '')
    .replaceAll('%%%', '')

const SAMPLE_ROWS = 10
const SAMPLE_MESSAGE = 500

/** Only with `enable_logs_sample`, never on recovery; logs without a message are left out, as documented. */
function logsSample({ monitor, transition, sample }: Transition): string {
  if (!monitor.options.enable_logs_sample || transition === 'Recovered') return ''
  const rows = sample.filter(hasMessage).slice(0, SAMPLE_ROWS)
  return JSON.stringify({
    columns: ['Time', 'Host'],
    label: 'Sample Logs',
    rows: rows.map((log) => ({
      items: [`${new Date(log.timestamp).toISOString().slice(11, 19)} UTC`, log.host ?? ''],
      message: log.message.slice(0, SAMPLE_MESSAGE),
    })),
  })
}

const hasMessage = (log: IndexedLog): log is IndexedLog & { message: string } => Boolean(log.message)

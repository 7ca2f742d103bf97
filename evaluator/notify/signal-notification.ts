import { randomBytes } from 'node:crypto'
import type { IndexedLog } from '../log.ts'
import { SEVERITIES, type SiemRule } from '../siem/rule.ts'
import type { SignalChange } from '../siem/signal.ts'
import { withoutMarkdown } from './event-text.ts'
import { EMPTY_NAMES, type NotifyOptions } from './notification.ts'
import type { PayloadValues } from './payload.ts'
import { compileTemplate, type MessageFacts, type Template, webhookHandles } from './template.ts'
import { type Path, TemplateError } from './template-parser.ts'

/** The texts and the recipients of a signal that opened or whose severity rose. */
export interface SignalNotification {
  /** `$SECURITY_SIGNAL_TITLE` */
  readonly title: string
  /** `$SECURITY_SIGNAL_MSG` */
  readonly message: string
  /** The rendered notifications of the case that matched. */
  readonly handles: string
  /** The names after `@webhook-` in the notifications of the case that matched. */
  readonly webhooks: readonly string[]
  readonly values: PayloadValues
}

/**
 * Prepares a rule's notifications. The message is a template as that of a monitor, but `{{@attribute}}` is the value of a group-by field,
 * otherwise that of the newest log.
 * @throws Error naming the file when its message or a notification cannot be read
 */
export function signalNotifierFor(
  rule: SiemRule,
  { variables, origin }: Pick<NotifyOptions, 'variables' | 'origin'>,
): (change: SignalChange) => SignalNotification {
  const compile = (text: string): Template => {
    try {
      return compileTemplate(text, 'rule')
    } catch (error) {
      if (error instanceof TemplateError) throw new Error(`${rule.file}: ${error.message}`)
      throw error
    }
  }
  const message = compile(rule.message)
  const cases = rule.cases.map((each) => ({ ...each, recipients: each.notifications.map(compile) }))
  return (change) => {
    const facts = factsOf(change, `${origin}/lab/signals?rule=${encodeURIComponent(rule.slug)}`)
    const matched = cases.find(({ name, status }) => name === change.caseName && status === change.severity)
    const handles = matched?.recipients.map((recipient) => recipient(facts)).join(' ') ?? ''
    const texts = { title: titleOf(change), message: message(facts).trim() }
    return {
      ...texts,
      handles,
      webhooks: webhookHandles(handles),
      values: valuesOf(change, texts, { variables, facts }),
    }
  }
}

/** Decision `signal-title`, undocumented in its form: the names of rule and case, then with `hasExtendedTitle` the values of the group. */
function titleOf({ rule, caseName, group }: SignalChange): string {
  const title = [rule.name, caseName].filter((name) => name !== '').join(' - ')
  const values = Object.values(group)
  return rule.hasExtendedTitle && values.length > 0 ? `${title} on ${values.join(', ')}` : title
}

function factsOf(change: SignalChange, link: string): MessageFacts {
  const { rule, severity, caseName, group, at, firstSeen, lastSeen, sample, matched } = change
  const log = sample[0]
  const named = (path: Path): unknown => {
    const name = path.join('.')
    if (Object.hasOwn(group, name)) return group[name]
    if (path.length === 2 && path[0] === 'events_matched_per_query') return matched[path[1] ?? '']
    return log && name.startsWith('@') ? attributeOf(log, name.slice(1)) : undefined
  }
  return {
    flags: new Set(),
    priority: '',
    group,
    numbers: {
      ...{ severity: SEVERITIES.indexOf(severity), rule_name: rule.name, case_name: caseName },
      events_matched: Object.values(matched).reduce((sum, count) => sum + count, 0),
    },
    dates: { timestamp: at, first_seen: firstSeen, last_seen: lastSeen },
    link,
    named,
    ...(log && { log }),
  }
}

function attributeOf({ attributes }: IndexedLog, name: string): unknown {
  if (Object.hasOwn(attributes, name)) return attributes[name]
  let value: unknown = attributes
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined
    value = (value as Record<string, unknown>)[part]
  }
  return value
}

/**
 * The values of `$NAMES` for a signal. Decision `signal-event-names`, undocumented: of the general names, a signal has those of
 * an event (`$ID`, `$DATE`, `$EVENT_TITLE`, `$TAGS`, …). Those of an alert are empty. JSON values are inserted without
 * escaping, so they stand outside quotes.
 */
function valuesOf(
  change: SignalChange,
  { title, message }: { title: string; message: string },
  { variables, facts }: Pick<NotifyOptions, 'variables'> & { facts: MessageFacts },
): PayloadValues {
  const { rule, severity, group, at, signalId, firstSeen, lastSeen, value } = change
  const groupTags = Object.entries(group).map(([name, text]) => `${name}:${text}`)
  const tags = [...rule.tags, ...groupTags]
  const attributes = { ...group, severity, first_seen: firstSeen, last_seen: lastSeen, value }
  const own = {
    ...EMPTY_NAMES,
    DATE: String(at),
    DATE_POSIX: String(Math.floor(at / 1000)),
    EVENT_MSG: message,
    EVENT_TITLE: title,
    EVENT_TYPE: 'security_signal',
    ID: randomBytes(8).readBigUInt64BE().toString(),
    LAST_UPDATED: String(at),
    LAST_UPDATED_POSIX: String(Math.floor(at / 1000)),
    LINK: facts.link,
    ORG_ID: '1',
    ORG_NAME: 'lab',
    PRIORITY: 'normal',
    SECURITY_RULE_GROUP_BY_FIELDS: JSON.stringify(group),
    SECURITY_RULE_ID: rule.id,
    SECURITY_RULE_MATCHED_QUERIES: JSON.stringify(rule.queries.map(({ search }) => search)),
    SECURITY_RULE_NAME: rule.name,
    SECURITY_RULE_QUERY: rule.queries.map(({ search }) => search).join(', '),
    SECURITY_RULE_TYPE: 'log_detection',
    SECURITY_SIGNAL_ATTRIBUTES: JSON.stringify(attributes),
    SECURITY_SIGNAL_ID: signalId,
    SECURITY_SIGNAL_MSG: message,
    SECURITY_SIGNAL_SEVERITY: severity,
    SECURITY_SIGNAL_TITLE: title,
    TAGS: tags.join(','),
    TEXT_ONLY_MSG: withoutMarkdown(message),
  }
  return { own, tags, custom: variables }
}

import { isRecord } from '../json.ts'
import type { Path } from '../notify/template-parser.ts'
import type { Remark } from './finding.ts'
import { payloadRemarks, templateRemarks } from './message-remarks.ts'

/** What the message of a rule may speak of beside attributes and tags. @see security/notifications/variables */
const VARIABLES = [
  ...['severity', 'timestamp', 'first_seen', 'last_seen', 'timestamp_epoch', 'first_seen_epoch', 'last_seen_epoch'],
  ...['rule_name', 'case_name', 'events_matched'],
]
/** Those of a monitor, which a rule does not have. */
const OF_MONITORS = [
  ...['value', 'threshold', 'warn_threshold', 'comparator', 'last_triggered_at', 'first_triggered_at'],
  ...['triggered_duration_sec', 'metric_graph_link', 'log'],
]

/** Reads the message of a rule of Cloud SIEM as a template. `{{@usr.id}}` is an attribute there, without `.name`. */
export function ruleMessageRemarks(json: Readonly<Record<string, unknown>>): Remark[] {
  const { message } = json
  if (typeof message !== 'string') return []
  const fields = fieldsOf(json)
  return [
    ...templateRemarks('message', message, (path) => pathFault(path, fields), 'rule'),
    ...payloadRemarks('message', message),
  ]
}

/** The fields by which the queries group. */
function fieldsOf({ queries }: Readonly<Record<string, unknown>>): string[] {
  const all: readonly unknown[] = Array.isArray(queries) ? queries : []
  return all.flatMap((query) => {
    const by: readonly unknown[] = isRecord(query) && Array.isArray(query.groupByFields) ? query.groupByFields : []
    return by.filter((name) => typeof name === 'string')
  })
}

function pathFault(path: Path, fields: readonly string[]): string | undefined {
  const [head = ''] = path
  const text = `{{${path.map((part) => (part.includes('.') ? `[${part}]` : part)).join('.')}}}`
  const whole = path.join('.')
  if (head.startsWith('@')) {
    const attribute = whole.replace(/\.name$/, '')
    const isSlip = attribute !== whole && fields.includes(attribute) && !fields.includes(whole)
    return isSlip ? `${text} shows nothing: in a rule write {{${attribute}}}, without .name` : undefined
  }
  if (VARIABLES.includes(whole) || head === 'events_matched_per_query') return undefined
  if (OF_MONITORS.includes(head)) {
    return `${text} is a variable of monitors: a rule has {{@attribute}}, ${VARIABLES.join(', ')}`
  }
  // The value of a tag.
  if (path.at(-1) === 'name' && path.length > 1) return undefined
  return fields.includes(`@${whole}`) || path.length > 1
    ? `${text} shows nothing: write {{@${whole}}}`
    : `${text} is not a variable of a rule`
}

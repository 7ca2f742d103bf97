import { isRecord } from '../json.ts'
import { facetsOf } from '../monitor/constraints.ts'
import type { AlertQuery } from '../monitor/monitor-query.ts'
import { type Node, type Owner, type Path, parseTemplate, TemplateError } from '../notify/template-parser.ts'
import type { Remark } from './finding.ts'

/** What a message may speak of beside groups and `log.…`. @see monitors/notify/variables */
const VARIABLES = [
  ...['value', 'threshold', 'warn_threshold', 'ok_threshold', 'alert_recovery_threshold', 'warn_recovery_threshold'],
  ...['comparator', 'triggered_duration_sec', 'first_triggered_at', 'last_triggered_at'],
  ...['first_triggered_at_epoch', 'last_triggered_at_epoch', 'timestamp', 'local_time', 'metric_graph_link'],
]
const LOG_PARTS = ['message', 'service', 'status', 'source', 'host', 'timestamp', 'link', 'trace_id', 'span_id', 'id']

/** `@webhook-name`, `@slack-team-channel`, `@a.person@example.test`. */
const HANDLE = /@[\p{L}\p{N}][^\s@{}<>"'`,;]*(?:@[^\s{}<>"'`,;]+)?/gu

/** A payload of a webhook knows these. Names that occur in commands of a runbook, such as `$USER`, are left out. */
const PAYLOAD_VARIABLE = /\$(?:ALERT|EVENT|INCIDENT|LOGS|SECURITY)_[A-Z_]+|\$TEXT_ONLY_MSG\b|\$TAGS\[/g

/** Reads the texts of a monitor as templates, and looks for its handles. @param query undefined when it cannot be read */
export function messageRemarks(json: Readonly<Record<string, unknown>>, query: AlertQuery | undefined): Remark[] {
  const options = isRecord(json.options) ? json.options : {}
  const facets = query && facetsOf(query, options)
  const texts = [
    ['name', json.name],
    ['message', json.message],
    ['options.escalation_message', options.escalation_message],
  ] as const
  const remarks = texts.flatMap(([place, text]) =>
    typeof text === 'string' && text !== ''
      ? [
          ...templateRemarks(place, text, (path, isTest) => pathFault(path, facets, isTest)),
          ...payloadRemarks(place, text),
        ]
      : [],
  )
  return [...remarks, ...handleRemarks(json)]
}

/** Why a variable shows nothing; undefined if it shows something. @param isTest whether it stands in a condition */
export type PathFault = (path: Path, isTest: boolean) => string | undefined

/** What a text would not render. */
export function templateRemarks(place: string, text: string, fault: PathFault, owner: Owner = 'log monitor'): Remark[] {
  let nodes: Node[]
  try {
    nodes = parseTemplate(text, owner)
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return [{ level: 'error', rule: 'template', place: `${place}:${error.position + 1}`, message: error.reason }]
  }
  const seen = new Set<string>()
  const remarks: Remark[] = []
  for (const { path, isTest } of pathsIn(nodes)) {
    const message = fault(path, isTest)
    if (message === undefined || seen.has(message)) continue
    seen.add(message)
    const at = text.indexOf(path.length === 1 ? (path[0] ?? '') : path.join('.'))
    remarks.push({ level: 'warning', rule: 'unknown-variable', place: at < 0 ? place : `${place}:${at + 1}`, message })
  }
  return remarks
}

/** Variables of payloads, which a text does not have. */
export function payloadRemarks(place: string, text: string): Remark[] {
  return [...text.matchAll(PAYLOAD_VARIABLE)].map(({ 0: name, index }) => ({
    ...{ level: 'warning', rule: 'payload-variable', place: `${place}:${index + 1}` },
    message: `${name} is a variable of webhook payloads: here it is sent as it stands`,
  }))
}

interface PathUse {
  readonly path: Path
  /** In a condition a group may be named without `.name`. */
  readonly isTest: boolean
}

function pathsIn(nodes: readonly Node[]): PathUse[] {
  return nodes.flatMap((node): PathUse[] => {
    if (node.kind === 'value' || node.kind === 'url-encoded' || node.kind === 'local-time') {
      return [{ path: node.path, isTest: false }]
    }
    if (node.kind !== 'block') return []
    const tested = 'path' in node.test ? [{ path: node.test.path, isTest: true }] : []
    return [...tested, ...pathsIn(node.whenTrue), ...pathsIn(node.whenFalse)]
  })
}

/** Whatever is unknown shows nothing, silently. */
function pathFault(path: Path, facets: readonly string[] | undefined, isTest: boolean): string | undefined {
  const [head = '', second = ''] = path
  const text = `{{${path.map((part) => (part.includes('.') ? `[${part}]` : part)).join('.')}}}`
  if (path.length === 1 && (VARIABLES.includes(head) || head === 'log')) return undefined
  if (head === 'log') {
    if (second === 'attributes' || second === 'tags' || (LOG_PARTS.includes(second) && path.length === 2))
      return undefined
    return `${text} shows nothing: a log has attributes, tags, ${LOG_PARTS.join(', ')}`
  }
  if (facets === undefined) return undefined
  const isGroup = (name: string) => facets.includes(name)
  if (isGroup(head) && ((path.length === 2 && second !== '') || (isTest && path.length === 1))) return undefined
  const whole = path.at(-1) === 'name' ? path.slice(0, -1).join('.') : path.join('.')
  if (isGroup(whole)) {
    const name = whole.includes('.') ? `[${whole}]` : whole
    return `${text} shows nothing: write {{${name}.name}}`
  }
  const groups = facets.length === 0 ? 'the query has no .by' : `the query groups by ${facets.join(', ')}`
  const isFacetLike = path.length > 1 || head.startsWith('@')
  return isFacetLike
    ? `${text} shows nothing: ${groups}; an attribute of a log is {{log.attributes.${whole.replace(/^@/, '')}}}`
    : `${text} is not a variable of a log monitor`
}

function handleRemarks(json: Readonly<Record<string, unknown>>): Remark[] {
  const { message } = json
  if (typeof message !== 'string') {
    const isMissing = message === undefined && json.draft_status !== 'draft'
    return isMissing
      ? [{ level: 'warning', rule: 'no-handle', place: 'message', message: 'is missing: this monitor notifies nobody' }]
      : []
  }
  const remarks: Remark[] = []
  // What stands in tags is not text yet: a handle may be built of a variable.
  const text = message.replace(/\{\{[^{}]*\}\}/g, (tag) =>
    /^\{\{[#^/]|^\{\{\s*else/.test(tag) ? ' '.repeat(tag.length) : '_'.repeat(tag.length),
  )
  // In `ops@example.test` the `@` belongs to an address, which notifies nobody: its handle is `@ops@example.test`.
  const handles = [...text.matchAll(HANDLE)].filter(
    ({ 0: handle, index }) => handle.startsWith('@webhook-') || !/[\p{L}\p{N}]/u.test(text[index - 1] ?? ' '),
  )
  if (handles.length === 0 && json.draft_status !== 'draft') {
    remarks.push({
      level: 'warning',
      rule: 'no-handle',
      place: 'message',
      message: 'names no @handle: this monitor notifies nobody',
    })
  }
  for (const { 0: handle, index } of handles) {
    const before = text[index - 1] ?? ' '
    const after = text[index + handle.length] ?? ' '
    if (!handle.startsWith('@webhook-')) continue
    if (/\s/.test(before) && /\s/.test(after) && !/[.:!?)\]]$/.test(handle)) continue
    const remedy = 'put a blank or the end of a line on both sides of a handle'
    remarks.push({
      level: 'warning',
      rule: 'handle-not-set-apart',
      place: `message:${index + 1}`,
      message: `${handle}${after.trim()}: ${remedy}`,
    })
  }
  return remarks
}

import type { IndexedLog } from '../log.ts'
import { type Flag, type Node, type Owner, type Path, parseTemplate, type Test } from './template-parser.ts'

/** The values that a message can contain at one transition. */
export interface MessageFacts {
  flags: ReadonlySet<Flag>
  /** `P1` to `P5`, or empty. */
  priority: string
  /** Facet or tag key → value, keys as in the group-by. */
  group: Readonly<Record<string, string>>
  /** `value`, `threshold`, `comparator`, … by name. */
  numbers: Readonly<Record<string, string | number | undefined>>
  /** Dates by name, epoch ms. */
  dates: Readonly<Record<string, number>>
  /** A matching log; undefined on recovery. */
  log?: IndexedLog
  link: string
  /** A value that a name has before any other meaning. */
  named?: (path: Path) => unknown
  /** Called when the text overrides the priority of the notification. */
  override?: (priority: string) => void
}

/** A compiled message. */
export type Template = (facts: MessageFacts) => string

/**
 * Compiles the name or message of a monitor, as documented in monitors/notify/variables, or of a rule. Unknown and absent names render as nothing.
 * Double braces escape HTML, triple braces do not. Values are not read as templates.
 * @throws TemplateError when the text cannot be read
 */
export function compileTemplate(text: string, owner: Owner = 'log monitor'): Template {
  const nodes = parseTemplate(text, owner)
  return (facts) => render(nodes, facts)
}

function render(nodes: Node[], facts: MessageFacts): string {
  return nodes.map((node) => renderNode(node, facts)).join('')
}

function renderNode(node: Node, facts: MessageFacts): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'value':
      return node.escape ? escapeHtml(resolve(node.path, facts)) : resolve(node.path, facts)
    case 'eval':
      return node.expression((name) => numberOf(name, facts))
    case 'url-encoded':
      return encodeURIComponent(resolve(node.path, facts))
    case 'override-priority':
      facts.override?.(node.priority)
      return ''
    case 'local-time':
      return localTime(facts.dates[node.path.join('.')], node.timeZone)
    case 'block':
      return render(holds(node.test, facts) ? node.whenTrue : node.whenFalse, facts)
  }
}

function holds(test: Test, facts: MessageFacts): boolean {
  if (test.kind === 'flag') return facts.flags.has(test.name)
  if (test.kind === 'priority') return facts.priority === test.priority
  const value = groupValue(test.path, facts) ?? resolve(test.path, facts)
  if (test.kind === 'present') return value !== ''
  // An empty string tests whether a value is present (is_match), or absent (is_exact_match).
  if (test.kind === 'match') return test.words.some((word) => value !== '' && value.includes(word))
  return test.words.some((word) => value === word || isSameNumber(value, word))
}

const isSameNumber = (a: string, b: string): boolean => a.trim() !== '' && b.trim() !== '' && Number(a) === Number(b)

/** In `is_match` a tag may be written without `.name`. */
const groupValue = (path: Path, { group }: MessageFacts): string | undefined =>
  path.length === 1 ? own(group, path[0] ?? '') : undefined

function resolve(path: Path, facts: MessageFacts): string {
  const [head = '', second = '', ...rest] = path
  const named = facts.named?.(path)
  if (named !== undefined) return textOf(named)
  if (head === 'log' && path.length > 1) return textOf(ofLog(second, rest, facts))
  if (path.length === 2 && second === 'name') return own(facts.group, head) ?? ''
  if (path.length !== 1) return ''
  const date = own(facts.dates, head)
  if (date !== undefined) return new Date(date).toISOString()
  const epoch = own(facts.dates, head.replace(/_epoch$/, ''))
  return textOf(head.endsWith('_epoch') ? epoch : own(facts.numbers, head))
}

/** A number for `eval`. Only Datadog's own numbers are used, so that the content of a log cannot take part. */
function numberOf(name: string, { dates, numbers }: MessageFacts): number | undefined {
  const date = name.endsWith('_epoch') ? own(dates, name.replace(/_epoch$/, '')) : undefined
  const value = date ?? own(numbers, name)
  return typeof value === 'number' ? value : undefined
}

const RESERVED = ['message', 'service', 'status', 'source', 'host'] as const

function ofLog(name: string, rest: Path, { log, link }: MessageFacts): unknown {
  if (!log) return ''
  if (name === 'attributes') return descend(log.attributes, rest)
  if (name === 'tags') return tagValues(log.tags, rest.join('.'))
  if (rest.length > 0) return ''
  if (name === 'timestamp') return new Date(log.timestamp).toISOString()
  if (name === 'link') return link
  if (name === 'trace_id' || name === 'span_id') {
    return descend(log.attributes, [name]) ?? descend(log.attributes, ['dd', name])
  }
  const reserved = RESERVED.find((known) => known === name)
  return reserved && log[reserved]
}

const isIndexable = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/** A dotted name in brackets is tried as a key first, then as a path. */
function descend(value: unknown, path: Path): unknown {
  const [head, ...rest] = path
  if (head === undefined) return value
  if (!isIndexable(value)) return undefined
  if (Object.hasOwn(value, head)) return descend(value[head], rest)
  return head.includes('.') ? descend(value, [...head.split('.'), ...rest]) : undefined
}

const tagValues = (tags: string[] = [], key: string): string =>
  tags
    .filter((tag) => tag.startsWith(`${key}:`))
    .map((tag) => tag.slice(key.length + 1))
    .sort()
    .join(',')

function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
  '`': '&#x60;',
  '=': '&#x3D;',
}

/** Decision `escaped-as-html`: it is documented that content is escaped, but not how. Here it is escaped as by Handlebars, whose syntax it has. */
const escapeHtml = (text: string): string => text.replace(/[&<>"'`=]/g, (character) => ENTITIES[character] ?? character)

/** `yyyy-MM-dd HH:mm:ss±HH:mm` */
function localTime(at: number | undefined, timeZone: string): string {
  if (at === undefined) return ''
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  }).formatToParts(at)
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? ''
  const offset = part('timeZoneName').replace('GMT', '') || '+00:00'
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')}${offset}`
}

const HANDLE = /(?<=^|\s)@webhook-([A-Za-z0-9_.-]+)(?=\s|$)/g

/**
 * The webhooks that a rendered message notifies. A handle needs white space, or the start or end of the text, on both sides. Handles
 * are searched after rendering, so a variable can be part of a handle, and the text of an attacker in a message can name one.
 */
export function webhookHandles(rendered: string): string[] {
  return [...new Set([...rendered.matchAll(HANDLE)].map(([, name = '']) => name))]
}

const RECIPIENT = /(?<=^|\s)@(?:[\w.+-]+@[\w-]+(?:\.[\w-]+)+|[\p{L}\p{N}][\p{L}\p{N}_.:+-]*)/gu

/**
 * The handles in a rendered message, in its order.
 * Decision `handle-before-punctuation`, undocumented: the handle of a person, a team or a channel ends before a full stop, a colon
 * or another sign. The handle of a webhook needs white space on both sides.
 */
export function recipientsOf(rendered: string): string[] {
  const handles = [...rendered.matchAll(RECIPIENT)].flatMap(([handle]) => {
    const name = handle.replace(/[.:+-]+$/, '')
    return name.startsWith('@webhook-') && !webhookHandles(rendered).includes(name.slice('@webhook-'.length))
      ? []
      : [name]
  })
  return [...new Set(handles)]
}

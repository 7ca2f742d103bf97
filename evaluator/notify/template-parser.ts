import { compileExpression, type Expression, ExpressionError } from './template-eval.ts'

/** Thrown for a message that cannot be read, with the position of the fault in characters from 0. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError'
  readonly position: number
  readonly reason: string

  constructor(position: number, reason: string) {
    super(`message, position ${position}: ${reason}`)
    this.position = position
    this.reason = reason
  }
}

/** `log.attributes.[a.b]` is `['log', 'attributes', 'a.b']`. */
export type Path = readonly string[]

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'value'; path: Path; escape: boolean }
  | { kind: 'eval'; expression: Expression }
  | { kind: 'url-encoded'; path: Path }
  /** Renders nothing, and changes the priority of the notification. */
  | { kind: 'override-priority'; priority: string }
  | { kind: 'local-time'; path: Path; timeZone: string }
  | { kind: 'block'; test: Test; whenTrue: Node[]; whenFalse: Node[] }

export type Test =
  | { kind: 'flag'; name: Flag }
  | { kind: 'match' | 'exact-match'; path: Path; words: string[] }
  | { kind: 'priority'; priority: string }
  /** `{{#if @usr.id}}`, in the message of a rule. */
  | { kind: 'present'; path: Path }

/** The conditions in a log monitor's message: monitors/notify/variables. */
export const FLAGS = [
  'is_alert',
  'is_warning',
  'is_no_data',
  'is_recovery',
  'is_alert_recovery',
  'is_warning_recovery',
  'is_no_data_recovery',
  'is_alert_to_warning',
  'is_renotify',
  'is_unknown',
] as const
export type Flag = (typeof FLAGS)[number]

interface Tag {
  kind: 'text' | 'value' | 'open' | 'inverse' | 'else' | 'close' | 'raw'
  /** The content of a raw block. */
  text?: string
  body: string
  position: number
  escape: boolean
}

/** Whose message a template is. */
export type Owner = 'log monitor' | 'rule'

/** The conditions in the message of a rule: security/notifications/variables. */
const OF_RULES = ['is_match', 'is_exact_match', 'if']

/**
 * Reads the message of a monitor or of a rule.
 * @throws TemplateError for a tag or a block that is not closed, and for an unknown helper or condition
 */
export function parseTemplate(text: string, owner: Owner = 'log monitor'): Node[] {
  const tags = scan(text)
  for (const tag of tags) checkCondition(tag, owner)
  return readNodes(tags).nodes
}

function checkCondition(tag: Tag, owner: Owner): void {
  const name = nameOf(tag)
  if (!['open', 'inverse', 'raw'].includes(tag.kind) || name === 'raw') return
  const isKnown = owner === 'rule' ? OF_RULES.includes(name) : name !== 'if'
  if (!isKnown) throw new TemplateError(tag.position, `{{#${name}}} is not a condition of a ${owner}`)
}

/** Reads up to the tag that ends the block `opener` began, or to the end of the message. */
function readNodes(tags: Tag[], opener?: Tag): { nodes: Node[]; ended?: Tag } {
  const nodes: Node[] = []
  for (let tag = tags.shift(); tag; tag = tags.shift()) {
    if (tag.kind === 'text') nodes.push({ kind: 'text', text: tag.body })
    else if (tag.kind === 'value') nodes.push(parseValue(tag))
    else if (tag.kind === 'raw') nodes.push(readRaw(tag))
    else if (tag.kind === 'open' || tag.kind === 'inverse') nodes.push(readBlock(tag, tags))
    else if (opener) return { nodes, ended: tag }
    else throw new TemplateError(tag.position, `${shown(tag)} is outside a block`)
  }
  if (opener) throw new TemplateError(opener.position, `${shown(opener)} is not closed`)
  return { nodes }
}

function readBlock(opener: Tag, tags: Tag[]): Node {
  const test = parseTest(opener)
  const first = readNodes(tags, opener)
  const second = first.ended?.kind === 'else' ? readNodes(tags, opener) : { nodes: [], ended: first.ended }
  if (second.ended?.kind !== 'close' || second.ended.body !== nameOf(opener)) {
    throw new TemplateError(second.ended?.position ?? 0, `${shown(second.ended)} does not close ${shown(opener)}`)
  }
  return opener.kind === 'open'
    ? { kind: 'block', test, whenTrue: first.nodes, whenFalse: second.nodes }
    : { kind: 'block', test, whenTrue: second.nodes, whenFalse: first.nodes }
}

/** Reads a raw block: its content is text, braces included. It may have a condition. */
function readRaw(tag: Tag): Node {
  const text: Node = { kind: 'text', text: tag.text ?? '' }
  return tag.body === 'raw' ? text : { kind: 'block', test: parseTest(tag), whenTrue: [text], whenFalse: [] }
}

const nameOf = (tag: Tag): string => tag.body.split(/\s/, 1)[0] ?? ''

const SIGILS: Record<Tag['kind'], string> = {
  text: '',
  value: '',
  else: '',
  raw: '',
  open: '#',
  inverse: '^',
  close: '/',
}
const shown = (tag: Tag | undefined): string => (tag ? `{{${SIGILS[tag.kind]}${tag.body}}}` : 'the end')

const RAW = /^\{\{\{\{\s*((\w+)[^{}]*?)\s*\}\}\}\}([\s\S]*?)\{\{\{\{\s*\/\2\s*\}\}\}\}/
/** Documented with and without `--` before its end. A comment that contains a tag ends at `--}}` only. */
const COMMENT = /^\{\{!(?:(?!\{\{)[\s\S])*?\}\}|^\{\{!--[\s\S]*?--\}\}/
const TRIPLE = /^\{\{\{([^{}]*)\}\}\}/
const DOUBLE = /^\{\{([#^/]?)([^{}]*)\}\}/

function scan(text: string): Tag[] {
  const tags: Tag[] = []
  let position = 0
  while (position < text.length) {
    const brace = text.indexOf('{{', position)
    const end = brace === -1 ? text.length : brace
    if (end > position) tags.push({ kind: 'text', body: text.slice(position, end), position, escape: false })
    if (brace === -1) break
    position = scanTag(text, brace, tags)
  }
  return tags
}

function scanTag(text: string, position: number, tags: Tag[]): number {
  const rest = text.slice(position)
  const raw = RAW.exec(rest)
  if (raw) {
    tags.push({ kind: 'raw', body: raw[1] ?? '', text: raw[3] ?? '', position, escape: false })
    return position + raw[0].length
  }
  const comment = COMMENT.exec(rest)
  if (comment) return position + comment[0].length
  const triple = TRIPLE.exec(rest)
  if (triple) {
    tags.push({ kind: 'value', body: (triple[1] ?? '').trim(), position, escape: false })
    return position + triple[0].length
  }
  const double = DOUBLE.exec(rest)
  if (!double) throw new TemplateError(position, 'these braces are not closed')
  const [whole, sigil, inner = ''] = double
  const body = inner.trim()
  const kind = kindOf(sigil, body)
  tags.push({ kind, body, position, escape: true })
  return position + whole.length
}

function kindOf(sigil: string | undefined, body: string): Tag['kind'] {
  if (sigil === '#') return 'open'
  if (sigil === '^') return 'inverse'
  if (sigil === '/') return 'close'
  return body === 'else' ? 'else' : 'value'
}

function parseValue(tag: Tag): Node {
  const [helper = '', ...words] = wordsOf(tag)
  const [first = '', second = ''] = words
  switch (helper) {
    case 'local_time':
      if (!isTimeZone(second)) throw new TemplateError(tag.position, `${JSON.stringify(second)} is not a time zone`)
      return { kind: 'local-time', path: parsePath(first, tag.position), timeZone: second }
    case 'eval':
      return { kind: 'eval', expression: parseExpression(first, tag) }
    case 'urlencode':
      return { kind: 'url-encoded', path: parsePath(first, tag.position) }
    case 'override_priority':
      if (!/^P[1-5]$/.test(first)) throw new TemplateError(tag.position, `override_priority needs 'P1' to 'P5'`)
      return { kind: 'override-priority', priority: first }
  }
  return { kind: 'value', path: parsePath(tag.body, tag.position), escape: tag.escape }
}

function parseExpression(text: string, tag: Tag): Expression {
  try {
    return compileExpression(text)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw new TemplateError(tag.position, `eval, position ${error.position}: ${error.message}`)
  }
}

function parseTest(tag: Tag): Test {
  const [name = '', ...words] = wordsOf(tag)
  if (name === 'is_match' || name === 'is_exact_match') {
    const [variable, ...comparisons] = words
    if (!variable || comparisons.length === 0)
      throw new TemplateError(tag.position, `${name} needs a variable and a string`)
    return {
      kind: name === 'is_match' ? 'match' : 'exact-match',
      path: parsePath(variable, tag.position),
      words: comparisons,
    }
  }
  if (name === 'if') {
    const [variable] = words
    if (words.length !== 1 || !variable) throw new TemplateError(tag.position, 'if needs one variable: {{#if @usr.id}}')
    return { kind: 'present', path: parsePath(variable, tag.position) }
  }
  if (name === 'is_priority') return { kind: 'priority', priority: words[0] ?? '' }
  const flag = FLAGS.find((known) => known === name)
  if (!flag) throw new TemplateError(tag.position, `{{#${name}}} is not a condition of a log monitor`)
  return { kind: 'flag', name: flag }
}

const WORD = /"([^"]*)"|'([^']*)'|\S+/g

const wordsOf = (tag: Tag): string[] =>
  [...tag.body.matchAll(WORD)].map(([bare, double, single]) => double ?? single ?? bare)

const PATH = /^(?:\[[^\]]+\]|[^\s.[\]]+)(?:\.(?:\[[^\]]+\]|[^\s.[\]]+))*$/
const SEGMENT = /\[([^\]]+)\]|[^\s.[\]]+/g

function parsePath(text: string, position: number): Path {
  if (!PATH.test(text)) throw new TemplateError(position, `${JSON.stringify(text)} is not a variable`)
  return [...text.matchAll(SEGMENT)].map(([bare, bracketed]) => bracketed ?? bare)
}

function isTimeZone(name: string): boolean {
  try {
    return name !== '' && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

import type { ExactNumber } from './exact-number.ts'

/** What a log search says, as a tree that prints back to a search with the same meaning. */
export type SearchNode =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly nodes: readonly SearchNode[] }
  | { readonly kind: 'not'; readonly node: SearchNode }
  | { readonly kind: 'match'; readonly target: Target; readonly value: Value }
  /** `env:(prod OR test)`: every leaf below has the same target, named once. */
  | { readonly kind: 'group'; readonly target: Target; readonly node: SearchNode }
  | { readonly kind: 'cidr'; readonly target: Field; readonly blocks: readonly string[] }

/** A place in a log that has a name. */
export type Field =
  | { readonly kind: 'attribute'; readonly path: string }
  | { readonly kind: 'reserved'; readonly name: Reserved }
  | { readonly kind: 'tag'; readonly key: string }
  /** `tags:x`: the whole tag, for those that are not `key:value`. */
  | { readonly kind: 'wholeTag' }

/** A field, or text: `message` for a bare term, which also reads {@link freeTextPaths}; `everything` for `*:term`. */
export type Target = Field | { readonly kind: 'message' } | { readonly kind: 'everything' }

export type Value =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'pattern'; readonly parts: readonly PatternPart[] }
  | { readonly kind: 'exists' }
  | { readonly kind: 'compare'; readonly operator: '>' | '>=' | '<' | '<='; readonly bound: Bound }
  | {
      readonly kind: 'range'
      readonly lower: Bound | undefined
      readonly upper: Bound | undefined
      readonly includesLower: boolean
      readonly includesUpper: boolean
    }

/** Text, or a wildcard: `*` is any run of characters, `?` exactly one. */
export type PatternPart = { readonly text: string } | { readonly wildcard: '*' | '?' }

/** A number when it reads as one, exact whatever its size, else text that is compared as text. */
export type Bound = ExactNumber | string

/** Written without `@`, and not tags. */
export const RESERVED_NAMES = ['service', 'host', 'status', 'source', 'message', 'trace_id'] as const
export type Reserved = (typeof RESERVED_NAMES)[number]

/**
 * The attributes that a bare term searches beside the message.
 * @see https://docs.datadoghq.com/logs/explorer/search_syntax/ "Full-text search", row "Free text"
 */
export const FREE_TEXT_PATHS = ['title', 'error.message', 'error.stack'] as const

/** Prints a tree as a search; parsing that again gives an equal tree. */
export function printSearch(node: SearchNode): string {
  return print(node, false)
}

function print(node: SearchNode, grouped: boolean): string {
  switch (node.kind) {
    case 'all':
      return '*'
    case 'and':
      return node.nodes.map((child) => wrap(child, grouped, ['and', 'or'])).join(' AND ')
    case 'or':
      return node.nodes.map((child) => wrap(child, grouped, ['or'])).join(' OR ')
    case 'not':
      return `-${wrap(node.node, grouped, ['and', 'or', 'not'])}`
    case 'group':
      return `${printTarget(node.target)}(${print(node.node, true)})`
    case 'cidr':
      return `CIDR(${printField(node.target)}, ${node.blocks.join(', ')})`
    case 'match':
      return (grouped ? '' : printTarget(node.target)) + printValue(node.value)
  }
}

function wrap(node: SearchNode, grouped: boolean, looser: readonly SearchNode['kind'][]): string {
  const text = print(node, grouped)
  return looser.includes(node.kind) ? `(${text})` : text
}

function printTarget(target: Target): string {
  if (target.kind === 'message') return ''
  return target.kind === 'everything' ? '*:' : `${printField(target)}:`
}

function printField(field: Field): string {
  switch (field.kind) {
    case 'attribute':
      return `@${escapeText(field.path)}`
    case 'reserved':
      return field.name
    case 'tag':
      return escapeText(field.key)
    case 'wholeTag':
      return 'tags'
  }
}

function printValue(value: Value): string {
  switch (value.kind) {
    case 'text':
      return value.quoted ? quote(value.text) : escapeText(value.text)
    case 'pattern':
      return value.parts.map((part) => ('text' in part ? escapeText(part.text) : part.wildcard)).join('')
    case 'exists':
      return '*'
    case 'compare':
      return value.operator + printBound(value.bound)
    case 'range': {
      const open = value.includesLower ? '[' : '{'
      const close = value.includesUpper ? ']' : '}'
      return `${open}${printBound(value.lower)} TO ${printBound(value.upper)}${close}`
    }
  }
}

function printBound(bound: Bound | undefined): string {
  if (bound === undefined) return '*'
  if (typeof bound === 'string') return quote(bound)
  // All digits of a double would read as another number, an exact one.
  const isLong = typeof bound === 'number' && Number.isInteger(bound) && !Number.isSafeInteger(bound)
  return isLong ? bound.toExponential() : String(bound)
}

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** No text needs more than its special characters escaped: an operator is only ever read where a term may begin, and is quoted there. */
function escapeText(text: string): string {
  return text.replace(/[+\-=&|><!(){}[\]^"“”~*?:\\#\s@,]/g, '\\$&')
}

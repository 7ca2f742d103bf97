import {
  type Bound,
  type Field,
  type PatternPart,
  RESERVED_NAMES,
  type SearchNode,
  type Target,
  type Value,
} from './search-ast.ts'
import { Scanner } from './search-scanner.ts'

/** A form that works in Vector's port of the language but is not on Datadog's page: fit to read, not to write. */
export interface UndocumentedForm {
  readonly position: number
  readonly form: string
}

export interface ParsedSearch {
  readonly node: SearchNode
  readonly undocumented: readonly UndocumentedForm[]
}

const isText = (bound: Bound | undefined): boolean => typeof bound === 'string'

/** A limit far above what people write, which keeps the stack from overflowing. */
const MAX_DEPTH = 100

/**
 * Reads a Datadog log search.
 * @throws SearchSyntaxError with position and reason for whatever is neither documented nor ported
 * @see https://docs.datadoghq.com/logs/explorer/search_syntax/
 */
export function parseSearch(query: string): ParsedSearch {
  return new Parser(query).parse()
}

class Parser {
  readonly #scanner: Scanner
  readonly #undocumented: UndocumentedForm[] = []
  #depth = 0

  constructor(query: string) {
    this.#scanner = new Scanner(query, (form, position) => this.#note(form, position))
  }

  parse(): ParsedSearch {
    this.#scanner.skipSpace()
    if (this.#scanner.done) return { node: { kind: 'all' }, undocumented: [] }
    const node = this.#either(undefined)
    if (!this.#scanner.done) this.#scanner.fail('this `)` has no matching `(`')
    return { node, undocumented: this.#undocumented }
  }

  #note(form: string, position = this.#scanner.position): void {
    this.#undocumented.push({ position, form })
  }

  /** OR binds loosest. */
  #either(group: Target | undefined): SearchNode {
    const nodes = [this.#both(group)]
    while (this.#operator('OR', '||')) nodes.push(this.#both(group))
    return nodes.length === 1 && nodes[0] ? nodes[0] : { kind: 'or', nodes }
  }

  /** AND, written or implied by adjacency, binds tighter than OR. */
  #both(group: Target | undefined): SearchNode {
    const nodes = [this.#unary(group)]
    for (;;) {
      const spoken = this.#operator('AND', '&&')
      if (!spoken && (this.#scanner.done || this.#scanner.next === ')' || this.#atOr())) break
      nodes.push(this.#unary(group))
    }
    return nodes.length === 1 && nodes[0] ? nodes[0] : { kind: 'and', nodes }
  }

  #atOr(): boolean {
    return this.#scanner.atOperator('OR') || this.#scanner.comes('||')
  }

  #operator(word: string, sign: string): boolean {
    this.#scanner.skipSpace()
    const position = this.#scanner.position
    if (this.#scanner.atOperator(word)) this.#scanner.take(word)
    else if (this.#scanner.take(sign)) this.#note(`\`${sign}\` as an operator`, position)
    else return false
    this.#scanner.skipSpace()
    return true
  }

  #unary(group: Target | undefined): SearchNode {
    const scanner: Scanner = this.#scanner
    this.#skipCurlyQuotes()
    const position = scanner.position
    if (++this.#depth > MAX_DEPTH) scanner.fail(`nested deeper than ${MAX_DEPTH} levels`)
    try {
      if (scanner.atOperator('NOT')) {
        scanner.take('NOT')
        scanner.skipSpace()
        return { kind: 'not', node: this.#unary(group) }
      }
      if (scanner.take('-')) return this.#negated('-', group)
      if (scanner.take('!')) {
        this.#note('`!` as an operator', position)
        return this.#negated('!', group)
      }
      if (scanner.take('+')) {
        this.#note('`+` as an operator', position)
        return this.#unary(group)
      }
      return this.#primary(group)
    } finally {
      this.#depth--
    }
  }

  /** Around terms they are ignored, as the page says: “a b” is a and b in any order, not the sequence that was meant. */
  #skipCurlyQuotes(): void {
    while (this.#scanner.atCurlyQuote) {
      this.#note('a typographic quote, which is ignored')
      this.#scanner.position++
    }
  }

  /** Decision `minus-before-a-blank`, undocumented: `- a` excludes a as `-a` does, as in Vector. */
  #negated(sign: string, group: Target | undefined): SearchNode {
    const scanner: Scanner = this.#scanner
    if (/\s/.test(scanner.next)) this.#note(`a blank behind \`${sign}\``)
    scanner.skipSpace()
    if (scanner.done || scanner.next === ')') scanner.fail(`\`${sign}\` must be followed by a term`)
    return { kind: 'not', node: this.#unary(group) }
  }

  #primary(group: Target | undefined): SearchNode {
    const scanner: Scanner = this.#scanner
    if (scanner.done) scanner.fail('expected a term here')
    if (scanner.next === ')') scanner.fail('expected a term before `)`')
    for (const word of ['AND', 'OR']) {
      if (scanner.atOperator(word)) scanner.fail(`${word} needs a term on both sides`)
    }
    if (scanner.next === '&' || scanner.next === '|') scanner.fail(`\`${scanner.next}\` needs a term on both sides`)
    const node = this.#operand(group)
    this.#skipCurlyQuotes()
    if (!scanner.done && !/[\s()]/.test(scanner.next)) scanner.fail('expected a space here')
    scanner.skipSpace()
    return node
  }

  #operand(group: Target | undefined): SearchNode {
    const scanner: Scanner = this.#scanner
    if (scanner.next === '(') return this.#parenthesised(group)
    if (group) return { kind: 'match', target: group, value: this.#value(group) }
    if (scanner.take('CIDR(')) return this.#cidr()
    if (scanner.comes('*:')) {
      scanner.position += 2
      if (/^\*(?=$|[\s()])/.test(scanner.query.slice(scanner.position))) {
        this.#note('`*:*`')
        scanner.position++
        return { kind: 'all' }
      }
      return this.#valueOf({ kind: 'everything' })
    }
    return this.#term()
  }

  #parenthesised(group: Target | undefined): SearchNode {
    const scanner: Scanner = this.#scanner
    const open = scanner.position
    scanner.take('(')
    scanner.skipSpace()
    const node = this.#either(group)
    if (!scanner.take(')')) scanner.fail('this `(` is not closed', open)
    return node
  }

  /** A bare term, or a key with its value. */
  #term(): SearchNode {
    const scanner: Scanner = this.#scanner
    const start = scanner.position
    const message: Target = { kind: 'message' }
    if (scanner.next === '"') {
      const text = scanner.quoted()
      if (scanner.comes(':')) scanner.fail('a key cannot be quoted', start)
      return { kind: 'match', target: message, value: this.#checkText({ kind: 'text', text, quoted: true }, start) }
    }
    if (/[<>[{]/.test(scanner.next)) scanner.fail('a comparison or range needs a key before it, such as @duration:>100')
    const parts = scanner.word()
    if (scanner.next === ':') return this.#keyed(parts, start)
    if (scanner.query[start] === '@')
      scanner.fail(
        `\`${scanner.query.slice(start, scanner.position)}\` needs a value; add \`:*\` to find logs that have it`,
        start,
      )
    this.#refuseAdjoined(parts)
    const value = this.#worded(parts)
    if (value.kind === 'exists') return { kind: 'all' }
    return { kind: 'match', target: message, value: this.#checkText(value, start) }
  }

  #keyed(parts: readonly PatternPart[], start: number): SearchNode {
    const scanner: Scanner = this.#scanner
    const key = parts[0]
    if (parts.length === 0) scanner.fail('`:` needs a key before it')
    if (parts.length !== 1 || !key || !('text' in key))
      scanner.fail('a key cannot contain a wildcard; use `*:term` to search everywhere', start)
    scanner.position++
    if (key.text === '_exists_' || key.text === '_missing_') return this.#existence(key.text, start)
    return this.#valueOf(this.#field(key.text, start))
  }

  /** `_exists_:a` and `_missing_:a`, older than the page. */
  #existence(form: '_exists_' | '_missing_', start: number): SearchNode {
    const scanner: Scanner = this.#scanner
    this.#note(`\`${form}\``, start)
    const at = scanner.position
    const [key, ...more] = scanner.word()
    if (!key || !('text' in key) || more.length > 0) scanner.fail(`${form}: needs the name of a field`, at)
    const node: SearchNode = { kind: 'match', target: this.#field(key.text, at), value: { kind: 'exists' } }
    return form === '_exists_' ? node : { kind: 'not', node }
  }

  #field(key: string, start: number): Field {
    if (key === 'tags') return { kind: 'wholeTag' }
    const reserved = RESERVED_NAMES.find((name) => name === key)
    if (reserved) return { kind: 'reserved', name: reserved }
    // An escaped \@ begins a tag, not an attribute.
    if (this.#scanner.query[start] !== '@') return { kind: 'tag', key }
    const path = key.slice(1)
    if (path.split('.').includes('')) this.#scanner.fail(`\`${key}\` is not a path: a name is missing`, start)
    return { kind: 'attribute', path }
  }

  #valueOf(target: Target): SearchNode {
    const scanner: Scanner = this.#scanner
    if (scanner.next !== '(') return { kind: 'match', target, value: this.#value(target) }
    return { kind: 'group', target, node: this.#parenthesised(target) }
  }

  #value(target: Target): Value {
    const scanner: Scanner = this.#scanner
    const start = scanner.position
    const isText = target.kind === 'everything' || target.kind === 'message'
    if (scanner.done || /[\s)]/.test(scanner.next)) scanner.fail('expected a value for the key here')
    if (scanner.atCurlyQuote) {
      scanner.fail(`a typographic quote is not a quote: type " or escape it as \\${scanner.next}`)
    }
    if (scanner.next === '"') {
      const value: Value = { kind: 'text', text: scanner.quoted(), quoted: true }
      return isText ? this.#checkText(value, start) : value
    }
    if (/[<>[{]/.test(scanner.next)) {
      if (isText) scanner.fail('full text has no order: put a key before the comparison or range')
      if (target.kind !== 'attribute') this.#note('a comparison or range over something other than an attribute')
      scanner.measuresDuration = target.kind === 'attribute' && target.path === 'duration'
      return scanner.next === '[' || scanner.next === '{' ? this.#range() : this.#comparison()
    }
    const parts = scanner.word()
    if (scanner.next === ':') scanner.fail('`:` inside a value must be escaped as \\:, or the value quoted')
    this.#refuseAdjoined(parts)
    const value = this.#worded(parts)
    return isText ? this.#checkText(value, start) : value
  }

  #comparison(): Value {
    const scanner: Scanner = this.#scanner
    const operator =
      (['>=', '<=', '>', '<'] as const).find((sign) => scanner.take(sign)) ?? scanner.fail('expected an operator')
    const at = scanner.position
    const bound = scanner.bound('')
    if (typeof bound === 'string') this.#note('a comparison of text', at)
    return { kind: 'compare', operator, bound }
  }

  #range(): Value {
    const scanner: Scanner = this.#scanner
    const start = scanner.position
    const includesLower = scanner.next === '['
    scanner.position++
    const lower = this.#rangeBound()
    scanner.skipSpace()
    if (!scanner.atOperator('TO')) scanner.fail('expected `TO` between the two ends of the range')
    scanner.take('TO')
    const upper = this.#rangeBound()
    scanner.skipSpace()
    const includesUpper = scanner.next === ']'
    if (!scanner.take(']') && !scanner.take('}')) scanner.fail('this range is not closed: add `]`', start)
    if (!includesLower || !includesUpper) this.#note('a range without its ends', start)
    if (isText(lower) || isText(upper)) this.#note('a range over text', start)
    if (lower !== undefined && upper !== undefined && isText(lower) !== isText(upper)) {
      scanner.fail('one end of this range is a number and the other is text', start)
    }
    return { kind: 'range', lower, upper, includesLower, includesUpper }
  }

  #rangeBound() {
    const scanner: Scanner = this.#scanner
    scanner.skipSpace()
    const at = scanner.position
    if (!scanner.take('*')) return scanner.bound(']}')
    this.#note('a range with an open end', at)
    return undefined
  }

  #cidr(): SearchNode {
    const scanner: Scanner = this.#scanner
    scanner.skipSpace()
    const at = scanner.position
    const [key, ...more] = scanner.word(',')
    if (!key || !('text' in key) || more.length > 0)
      scanner.fail('CIDR( needs an attribute first, such as CIDR(@ip, 10.0.0.0/8)', at)
    const target = this.#field(key.text, at)
    scanner.skipSpace()
    if (!scanner.take(',')) scanner.fail('CIDR( needs `,` and at least one block after the attribute')
    return { kind: 'cidr', target, blocks: scanner.blocks() }
  }

  #worded(parts: readonly PatternPart[]): Value {
    const [first] = parts
    if (parts.length === 0 || !first) return this.#scanner.fail('expected a value here')
    if (parts.length > 1) return { kind: 'pattern', parts }
    if ('text' in first) return { kind: 'text', text: first.text, quoted: false }
    return first.wildcard === '*' ? { kind: 'exists' } : { kind: 'pattern', parts }
  }

  #refuseAdjoined(parts: readonly PatternPart[]): void {
    const scanner: Scanner = this.#scanner
    if (parts.length === 0 || (scanner.next !== '(' && scanner.next !== '"')) return
    scanner.fail(`\`${scanner.next}\` inside a word must be escaped as \\${scanner.next}`)
  }

  /**
   * "You cannot search for special characters in a log message": a term of nothing else could only ever mislead.
   * Decision `symbols-in-text`, undocumented: the special characters that the documentation lists are ASCII; any other is searched as it
   * stands, such as an emoji.
   */
  #checkText(value: Value, start: number): Value {
    const text = value.kind === 'text' ? value.text : undefined
    if (text !== undefined && /^[ -~\s]*$/.test(text) && !/[A-Za-z0-9]/.test(text)) {
      this.#scanner.fail('special characters alone cannot be searched in text', start)
    }
    return value
  }
}

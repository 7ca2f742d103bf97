import { isIP } from 'node:net'
import { exactNumber } from './exact-number.ts'
import { quantityOf } from './quantity.ts'
import type { Bound, PatternPart } from './search-ast.ts'

/** A search that cannot be read. No part of a search is skipped or guessed. */
export class SearchSyntaxError extends Error {
  override readonly name = 'SearchSyntaxError'
  readonly reason: string
  readonly query: string
  /** Offset of the fault in the query, in UTF-16 units from 0. */
  readonly position: number

  constructor(reason: string, query: string, position: number) {
    super(`${reason} (at ${position + 1})`)
    this.reason = reason
    this.query = query
    this.position = position
  }
}

const WORD_END = /[\s()":“”]/
const MUST_BE_ESCAPED = /[+=><![\]{}#]/

/** The characters of a search, read one lexical piece at a time; knows no grammar. */
export class Scanner {
  readonly query: string
  position = 0

  /** Whether what is compared is the standard attribute `duration`, the one measure whose unit is documented. */
  measuresDuration = false
  readonly #note: (form: string, position: number) => void

  /** @param note called for each form that is not documented, with its position */
  constructor(query: string, note: (form: string, position: number) => void) {
    this.query = query
    this.#note = note
  }

  fail(reason: string, position = this.position): never {
    throw new SearchSyntaxError(reason, this.query, position)
  }

  get done(): boolean {
    return this.position >= this.query.length
  }

  get next(): string {
    return this.query.charAt(this.position)
  }

  /** Whether `text` comes next. */
  comes(text: string): boolean {
    return this.query.startsWith(text, this.position)
  }

  skipSpace(): void {
    while (!this.done && /\s/.test(this.next)) this.position++
  }

  /** Whether a typographic quote comes next. */
  get atCurlyQuote(): boolean {
    return this.next === '“' || this.next === '”'
  }

  /** Steps over `text` if it comes next. */
  take(text: string): boolean {
    if (!this.comes(text)) return false
    this.position += text.length
    return true
  }

  /** Whether the word `AND`, `OR` or `NOT` comes next as an operator, not as the beginning of a longer term. */
  atOperator(word: string): boolean {
    if (!this.comes(word)) return false
    const after = this.query.charAt(this.position + word.length)
    return after === '' || /[\s()"]/.test(after)
  }

  /** Reads an unquoted word; `also` names further characters that end it. */
  word(also = ''): PatternPart[] {
    const parts: PatternPart[] = []
    const start = this.position
    let text = ''
    const flush = () => {
      if (text !== '') parts.push({ text })
      text = ''
    }
    while (!this.done) {
      const char = this.next
      if (WORD_END.test(char) || also.includes(char)) break
      if (char === '\\') {
        text += this.#escaped()
        continue
      }
      if (char === '*' || char === '?') {
        flush()
        // `**` says no more than `*`
        const last = parts.at(-1)
        if (!(char === '*' && last && 'wildcard' in last && last.wildcard === '*')) parts.push({ wildcard: char })
      } else {
        this.#refuseSpecial(char, start)
        text += char
      }
      this.position++
    }
    flush()
    return parts
  }

  #refuseSpecial(char: string, start: number): void {
    if (char === '#' && this.position === start) this.fail('calculated fields (#name) are not evaluated here')
    const doubled = this.comes('&&') || this.comes('||')
    if (doubled) this.fail(`\`${char}${char}\` inside a word must be escaped, or set apart by spaces as an operator`)
    if (MUST_BE_ESCAPED.test(char)) this.fail(`\`${char}\` must be escaped as \\${char}, or the value quoted`)
    if (char === '-' && this.position === start) this.fail('`-` here must be escaped as \\-')
  }

  #escaped(): string {
    const point = this.query.codePointAt(this.position + 1)
    if (point === undefined) this.fail('a backslash at the end has nothing to escape: remove it')
    const char = String.fromCodePoint(point)
    // Decision `needless-backslash`, undocumented: a backslash before an ordinary character is ignored, as in Lucene and in Vector.
    if (/[\p{L}\p{N}]/u.test(char))
      this.#note(`a backslash before \`${char}\`, which is read as \`${char}\``, this.position)
    this.position += 1 + char.length
    return char
  }

  /** Reads `"…"`, where only `\"` and `\\` are escapes that mean something; other escaped signs stand for themselves. */
  quoted(): string {
    const start = this.position
    this.position++
    let text = ''
    while (!this.done) {
      const char = this.next
      if (char === '"') {
        this.position++
        return text
      }
      if (char === '\\') text += this.#escaped()
      else {
        text += char
        this.position++
      }
    }
    return this.fail('this quote is not closed', start)
  }

  /** Reads one end of a range or the right side of a comparison: a quantity is read as one with and without quotes. */
  bound(also: string): Bound {
    const start = this.position
    if (this.next === '"') {
      const text = this.quoted()
      return this.#quantity(text, start) ?? text
    }
    const sign = this.take('-') ? '-' : ''
    const parts = this.#boundWord(also)
    const first = parts[0]
    if (parts.length !== 1 || !first || !('text' in first))
      this.fail('expected a number, a word or a quoted text', start)
    const text = sign + first.text
    const number = exactNumber(text) ?? this.#quantity(text, start)
    if (number !== undefined) return number
    if (/^[-\d.]/.test(text)) this.fail(`\`${text}\` is not a number; quote it to compare it as text`, start)
    return text
  }

  #quantity(text: string, at: number): number | undefined {
    const quantity = quantityOf(text)
    if (!quantity) return undefined
    const unit = quantity.kind === 'time' ? 'nanoseconds' : 'bytes'
    const isDocumented = this.measuresDuration && quantity.kind === 'time'
    if (!isDocumented) this.#note(`a unit at a measure other than \`@duration\`, which is read as one in ${unit}`, at)
    return quantity.value
  }

  /** Like a word, but `1e+21` is a number. */
  #boundWord(also: string): PatternPart[] {
    const literal = /\d+(\.\d+)?[eE]\+\d+/y
    literal.lastIndex = this.position
    const found = literal.exec(this.query)
    if (!found) return this.word(also)
    this.position += found[0].length
    return [{ text: found[0] }]
  }

  /** Reads the blocks of `CIDR(field, …)` up to and with the closing parenthesis. */
  blocks(): string[] {
    const blocks: string[] = []
    do {
      this.skipSpace()
      const start = this.position
      while (!this.done && !/[\s,)]/.test(this.next)) this.position++
      const block = this.query.slice(start, this.position)
      if (!isBlock(block)) this.fail(`\`${block}\` is not a CIDR block such as 10.0.0.0/8 or 2001:db8::/32`, start)
      blocks.push(block)
      this.skipSpace()
    } while (this.take(','))
    if (!this.take(')')) this.fail('expected `)` to close CIDR(')
    return blocks
  }
}

function isBlock(text: string): boolean {
  const [address = '', prefix = '', ...more] = text.split('/')
  if (more.length > 0 || !/^\d{1,3}$/.test(prefix)) return false
  const family = isIP(address)
  return family !== 0 && Number(prefix) <= (family === 4 ? 32 : 128)
}

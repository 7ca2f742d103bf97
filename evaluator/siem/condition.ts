import { PositionError } from '../position-error.ts'

/** A comparison of a case's condition: each side is a query times a factor, or a number. */
export type Side =
  | { readonly kind: 'query'; readonly alias: string; readonly factor: number }
  | { readonly kind: 'number'; readonly number: number }

export type Comparator = '>' | '>=' | '<' | '<='

export type Expression =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'compare'; readonly left: Side; readonly operator: Comparator; readonly right: Side }

/** The condition of a case: one expression, or two of which the first must hold before the second. */
export interface Condition {
  readonly first: Expression
  /** The right side of `THEN`. */
  readonly after: Expression | undefined
}

/** A condition that cannot be read. */
export class ConditionError extends PositionError {
  override readonly name = 'ConditionError'
}

/**
 * Reads the condition of a case: `failed > 5 && successful > 0`.
 * @throws ConditionError with the position and the reason
 * @see https://docs.datadoghq.com/security/cloud_siem/ "Case condition grammar"
 */
export function parseCondition(text: string): Condition {
  return new ConditionReader(text).read()
}

/** The queries that a condition names, each once, in its order. */
export function aliasesIn({ first, after }: Condition): string[] {
  return [...new Set([first, ...(after ? [after] : [])].flatMap(aliasesOf))]
}

function aliasesOf(expression: Expression): string[] {
  if (expression.kind !== 'compare') return expression.parts.flatMap(aliasesOf)
  return [expression.left, expression.right].flatMap((side) => (side.kind === 'query' ? [side.alias] : []))
}

/** The condition as it can be written. */
export function printCondition({ first, after }: Condition): string {
  if (!after) return printExpression(first)
  return [first, after]
    .map((side) => (side.kind === 'compare' ? printExpression(side) : `(${printExpression(side)})`))
    .join(' THEN ')
}

/** A part of a condition as it can be written. */
export function printExpression(expression: Expression): string {
  if (expression.kind === 'compare') {
    return `${printSide(expression.left)} ${expression.operator} ${printSide(expression.right)}`
  }
  const sign = expression.kind === 'and' ? ' && ' : ' || '
  const isLoose = (part: Expression) => part.kind === 'or' && expression.kind === 'and'
  return expression.parts
    .map((part) => (isLoose(part) ? `(${printExpression(part)})` : printExpression(part)))
    .join(sign)
}

/** One side of a comparison as it can be written. */
export const printSide = (side: Side): string =>
  side.kind === 'number' ? String(side.number) : side.factor === 1 ? side.alias : `${side.factor} * ${side.alias}`

/** The operator that says the same with the sides exchanged. */
export const MIRRORED: Readonly<Record<Comparator, Comparator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' }

/** Whether an expression holds. @param valueIn the value of a query */
export function holdsFor(expression: Expression, valueIn: (alias: string) => number): boolean {
  switch (expression.kind) {
    case 'and':
      return expression.parts.every((part) => holdsFor(part, valueIn))
    case 'or':
      return expression.parts.some((part) => holdsFor(part, valueIn))
    case 'compare':
      return compares(sideValue(expression.left, valueIn), expression.operator, sideValue(expression.right, valueIn))
  }
}

const sideValue = (side: Side, valueIn: (alias: string) => number): number =>
  side.kind === 'number' ? side.number : valueIn(side.alias) * side.factor

/** Whether a comparison of two numbers holds. */
export function compares(left: number, operator: Comparator, right: number): boolean {
  switch (operator) {
    case '>':
      return left > right
    case '>=':
      return left >= right
    case '<':
      return left < right
    case '<=':
      return left <= right
  }
}

interface Token {
  readonly text: string
  readonly position: number
}

const TOKEN = /\s*(?:([a-z][a-z0-9_]*)|(\d+(?:\.\d+)?)|(THEN\b)|(&&|\|\||>=|<=|>|<|\(|\)|\*)|(\S+))/y
const END = ''
/** Deeper ones would exhaust the stack. */
const MAX_DEPTH = 100

class ConditionReader {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #next = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokensOf(text)
  }

  read(): Condition {
    const first = this.#expression()
    if (!this.#take('THEN')) {
      if (this.#peek() !== END) this.#fail('expected `&&`, `||` or `THEN` here')
      return { first: first.expression, after: undefined }
    }
    const after = this.#expression()
    if (this.#peek() === 'THEN') this.#fail('`THEN` may be used once')
    if (this.#peek() !== END) this.#fail('expected `&&` or `||` here')
    if (first.isOpen || after.isOpen) {
      throw new ConditionError('`&&` and `||` beside `THEN` need parentheses: (a > 0 && b > 0) THEN c > 0', 0)
    }
    return { first: first.expression, after: after.expression }
  }

  /** `isOpen`: joined by `&&` or `||` without parentheses around it. */
  #expression(): { expression: Expression; isOpen: boolean } {
    const start = this.#next
    const parts = [this.#conjunction()]
    while (this.#take('||')) parts.push(this.#conjunction())
    const used = this.#tokens.slice(start, this.#next)
    return { expression: joined('or', parts), isOpen: hasOpenJoin(used) }
  }

  #conjunction(): Expression {
    const parts = [this.#atom()]
    while (this.#take('&&')) parts.push(this.#atom())
    return joined('and', parts)
  }

  #atom(): Expression {
    if (this.#take('(')) {
      if (++this.#depth > MAX_DEPTH) this.#fail(`more than ${MAX_DEPTH} parentheses inside one another`)
      const { expression } = this.#expression()
      this.#depth--
      if (!this.#take(')')) this.#fail('expected `)` here')
      return expression
    }
    const at = this.#position
    const left = this.#side()
    const operator = this.#operator()
    const right = this.#side()
    if (left.kind === 'number' && right.kind === 'number') {
      throw new ConditionError('a comparison needs a query on one side', at)
    }
    return { kind: 'compare', left, operator, right }
  }

  #operator(): Comparator {
    const operator = (['>', '>=', '<', '<='] as const).find((each) => each === this.#peek())
    if (!operator) return this.#fail('expected `>`, `>=`, `<` or `<=` here')
    this.#next++
    return operator
  }

  #side(): Side {
    const first = this.#peek()
    if (/^\d/.test(first)) {
      const number = this.#number()
      if (!this.#take('*')) return { kind: 'number', number }
      return { kind: 'query', alias: this.#alias(), factor: number }
    }
    const alias = this.#alias()
    return { kind: 'query', alias, factor: this.#take('*') ? this.#number() : 1 }
  }

  #alias(): string {
    const text = this.#peek()
    if (!/^[a-z]/.test(text)) this.#fail('expected the name of a query here, such as `a`')
    this.#next++
    return text
  }

  #number(): number {
    const text = this.#peek()
    if (!/^\d+$/.test(text)) this.#fail('expected a whole number from 0 here')
    this.#next++
    return Number(text)
  }

  #peek(): string {
    return this.#tokens[this.#next]?.text ?? END
  }

  get #position(): number {
    return this.#tokens[this.#next]?.position ?? this.#text.length
  }

  #take(text: string): boolean {
    if (this.#peek() !== text) return false
    this.#next++
    return true
  }

  #fail(reason: string): never {
    throw new ConditionError(reason, this.#position)
  }
}

const joined = (kind: 'and' | 'or', parts: readonly Expression[]): Expression => {
  const [only] = parts
  return only && parts.length === 1 ? only : { kind, parts }
}

/** Whether `&&` or `||` stands outside of all parentheses. */
function hasOpenJoin(tokens: readonly Token[]): boolean {
  let depth = 0
  for (const { text } of tokens) {
    if (text === '(') depth++
    else if (text === ')') depth--
    else if (depth === 0 && (text === '&&' || text === '||')) return true
  }
  return false
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const found = TOKEN.exec(text)
    if (!found) break
    const [, alias, number, then, sign, unknown] = found
    const token = alias ?? number ?? then ?? sign ?? unknown ?? ''
    const position = found.index + found[0].length - token.length
    if (unknown !== undefined) throw new ConditionError(unknownReason(unknown), position)
    if (number?.includes('.')) throw new ConditionError('expected a whole number: decimals are refused', position)
    tokens.push({ text: token, position })
  }
  return tokens
}

function unknownReason(text: string): string {
  if (/^[=!+\-/%]/.test(text)) return `\`${text}\` is refused: conditions compare by > >= < <= and multiply by *`
  if (/^then/i.test(text)) return '`THEN` is written in upper case'
  return `\`${text}\` is not known here: names of queries have lower-case letters, digits and _`
}

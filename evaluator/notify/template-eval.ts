import { PositionError } from '../position-error.ts'

/** Returns the number of a variable, if it has one. */
export type Variables = (name: string) => number | undefined

/** Renders an `{{eval "…"}}`; the empty text when a variable is absent or is not a number. */
export type Expression = (variables: Variables) => string

/** Thrown for an expression that cannot be read, with the position of the fault in characters from 0. */
export class ExpressionError extends PositionError {
  override readonly name = 'ExpressionError'
}

type Numeric = (variables: Variables) => number

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E']

/** Decision `humanized-by-1024`, undocumented: humanize_bytes uses steps of 1024 and at most two decimals: `1.5KB`. */
function humanized(value: number, unit: string): string {
  let step = 0
  let rest = value
  while (Math.abs(rest) >= 1024 && step < UNITS.length - 1) {
    rest /= 1024
    step++
  }
  return `${Number(rest.toFixed(2))}${UNITS[step]}${unit}`
}

/**
 * Functions that format the result of a whole expression.
 * Decision `eval-formats`, undocumented: to_bool is true for every number but 0, float always shows a decimal point, int rounds towards
 * zero, and an expression whose result is not a number renders nothing.
 */
const FORMATS: Readonly<Record<string, (value: number) => string>> = {
  humanize_bytes: (value) => humanized(value, 'B'),
  humanize_bits: (value) => humanized(value, 'b'),
  to_bool: (value) => String(value !== 0),
  float: (value) => (Number.isInteger(value) ? `${value}.0` : String(value)),
}

const FUNCTIONS: Readonly<Record<string, (...values: number[]) => number>> = {
  abs: Math.abs,
  int: Math.trunc,
  trunc: Math.trunc,
  // Documented: 0.345 for 12.345. It takes the written digits, because a subtraction would leave a rounding error.
  dec: (value = 0) => Number(`${value < 0 ? '-' : ''}0.${/\.(\d+)$/.exec(String(value))?.[1] ?? 0}`),
  round: Math.round,
  ceil: Math.ceil,
  floor: Math.floor,
  sgn: Math.sign,
  exp: Math.exp,
  log10: Math.log10,
  sin: Math.sin,
  sinh: Math.sinh,
  asin: Math.asin,
  asinh: Math.asinh,
  cos: Math.cos,
  cosh: Math.cosh,
  acos: Math.acos,
  acosh: Math.acosh,
  tan: Math.tan,
  tanh: Math.tanh,
  atan: Math.atan,
  // Documented as the arc tangent of var1 / var2.
  atan2: Math.atan2,
  atanh: Math.atanh,
}

/**
 * Compiles the expression of an `eval`.
 * @throws ExpressionError
 * @see https://docs.datadoghq.com/monitors/guide/template-variable-evaluation/
 */
export function compileExpression(text: string): Expression {
  return new ExpressionReader(text).read()
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/%^(),]))/y

/** A recursive-descent parser of one expression. */
class ExpressionReader {
  readonly #text: string
  #position = 0
  #kind: 'number' | 'name' | 'sign' | 'end' = 'end'
  #word = ''
  /** Where the next token begins. */
  #next = 0

  constructor(text: string) {
    this.#text = text
    this.#advance()
  }

  read(): Expression {
    const format = this.#kind === 'name' && Object.hasOwn(FORMATS, this.#word) ? FORMATS[this.#word] : undefined
    if (format) this.#advance()
    const value = this.#sum()
    if (this.#kind !== 'end') this.#fail(`\`${this.#word}\` is not expected here`)
    return (variables) => {
      const result = value(variables)
      if (!Number.isFinite(result)) return ''
      return format ? format(result) : String(result)
    }
  }

  #fail(reason: string): never {
    throw new ExpressionError(reason, this.#position)
  }

  #advance(): void {
    TOKEN.lastIndex = this.#next
    const found = TOKEN.exec(this.#text)
    this.#position = this.#next
    if (!found) {
      if (this.#text.slice(this.#next).trim() !== '')
        this.#fail('expected a number, a variable, an operator or a parenthesis')
      this.#kind = 'end'
      this.#word = 'the end'
      return
    }
    const [whole, number, name, sign] = found
    this.#kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign'
    this.#word = number ?? name ?? sign ?? ''
    this.#position = this.#next + whole.length - this.#word.length
    this.#next += whole.length
  }

  #take<S extends Sign>(...signs: S[]): S | undefined {
    const sign = this.#kind === 'sign' ? signs.find((each) => each === this.#word) : undefined
    if (sign) this.#advance()
    return sign
  }

  #sum(): Numeric {
    let left = this.#product()
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-'))
      left = combined(sign, left, this.#product())
    return left
  }

  #product(): Numeric {
    let left = this.#signed()
    for (let sign = this.#take('*', '/', '%'); sign; sign = this.#take('*', '/', '%')) {
      left = combined(sign, left, this.#signed())
    }
    return left
  }

  #signed(): Numeric {
    if (this.#take('+')) return this.#signed()
    if (!this.#take('-')) return this.#power()
    const value = this.#signed()
    return (variables) => -value(variables)
  }

  /** Has the highest precedence, and associates to the right. */
  #power(): Numeric {
    const base = this.#atom()
    return this.#take('^') ? combined('^', base, this.#signed()) : base
  }

  #atom(): Numeric {
    const kind = this.#kind
    const word = this.#word
    if (kind === 'number') {
      this.#advance()
      return () => Number(word)
    }
    if (kind === 'name') {
      this.#advance()
      return this.#take('(') ? this.#call(word) : (variables) => variables(word) ?? Number.NaN
    }
    if (!this.#take('(')) this.#fail(`expected a number or a variable instead of \`${word}\``)
    const value = this.#sum()
    if (!this.#take(')')) this.#fail('expected `)`')
    return value
  }

  #call(name: string): Numeric {
    const call = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
    if (!call) this.#fail(`${name} is not a function that can be part of an expression`)
    const values = [this.#sum()]
    while (this.#take(',')) values.push(this.#sum())
    if (!this.#take(')')) this.#fail('expected `)`')
    if (values.length !== (name === 'atan2' ? 2 : 1))
      this.#fail(`${name} needs ${name === 'atan2' ? 'two arguments' : 'one argument'}`)
    return (variables) => call(...values.map((value) => value(variables)))
  }
}

const OPERATORS = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
  '%': (a: number, b: number) => a % b,
  '^': (a: number, b: number) => a ** b,
}
type Sign = keyof typeof OPERATORS | '(' | ')' | ','

function combined(sign: keyof typeof OPERATORS, left: Numeric, right: Numeric): Numeric {
  const operate = OPERATORS[sign]
  return (variables) => operate(left(variables), right(variables))
}

/** Gives the number behind a variable, or nothing. */
export type Variables = (name: string) => number | undefined

/** What `{{eval "…"}}` renders; nothing when a variable is absent or is no number. */
export type Expression = (variables: Variables) => string

/** An expression that cannot be read; counted in characters from 0. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
  readonly position: number

  constructor(position: number, reason: string) {
    super(reason)
    this.position = position
  }
}

type Numeric = (variables: Variables) => number

const units = ['', 'K', 'M', 'G', 'T', 'P', 'E']

/** Decision `humanized-by-1024`, undocumented: humanize_bytes goes by steps of 1024, with at most two digits behind the point: `1.5KB`. */
function humanized(value: number, unit: string): string {
  let step = 0
  let rest = value
  while (Math.abs(rest) >= 1024 && step < units.length - 1) {
    rest /= 1024
    step++
  }
  return `${Number(rest.toFixed(2))}${units[step]}${unit}`
}

/**
 * Those whose result is shown and not counted with.
 * Decision `eval-formats`, undocumented: to_bool is true of whatever is not 0, float always shows a point, int cuts towards zero, and
 * what has no number as its result shows nothing.
 */
const formats: Readonly<Record<string, (value: number) => string>> = {
  humanize_bytes: (value) => humanized(value, 'B'),
  humanize_bits: (value) => humanized(value, 'b'),
  to_bool: (value) => String(value !== 0),
  float: (value) => (Number.isInteger(value) ? `${value}.0` : String(value)),
}

const functions: Readonly<Record<string, (...values: number[]) => number>> = {
  abs: Math.abs,
  int: Math.trunc,
  trunc: Math.trunc,
  // As documented, 0.345 of 12.345: the digits as they are written, not what floating point leaves.
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

const token = /\s*(?:(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|([A-Za-z_]\w*)|([-+*/%^(),]))/y

class ExpressionReader {
  private readonly text: string
  private position = 0
  private kind: 'number' | 'name' | 'sign' | 'end' = 'end'
  private word = ''
  /** Where the next token begins. */
  private next = 0

  constructor(text: string) {
    this.text = text
    this.advance()
  }

  read(): Expression {
    const format = this.kind === 'name' && Object.hasOwn(formats, this.word) ? formats[this.word] : undefined
    if (format) this.advance()
    const value = this.sum()
    if (this.kind !== 'end') this.fail(`\`${this.word}\` is not expected here`)
    return (variables) => {
      const result = value(variables)
      if (!Number.isFinite(result)) return ''
      return format ? format(result) : String(result)
    }
  }

  private fail(reason: string): never {
    throw new ExpressionError(this.position, reason)
  }

  private advance(): void {
    token.lastIndex = this.next
    const found = token.exec(this.text)
    this.position = this.next
    if (!found) {
      if (this.text.slice(this.next).trim() !== '') this.fail('neither number, variable, operator nor parenthesis')
      this.kind = 'end'
      this.word = 'the end'
      return
    }
    const [whole, number, name, sign] = found
    this.kind = number !== undefined ? 'number' : name !== undefined ? 'name' : 'sign'
    this.word = number ?? name ?? sign ?? ''
    this.position = this.next + whole.length - this.word.length
    this.next += whole.length
  }

  private take(...signs: string[]): string | undefined {
    const { kind, word } = this
    if (kind !== 'sign' || !signs.includes(word)) return undefined
    this.advance()
    return word
  }

  private sum(): Numeric {
    let left = this.product()
    for (let sign = this.take('+', '-'); sign; sign = this.take('+', '-')) left = combined(sign, left, this.product())
    return left
  }

  private product(): Numeric {
    let left = this.signed()
    for (let sign = this.take('*', '/', '%'); sign; sign = this.take('*', '/', '%')) {
      left = combined(sign, left, this.signed())
    }
    return left
  }

  private signed(): Numeric {
    if (this.take('+')) return this.signed()
    if (!this.take('-')) return this.power()
    const value = this.signed()
    return (variables) => -value(variables)
  }

  /** Binds tightest, and to the right. */
  private power(): Numeric {
    const base = this.atom()
    return this.take('^') ? combined('^', base, this.signed()) : base
  }

  private atom(): Numeric {
    const { kind, word } = this
    if (kind === 'number') {
      this.advance()
      return () => Number(word)
    }
    if (kind === 'name') {
      this.advance()
      return this.take('(') ? this.call(word) : (variables) => variables(word) ?? Number.NaN
    }
    if (!this.take('(')) this.fail(`a number or variable is wanted, not \`${word}\``)
    const value = this.sum()
    if (!this.take(')')) this.fail('`)` is wanted')
    return value
  }

  private call(name: string): Numeric {
    const call = Object.hasOwn(functions, name) ? functions[name] : undefined
    if (!call) this.fail(`${name} is not a function that can be counted with`)
    const values = [this.sum()]
    while (this.take(',')) values.push(this.sum())
    if (!this.take(')')) this.fail('`)` is wanted')
    if (values.length !== (name === 'atan2' ? 2 : 1)) this.fail(`${name} wants ${name === 'atan2' ? 'two' : 'one'}`)
    return (variables) => call(...values.map((value) => value(variables)))
  }
}

function combined(sign: string, left: Numeric, right: Numeric): Numeric {
  const count: (a: number, b: number) => number = {
    '+': (a: number, b: number) => a + b,
    '-': (a: number, b: number) => a - b,
    '*': (a: number, b: number) => a * b,
    '/': (a: number, b: number) => a / b,
    '%': (a: number, b: number) => a % b,
    '^': (a: number, b: number) => a ** b,
  }[sign] as (a: number, b: number) => number
  return (variables) => count(left(variables), right(variables))
}

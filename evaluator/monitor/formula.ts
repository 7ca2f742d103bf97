import { PositionError } from '../position-error.ts'

/** An expression over named queries, as `formula("…")` holds it. */
export type FormulaNode =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'query'; readonly name: string; readonly position: number }
  | { readonly kind: 'negative'; readonly of: FormulaNode }
  | { readonly kind: 'binary'; readonly sign: Sign; readonly left: FormulaNode; readonly right: FormulaNode }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Argument[]; readonly position: number }

export type Sign = '+' | '-' | '*' | '/'

/** An argument of a function: an expression, or a text such as `'linear'`. */
export type Argument = FormulaNode | { readonly kind: 'text'; readonly text: string }

/** A formula that cannot be read. */
export class FormulaError extends PositionError {
  override readonly name = 'FormulaError'
}

/** The value of an expression for the values of the queries, in their order; NaN for no value. */
export type Evaluate = (values: ArrayLike<number>) => number

/** A function that is evaluated. */
interface KnownFunction {
  /** How many numbers follow the expression. */
  readonly numbers: 0 | 1
  readonly apply: (value: number, limit: number) => number
}

/**
 * The functions of the documentation that give a value for one value, and so have a meaning for the value of a whole window.
 * @see https://docs.datadoghq.com/dashboards/functions/arithmetic/, exclusion/ and interpolation/
 */
const FUNCTIONS: Readonly<Record<string, KnownFunction>> = {
  abs: { numbers: 0, apply: Math.abs },
  log2: { numbers: 0, apply: Math.log2 },
  log10: { numbers: 0, apply: Math.log10 },
  default_zero: { numbers: 0, apply: (value) => (Number.isFinite(value) ? value : 0) },
  // Removes groups whose facet is N/A, which no group here is: a log without a facet is not counted.
  exclude_null: { numbers: 0, apply: (value) => value },
  clamp_min: { numbers: 1, apply: Math.max },
  clamp_max: { numbers: 1, apply: Math.min },
  cutoff_min: { numbers: 1, apply: (value, least) => (value < least ? Number.NaN : value) },
  cutoff_max: { numbers: 1, apply: (value, most) => (value > most ? Number.NaN : value) },
}

/** The functions of the documentation that need values of other times or groups. */
const OTHER_FUNCTIONS = [
  ...['anomalies', 'outliers', 'forecast', 'cumsum', 'integral', 'count_nonzero', 'count_not_null', 'fill'],
  ...['top', 'top5', 'top10', 'top15', 'top20', 'bottom5', 'bottom10', 'bottom15', 'bottom20', 'top_offset'],
  ...['per_second', 'per_minute', 'per_hour', 'dt', 'diff', 'monotonic_diff', 'derivative', 'equiv_rate', 'throughput'],
  ...['robust_trend', 'trend_line', 'piecewise_constant', 'rollup', 'moving_rollup', 'autosmooth'],
  ...['ewma_3', 'ewma_5', 'ewma_7', 'ewma_10', 'ewma_20', 'median_3', 'median_5', 'median_7', 'median_9'],
  ...['timeshift', 'hour_before', 'day_before', 'week_before', 'month_before', 'calendar_shift'],
]

/** @returns the functions of a formula that Datadog has and that are not evaluated here, each once */
export function otherFunctionsOf(node: FormulaNode): string[] {
  const names = new Set<string>()
  visit(node, (each) => {
    if (each.kind === 'call' && OTHER_FUNCTIONS.includes(each.name)) names.add(each.name)
  })
  return [...names]
}

/** @returns the names of the queries that a formula refers to, each once, in order */
export function queryNamesOf(node: FormulaNode): string[] {
  const names = new Set<string>()
  visit(node, (each) => {
    if (each.kind === 'query') names.add(each.name)
  })
  return [...names]
}

function visit(node: Argument, take: (node: FormulaNode) => void): void {
  if (node.kind === 'text') return
  take(node)
  if (node.kind === 'negative') visit(node.of, take)
  if (node.kind === 'binary') for (const side of [node.left, node.right]) visit(side, take)
  if (node.kind === 'call') for (const arg of node.args) visit(arg, take)
}

/**
 * Compiles a formula.
 * Decision `division-by-zero`, undocumented: a division by zero has no value, 0 / 0 included. The logarithm of 0 has none
 * either, nor has a result beyond the range of a double. An expression over something without a value has none; `default_zero`
 * gives 0 for it.
 * @param names the names of the queries, in the order of their values
 */
export function compileFormula(node: FormulaNode, names: readonly string[]): Evaluate {
  const evaluate = compile(node, names)
  return (values) => {
    const value = evaluate(values)
    // Never the negative zero, which prints like 0 and is not equal to it everywhere.
    return Number.isFinite(value) ? value + 0 : Number.NaN
  }
}

function compile(node: FormulaNode, names: readonly string[]): Evaluate {
  switch (node.kind) {
    case 'number':
      return () => node.value
    case 'query': {
      const place = names.indexOf(node.name)
      return (values) => values[place] ?? Number.NaN
    }
    case 'negative': {
      const of = compile(node.of, names)
      return (values) => -of(values)
    }
    case 'binary':
      return combined(node.sign, compile(node.left, names), compile(node.right, names))
    case 'call': {
      const [of, limit] = node.args.map((arg) => (arg.kind === 'text' ? () => Number.NaN : compile(arg, names)))
      const known = Object.hasOwn(FUNCTIONS, node.name) ? FUNCTIONS[node.name] : undefined
      if (!known || !of) return () => Number.NaN
      return (values) => known.apply(of(values), limit?.(values) ?? 0)
    }
  }
}

function combined(sign: Sign, left: Evaluate, right: Evaluate): Evaluate {
  switch (sign) {
    case '+':
      return (values) => left(values) + right(values)
    case '-':
      return (values) => left(values) - right(values)
    case '*':
      return (values) => left(values) * right(values)
    case '/':
      return (values) => {
        const divisor = right(values)
        return divisor === 0 ? Number.NaN : left(values) / divisor
      }
  }
}

const BINDING: Readonly<Record<Sign, number>> = { '+': 1, '-': 1, '*': 2, '/': 2 }
const ATOM = 4
const NEGATIVE = 3

/** Prints a formula with the parentheses that it needs. */
export const printFormula = (node: FormulaNode): string => print(node, 0)

function print(node: Argument, binding: number): string {
  switch (node.kind) {
    case 'number':
      return node.value < 0 && binding > 1 ? `(${node.value})` : String(node.value)
    case 'text':
      return `'${node.text}'`
    case 'query':
      return node.name
    case 'negative':
      return binding > NEGATIVE ? `(-${print(node.of, ATOM)})` : `-${print(node.of, ATOM)}`
    case 'binary': {
      const own = BINDING[node.sign]
      const text = `${print(node.left, own)} ${node.sign} ${print(node.right, own + 1)}`
      return own < binding ? `(${text})` : text
    }
    case 'call':
      return `${node.name}(${node.args.map((arg) => print(arg, 0)).join(', ')})`
  }
}

/**
 * Reads the expression inside of `formula("…")`: names of queries, numbers, `+ - * /`, parentheses, signs and functions.
 * @throws FormulaError with the position in it and the reason
 */
export function parseFormula(text: string): FormulaNode {
  return new FormulaReader(text).read()
}

/** Deeper nesting could overflow the stack. */
const MAX_DEPTH = 100

class FormulaReader {
  readonly #text: string
  #position = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  read(): FormulaNode {
    const node = this.#sum()
    if (this.#position < this.#text.length) this.#fail(this.#unexpected())
    if (queryNamesOf(node).length === 0) this.#fail('a formula needs at least one query', 0)
    return node
  }

  #unexpected(): string {
    const sign = this.#text.charAt(this.#position)
    if (sign === ')') return '`)` has no matching `(`'
    if (/[<>=!]/.test(sign)) return 'put the comparison after .last("…"), not inside formula("…")'
    return `expected an operator (+ - * /), not \`${sign}\``
  }

  #fail(reason: string, position = this.#position): never {
    throw new FormulaError(reason, position)
  }

  #space(): void {
    while (/\s/.test(this.#text.charAt(this.#position))) this.#position++
  }

  /** Steps over one of the signs, and the blanks around it. */
  #take<S extends string>(...signs: readonly S[]): S | undefined {
    this.#space()
    const sign = signs.find((each) => this.#text.startsWith(each, this.#position))
    if (sign !== undefined) this.#position += sign.length
    this.#space()
    return sign
  }

  #sum(): FormulaNode {
    return this.#row(() => this.#product(), '+', '-')
  }

  #product(): FormulaNode {
    return this.#row(() => this.#signed(), '*', '/')
  }

  /** Operands with signs between them, which bind from the left. */
  #row(operand: () => FormulaNode, ...signs: readonly Sign[]): FormulaNode {
    let left = operand()
    for (let sign = this.#take(...signs); sign; sign = this.#take(...signs)) {
      left = { kind: 'binary', sign, left, right: operand() }
    }
    return left
  }

  #signed(): FormulaNode {
    if (++this.#depth > MAX_DEPTH) this.#fail(`is nested deeper than ${MAX_DEPTH} levels`)
    const sign = this.#take('+', '-')
    const node = sign ? this.#signed() : this.#atom()
    this.#depth--
    return sign === '-' ? { kind: 'negative', of: node } : node
  }

  #atom(): FormulaNode {
    const position = this.#position
    if (this.#take('(')) {
      const inner = this.#sum()
      if (!this.#take(')')) this.#fail(this.#position < this.#text.length ? this.#unexpected() : 'expected `)`')
      return inner
    }
    const number = this.#match(/(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?/iy)
    if (number !== undefined) return { kind: 'number', value: Number(number) }
    const name = this.#match(/[A-Za-z_]\w*/y)
    if (name === undefined) return this.#fail('expected a query, a number, a function or `(`')
    if (!this.#take('(')) return { kind: 'query', name, position }
    return this.#call(name, position)
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#position
    const [found] = pattern.exec(this.#text) ?? []
    if (found !== undefined) this.#position += found.length
    return found
  }

  #call(name: string, position: number): FormulaNode {
    const args: Argument[] = []
    if (!this.#take(')')) {
      do args.push(this.#argument())
      while (this.#take(','))
      if (!this.#take(')')) this.#fail('expected `)` or `,`')
    }
    const node: FormulaNode = { kind: 'call', name, args, position }
    const fault = faultOfCall(name, args)
    return fault === undefined ? node : this.#fail(fault, position)
  }

  #argument(): Argument {
    this.#space()
    const text = this.#match(/'[^']*'|"[^"]*"/y)
    return text === undefined ? this.#sum() : { kind: 'text', text: text.slice(1, -1) }
  }
}

function faultOfCall(name: string, [of, ...limits]: readonly Argument[]): string | undefined {
  if (OTHER_FUNCTIONS.includes(name)) return undefined
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
  if (!known) return `${name}() is not a function that Datadog documents`
  const needed = known.numbers === 0 ? 'one argument' : 'an expression and a number'
  const isFit = of !== undefined && of.kind !== 'text' && limits.length === known.numbers && limits.every(isNumber)
  return isFit ? undefined : `${name}() needs ${needed}`
}

const isNumber = (node: Argument): boolean =>
  node.kind === 'number' || (node.kind === 'negative' && node.of.kind === 'number')

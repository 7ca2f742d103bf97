import { PositionError } from '../position-error.ts'
import { type Field, RESERVED_NAMES, type SearchNode } from '../search/search-ast.ts'
import { parseSearch, type UndocumentedForm } from '../search/search-parser.ts'
import { SearchSyntaxError } from '../search/search-scanner.ts'
import { FormulaError, type FormulaNode, parseFormula } from './formula.ts'

export type Operator = '<' | '<=' | '>' | '>=' | '==' | '!='

/** A facet or tag as `.by` and `.rollup` name it: `@ip`, `env`. */
export interface Facet {
  readonly name: string
  readonly field: Field
}

/** Statistics over the numbers that logs hold in a measure. */
export const MEASURES = ['avg', 'sum', 'min', 'max', 'median', 'pc75', 'pc90', 'pc95', 'pc98', 'pc99'] as const
export type Measure = (typeof MEASURES)[number]

/** How a query aggregates the logs in its window. */
export type Rollup =
  | { readonly kind: 'count' }
  | { readonly kind: 'cardinality'; readonly of: Facet }
  | { readonly kind: Measure; readonly of: Facet }

export interface Condition {
  readonly operator: Operator
  readonly threshold: number
}

/** What is measured in the logs of a window: by a monitor of one query, or by one query of a formula. */
export interface MeasuredQuery {
  readonly search: string
  readonly node: SearchNode
  readonly undocumented: readonly UndocumentedForm[]
  readonly rollup: Rollup
  readonly by: readonly Facet[]
}

interface LogsQuery extends MeasuredQuery, Condition {
  readonly index: string
  /** The facet of `.rollup("count", "@x")`, which is passed over. */
  readonly countedFacet?: Facet
}

/** `logs("…")….last("5m") > 10`: what is evaluated here. */
export interface MonitorQuery extends LogsQuery {
  readonly form: 'logs'
  readonly windowMs: number
}

/** `logs("…")….current("1d") > 10`: the window begins with the hour, day or month. */
export interface CumulativeQuery extends LogsQuery {
  readonly form: 'cumulative'
  readonly since: CumulativeUnit
}

/** `formula("100 * errors / all").last("5m") > 10`, over the queries that `options.variables` names. */
export interface FormulaQuery extends Condition {
  readonly form: 'formula'
  readonly formula: string
  readonly expression: FormulaNode
  readonly windowMs: number | undefined
  readonly since: CumulativeUnit | undefined
}

/** What the query of a log alert may be. */
export type AlertQuery = MonitorQuery | CumulativeQuery | FormulaQuery

const CUMULATIVE_UNITS = ['1h', '1d', '1mo'] as const
export type CumulativeUnit = (typeof CUMULATIVE_UNITS)[number]

/** A monitor query that cannot be read. */
export class QueryError extends PositionError {
  override readonly name = 'QueryError'
}

export const MAX_FACETS = 4
const MINUTE_MS = 60_000

/**
 * Reads `logs("…")[.index("…")].rollup(…)[.by("…")].last("…") <op> <number>`, its cumulative form that ends in `.current("…")`,
 * and `formula("…")`.
 *
 * Decision `blanks-between-parts`, undocumented: blanks and line breaks may stand between any two parts of a query, as heredocs
 * of Terraform have them.
 *
 * Decision `backslash-in-logs`, undocumented: in a search inside of `logs("…")`, the API escapes each quote and leaves each
 * backslash as it is. Other programs escape the backslash as well. A query is read in the way that needs no undocumented form.
 * If both ways can be read, `\\` is one backslash.
 * @throws QueryError with the position in the query and the reason, those inside the search included
 * @see https://docs.datadoghq.com/api/latest/monitors/ "Log alert query"
 */
export function parseMonitorQuery(query: string): AlertQuery {
  if (!query.includes('\\\\')) return new QueryReader(query, true).read()
  const readings = [true, false].map((escapesBackslash) =>
    attempt(() => new QueryReader(query, escapesBackslash).read()),
  )
  const read = readings.flatMap((each) => (each instanceof QueryError ? [] : [each]))
  const clean = read.find((each) => each.form === 'formula' || each.undocumented.length === 0)
  const best = clean ?? read[0] ?? readings[0]
  if (best === undefined || best instanceof QueryError) throw best
  return best
}

/** Reads the name of a facet or tag. @returns the reason when it is not one */
export function readFacet(name: string): Facet | string {
  if (!/^@?[\p{L}\p{N}_.:/-]+$/u.test(name)) return `\`${name}\` is not the name of a facet or tag`
  if (name.startsWith('@')) {
    const path = name.slice(1)
    if (path.split('.').includes('')) return `\`${name}\` is not a path: a name is missing`
    return { name, field: { kind: 'attribute', path } }
  }
  const reserved = RESERVED_NAMES.find((known) => known === name)
  return { name, field: reserved ? { kind: 'reserved', name: reserved } : { kind: 'tag', key: name } }
}

function attempt<T>(read: () => T): T | QueryError {
  try {
    return read()
  } catch (error) {
    if (error instanceof QueryError) return error
    throw error
  }
}

class QueryReader {
  readonly #query: string
  readonly #escapesBackslash: boolean
  #position = 0

  /** @param escapesBackslash whether `\\` inside of quotes stands for one backslash */
  constructor(query: string, escapesBackslash: boolean) {
    this.#query = query
    this.#escapesBackslash = escapesBackslash
  }

  read(): AlertQuery {
    this.#space()
    if (this.#call('formula')) {
      return { form: 'formula', ...this.#formula(), ...this.#window(), ...this.#condition() }
    }
    if (!this.#call('logs')) this.#fail('a log monitor must begin with logs("…") or formula("…")')
    const { node, undocumented, search } = this.#search()
    const index = this.#method('index') ? this.#text() : '*'
    if (!this.#method('rollup')) this.#refuseMethod('expected .rollup("count") or .rollup("cardinality", "@facet")')
    const { rollup, countedFacet } = this.#rollup()
    const by = this.#method('by') ? this.#facets() : []
    const window = this.#window()
    const given = countedFacet === undefined ? {} : { countedFacet }
    const logs = { search, node, undocumented, index, rollup, ...given, by, ...this.#condition() }
    return window.since
      ? { form: 'cumulative', ...logs, since: window.since }
      : { form: 'logs', ...logs, windowMs: window.windowMs }
  }

  #condition(): Condition {
    return { operator: this.#operator(), threshold: this.#number() }
  }

  #fail(reason: string, position = this.#position): never {
    throw new QueryError(reason, position)
  }

  #comes(text: string): boolean {
    return this.#query.startsWith(text, this.#position)
  }

  #take(text: string): boolean {
    if (!this.#comes(text)) return false
    this.#position += text.length
    return true
  }

  #want(text: string, reason: string): void {
    if (!this.#take(text)) this.#fail(reason)
  }

  /** Steps over `name (`, and to what stands behind it. */
  #call(name: string): boolean {
    const start = this.#position
    if (this.#take(name)) {
      this.#space()
      if (this.#take('(')) {
        this.#space()
        return true
      }
    }
    this.#position = start
    return false
  }

  /** Steps over `.name(`, with any blanks before it and between its parts. */
  #method(name: string): boolean {
    const start = this.#position
    this.#space()
    if (this.#take('.')) {
      this.#space()
      if (this.#call(name)) return true
    }
    this.#position = start
    return false
  }

  #space(): void {
    while (/\s/.test(this.#query.charAt(this.#position))) this.#position++
  }

  #refuseMethod(expected: string): never {
    const start = this.#position
    this.#space()
    if (!this.#comes('.')) this.#position = start
    if (this.#comes('.over(')) this.#fail('.over() belongs to service checks; a log monitor uses .last("5m")')
    const [method] = /^\.\w+/.exec(this.#query.slice(this.#position)) ?? []
    return this.#fail(method ? `${method} is not known here: ${expected}` : expected)
  }

  /** One double-quoted argument and the `)` behind it. */
  #text(): string {
    const { text } = this.#quoted()
    this.#close()
    return text
  }

  #close(): void {
    this.#space()
    if (this.#comes(',')) this.#fail('expected one argument: put all facets into one string, separated by commas')
    if (/^[^)]/.test(this.#query.slice(this.#position))) {
      this.#fail('expected `)` here; escape a quote inside the quotes as \\"')
    }
    this.#want(')', 'expected `)`')
  }

  /** Reads `"…"`; `offsets[i]` is where the i-th character of the text stands in the query. */
  #quoted(): { text: string; offsets: number[] } {
    const open = this.#position
    if (this.#comes("'")) this.#fail('expected double quotes, not single ones')
    this.#want('"', 'expected a text in double quotes')
    const offsets: number[] = []
    let text = ''
    for (;;) {
      if (this.#position >= this.#query.length) this.#fail('this quote is not closed', open)
      if (this.#take('"')) break
      offsets.push(this.#position)
      // Any other backslash belongs to the search inside.
      if (this.#comes('\\"') || (this.#escapesBackslash && this.#comes('\\\\'))) this.#position++
      text += this.#query.charAt(this.#position++)
    }
    offsets.push(this.#position - 1)
    return { text, offsets }
  }

  #formula(): { formula: string; expression: FormulaNode } {
    const { text, offsets } = this.#quoted()
    this.#close()
    try {
      return { formula: text, expression: parseFormula(text) }
    } catch (error) {
      if (error instanceof FormulaError) this.#fail(error.message, offsets[error.position] ?? this.#position)
      throw error
    }
  }

  #search(): { search: string; node: SearchNode; undocumented: readonly UndocumentedForm[] } {
    const { text, offsets } = this.#quoted()
    const outer = (inner: number) => offsets[inner] ?? this.#position
    try {
      const { node, undocumented } = parseSearch(text)
      this.#close()
      return {
        search: text,
        node,
        undocumented: undocumented.map((form) => ({ ...form, position: outer(form.position) })),
      }
    } catch (error) {
      if (error instanceof SearchSyntaxError) this.#fail(error.reason, outer(error.position))
      throw error
    }
  }

  /**
   * Decision `count-of-a-facet`, undocumented: `.rollup("count", "@x")`, which the UI exports, counts the same logs as
   * `.rollup("count")`: those with and those without the facet. `cardinality` counts the values of a facet.
   */
  #rollup(): { rollup: Rollup; countedFacet?: Facet } {
    const start = this.#position
    const { text: kind } = this.#quoted()
    this.#space()
    if (kind === 'count') {
      if (!this.#take(',')) {
        this.#close()
        return { rollup: { kind } }
      }
      this.#space()
      const at = this.#position
      return { rollup: { kind }, countedFacet: this.#facet(this.#text().trim(), at) }
    }
    const known = (['cardinality', ...MEASURES] as const).find((name) => name === kind)
    if (!known) return this.#fail(`rollup "${kind}" is not known`, start)
    this.#want(
      ',',
      known === 'cardinality'
        ? 'rollup "cardinality" needs the facet whose values it counts'
        : `rollup "${known}" needs a measure`,
    )
    this.#space()
    const at = this.#position
    return { rollup: { kind: known, of: this.#facet(this.#text(), at) } }
  }

  /** Decision `star-groups-nothing`, undocumented for logs: `.by("*")`, which published monitors contain, does not group. */
  #facets(): Facet[] {
    const start = this.#position
    const text = this.#text()
    if (text === '*') return []
    const names = text.split(',')
    const facets = names.map((name) => this.#facet(name.trim(), start))
    if (facets.length > MAX_FACETS) this.#fail(`at most ${MAX_FACETS} facets can group a log monitor`, start)
    const twice = facets.find((facet, i) => facets.findIndex((other) => other.name === facet.name) < i)
    if (twice) this.#fail(`${twice.name} is named twice`, start)
    return facets
  }

  #facet(name: string, at: number): Facet {
    const facet = readFacet(name)
    return typeof facet === 'string' ? this.#fail(facet, at) : facet
  }

  /** The begin of the window: a time ago, or the present hour, day or month. */
  #window(): { windowMs: number; since: undefined } | { windowMs: undefined; since: CumulativeUnit } {
    if (this.#method('current')) return { windowMs: undefined, since: this.#cumulativeUnit() }
    if (!this.#method('last')) this.#refuseMethod('expected .last("5m")')
    return { windowMs: this.#duration(), since: undefined }
  }

  #cumulativeUnit(): CumulativeUnit {
    const start = this.#position
    const text = this.#text()
    return (
      CUMULATIVE_UNITS.find((unit) => unit === text) ??
      this.#fail(`"${text}" is not a cumulative window: ${CUMULATIVE_UNITS.join(', ')}`, start)
    )
  }

  #duration(): number {
    const start = this.#position
    const text = this.#text()
    const found = /^(\d+)([mhd])$/.exec(text)
    const count = Number(found?.[1])
    const unit = found?.[2]
    const most = { m: 2880, h: 48, d: 1 }[unit ?? ''] ?? 0
    if (!found || count < 1 || count > most) {
      this.#fail(`"${text}" is not a window: 1m to 2880m, 1h to 48h, or 1d`, start)
    }
    return count * MINUTE_MS * ({ m: 1, h: 60, d: 1440 }[unit ?? ''] ?? 0)
  }

  #operator(): Operator {
    this.#space()
    const operator = (['>=', '<=', '==', '!=', '>', '<'] as const).find((sign) => this.#take(sign))
    const [method] = operator ? [] : (/^\.\w+/.exec(this.#query.slice(this.#position)) ?? [])
    if (method) this.#fail(`${method}() belongs to monitors of another kind; a log monitor compares with a number`)
    if (!operator && /^[-+*/]/.test(this.#query.slice(this.#position))) {
      this.#fail('arithmetic between queries belongs in formula("…"), over queries named in options.variables')
    }
    return operator ?? this.#fail('expected an operator: < <= > >= == !=')
  }

  #number(): number {
    this.#space()
    const rest = this.#query.slice(this.#position)
    const found = /^-?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i.exec(rest)
    if (!found && /^-?[\d.]+\s*[-+*/]/.test(rest)) this.#fail('arithmetic belongs in formula("…")')
    if (!found) this.#fail('expected a number, with nothing after it')
    return Number(found[0])
  }
}

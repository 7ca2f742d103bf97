/**
 * A filter of the Table service: `and`, `or`, `not` and comparisons of properties with literals, as the ledgers use
 * them.
 */
export interface Filter {
  /** The only partition that can match, where the filter names one. */
  partition: string | undefined
  matches: (row: Readonly<Record<string, unknown>>) => boolean
}

type Matches = Filter['matches']
type Scalar = string | number | boolean

const TOKEN = /\s*(?:(datetime|guid)?'((?:[^']|'')*)'|([()])|([A-Za-z_][A-Za-z0-9_]*)|(-?[0-9.]+)L?)/y
/** Properties of a row whose names differ in a filter. */
const KEYS: Readonly<Record<string, string>> = { PartitionKey: 'partitionKey', RowKey: 'rowKey' }

/** @throws for any other text */
export function parseFilter(text: string): Filter {
  const parser = new FilterParser(text)
  return { matches: text === '' ? () => true : parser.read(), partition: parser.partition }
}

class FilterParser {
  readonly #tokens: { word?: string; value?: Scalar }[] = []
  #at = 0
  partition: string | undefined

  constructor(text: string) {
    TOKEN.lastIndex = 0
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const [found, kind, quoted, bracket, word, number] = TOKEN.exec(text) ?? []
      if (found === undefined) throw new Error(`Not a table filter: ${text}`)
      if (quoted !== undefined) {
        const value = quoted.replaceAll("''", "'")
        this.#tokens.push({ value: kind === 'datetime' ? Date.parse(value) : value })
      } else if (number !== undefined) this.#tokens.push({ value: Number(number) })
      else if (word === 'true' || word === 'false') this.#tokens.push({ value: word === 'true' })
      else this.#tokens.push({ word: bracket ?? word ?? '' })
    }
  }

  read(): Matches {
    const matches = this.#any(true)
    if (this.#at < this.#tokens.length) throw new Error('A table filter goes on after its end')
    return matches
  }

  /** @param isAll whether every row that matches the whole filter matches this part of it */
  #any(isAll: boolean): Matches {
    const start = this.#at
    const alternatives = [this.#all(false)]
    while (this.#take('or')) alternatives.push(this.#all(false))
    const [only] = alternatives
    if (alternatives.length === 1 && only) {
      // Read once more, to learn what holds for every row that matches.
      this.#at = start
      return this.#all(isAll)
    }
    return (row) => alternatives.some((matches) => matches(row))
  }

  #all(isAll: boolean): Matches {
    const parts = [this.#one(isAll)]
    while (this.#take('and')) parts.push(this.#one(isAll))
    const [only] = parts
    return parts.length === 1 && only ? only : (row) => parts.every((matches) => matches(row))
  }

  #one(isAll: boolean): Matches {
    if (this.#take('not')) {
      const matches = this.#one(false)
      return (row) => !matches(row)
    }
    if (this.#take('(')) {
      const matches = this.#any(isAll)
      if (!this.#take(')')) throw new Error('A table filter has an open bracket')
      return matches
    }
    return this.#comparison(isAll)
  }

  #comparison(isAll: boolean): Matches {
    const [name, operator, literal] = [this.#next().word, this.#next().word, this.#next().value]
    if (name === undefined || literal === undefined) throw new Error('A table filter compares something else')
    const key = KEYS[name] ?? name
    if (isAll && key === 'partitionKey' && operator === 'eq') this.partition = String(literal)
    const compare = COMPARISONS[operator ?? '']
    if (!compare) throw new Error(`A table filter has an unknown operator: ${operator}`)
    return (row) => {
      const value = scalarOf(row[key])
      // A row without the property matches no comparison of it.
      return value !== undefined && compare(value, literal)
    }
  }

  #next() {
    return this.#tokens[this.#at++] ?? {}
  }

  #take(word: string): boolean {
    if (this.#tokens[this.#at]?.word !== word) return false
    this.#at++
    return true
  }
}

const COMPARISONS: Readonly<Record<string, (a: Scalar, b: Scalar) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
}

function scalarOf(value: unknown): Scalar | undefined {
  if (value instanceof Date) return value.getTime()
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}

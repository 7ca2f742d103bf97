import { isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments, Scalar } from 'yaml'

/** Where something stands in a text file; both are counted from 1. */
export interface SourcePlace {
  readonly line: number
  readonly column: number
}

const BEGIN: SourcePlace = { line: 1, column: 1 }

/** Finds the lines of a JSON or YAML file on which the places of findings stand: `options.thresholds.critical`, `query:57`. */
export class SourcePlaces {
  readonly #text: string
  readonly #lines = new LineCounter()
  /** The root of each document, once one is asked for: a plan of Terraform is large, and found by its addresses. */
  #parsed: readonly unknown[] | undefined

  constructor(text: string) {
    this.#text = text
  }

  get #roots(): readonly unknown[] {
    if (this.#parsed) return this.#parsed
    const documents = parseAllDocuments(this.#text, { lineCounter: this.#lines, uniqueKeys: false, logLevel: 'silent' })
    this.#parsed = Array.isArray(documents) ? documents.map(({ contents }) => contents) : []
    return this.#parsed
  }

  /**
   * @param place a path of keys and `[numbers]`, and behind `:` a position in the text that it leads to; or `line:column`
   * @returns the place of the key, or of the nearest one above it that exists
   */
  find(place: string): SourcePlace {
    const [, line, column] = /^(\d+):(\d+)$/.exec(place) ?? []
    if (line !== undefined && column !== undefined) return { line: Number(line), column: Number(column) }
    const [, path = place, position] = /^(.*):(\d+)$/s.exec(place) ?? []
    const addressed = this.#addressed(path)
    if (addressed) return addressed
    for (const root of this.#roots) {
      const found = this.#walk(root, stepsOf(path))
      if (found) return position === undefined ? this.#at(found.keyAt) : this.#inside(found, Number(position))
    }
    return BEGIN
  }

  #walk(root: unknown, steps: readonly string[]): Found | undefined {
    let node = root
    let found: Found | undefined
    for (const step of steps) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step)
        if (!pair) return found
        node = pair.value
        found = { keyAt: startOf(pair.key) ?? startOf(node) ?? 0, value: node }
      } else if (isSeq(node) && /^\d+$/.test(step)) {
        node = node.items[Number(step)]
        if (node === undefined) return found
        found = { keyAt: startOf(node) ?? 0, value: node }
      } else return found
    }
    return found
  }

  /** A position in a text, in UTF-16 units from 1: in JSON, and in YAML between double quotes, escapes are longer than what they say. */
  #inside({ keyAt, value }: Found, position: number): SourcePlace {
    const start = startOf(value)
    if (!isScalar(value) || start === undefined) return this.#at(keyAt)
    if (value.type !== Scalar.QUOTE_DOUBLE) return this.#at(start)
    let at = start + 1
    for (let i = 1; i < position && at < this.#text.length; i++) {
      if (this.#text[at] !== '\\') at++
      else at += this.#text[at + 1] === 'u' ? 6 : 2
    }
    return this.#at(at)
  }

  /** Places in the output of Terraform begin with the address of a resource. */
  #addressed(path: string): SourcePlace | undefined {
    const addresses = this.#text.matchAll(/"address"\s*:\s*("(?:[^"\\]|\\.)*")/g)
    const mine = [...addresses].filter(([, text = '""']) => path.startsWith(`${JSON.parse(text)}.`)).at(-1)
    if (!mine) return undefined
    const before = this.#text.slice(0, mine.index).split('\n')
    return { line: before.length, column: (before.at(-1) ?? '').length + 1 }
  }

  #at(offset: number): SourcePlace {
    const { line, col } = this.#lines.linePos(offset)
    return line > 0 && col > 0 ? { line, column: col } : BEGIN
  }
}

interface Found {
  readonly keyAt: number
  readonly value: unknown
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? node.range?.[0] : undefined)

/** `monitors[3].options.thresholds` is `monitors`, `3`, `options`, `thresholds`. */
const stepsOf = (path: string): string[] => path.split(/[.[\]]+/).filter((step) => step !== '')

import type { Texts } from '../evaluate/reading.ts'
import { facetText } from '../search/field.ts'
import { ByteTable } from './byte-table.ts'

/** A JSON value of a line. The same bytes lead to the same object, so that what depends on it is computed once. */
export class Interned {
  readonly value: unknown
  /** What a facet shows of it. */
  readonly texts: Texts
  /** Values of one kind are alike to every search. */
  readonly kind: number

  constructor(value: unknown, kind: number) {
    this.value = value
    this.kind = kind
    this.texts = typeof value === 'string' ? value : facetTexts(value)
  }
}

function facetTexts(value: unknown): Texts {
  const texts = [...new Set(textsIn(value))]
  const [only] = texts
  return only !== undefined && texts.length === 1 ? only : texts
}

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.flatMap(textsIn) : [facetText(value) ?? []].flat()

/** Values that are kept before it is decided whether keeping them is of use. */
const TRIAL_ROWS = 4_096
/** Keeping is of use if at least this share of them was met again. */
const LEAST_SHARE = 1 / 32
/** Values that are not kept before keeping them is tried again. */
const PASSED_BY = 32_768

/** Finds values by their bytes. It does not keep the values of a field that rarely repeat, such as ids of requests. */
export class Interner {
  readonly #make: (value: unknown) => Interned
  #table = new ByteTable()
  #values: Interned[] = []
  /** How many values were met again during the trial. */
  #again = 0
  /** How many more values are made without being kept. */
  #passing = 0
  #last = -1
  #lastLength = 0

  /** @param make what is kept of a value */
  constructor(make: (value: unknown) => Interned = (value) => new Interned(value, 0)) {
    this.#make = make
  }

  /** @returns the value whose JSON stands between two positions; four bytes behind it can be read */
  find(buffer: Buffer, view: DataView, start: number, end: number): Interned {
    const table = this.#table
    const length = end - start
    // Many fields have the same value in most lines.
    if (length === this.#lastLength && table.holds(this.#last, view, start, length)) return this.#at(this.#last)
    let row = table.find(view, start, length)
    if (row < 0) {
      const value = this.#make(JSON.parse(buffer.toString('utf8', start, end)))
      if (!this.#keeps()) return value
      row = this.#table.add(view, start, length)
      if (row < 0) return value
      this.#values[row] = value
    } else if (table.rows <= TRIAL_ROWS) this.#again++
    this.#last = row
    this.#lastLength = length
    return this.#at(row)
  }

  /** @param row one that the table has, so that there is a value */
  #at(row: number): Interned {
    return this.#values[row] as Interned
  }

  #keeps(): boolean {
    if (this.#passing > 0) {
      this.#passing--
      return false
    }
    if (this.#table.rows !== TRIAL_ROWS || this.#again >= TRIAL_ROWS * LEAST_SHARE) return true
    this.#table = new ByteTable()
    this.#values = []
    this.#again = 0
    this.#last = -1
    this.#lastLength = 0
    this.#passing = PASSED_BY
    return false
  }
}

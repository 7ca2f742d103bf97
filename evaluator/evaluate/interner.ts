import { ByteTable } from '../replay/byte-table.ts'
import { facetText } from '../search/field.ts'
import type { Texts } from './reading.ts'

/** A JSON value that was met in a line. The same bytes lead to the same object again, so that what was found out once is kept. */
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
  return texts.length === 1 ? (texts[0] as string) : texts
}

const textsIn = (value: unknown): string[] =>
  Array.isArray(value) ? value.flatMap(textsIn) : [facetText(value) ?? []].flat()

/** So many values are kept before it is judged whether keeping them is of use. */
const TRIAL_ROWS = 4_096
/** Keeping is of use if at least this share of them was met again. */
const LEAST_SHARE = 1 / 32
/** So many values pass by before keeping them is tried again. */
const PASSED_BY = 32_768

/** Finds values by their bytes. Of a field whose values hardly come back, as ids of requests, it keeps none. */
export class Interner {
  private readonly make: (value: unknown) => Interned
  private table = new ByteTable()
  private values: Interned[] = []
  /** How many values were met again during the trial. */
  private again = 0
  /** How many more values are made without being kept. */
  private passing = 0
  private last = -1
  private lastLength = 0

  /** @param make what is kept of a value */
  constructor(make: (value: unknown) => Interned = (value) => new Interned(value, 0)) {
    this.make = make
  }

  /** @returns the value whose JSON stands between two positions; four bytes behind it can be read */
  find(buffer: Buffer, view: DataView, start: number, end: number): Interned {
    const { table, values } = this
    const length = end - start
    // Many fields say the same in most lines.
    if (length === this.lastLength && table.holds(this.last, view, start, length)) return values[this.last] as Interned
    let row = table.find(view, start, length)
    if (row < 0) {
      const value = this.make(JSON.parse(buffer.toString('utf8', start, end)))
      if (!this.keeps()) return value
      row = this.table.add(view, start, length)
      if (row < 0) return value
      this.values[row] = value
    } else if (table.rows <= TRIAL_ROWS) this.again++
    this.last = row
    this.lastLength = length
    return this.values[row] as Interned
  }

  private keeps(): boolean {
    if (this.passing > 0) {
      this.passing--
      return false
    }
    if (this.table.rows !== TRIAL_ROWS || this.again >= TRIAL_ROWS * LEAST_SHARE) return true
    this.table = new ByteTable()
    this.values = []
    this.again = 0
    this.last = -1
    this.lastLength = 0
    this.passing = PASSED_BY
    return false
  }
}

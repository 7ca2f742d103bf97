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

/** Finds values by their bytes. */
export class Interner {
  private readonly make: (value: unknown) => Interned
  private readonly table = new ByteTable()
  private readonly values: Interned[] = []
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
      row = table.add(view, start, length)
      if (row < 0) return value
      values[row] = value
    }
    this.last = row
    this.lastLength = length
    return values[row] as Interned
  }
}

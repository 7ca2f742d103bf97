import type { Group } from '../evaluate/group.ts'
import { parseJson } from '../json.ts'
import { facetText } from '../search/field.ts'
import { ByteColumn, ByteTable } from './byte-table.ts'
import type { Interner } from './interner.ts'

/**
 * Finds the group of a monitor by the bytes of its single facet. It keeps the last value that each group counted, because most
 * groups count the same value many times.
 */
export class GroupFinder {
  readonly #groupOf: (key: string) => Group
  readonly #values: Interner
  readonly #table = new ByteTable()
  readonly #groups: Group[] = []
  readonly #last = new ByteColumn()
  readonly #lastTexts: string[] = []

  /** @param values reads the values that are counted */
  constructor(groupOf: (key: string) => Group, values: Interner) {
    this.#groupOf = groupOf
    this.#values = values
  }

  /** @returns the row of the group named by the JSON from `start` to `end`; -1 when that is an object, a list or a long text */
  find(buffer: Buffer, view: DataView, start: number, end: number): number {
    const table = this.#table
    const groups = this.#groups
    const known = table.find(view, start, end - start)
    if (known >= 0 && groups[known]?.forgotten === false) return known
    const text = facetText(parseJson(buffer.toString('utf8', start, end)))
    if (text === undefined) return -1
    const row = known < 0 ? table.add(view, start, end - start) : known
    if (row < 0) return -1
    groups[row] = this.#groupOf(text)
    this.#last.clear(row)
    return row
  }

  /** @param row returned by `find` */
  groupAt(row: number): Group {
    const group = this.#groups[row]
    if (!group) throw new RangeError(`there is no group in row ${row}`)
    return group
  }

  /** @returns the text that a group counts of the JSON from `start` to `end`; undefined when that has no text, or several */
  countedText(row: number, buffer: Buffer, view: DataView, start: number, end: number): string | undefined {
    if (this.#last.holds(row, view, start, end - start)) return this.#lastTexts[row]
    const { texts } = this.#values.find(buffer, view, start, end)
    if (typeof texts !== 'string') return undefined
    this.#last.set(row, view, start, end - start)
    this.#lastTexts[row] = texts
    return texts
  }
}

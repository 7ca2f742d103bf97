import type { Group } from '../evaluate/group.ts'
import { facetText } from '../search/field.ts'
import { ByteColumn, ByteTable } from './byte-table.ts'
import type { Interner } from './interner.ts'

/** Finds the groups of a monitor by the bytes of their one facet, and the value that each counted last. */
export class GroupFinder {
  readonly #groupOf: (key: string) => Group
  readonly #values: Interner
  readonly #table = new ByteTable()
  readonly #groups: Group[] = []
  /** Most groups count the same value again and again. */
  readonly #last = new ByteColumn()
  readonly #lastTexts: string[] = []

  /** @param values reads what is counted */
  constructor(groupOf: (key: string) => Group, values: Interner) {
    this.#groupOf = groupOf
    this.#values = values
  }

  /** @returns the row of the group whose JSON stands between two positions; -1 when it is no text, or a long one */
  find(buffer: Buffer, view: DataView, start: number, end: number): number {
    const table = this.#table
    const groups = this.#groups
    const known = table.find(view, start, end - start)
    if (known >= 0 && groups[known]?.forgotten === false) return known
    const text = facetText(JSON.parse(buffer.toString('utf8', start, end)))
    if (text === undefined) return -1
    const row = known < 0 ? table.add(view, start, end - start) : known
    if (row < 0) return -1
    groups[row] = this.#groupOf(text)
    this.#last.clear(row)
    return row
  }

  /** @param row one that `find` has returned, so that there is a group */
  at(row: number): Group {
    return this.#groups[row] as Group
  }

  /** @returns the text of what stands between two positions, for the group to count; undefined when it is none, or several */
  counted(row: number, buffer: Buffer, view: DataView, start: number, end: number): string | undefined {
    if (this.#last.holds(row, view, start, end - start)) return this.#lastTexts[row]
    const { texts } = this.#values.find(buffer, view, start, end)
    if (typeof texts !== 'string') return undefined
    this.#last.set(row, view, start, end - start)
    this.#lastTexts[row] = texts
    return texts
  }
}

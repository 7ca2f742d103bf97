import type { Group } from '../evaluate/group.ts'
import { groupKeys } from '../evaluate/reading.ts'
import { parseJson } from '../json.ts'
import { facetText } from '../search/field.ts'
import { ByteColumn, ByteTable } from './byte-table.ts'
import { LINE_FEED } from './bytes.ts'
import type { EventScanner } from './event-scanner.ts'
import type { Interner } from './interner.ts'
import type { Key } from './key-table.ts'

/** Longer names of groups are not joined. */
const MAX_JOINED_BYTES = 1024

/**
 * Finds the group of a monitor by the bytes of its facets. It keeps the last value that each group counted, because most groups
 * count the same value many times.
 */
export class GroupFinder {
  readonly #groupOf: (key: string) => Group
  readonly #part: number
  readonly #facets: readonly Key[]
  readonly #values: Interner
  readonly #table = new ByteTable()
  readonly #groups: Group[] = []
  readonly #last = new ByteColumn()
  readonly #lastTexts: string[] = []
  /** The bytes of several facets, each with a line feed, which no value contains. */
  readonly #joined = new DataView(new ArrayBuffer(MAX_JOINED_BYTES + 4))

  /**
   * @param part the index of the query among those of its monitor
   * @param facets the keys of the facets, at least one
   * @param values reads the values that are counted
   */
  constructor(groupOf: (key: string) => Group, part: number, facets: readonly Key[], values: Interner) {
    this.#groupOf = groupOf
    this.#part = part
    this.#facets = facets
    this.#values = values
  }

  /** @returns the row of the group of a line, which has all facets; -1 when one is an object or a list, or they are too long */
  find(scanner: EventScanner): number {
    const first = this.#facets[0] as Key
    if (this.#facets.length === 1) return this.#find(scanner, scanner.view, first.start, first.end - first.start)
    const length = this.#join(scanner.view)
    return length < 0 ? -1 : this.#find(scanner, this.#joined, 0, length)
  }

  /** @param row returned by `find` */
  groupAt(row: number): Group {
    return this.#groups[row] as Group
  }

  /** Lets a group hold the value of a line. @returns its slot; -1 when the value has no text, or several */
  hold(row: number, { buffer, view }: EventScanner, { start, end }: Key): number {
    const group = this.groupAt(row)
    if (this.#last.holds(row, view, start, end - start)) return group.holdOf(this.#part, this.#lastTexts[row] as string)
    const { texts } = this.#values.find(buffer, view, start, end)
    if (typeof texts !== 'string') return -1
    const slot = group.holdOf(this.#part, texts)
    this.#last.set(row, view, start, end - start)
    // The group's own copy, which is compared without reading it.
    this.#lastTexts[row] = group.textAt(slot)
    return slot
  }

  #find(scanner: EventScanner, view: DataView, start: number, length: number): number {
    const table = this.#table
    const known = table.find(view, start, length)
    if (known >= 0 && !(this.#groups[known] as Group).forgotten) return known
    const key = this.#keyOf(scanner.buffer)
    if (key === undefined) return -1
    const row = known < 0 ? table.add(view, start, length) : known
    if (row < 0) return -1
    this.#groups[row] = this.#groupOf(key)
    this.#last.clear(row)
    return row
  }

  /** Writes the values of all facets one after the other. @returns their length in bytes; -1 when they are too long */
  #join(view: DataView): number {
    const joined = this.#joined
    let to = 0
    for (const { start, end } of this.#facets) {
      const next = to + end - start
      if (next >= MAX_JOINED_BYTES) return -1
      for (let at = start; to < next; at += 4, to += 4) joined.setInt32(to, view.getInt32(at, true), true)
      joined.setUint8(next, LINE_FEED)
      to = next + 1
    }
    return to
  }

  /** @returns undefined when a facet is an object or a list */
  #keyOf(buffer: Buffer): string | undefined {
    const texts: string[] = []
    for (const { start, end } of this.#facets) {
      const text = facetText(parseJson(buffer.toString('utf8', start, end)))
      if (text === undefined) return undefined
      texts.push(text)
    }
    return [groupKeys(texts)].flat()[0]
  }
}

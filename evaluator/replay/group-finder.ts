import type { Group } from '../evaluate/group.ts'
import type { Places } from '../evaluate/places.ts'
import { keyOfTexts } from '../evaluate/reading.ts'
import { facetText } from '../search/field.ts'
import { ByteTable, putBytes, sameBytes } from './byte-table.ts'
import { LINE_FEED } from './bytes.ts'
import type { EventScanner } from './event-scanner.ts'
import type { Interner } from './interner.ts'
import { readValue } from './json-value.ts'
import type { Key } from './key-table.ts'

/** Longer names of groups are not joined. */
const MAX_JOINED_BYTES = 1024

/** Longer values of a group are not compared by their bytes: a UUID fits. */
const MAX_VALUE_BYTES = 40

/**
 * The words of the record of a group: its index among the groups, its place, the version of that place with which the record was
 * last brought up to date, and the length and the bytes of the last value.
 */
const INDEX = 0
const PLACE = 1
const VERSION = 2
const VALUE_LENGTH = 3
const VALUE = 4
const COUNTING_WORDS = 3
const VALUED_WORDS = VALUE + MAX_VALUE_BYTES / 4

/**
 * Finds the group of a monitor by the bytes of its facets. It keeps the last value that each group counted, because most groups
 * count the same value many times.
 */
export class GroupFinder {
  readonly #groupOf: (key: string) => Group
  readonly #places: Places<Group>
  readonly #part: number
  readonly #facets: readonly Key[]
  readonly #values: Interner | undefined
  readonly #table: ByteTable
  readonly #groups: Group[] = []
  /** The last value of each group. */
  readonly #lastTexts: string[] = []
  /** The bytes of several facets, each with a line feed, which no value contains. */
  readonly #joined = new DataView(new ArrayBuffer(MAX_JOINED_BYTES + 4))

  /**
   * @param places those of the groups that `groupOf` returns
   * @param part the index of the query among those of its monitor
   * @param facets the keys of the facets, at least one
   * @param values reads the values that are counted; undefined for a query that counts logs
   */
  constructor(
    groupOf: (key: string) => Group,
    places: Places<Group>,
    part: number,
    facets: readonly Key[],
    values: Interner | undefined,
  ) {
    this.#groupOf = groupOf
    this.#places = places
    this.#part = part
    this.#facets = facets
    this.#values = values
    this.#table = new ByteTable(values ? VALUED_WORDS : COUNTING_WORDS)
  }

  /** @returns the record of the group of a line, which has all facets; -1 when one is an object or a list, or they are too long */
  find(scanner: EventScanner): number {
    const first = this.#facets[0] as Key
    if (this.#facets.length === 1) return this.#find(scanner, scanner.view, first.start, first.end - first.start)
    const length = this.#join(scanner.view)
    return length < 0 ? -1 : this.#find(scanner, this.#joined, 0, length)
  }

  /** The place of the group of a record that was returned by `find`. */
  placeAt(record: number): number {
    return this.#table.words[record + PLACE] as number
  }

  /** Lets a group hold an entry of a query that counts logs. @returns its slot, which is the index of the query in every group */
  count(record: number): number {
    this.#places.hold(this.placeAt(record))
    return this.#part
  }

  /** Lets a group hold the value of a line. @returns its slot; -1 when the value has no text, or several */
  hold(record: number, { buffer, view }: EventScanner, { start, end }: Key): number {
    const { words } = this.#table
    const place = this.placeAt(record)
    const length = end - start
    if (words[record + VALUE_LENGTH] === length && sameBytes(words, record + VALUE, view, start, length)) {
      if (this.#places.countsItself(place)) {
        return this.#groupAt(record).holdOf(this.#part, this.#lastTexts[words[record + INDEX] as number] as string)
      }
      this.#places.hold(place)
      return 0
    }
    const texts = this.#values?.find(buffer, view, start, end).texts
    if (typeof texts !== 'string') return -1
    const group = this.#groupAt(record)
    const slot = group.holdOf(this.#part, texts, true)
    words[record + VERSION] = this.#places.version(place)
    words[record + VALUE_LENGTH] = length <= MAX_VALUE_BYTES ? length : 0
    if (length > MAX_VALUE_BYTES) return slot
    putBytes(words, record + VALUE, view, start, length)
    // The group's own copy, which is compared without reading it.
    this.#lastTexts[words[record + INDEX] as number] = group.textAt(slot)
    return slot
  }

  #groupAt(record: number): Group {
    return this.#groups[this.#table.words[record + INDEX] as number] as Group
  }

  #find(scanner: EventScanner, view: DataView, start: number, length: number): number {
    const record = this.#table.find(view, start, length)
    if (record < 0) return this.#add(scanner, view, start, length)
    if (this.#places.version(this.placeAt(record)) === this.#table.words[record + VERSION]) return record
    return this.#groupAt(record).forgotten ? this.#renew(record, scanner) : this.#update(record)
  }

  #add(scanner: EventScanner, view: DataView, start: number, length: number): number {
    const key = this.#keyOf(scanner.buffer)
    if (key === undefined) return -1
    const record = this.#table.add(view, start, length)
    if (record < 0) return -1
    const index = this.#table.records - 1
    this.#table.words[record + INDEX] = index
    this.#groups[index] = this.#groupOf(key)
    return this.#update(record)
  }

  /** Finds the group of a record again after it was forgotten. */
  #renew(record: number, scanner: EventScanner): number {
    const key = this.#keyOf(scanner.buffer)
    if (key === undefined) return -1
    this.#groups[this.#table.words[record + INDEX] as number] = this.#groupOf(key)
    return this.#update(record)
  }

  #update(record: number): number {
    const { words } = this.#table
    const { place } = this.#groupAt(record)
    words[record + PLACE] = place
    words[record + VERSION] = this.#places.version(place)
    if (this.#values) words[record + VALUE_LENGTH] = 0
    return record
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
      const text = facetText(readValue(buffer, start, end))
      if (text === undefined) return undefined
      texts.push(text)
    }
    return keyOfTexts(texts)
  }
}

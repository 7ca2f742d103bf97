import type { Texts } from '../evaluate/reading.ts'
import { facetText } from '../search/field.ts'
import { ByteTable } from './byte-table.ts'
import { readValue } from './json-value.ts'

/** A JSON value of a line. The same bytes give the same object, so that what follows from the value is computed once. */
export class Interned {
  readonly value: unknown
  /** The texts that a facet of this value has. */
  readonly texts: Texts
  /** The number of a class of values that no search tells apart. */
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

/** The only word of a record: the index of its value. */
const RECORD_WORDS = 1

/** The number of values kept before the interner decides whether keeping them pays. */
const TRIAL_VALUES = 4_096
/** Keeping pays when at least this share of the lookups found a kept value. */
const MIN_HIT_SHARE = 1 / 32
/** The number of values that are not kept before the next trial. */
const VALUES_BETWEEN_TRIALS = 32_768

/** Finds the values of one field by their bytes. It stops keeping values that rarely repeat, such as request ids. */
export class Interner {
  readonly #make: (value: unknown) => Interned
  #table = new ByteTable(RECORD_WORDS)
  #values: Interned[] = []
  /** Lookups that found a kept value during the trial. */
  #hits = 0
  /** The number of values until the next trial; 0 while values are kept. */
  #untilTrial = 0
  #last = -1
  #lastLength = 0

  /** @param make creates what is kept for a value */
  constructor(make: (value: unknown) => Interned = (value) => new Interned(value, 0)) {
    this.#make = make
  }

  /** @returns the value of the JSON from `start` to `end`, after which four bytes can be read */
  find(buffer: Buffer, view: DataView, start: number, end: number): Interned {
    const table = this.#table
    const length = end - start
    // Many fields have the same value in most lines.
    if (length === this.#lastLength && table.holds(this.#last, view, start, length)) return this.#at(this.#last)
    let position = table.find(view, start, length)
    if (position < 0) {
      const value = this.#make(readValue(buffer, start, end))
      if (!this.#keeps()) return value
      position = this.#table.add(view, start, length)
      if (position < 0) return value
      const index = this.#table.records - 1
      this.#table.words[position] = index
      this.#values[index] = value
    } else if (table.records <= TRIAL_VALUES) this.#hits++
    this.#last = position
    this.#lastLength = length
    return this.#at(position)
  }

  #at(position: number): Interned {
    const value = this.#values[this.#table.words[position] as number]
    if (!value) throw new RangeError(`there is no value at ${position}`)
    return value
  }

  /** Whether the next value is kept. Ends a trial in which too few values repeated. */
  #keeps(): boolean {
    if (this.#untilTrial > 0) {
      this.#untilTrial--
      return false
    }
    if (this.#table.records !== TRIAL_VALUES || this.#hits >= TRIAL_VALUES * MIN_HIT_SHARE) return true
    this.#table = new ByteTable(RECORD_WORDS)
    this.#values = []
    this.#hits = 0
    this.#last = -1
    this.#lastLength = 0
    this.#untilTrial = VALUES_BETWEEN_TRIALS
    return false
  }
}

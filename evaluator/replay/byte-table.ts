import { randomInt } from 'node:crypto'

/** Longer pieces are not stored. */
const MAX_BYTES = 255
/** A table with so many pieces or words forgets all of its pieces and starts again. */
const MAX_ROWS = 65_536
const MAX_WORDS = 1 << 20
/** Random, so that nobody can write a log whose values all have the same hash. */
const SEED = randomInt(2 ** 31)

/** A hash table that numbers short pieces of bytes. Four bytes after each piece that is passed in must be readable. */
export class ByteTable {
  /** The number of pieces, and the number of the next piece. */
  rows = 0
  /** The pieces, one after the other, four bytes in a word; the unused bytes of a last word are 0. */
  #words = new Int32Array(256)
  #usedWords = 0
  /** Where the piece of each row begins in `#words`. */
  #begins = new Int32Array(16)
  /** Pairs: a hash, and an entry of row + 1 (upper bits) and length (lower 8 bits). Open addressing, at most half full. */
  #table = new Int32Array(2 * 32)
  #hash = 0

  /** @returns the number of the piece; -1 when it is not stored */
  find(view: DataView, start: number, length: number): number {
    if (length > MAX_BYTES) return -1
    const hash = hashOf(view, start, length)
    this.#hash = hash
    const table = this.#table
    const mask = table.length - 2
    let place = (hash << 1) & mask
    for (let entry = table[place + 1] as number; entry !== 0; entry = table[place + 1] as number) {
      const row = (entry >> 8) - 1
      if (table[place] === hash && (entry & 255) === length && this.holds(row, view, start, length)) return row
      place = (place + 2) & mask
    }
    return -1
  }

  /** Whether a row stores a piece. The caller has compared the lengths. */
  holds(row: number, view: DataView, start: number, length: number): boolean {
    return matches(this.#words, this.#begins[row] as number, view, start, length)
  }

  /**
   * Stores the piece that the last call of `find` did not find.
   * @returns its number: 0 when all others were forgotten to make room; -1 when it is too long
   */
  add(view: DataView, start: number, length: number): number {
    if (length > MAX_BYTES) return -1
    const words = (length + 3) >> 2
    if (this.rows === MAX_ROWS || this.#usedWords + words > MAX_WORDS) {
      this.rows = 0
      this.#usedWords = 0
      this.#table.fill(0)
    }
    if (this.rows === this.#begins.length) this.#growTable()
    while (this.#usedWords + words > this.#words.length) this.#words = doubled(this.#words)
    const row = this.rows++
    this.#begins[row] = this.#usedWords
    put(this.#words, this.#usedWords, view, start, length)
    this.#usedWords += words
    this.#enter(this.#hash, ((row + 1) << 8) | length)
    return row
  }

  #enter(hash: number, entry: number): void {
    const table = this.#table
    const mask = table.length - 2
    let place = (hash << 1) & mask
    while (table[place + 1] !== 0) place = (place + 2) & mask
    table[place] = hash
    table[place + 1] = entry
  }

  #growTable(): void {
    const table = this.#table
    this.#begins = doubled(this.#begins)
    this.#table = new Int32Array(table.length * 2)
    for (let i = 0; i < table.length; i += 2) {
      if (table[i + 1] !== 0) this.#enter(table[i] as number, table[i + 1] as number)
    }
  }
}

/** A column stores shorter pieces only, in as many words for each row. */
const COLUMN_BYTES = 64
const WORDS_PER_ROW = COLUMN_BYTES / 4

/** One replaceable piece of bytes for each row of a table. */
export class ByteColumn {
  #words = new Int32Array(16 * WORDS_PER_ROW)
  #lengths = new Uint8Array(16)

  holds(row: number, view: DataView, start: number, length: number): boolean {
    return this.#lengths[row] === length && matches(this.#words, row * WORDS_PER_ROW, view, start, length)
  }

  /** Stores a piece in a row. A piece that is too long clears the row instead. */
  set(row: number, view: DataView, start: number, length: number): void {
    while (row >= this.#lengths.length) this.#grow()
    const fits = length <= COLUMN_BYTES
    this.#lengths[row] = fits ? length : 0
    if (fits) put(this.#words, row * WORDS_PER_ROW, view, start, length)
  }

  clear(row: number): void {
    if (row < this.#lengths.length) this.#lengths[row] = 0
  }

  #grow(): void {
    const lengths = this.#lengths
    this.#words = doubled(this.#words)
    this.#lengths = new Uint8Array(lengths.length * 2)
    this.#lengths.set(lengths)
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}

function matches(words: Int32Array, from: number, view: DataView, start: number, length: number): boolean {
  const last = from + (length >> 2)
  let at = start
  for (let i = from; i < last; i++, at += 4) if (view.getInt32(at, true) !== words[i]) return false
  const rest = length & 3
  return rest === 0 || (view.getInt32(at, true) & maskOf(rest)) === words[last]
}

function put(words: Int32Array, to: number, view: DataView, start: number, length: number): void {
  const last = to + (length >> 2)
  let at = start
  for (let i = to; i < last; i++, at += 4) words[i] = view.getInt32(at, true)
  const rest = length & 3
  if (rest > 0) words[last] = view.getInt32(at, true) & maskOf(rest)
}

function hashOf(view: DataView, start: number, length: number): number {
  let hash = SEED ^ length
  const rest = length & 3
  const end = start + length - rest
  let at = start
  for (; at < end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  if (rest > 0) {
    hash = Math.imul(hash ^ (view.getInt32(at, true) & maskOf(rest)), 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return Math.imul(hash, 0x85ebca6b) ^ (hash >>> 13)
}

/** @returns a mask that keeps the first `bytes` bytes of a little-endian word */
const maskOf = (bytes: number): number => (1 << (bytes * 8)) - 1

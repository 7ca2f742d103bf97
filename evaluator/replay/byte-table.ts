import { randomInt } from 'node:crypto'

/** Longer pieces are never kept. */
const longestBytes = 64
const wordsEach = longestBytes / 4
/** So many pieces are kept at once: when there is no more room all are forgotten, and met anew. */
const mostRows = 32_768
/** No log can be made up such that all its values fall together. */
const seed = randomInt(2 ** 31)

/** Short pieces of bytes, each with a number. Of any position that is asked about, four bytes behind the piece must be readable. */
export class ByteTable {
  /** How many there are: the number that the next will have. */
  rows = 0
  /** Four bytes to a word, what is left of the last word 0. */
  private words = new Int32Array(16 * wordsEach)
  /** By turns a hash, and the number of its row and the length of its piece in one; open addressing, at most half full. */
  private table = new Int32Array(2 * 32)
  private hash = 0

  /** @returns the number of the piece; -1 for one that is not kept */
  find(view: DataView, start: number, length: number): number {
    if (length > longestBytes) return -1
    const hash = hashOf(view, start, length)
    this.hash = hash
    const { table } = this
    const mask = table.length - 2
    let place = (hash << 1) & mask
    for (let entry = table[place + 1] as number; entry !== 0; entry = table[place + 1] as number) {
      const row = (entry >> 7) - 1
      if (table[place] === hash && (entry & 127) === length && this.holds(row, view, start, length)) return row
      place = (place + 2) & mask
    }
    return -1
  }

  /** Whether a row has a piece, of which the length is known to be right. */
  holds(row: number, view: DataView, start: number, length: number): boolean {
    return matches(this.words, row * wordsEach, view, start, length)
  }

  /**
   * Keeps the piece that was looked for last, and not found.
   * @returns its number: 0 when all others were forgotten for it; -1 when it is too long
   */
  add(view: DataView, start: number, length: number): number {
    if (length > longestBytes) return -1
    if (this.rows === mostRows) {
      this.rows = 0
      this.table.fill(0)
    }
    if (this.rows * wordsEach === this.words.length) this.grow()
    const row = this.rows++
    put(this.words, row * wordsEach, view, start, length)
    this.enter(this.hash, ((row + 1) << 7) | length)
    return row
  }

  private enter(hash: number, entry: number): void {
    const { table } = this
    const mask = table.length - 2
    let place = (hash << 1) & mask
    while (table[place + 1] !== 0) place = (place + 2) & mask
    table[place] = hash
    table[place + 1] = entry
  }

  private grow(): void {
    const { table } = this
    this.words = doubled(this.words)
    this.table = new Int32Array(table.length * 2)
    for (let i = 0; i < table.length; i += 2) {
      if (table[i + 1] !== 0) this.enter(table[i] as number, table[i + 1] as number)
    }
  }
}

/** One piece of bytes for each row of a table, which changes. */
export class ByteColumn {
  private words = new Int32Array(16 * wordsEach)
  private lengths = new Uint8Array(16)

  holds(row: number, view: DataView, start: number, length: number): boolean {
    return this.lengths[row] === length && matches(this.words, row * wordsEach, view, start, length)
  }

  /** A piece that is too long leaves the row with none. */
  set(row: number, view: DataView, start: number, length: number): void {
    while (row >= this.lengths.length) this.grow()
    const fits = length <= longestBytes
    this.lengths[row] = fits ? length : 0
    if (fits) put(this.words, row * wordsEach, view, start, length)
  }

  clear(row: number): void {
    if (row < this.lengths.length) this.lengths[row] = 0
  }

  private grow(): void {
    const { lengths } = this
    this.words = doubled(this.words)
    this.lengths = new Uint8Array(lengths.length * 2)
    this.lengths.set(lengths)
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
  let hash = seed ^ length
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

/** What leaves the first bytes of a word. */
const maskOf = (bytes: number): number => (1 << (bytes * 8)) - 1

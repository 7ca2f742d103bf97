import { randomInt } from 'node:crypto'

/** Longer pieces are not stored. */
const MAX_BYTES = 255
/** A table with so many records or words forgets all of its records and starts again. */
const MAX_RECORDS = 65_536
const MAX_WORDS = 1 << 21
/** Random, so that nobody can write a log whose values all have the same hash. */
const SEED = randomInt(2 ** 31)

/**
 * A hash table of records by short pieces of bytes. A record is a fixed number of 32-bit words of the caller, followed by its piece:
 * one after the other in memory, because with many records a lookup costs mostly its memory access.
 * Four bytes after each piece that is passed in must be readable.
 */
export class ByteTable {
  /** The number of records. */
  records = 0
  /** The words of all records. Those of the caller begin at the position of a record. */
  words = new Int32Array(256)
  /** Words before the piece of a record. */
  readonly #own: number
  #used = 0
  /** Pairs: a hash, and an entry of position + 1 (upper bits) and length (lower 8 bits). Open addressing, at most half full. */
  #table = new Int32Array(2 * 32)
  #hash = 0

  /** @param own the number of words of the caller in each record */
  constructor(own: number) {
    this.#own = own
  }

  /** @returns the position of the record of a piece; -1 when there is none */
  find(view: DataView, start: number, length: number): number {
    if (length > MAX_BYTES) return -1
    const hash = hashOf(view, start, length)
    this.#hash = hash
    const table = this.#table
    const mask = table.length - 2
    let place = (hash << 1) & mask
    for (let entry = table[place + 1] as number; entry !== 0; entry = table[place + 1] as number) {
      const position = (entry >> 8) - 1
      if (table[place] === hash && (entry & 255) === length && this.holds(position, view, start, length))
        return position
      place = (place + 2) & mask
    }
    return -1
  }

  /** Whether a record has a piece. The caller has compared the lengths. */
  holds(position: number, view: DataView, start: number, length: number): boolean {
    return sameBytes(this.words, position + this.#own, view, start, length)
  }

  /**
   * Adds a record for the piece that the last call of `find` did not find.
   * @returns its position, which is 0 when all others were forgotten to make room; -1 when the piece is too long
   */
  add(view: DataView, start: number, length: number): number {
    if (length > MAX_BYTES) return -1
    const size = this.#own + ((length + 3) >> 2)
    if (this.records === MAX_RECORDS || this.#used + size > MAX_WORDS) {
      this.records = 0
      this.#used = 0
      this.#table.fill(0)
    }
    if (4 * this.records === this.#table.length) this.#growTable()
    while (this.#used + size > this.words.length) this.words = doubled(this.words)
    const position = this.#used
    this.words.fill(0, position, position + this.#own)
    putBytes(this.words, position + this.#own, view, start, length)
    this.records++
    this.#used += size
    this.#enter(this.#hash, ((position + 1) << 8) | length)
    return position
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
    this.#table = new Int32Array(table.length * 2)
    for (let i = 0; i < table.length; i += 2) {
      if (table[i + 1] !== 0) this.#enter(table[i] as number, table[i + 1] as number)
    }
  }
}

function doubled(words: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2)
  larger.set(words)
  return larger
}

/** Whether words that `putBytes` wrote are those of a piece of the same length. */
export function sameBytes(words: Int32Array, from: number, view: DataView, start: number, length: number): boolean {
  const last = from + (length >> 2)
  let at = start
  for (let i = from; i < last; i++, at += 4) if (view.getInt32(at, true) !== words[i]) return false
  const rest = length & 3
  return rest === 0 || (view.getInt32(at, true) & maskOf(rest)) === words[last]
}

/** Writes a piece into words; the unused bytes of the last word become 0. */
export function putBytes(words: Int32Array, to: number, view: DataView, start: number, length: number): void {
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

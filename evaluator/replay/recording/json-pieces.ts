import {
  BACKSLASH,
  byteAt,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  LINE_FEED,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from '../bytes.ts'

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** Longer records are skipped and reported, so that memory stays bounded. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024

/** Receives the records of a JSON recording. */
export interface PieceVisitor {
  /** The text of one record, from its `{` to its `}`. */
  record(text: string): void
  /** Bytes that are not a record. @param at the position of the first of them, from 0 */
  broken(at: number, reason: string): void
}

/**
 * Splits consecutive JSON documents into records, in the memory of one record. A document is a record, an array of records, or a page:
 * an object that has such an array under one of the given names, such as `data` or `hits.hits`. It recognizes only brackets and strings; whoever receives a record
 * checks that it is JSON. After an incomplete record, the next `{` that cannot belong to it begins another record.
 */
export class JsonPieces {
  readonly #visitor: PieceVisitor
  readonly #names: readonly string[]
  /** The first keys of the names that have two. */
  readonly #outers: ReadonlySet<string>
  /** Brackets that are open, outermost first. */
  readonly #open: number[] = []
  /** The number of open brackets outside of a record: 0 when the document is a record, 1 in an array, 2 or 3 in a page. */
  #base = 0
  /** Whether the records of the page have ended, so that the rest of it is skipped. */
  #pastRecords = false
  #inString = false
  #escaped = false
  /** The last byte that was not white space and not inside a string. */
  #last = 0
  /** The parts of the current record in earlier chunks. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** Where the current record begins or continues in the current chunk; -1 outside of records. */
  #from = -1
  #startedAt = 0
  #tooLong = false
  /** The last string of the outermost object or of one in it, with its quotes, and where it begins in the current chunk. */
  #keyAt = -1
  #key = ''
  /** The key of the object in the outermost one. */
  #outerKey = ''
  /** Whether the rest of a line that is not JSON is skipped. */
  #skipping = false
  #position = 0

  constructor(visitor: PieceVisitor, names: readonly string[]) {
    this.#visitor = visitor
    this.#names = names
    this.#outers = new Set(names.flatMap((name) => (name.includes('.') ? name.split('.', 1) : [])))
  }

  write(chunk: Buffer): void {
    if (this.#from >= 0) this.#from = 0
    let at = 0
    while (at < chunk.length) {
      if (this.#inString) at = this.#string(chunk, at)
      else {
        this.#byte(chunk, at, byteAt(chunk, at))
        at++
      }
    }
    // Copied, because the stream may use the chunk again.
    if (this.#from >= 0) this.#hold(Buffer.from(chunk.subarray(this.#from)))
    if (this.#keyAt >= 0) {
      this.#key += chunk.toString('latin1', this.#keyAt)
      this.#keyAt = 0
    }
    this.#position += chunk.length
  }

  end(): void {
    if (this.#open.length === 0) return
    if (this.#from >= 0 || this.#tooLong) this.#broken(this.#startedAt, 'is an incomplete record')
    else this.#broken(this.#position, 'ends before its last bracket')
  }

  #broken(at: number, reason: string): void {
    this.#visitor.broken(at, reason)
  }

  /** Reads a string. @returns the position after it, or the end of the chunk */
  #string(chunk: Buffer, from: number): number {
    let at = from
    if (this.#escaped) {
      this.#escaped = false
      at++
    }
    while (at < chunk.length) {
      const byte = byteAt(chunk, at)
      if (byte === BACKSLASH) {
        if (at + 1 === chunk.length) this.#escaped = true
        at += 2
        continue
      }
      at++
      if (byte === QUOTE) {
        this.#inString = false
        this.#last = QUOTE
        if (this.#keyAt >= 0) {
          this.#key += chunk.toString('latin1', this.#keyAt, at)
          this.#keyAt = -1
        }
        break
      }
      // A JSON string contains no line feed, so the record is incomplete.
      if (byte === LINE_FEED) {
        this.#inString = false
        this.#abandon()
        break
      }
    }
    return Math.min(at, chunk.length)
  }

  /** Reads a byte outside of strings. */
  #byte(chunk: Buffer, at: number, byte: number): void {
    if (byte <= SPACE) {
      if (byte === LINE_FEED) this.#skipping = false
      return
    }
    if (this.#skipping) return
    if (this.#open.length === 0 && byte !== OPEN_BRACE && byte !== OPEN_BRACKET) {
      if (BYTE_ORDER_MARK[this.#position + at] !== byte && byte !== COMMA) this.#stray(at)
      return
    }
    switch (byte) {
      case QUOTE:
        this.#inString = true
        if (this.#base === 0 && this.#isNearTop()) {
          this.#key = ''
          this.#keyAt = at
        }
        break
      case OPEN_BRACE:
        if (!this.#valueMayBegin()) this.#abandon()
        if (this.#open.length === this.#base && !this.#pastRecords) this.#begin(at)
        if (this.#open.length === 1 && this.#base === 0) this.#outerKey = this.#key.slice(1, -1)
        this.#open.push(byte)
        break
      case OPEN_BRACKET:
        this.#bracket(at)
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        this.#close(chunk, at)
        break
    }
    this.#last = byte
  }

  /** Whether a page's records may begin in the innermost object. */
  #isNearTop(): boolean {
    const open = this.#open
    if (open[0] !== OPEN_BRACE) return false
    return open.length === 1 || (open.length === 2 && open[1] === OPEN_BRACE && this.#outers.has(this.#outerKey))
  }

  /** The keys on the way to a value in one of these objects: `data`, `hits.hits`. */
  #path(): string {
    const key = this.#key.slice(1, -1)
    return this.#open.length === 1 ? key : `${this.#outerKey}.${key}`
  }

  /** Whether a value may begin after the last byte. */
  #valueMayBegin(): boolean {
    if (this.#open.length === this.#base) return true
    const within = this.#open.at(-1)
    return this.#last === COLON || this.#last === OPEN_BRACKET || (this.#last === COMMA && within === OPEN_BRACKET)
  }

  /** Reads an opening bracket. */
  #bracket(at: number): void {
    if (this.#open.length === 0) this.#base = 1
    else if (this.#base === 0 && this.#last === COLON && this.#isNearTop() && this.#names.includes(this.#path())) {
      // The document is a page of records.
      this.#base = this.#open.length + 1
      this.#drop()
    } else if (this.#open.length === this.#base && !this.#pastRecords)
      this.#broken(this.#position + at, 'is an array, not a record')
    this.#open.push(OPEN_BRACKET)
  }

  /** Begins a record. */
  #begin(at: number): void {
    this.#from = at
    this.#startedAt = this.#position + at
    this.#tooLong = false
  }

  /** Reads a closing bracket or brace, which may end a record. */
  #close(chunk: Buffer, at: number): void {
    this.#open.pop()
    if (this.#open.length === this.#base && this.#from >= 0) {
      this.#hold(chunk.subarray(this.#from, at + 1))
      if (this.#tooLong) this.#tooLong = false
      else this.#visitor.record(Buffer.concat(this.#held).toString('utf8'))
      this.#drop()
    } else if (this.#open.length === this.#base && this.#tooLong) this.#tooLong = false
    if (this.#open.length < this.#base) {
      this.#base = this.#open.length
      this.#pastRecords = this.#base > 0
    }
  }

  /** Gives up an incomplete record. */
  #abandon(): void {
    if (this.#open.length > this.#base) this.#broken(this.#startedAt, 'is an incomplete record')
    this.#drop()
    this.#open.length = Math.min(this.#open.length, this.#base)
    this.#tooLong = false
    this.#keyAt = -1
  }

  /** Reports bytes outside of every document, and skips the line. */
  #stray(at: number): void {
    this.#broken(this.#position + at, 'is not JSON')
    this.#skipping = true
  }

  /** Keeps a part of the current record, or gives the record up when it is too long. */
  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length
    if (this.#heldBytes <= MAX_RECORD_BYTES) {
      this.#held.push(piece)
      return
    }
    this.#broken(this.#startedAt, `is longer than ${MAX_RECORD_BYTES / 1024 / 1024} MiB`)
    this.#drop()
    this.#tooLong = true
  }

  /** Forgets the current record. */
  #drop(): void {
    this.#held = []
    this.#heldBytes = 0
    this.#from = -1
  }
}

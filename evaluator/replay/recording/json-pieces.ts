const [quote, backslash, lineFeed] = [0x22, 0x5c, 0x0a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const [comma, colon] = [0x2c, 0x3a]
const byteOrderMark = [0xef, 0xbb, 0xbf]

/** A record longer than this is none that an export holds: it is passed over, so that memory stays bounded. */
export const longestRecordBytes = 8 * 1024 * 1024

export interface PieceVisitor {
  /** The text of one record, from its `{` to its `}`. */
  record(text: string): void
  /** Bytes that are no record; counted from 0. */
  broken(at: number, reason: string): void
}

/**
 * Takes a run of JSON documents apart into records, in memory that one record needs. A document is a record itself, an array of
 * records, or an object that holds such an array under one of the names given. Only brackets and strings are understood here: that
 * a record is JSON is for its reader to find out. After a record that breaks off, the next `{` that cannot belong to it begins anew.
 */
export class JsonPieces {
  private readonly visitor: PieceVisitor
  private readonly names: readonly string[]
  /** Brackets that are open, outermost first. */
  private readonly open: number[] = []
  /** How many of them lie outside of a record: 0 for a document that is one, 1 in an array, 2 in a page. */
  private base = 0
  /** Behind the records of a page: what is left of it is no record. */
  private behind = false
  private inString = false
  private escaped = false
  /** The last byte that was neither space nor inside a string. */
  private last = 0
  /** What the present record has so far, from earlier chunks. */
  private held: Buffer[] = []
  private heldBytes = 0
  /** Where in the present chunk the present record goes on; -1 outside of records. */
  private from = -1
  private startedAt = 0
  private tooLong = false
  /** The string that stands before the last colon of the outermost object: begins with its quote. */
  private keyAt = -1
  private key = ''
  /** Passing over the rest of a line that is no JSON. */
  private skipping = false
  private position = 0

  constructor(visitor: PieceVisitor, names: readonly string[]) {
    this.visitor = visitor
    this.names = names
  }

  write(chunk: Buffer): void {
    if (this.from >= 0) this.from = 0
    let at = 0
    while (at < chunk.length) {
      if (this.inString) at = this.string(chunk, at)
      else {
        this.byte(chunk, at, chunk[at] as number)
        at++
      }
    }
    // Copied, for the stream may use its chunk again.
    if (this.from >= 0) this.hold(Buffer.from(chunk.subarray(this.from)))
    if (this.keyAt >= 0) {
      this.key += chunk.toString('latin1', this.keyAt)
      this.keyAt = 0
    }
    this.position += chunk.length
  }

  end(): void {
    if (this.open.length === 0) return
    if (this.from >= 0 || this.tooLong) this.broken(this.startedAt, 'is a record that breaks off')
    else this.broken(this.position, 'ends before its last bracket')
  }

  private broken(at: number, reason: string): void {
    this.visitor.broken(at, reason)
  }

  /** @returns where the string, or the chunk, ends */
  private string(chunk: Buffer, from: number): number {
    let at = from
    if (this.escaped) {
      this.escaped = false
      at++
    }
    while (at < chunk.length) {
      const byte = chunk[at] as number
      if (byte === backslash) {
        if (at + 1 === chunk.length) this.escaped = true
        at += 2
        continue
      }
      at++
      if (byte === quote) {
        this.inString = false
        this.last = quote
        if (this.keyAt >= 0) {
          this.key += chunk.toString('latin1', this.keyAt, at)
          this.keyAt = -1
        }
        break
      }
      // No string of JSON holds a line feed: the record broke off in the middle of one.
      if (byte === lineFeed) {
        this.inString = false
        this.abandon()
        break
      }
    }
    return Math.min(at, chunk.length)
  }

  private byte(chunk: Buffer, at: number, byte: number): void {
    if (byte <= 0x20) {
      if (byte === lineFeed) this.skipping = false
      return
    }
    if (this.skipping) return
    if (this.open.length === 0 && byte !== openBrace && byte !== openBracket) {
      if (byteOrderMark[this.position + at] !== byte && byte !== comma) this.stray(at)
      return
    }
    switch (byte) {
      case quote:
        this.inString = true
        if (this.open.length === 1 && this.open[0] === openBrace && this.base === 0) {
          this.key = ''
          this.keyAt = at
        }
        break
      case openBrace:
        if (!this.valueMayBegin()) this.abandon()
        if (this.open.length === this.base && !this.behind) this.begin(at)
        this.open.push(byte)
        break
      case openBracket:
        this.bracket(at)
        break
      case closeBrace:
      case closeBracket:
        this.close(chunk, at)
        break
    }
    this.last = byte
  }

  private valueMayBegin(): boolean {
    if (this.open.length === this.base) return true
    const within = this.open.at(-1)
    return this.last === colon || this.last === openBracket || (this.last === comma && within === openBracket)
  }

  private bracket(at: number): void {
    if (this.open.length === 0) this.base = 1
    else if (
      this.base === 0 &&
      this.open.length === 1 &&
      this.last === colon &&
      this.names.includes(this.key.slice(1, -1))
    ) {
      // The document is no record but a page of them.
      this.base = 2
      this.drop()
    } else if (this.open.length === this.base && !this.behind)
      this.broken(this.position + at, 'is an array, not a record')
    this.open.push(openBracket)
  }

  private begin(at: number): void {
    this.from = at
    this.startedAt = this.position + at
    this.tooLong = false
  }

  private close(chunk: Buffer, at: number): void {
    this.open.pop()
    if (this.open.length === this.base && this.from >= 0) {
      this.hold(chunk.subarray(this.from, at + 1))
      if (this.tooLong) this.tooLong = false
      else this.visitor.record(Buffer.concat(this.held).toString('utf8'))
      this.drop()
    } else if (this.open.length === this.base && this.tooLong) this.tooLong = false
    if (this.open.length < this.base) {
      this.base = this.open.length
      this.behind = this.base > 0
    }
  }

  /** What is open is no record: goes on where the next one may begin. */
  private abandon(): void {
    if (this.open.length > this.base) this.broken(this.startedAt, 'is a record that breaks off')
    this.drop()
    this.open.length = Math.min(this.open.length, this.base)
    this.tooLong = false
    this.keyAt = -1
  }

  private stray(at: number): void {
    this.broken(this.position + at, 'is not JSON')
    this.skipping = true
  }

  private hold(piece: Buffer): void {
    this.heldBytes += piece.length
    if (this.heldBytes <= longestRecordBytes) {
      this.held.push(piece)
      return
    }
    this.broken(this.startedAt, 'is longer than any record')
    this.drop()
    this.tooLong = true
  }

  private drop(): void {
    this.held = []
    this.heldBytes = 0
    this.from = -1
  }
}

import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  DIGIT_0,
  DIGIT_9,
  DOT,
  isDigit,
  MINUS,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from './bytes.ts'

const MAX_DEPTH = 16

/** Returned in place of a position: the text there is not JSON, or is JSON that only the full parser reads. */
export const UNUSUAL = -1

/** The number of bytes that must be readable after a line, because bytes are read four at a time. */
export const PADDING_BYTES = 4

/**
 * Skips JSON in a buffer and checks every byte against the grammar. It never skips a line feed, so a line feed at the end of the
 * line keeps every step within the line.
 */
export class JsonBytes {
  buffer: Buffer = Buffer.alloc(0)
  /** A view of the bytes of `buffer`. */
  view: DataView = new DataView(new ArrayBuffer(0))

  /** Sets the buffer to read, of which `PADDING_BYTES` after the last line feed can be read. */
  protected open(buffer: Buffer): void {
    if (buffer === this.buffer) return
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }

  /** @returns the position after the white space at `from`, which may be none */
  protected skipSpace(from: number): number {
    const { buffer } = this
    let at = from
    for (let byte = buffer[at]; byte === 0x20 || byte === 0x09 || byte === 0x0d; byte = buffer[at]) at++
    return at
  }

  /** Skips a value of any kind. @returns the position after it, or `UNUSUAL` */
  protected skip(from: number, depth: number): number {
    const { buffer } = this
    const first = buffer[from] as number
    if (first === QUOTE) return this.skipText(from + 1)
    if (first === OPEN_BRACE || first === OPEN_BRACKET) return depth > MAX_DEPTH ? UNUSUAL : this.#skipAll(from, depth)
    if (first === MINUS || (first >= DIGIT_0 && first <= DIGIT_9)) return this.#skipNumber(from)
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : undefined
    return word && buffer.toString('latin1', from, from + word.length) === word ? from + word.length : UNUSUAL
  }

  /** @param from after the opening QUOTE @returns the position after the closing QUOTE, or `UNUSUAL` */
  protected skipText(from: number): number {
    const { buffer, view } = this
    let at = from
    for (;;) {
      let found = special(view.getInt32(at, true))
      // Two words a turn: the scan of a line is faster by 4 %, of one with long texts by 10 %.
      if (found === 0) {
        at += 4
        found = special(view.getInt32(at, true))
      }
      if (found === 0) {
        at += 4
        continue
      }
      at += firstByte(found)
      const byte = buffer[at] as number
      if (byte === QUOTE) return at + 1
      if (byte !== BACKSLASH) return UNUSUAL
      const length = ESCAPE_LENGTHS[buffer[at + 1] as number] as number
      if (length === 0 || (length === 6 && !this.#isHex(at + 2))) return UNUSUAL
      at += length
    }
  }

  /** Whether there are four hexadecimal digits. */
  #isHex(at: number): boolean {
    const { buffer } = this
    for (let i = at; i < at + 4; i++) {
      const lower = (buffer[i] as number) | 0x20
      if (!isDigit(buffer[i]) && (lower < 0x61 || lower > 0x66)) return false
    }
    return true
  }

  #skipNumber(from: number): number {
    const { buffer } = this
    let at = from
    if (buffer[at] === MINUS) at++
    at = buffer[at] === DIGIT_0 ? at + 1 : this.#skipDigits(at)
    if (at !== UNUSUAL && buffer[at] === DOT) at = this.#skipDigits(at + 1)
    if (at !== UNUSUAL && ((buffer[at] as number) | 0x20) === 0x65) {
      at++
      if (buffer[at] === MINUS || buffer[at] === 0x2b) at++
      at = this.#skipDigits(at)
    }
    return at
  }

  #skipDigits(from: number): number {
    const { buffer } = this
    let at = from
    while (isDigit(buffer[at])) at++
    return at === from ? UNUSUAL : at
  }

  #skipAll(from: number, depth: number): number {
    const { buffer } = this
    const isObject = buffer[from] === OPEN_BRACE
    const close = isObject ? CLOSE_BRACE : CLOSE_BRACKET
    let at = this.skipSpace(from + 1)
    if (buffer[at] === close) return at + 1
    for (;;) {
      if (isObject) {
        if (buffer[at] !== QUOTE) return UNUSUAL
        at = this.skipText(at + 1)
        if (at === UNUSUAL) return UNUSUAL
        at = this.skipSpace(at)
        if (buffer[at] !== COLON) return UNUSUAL
        at = this.skipSpace(at + 1)
      }
      at = this.skip(at, depth + 1)
      if (at === UNUSUAL) return UNUSUAL
      at = this.skipSpace(at)
      if (buffer[at] === close) return at + 1
      if (buffer[at] !== COMMA) return UNUSUAL
      at = this.skipSpace(at + 1)
    }
  }
}

/** The length of an escape by the byte after its backslash; 0 for a byte that cannot follow it. */
const ESCAPE_LENGTHS = Uint8Array.from({ length: 256 }, (_, byte) => {
  const escaped = String.fromCharCode(byte)
  return escaped === 'u' ? 6 : '"\\/bfnrt'.includes(escaped) ? 2 : 0
})

/** In each byte of a word: the lowest bit, the highest bit, and the number after that of a blank. */
const LOW_BITS = 0x01010101
const HIGH_BITS = 0x80808080 | 0
const AFTER_BLANK = 0x21212121

/**
 * Finds the bytes among four that end or interrupt a JSON string: a QUOTE, a BACKSLASH or a control character. With bit 1 inverted, a
 * QUOTE becomes the only other byte up to that of a blank, so that one comparison finds it together with the control characters.
 * @returns 0 when there is none; otherwise the lowest bit that is set is in the first such byte
 * @see https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
 */
function special(word: number): number {
  const low = word ^ 0x02020202
  const backslashes = word ^ 0x5c5c5c5c
  return (((low - AFTER_BLANK) & ~low) | ((backslashes - LOW_BITS) & ~backslashes)) & HIGH_BITS
}

/** The index of the byte that has the lowest bit that is set. */
const firstByte = (bits: number): number => (31 - Math.clz32(bits & -bits)) >> 3

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c
const colon = 0x3a
const dot = 0x2e
const minus = 0x2d
const deepest = 16

/** In place of a position: what stands there is no JSON, or not simple enough to be read here. */
export const unusual = -1

/** How many bytes behind a line must be readable, for bytes are read four at a time. */
export const paddingBytes = 4

/**
 * Steps over JSON in a buffer, every byte held against the grammar. Nothing but a line feed ends a line, and none is ever stepped
 * over: with a line feed at the end of what is to be read, no step leaves the line.
 */
export class JsonBytes {
  buffer: Buffer = Buffer.alloc(0)
  /** On the same bytes. */
  view: DataView = new DataView(new ArrayBuffer(0))

  /** Turns to a buffer, of which `paddingBytes` behind the last line feed can be read. */
  protected turnTo(buffer: Buffer): void {
    if (buffer === this.buffer) return
    this.buffer = buffer
    this.view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
  }

  protected space(from: number): number {
    const { buffer } = this
    let at = from
    for (let byte = buffer[at]; byte === 0x20 || byte === 0x09 || byte === 0x0d; byte = buffer[at]) at++
    return at
  }

  /** Steps over any value. @returns the position behind it, or `unusual` */
  protected skip(from: number, depth: number): number {
    const { buffer } = this
    const first = buffer[from] as number
    if (first === quote) return this.skipText(from + 1)
    if (first === openBrace || first === openBracket) return depth > deepest ? unusual : this.skipAll(from, depth)
    if (first === minus || (first >= 0x30 && first <= 0x39)) return this.skipNumber(from)
    const word = first === 0x74 ? 'true' : first === 0x66 ? 'false' : first === 0x6e ? 'null' : undefined
    return word && buffer.toString('latin1', from, from + word.length) === word ? from + word.length : unusual
  }

  /** @param from behind the quote @returns the position behind the closing one, or `unusual` */
  protected skipText(from: number): number {
    const { buffer, view } = this
    let at = from
    for (;;) {
      const found = special(view.getInt32(at, true))
      if (found === 0) {
        at += 4
        continue
      }
      at += firstByte(found)
      const byte = buffer[at] as number
      if (byte === quote) return at + 1
      if (byte !== backslash) return unusual
      at = this.skipEscape(at + 1)
      if (at === unusual) return unusual
    }
  }

  private skipEscape(at: number): number {
    const { buffer } = this
    const escaped = buffer[at] as number
    if (escaped === 0x75) return /^[0-9a-fA-F]{4}$/.test(buffer.toString('latin1', at + 1, at + 5)) ? at + 5 : unusual
    return escapable.has(escaped) ? at + 1 : unusual
  }

  private skipNumber(from: number): number {
    const { buffer } = this
    let at = from
    if (buffer[at] === minus) at++
    at = buffer[at] === 0x30 ? at + 1 : this.skipDigits(at)
    if (at !== unusual && buffer[at] === dot) at = this.skipDigits(at + 1)
    if (at !== unusual && ((buffer[at] as number) | 0x20) === 0x65) {
      at++
      if (buffer[at] === minus || buffer[at] === 0x2b) at++
      at = this.skipDigits(at)
    }
    return at
  }

  private skipDigits(from: number): number {
    const { buffer } = this
    let at = from
    for (let byte = buffer[at] as number; byte >= 0x30 && byte <= 0x39; byte = buffer[at] as number) at++
    return at === from ? unusual : at
  }

  private skipAll(from: number, depth: number): number {
    const { buffer } = this
    const isObject = buffer[from] === openBrace
    const close = isObject ? closeBrace : closeBracket
    let at = this.space(from + 1)
    if (buffer[at] === close) return at + 1
    for (;;) {
      if (isObject) {
        if (buffer[at] !== quote) return unusual
        at = this.skipText(at + 1)
        if (at === unusual) return unusual
        at = this.space(at)
        if (buffer[at] !== colon) return unusual
        at = this.space(at + 1)
      }
      at = this.skip(at, depth + 1)
      if (at === unusual) return unusual
      at = this.space(at)
      if (buffer[at] === close) return at + 1
      if (buffer[at] !== comma) return unusual
      at = this.space(at + 1)
    }
  }
}

const escapable = new Set(Buffer.from('"\\/bfnrt'))

const lows = 0x01010101
const highs = 0x80808080 | 0

/**
 * Finds what may not stand plainly in a JSON text among four bytes: a quote, a backslash, a control character.
 * @returns 0 for none; else its lowest bit stands in the first such byte
 * @see https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
 */
function special(word: number): number {
  const quotes = word ^ 0x22222222
  const backslashes = word ^ 0x5c5c5c5c
  const controls = word & 0xe0e0e0e0
  return (((quotes - lows) & ~quotes) | ((backslashes - lows) & ~backslashes) | ((controls - lows) & ~controls)) & highs
}

/** The index of the byte in which the lowest bit stands. */
const firstByte = (bits: number): number => (31 - Math.clz32(bits & -bits)) >> 3

import { Interned, type Interner } from './interner.ts'
import { JsonBytes, unusual } from './json-bytes.ts'
import type { Key, KeyTable } from './key-table.ts'

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const comma = 0x2c
const colon = 0x3a
const dot = 0x2e
const lineFeed = 0x0a

/**
 * Finds in the bytes of one JSON event where the values stand that monitors look at, several times as fast as parsing it. Every
 * byte is still held against the grammar; whatever is valid but unusual (a wanted key twice, with a dot or an escape, a message
 * that is itself JSON, a date of another form) is left to the full parser, as is every error.
 */
export class EventScanner extends JsonBytes {
  /** The event's own time, epoch ms. */
  at = 0
  private readonly table: KeyTable
  private line = 0
  private dated = false
  private readonly minute = new Minute()

  constructor(table: KeyTable) {
    super()
    this.table = table
  }

  /**
   * @param start where an event begins; four bytes can be read behind the next line feed, wherever that is
   * @returns the position of the line feed behind the event, or `unusual`: then a full parse must decide
   */
  scan(buffer: Buffer, start: number): number {
    this.turnTo(buffer)
    this.line++
    this.dated = false
    let at = this.space(start)
    if (buffer[at] !== openBrace) return unusual
    at = this.members(at + 1, this.table)
    if (at === unusual || !this.dated) return unusual
    if (buffer[at] !== lineFeed) at = this.space(at)
    return buffer[at] === lineFeed ? at : unusual
  }

  /** Whether the line that was scanned last has a value there; then `start` and `end` say where. */
  has(key: Key): boolean {
    return key.line === this.line
  }

  /** Whether it has a text there. */
  hasText(key: Key): boolean {
    return key.line === this.line && this.buffer[key.start] === quote
  }

  /** @returns the value that the line that was scanned last has there */
  valueAt(key: Key, values: Interner): Interned {
    return key.line === this.line ? values.find(this.buffer, this.view, key.start, key.end) : absent
  }

  /** Reads the members of an object from behind its brace. @returns the position behind it, or `unusual` */
  private members(from: number, table: KeyTable): number {
    const { buffer, view } = this
    let at = from
    if (buffer[at] !== quote) {
      at = this.space(at)
      if (buffer[at] === closeBrace) return at + 1
    }
    let before = table.head
    for (;;) {
      let key = before.followerAt(view, at)
      if (key === undefined) {
        key = this.keyAt(at, table)
        if (key === undefined) return unusual
        before.follow(key)
      }
      before = key
      at += key.length
      if (buffer[at] !== colon) {
        at = this.space(at)
        if (buffer[at] !== colon) return unusual
      }
      at++
      if ((buffer[at] as number) <= 0x20) at = this.space(at)
      if (!key.plain) at = this.member(at, key)
      else at = buffer[at] === quote ? this.skipText(at + 1) : this.skip(at, 0)
      if (at === unusual) return unusual
      if ((buffer[at] as number) <= 0x20) at = this.space(at)
      const byte = buffer[at]
      if (byte === closeBrace) return at + 1
      if (byte !== comma) return unusual
      at++
      if ((buffer[at] as number) <= 0x20) at = this.space(at)
    }
  }

  private keyAt(at: number, table: KeyTable): Key | undefined {
    const { buffer } = this
    if (buffer[at] !== quote) return undefined
    const end = this.skipText(at + 1)
    if (end === unusual) return undefined
    return buffer.subarray(at, end).includes(backslash) ? undefined : table.find(buffer, at + 1, end - 1)
  }

  private member(at: number, key: Key): number {
    if (key.line === this.line || key.role === 'unusual') return unusual
    const first = this.buffer[at] as number
    if (key.children) {
      if (first === openBracket) return unusual
      key.line = this.line
      return first === openBrace ? this.members(at + 1, key.children) : this.skip(at, 0)
    }
    const end = first === quote ? this.skipText(at + 1) : this.skip(at, 0)
    if (end === unusual || (key.role && !this.plays(key, at, end))) return unusual
    key.line = this.line
    key.start = at
    key.end = end
    return end
  }

  /** Whether a value with a part in intake is one that needs no full parse. */
  private plays(key: Key, start: number, end: number): boolean {
    const { buffer } = this
    const isText = buffer[start] === quote
    if (key.role === 'date') {
      const date = isText ? this.date(start + 1, end - 1) : Number(buffer.toString('latin1', start, end))
      if (!Number.isInteger(date) || date < 0 || date > 8.64e15) return false
      this.at = date
      this.dated = true
      return true
    }
    if (!isText || key.role !== 'message') return isText
    // A message that is JSON itself becomes attributes, which only the full path does.
    const first = buffer[start + 1] as number
    return first !== openBrace && first > 0x20 && first !== backslash && first <= 0x7e
  }

  /** `2026-01-05T09:00:00.000Z`, with three digits or none after the second; every other form is unusual. */
  private date(start: number, end: number): number {
    const { buffer } = this
    const length = end - start
    if ((length !== 24 && length !== 20) || buffer[end - 1] !== 0x5a || buffer[start + 16] !== colon) return unusual
    const second = this.digits(start + 17)
    const minute = this.minute.read(buffer, this.view, start)
    if (second > 59) return unusual
    if (length === 20) return minute + second * 1000
    const last = (buffer[start + 22] as number) - 0x30
    const hundredths = this.digits(start + 20)
    if (buffer[start + 19] !== dot || last < 0 || last > 9 || hundredths > 99) return unusual
    return minute + second * 1000 + hundredths * 10 + last
  }

  /** Two decimal digits; more than any limit when they are none. */
  private digits(at: number): number {
    const tens = (this.buffer[at] as number) - 0x30
    const ones = (this.buffer[at + 1] as number) - 0x30
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? 1000 : tens * 10 + ones
  }
}

/** What a line has where it has nothing. */
const absent = new Interned(undefined, 0)

/** The first 16 bytes of a date, which seldom change from one event to the next. */
class Minute {
  private readonly words = new Int32Array(4)
  private at = Number.NaN

  /** @returns epoch ms of `2026-01-05T09:00`, NaN for what is none */
  read(buffer: Buffer, view: DataView, start: number): number {
    const { words } = this
    const known =
      view.getInt32(start, true) === words[0] &&
      view.getInt32(start + 4, true) === words[1] &&
      view.getInt32(start + 8, true) === words[2] &&
      view.getInt32(start + 12, true) === words[3]
    if (known) return this.at
    const text = buffer.toString('latin1', start, start + 16)
    this.at = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d$/.test(text) ? Date.parse(`${text}Z`) : Number.NaN
    for (let i = 0; i < 4; i++) words[i] = view.getInt32(start + i * 4, true)
    return this.at
  }
}

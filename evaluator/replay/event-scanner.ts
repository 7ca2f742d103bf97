import { isInCalendar } from '../intake/calendar.ts'
import { type EpochSink, epochOf } from '../intake/epoch.ts'
import { parseJson } from '../json.ts'
import {
  BACKSLASH,
  CLOSE_BRACE,
  COLON,
  COMMA,
  DIGIT_0,
  DOT,
  LINE_FEED,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  SPACE,
} from './bytes.ts'
import { Interned, type Interner } from './interner.ts'
import { JsonBytes, UNUSUAL } from './json-bytes.ts'
import type { Key, KeyTable } from './key-table.ts'

/** Epoch ms of the last instant that a Date can hold. */
const LAST_DATE_MS = 8.64e15

/**
 * Finds the values that monitors read in the bytes of one JSON event, several times as fast as parsing the event. It checks every
 * byte against the grammar. It leaves to the full parser every error, and what is valid but UNUSUAL: a wanted key that is repeated,
 * contains a DOT or has an escape; a message that is itself JSON; a date of another form.
 */
export class EventScanner extends JsonBytes {
  /** The event's own time, epoch ms. */
  at = 0
  readonly #table: KeyTable
  #line = 0
  #dated = false
  readonly #minute = new Minute()

  readonly #onEpoch: EpochSink

  /** @param onEpoch is told of a date that is a number in another unit than milliseconds */
  constructor(table: KeyTable, onEpoch: EpochSink) {
    super()
    this.#table = table
    this.#onEpoch = onEpoch
  }

  /**
   * @param start where the event begins; four bytes can be read after the next line feed
   * @returns the position of the line feed that ends the event, or `UNUSUAL` when the full parser must read it
   */
  scan(buffer: Buffer, start: number): number {
    this.open(buffer)
    this.#line++
    this.#dated = false
    let at = this.skipSpace(start)
    if (buffer[at] !== OPEN_BRACE) return UNUSUAL
    at = this.#members(at + 1, this.#table)
    if (at === UNUSUAL || !this.#dated) return UNUSUAL
    if (buffer[at] !== LINE_FEED) at = this.skipSpace(at)
    return buffer[at] === LINE_FEED ? at : UNUSUAL
  }

  /** Whether the line that was scanned last has a value of the key, which is then at `start` to `end` of the key. */
  has(key: Key): boolean {
    return key.line === this.#line
  }

  /** Whether the line that was scanned last has a string there. */
  hasText(key: Key): boolean {
    return key.line === this.#line && this.buffer[key.start] === QUOTE
  }

  /** @returns the value of the key in the line that was scanned last */
  valueAt(key: Key, values: Interner): Interned {
    return key.line === this.#line ? values.find(this.buffer, this.view, key.start, key.end) : ABSENT
  }

  /** Reads the members of an object. @param from after its opening brace @returns the position after it, or `UNUSUAL` */
  #members(from: number, table: KeyTable): number {
    const { buffer, view } = this
    let at = from
    if (buffer[at] !== QUOTE) {
      at = this.skipSpace(at)
      if (buffer[at] === CLOSE_BRACE) return at + 1
    }
    let previous = table.head
    for (;;) {
      let key = previous.followerAt(view, at)
      if (key === undefined) {
        key = this.#keyAt(at, table)
        if (key === undefined) return UNUSUAL
        previous.follow(key)
      }
      previous = key
      at += key.length
      if (buffer[at] !== COLON) {
        at = this.skipSpace(at)
        if (buffer[at] !== COLON) return UNUSUAL
      }
      at++
      if ((buffer[at] as number) <= SPACE) at = this.skipSpace(at)
      if (!key.plain) at = this.#member(at, key)
      else at = buffer[at] === QUOTE ? this.skipText(at + 1) : this.skip(at, 0)
      if (at === UNUSUAL) return UNUSUAL
      if ((buffer[at] as number) <= SPACE) at = this.skipSpace(at)
      const byte = buffer[at]
      if (byte === CLOSE_BRACE) return at + 1
      if (byte !== COMMA) return UNUSUAL
      at++
      if ((buffer[at] as number) <= SPACE) at = this.skipSpace(at)
    }
  }

  #keyAt(at: number, table: KeyTable): Key | undefined {
    const { buffer } = this
    if (buffer[at] !== QUOTE) return undefined
    const end = this.skipText(at + 1)
    if (end === UNUSUAL) return undefined
    return buffer.subarray(at, end).includes(BACKSLASH) ? undefined : table.find(buffer, at + 1, end - 1)
  }

  #member(at: number, key: Key): number {
    if (key.line === this.#line || key.role === 'unusual') return UNUSUAL
    const first = this.buffer[at] as number
    if (key.children) {
      if (first === OPEN_BRACKET) return UNUSUAL
      key.line = this.#line
      return first === OPEN_BRACE ? this.#members(at + 1, key.children) : this.skip(at, 0)
    }
    const end = first === QUOTE ? this.skipText(at + 1) : this.skip(at, 0)
    if (end === UNUSUAL || (key.role && !this.#readRole(key, at, end))) return UNUSUAL
    key.line = this.#line
    key.start = at
    key.end = end
    return end
  }

  /** Reads a value that intake reads as well. @returns whether that needs no full parse */
  #readRole(key: Key, start: number, end: number): boolean {
    const { buffer } = this
    const isText = buffer[start] === QUOTE
    if (key.role === 'date') {
      const date = isText ? this.#readDate(start + 1, end - 1) : this.#readEpoch(buffer.toString('latin1', start, end))
      if (!Number.isInteger(date) || date < 0 || date > LAST_DATE_MS) return false
      this.at = date
      this.#dated = true
      return true
    }
    if (!isText || key.role !== 'message') return isText
    // Only the full parser turns a message that is JSON into attributes.
    const first = buffer[start + 1] as number
    return first !== OPEN_BRACE && first > SPACE && first !== BACKSLASH && first <= 0x7e
  }

  /** Reads `2026-01-05T09:00:00.000Z` or `2026-01-05T09:00:00Z`. @returns epoch ms; `UNUSUAL` or NaN for every other form */
  #readDate(start: number, end: number): number {
    const { buffer } = this
    const length = end - start
    if ((length !== 24 && length !== 20) || buffer[end - 1] !== 0x5a || buffer[start + 16] !== COLON) return UNUSUAL
    const second = this.#digits(start + 17)
    const minute = this.#minute.read(buffer, this.view, start)
    if (second > 59) return UNUSUAL
    if (length === 20) return minute + second * 1000
    const last = (buffer[start + 22] as number) - DIGIT_0
    const hundredths = this.#digits(start + 20)
    if (buffer[start + 19] !== DOT || last < 0 || last > 9 || hundredths > 99) return UNUSUAL
    return minute + second * 1000 + hundredths * 10 + last
  }

  #readEpoch(text: string): number {
    const number = Number(text)
    if (Number.isNaN(number)) return UNUSUAL
    const epoch = epochOf(Number.isSafeInteger(number) ? number : (parseJson(text) as number | string))
    if (epoch && epoch.unit !== 'milliseconds') this.#onEpoch(epoch.unit, 'timestamp')
    return epoch?.at ?? UNUSUAL
  }

  /** Reads two decimal digits. @returns 1000, which is above every limit, when they are not digits */
  #digits(at: number): number {
    const tens = (this.buffer[at] as number) - DIGIT_0
    const ones = (this.buffer[at + 1] as number) - DIGIT_0
    return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? 1000 : tens * 10 + ones
  }
}

/** The value of a key that a line does not have. */
const ABSENT = new Interned(undefined, 0)

/** Reads the date up to the minute (16 bytes), and keeps the last result because it rarely changes between events. */
class Minute {
  readonly #words = new Int32Array(4)
  #at = Number.NaN

  /** @returns epoch ms of `2026-01-05T09:00`; NaN for any other form */
  read(buffer: Buffer, view: DataView, start: number): number {
    const words = this.#words
    const known =
      view.getInt32(start, true) === words[0] &&
      view.getInt32(start + 4, true) === words[1] &&
      view.getInt32(start + 8, true) === words[2] &&
      view.getInt32(start + 12, true) === words[3]
    if (known) return this.#at
    const text = buffer.toString('latin1', start, start + 16)
    const isMinute = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d$/.test(text) && isInCalendar(text)
    this.#at = isMinute ? Date.parse(`${text}Z`) : Number.NaN
    for (let i = 0; i < 4; i++) words[i] = view.getInt32(start + i * 4, true)
    return this.#at
  }
}

import type { PlacedSource } from '../../evaluate/sources.ts'
import type { EpochUnit } from '../../intake/epoch.ts'
import type { SeenNames } from '../event-reader.ts'
import { PADDING_BYTES } from '../json-bytes.ts'

/** The bytes of whole lines that a slot takes. */
export const SLOT_BYTES = 1024 * 1024
const MAX_LINES = 16_384
/** Numbers of an entry: query, place and slot, as the worker counts them. */
export const ENTRY_WIDTH = 3
const MAX_ENTRY_NUMBERS = ENTRY_WIDTH * 32_768

/** The number of entries of a line that the main thread has to read itself. */
export const UNREAD = -1

/** Memory that both threads see: lines, and what a worker finds in them. */
export interface SlotMemory {
  readonly bytes: SharedArrayBuffer
  readonly times: SharedArrayBuffer
  readonly ends: SharedArrayBuffer
  readonly counts: SharedArrayBuffer
  readonly entries: SharedArrayBuffer
}

export const createSlotMemory = (): SlotMemory => ({
  bytes: new SharedArrayBuffer(SLOT_BYTES + PADDING_BYTES),
  times: new SharedArrayBuffer(MAX_LINES * Float64Array.BYTES_PER_ELEMENT),
  ends: new SharedArrayBuffer(MAX_LINES * Int32Array.BYTES_PER_ELEMENT),
  counts: new SharedArrayBuffer(MAX_LINES * Int32Array.BYTES_PER_ELEMENT),
  entries: new SharedArrayBuffer(MAX_ENTRY_NUMBERS * Int32Array.BYTES_PER_ELEMENT),
})

/** A thread's view of a slot. By line: its time, the position of its line feed, and the number of its entries. */
export class Slot {
  readonly bytes: Buffer
  readonly times: Float64Array
  readonly ends: Int32Array
  readonly counts: Int32Array
  readonly entries: Int32Array

  constructor(memory: SlotMemory) {
    this.bytes = Buffer.from(memory.bytes)
    this.times = new Float64Array(memory.times)
    this.ends = new Int32Array(memory.ends)
    this.counts = new Int32Array(memory.counts)
    this.entries = new Int32Array(memory.entries)
  }
}

/** What a worker is started with. */
export interface ScanSetup {
  readonly sources: readonly PlacedSource[]
  readonly slots: readonly SlotMemory[]
}

/** Lines to scan: whole lines up to `length`. */
export interface ScanJob {
  readonly slot: number
  readonly length: number
}

/** What a worker found beside the numbers in the slot. Groups and values are told once, and then given by number. */
export interface ScanAnswer {
  /** Lines that it read, and the position after the last of them. The main thread reads the lines after it. */
  readonly lines: number
  readonly end: number
  /** Whether it has forgotten all groups and values that it told before. */
  readonly isReset: boolean
  /** Keys of groups: query, key. The places of a query's groups count from 1 in this order. */
  readonly keys: readonly (readonly [query: number, key: string])[]
  /** Values of groups: query, place, value. The slots of a group count from 0 in this order. */
  readonly values: readonly (readonly [query: number, place: number, value: string])[]
  /** Units of dates that were numbers, each with its key. */
  readonly epochs: readonly (readonly [EpochUnit, string])[]
  readonly seen: SeenNames
}

import { Group } from '../../evaluate/group.ts'
import { Places } from '../../evaluate/places.ts'
import type { PlacedSource } from '../../evaluate/sources.ts'
import { LINE_FEED } from '../bytes.ts'
import { EventReader, type EventSink, type SeenNames } from '../event-reader.ts'
import { ENTRY_WIDTH, type ScanAnswer, type Slot, UNREAD } from './slot.ts'

/** With so many groups and values, everything is forgotten, so that memory stays bounded. */
const MAX_TOLD = 65_536

/** Scans the lines of slots as a replay does, and records the entries of each line instead of evaluating them. */
export class EntryRecorder {
  readonly #sources: readonly PlacedSource[]
  #sink: RecordingSink
  #reader: EventReader
  #isReset = false
  readonly #seen = new SeenOnce()

  constructor(sources: readonly PlacedSource[]) {
    this.#sources = sources
    this.#sink = new RecordingSink(sources.length)
    this.#reader = new EventReader(sources, this.#sink)
  }

  /** @param length of the whole lines in the slot */
  scan(slot: Slot, length: number): ScanAnswer {
    if (this.#sink.told > MAX_TOLD) this.#reset()
    const sink = this.#sink
    sink.open(slot)
    let line = 0
    let start = 0
    while (start < length && line < slot.counts.length && sink.hasRoom) {
      sink.begin(0)
      const scanned = this.#reader.scan(slot.bytes, start)
      const end = scanned < 0 ? slot.bytes.indexOf(LINE_FEED, start) : scanned
      slot.ends[line] = end
      slot.times[line] = sink.at
      slot.counts[line] = sink.endLine(scanned >= 0)
      line++
      start = end + 1
    }
    const epochs = [...this.#reader.epochs]
    this.#reader.epochs.clear()
    const answer = {
      lines: line,
      end: start,
      isReset: this.#isReset,
      epochs,
      seen: this.#seen.newIn(this.#reader.seen),
    }
    this.#isReset = false
    return { ...answer, ...sink.take() }
  }

  #reset(): void {
    this.#sink = new RecordingSink(this.#sources.length)
    this.#reader = new EventReader(this.#sources, this.#sink)
    this.#isReset = true
  }
}

/** Entries of a line at most, so that one line always has room. */
const MAX_LINE_NUMBERS = ENTRY_WIDTH * 1024

class RecordingSink implements EventSink {
  at = 0
  /** Groups and values that were told. */
  told = 0
  readonly #places: readonly Places<Group>[]
  readonly #groups: readonly Map<string, Group>[]
  /** By query and place: the values that were told. */
  readonly #values: readonly number[][]
  #entries: Int32Array = new Int32Array(0)
  #used = 0
  #lineBegin = 0
  #isUnread = false
  #keys: [number, string][] = []
  #newValues: [number, number, string][] = []

  constructor(queries: number) {
    this.#places = Array.from({ length: queries }, () => new Places<Group>())
    this.#groups = Array.from({ length: queries }, () => new Map<string, Group>())
    this.#values = Array.from({ length: queries }, () => [])
  }

  get hasRoom(): boolean {
    return this.#used + MAX_LINE_NUMBERS <= this.#entries.length
  }

  open({ entries }: Slot): void {
    this.#entries = entries
    this.#used = 0
  }

  begin(at: number): void {
    this.at = at
    this.#lineBegin = this.#used
    this.#isUnread = false
  }

  /** @returns the number of entries of the line */
  endLine(isScanned: boolean): number {
    if (isScanned && !this.#isUnread) return (this.#used - this.#lineBegin) / ENTRY_WIDTH
    this.#used = this.#lineBegin
    return UNREAD
  }

  /** @returns the groups and values that have not been told yet */
  take(): Pick<ScanAnswer, 'keys' | 'values'> {
    const [keys, values] = [this.#keys, this.#newValues]
    this.#keys = []
    this.#newValues = []
    return { keys, values }
  }

  push(): never {
    throw new Error('a worker reads no whole events')
  }

  isLate(): boolean {
    return false
  }

  groupOf(query: number, key: string): Group {
    const groups = this.#groups[query] as Map<string, Group>
    const known = groups.get(key)
    if (known) return known
    const group = new Group(key, this.placesOf(query))
    groups.set(key, group)
    this.#keys.push([query, key])
    this.told++
    return group
  }

  placesOf(query: number): Places<Group> {
    return this.#places[query] as Places<Group>
  }

  enter(query: number, place: number, slot: number): void {
    if (this.#used - this.#lineBegin >= MAX_LINE_NUMBERS) {
      this.#isUnread = true
      return
    }
    this.#tell(query, place, slot)
    this.#entries[this.#used++] = query
    this.#entries[this.#used++] = place
    this.#entries[this.#used++] = slot
  }

  /** Only the main thread reads whole logs. */
  read(): void {
    this.#isUnread = true
  }

  /** Slots are given out in order, because no value is ever released. */
  #tell(query: number, place: number, slot: number): void {
    const told = this.#values[query] as number[]
    const known = told[place] ?? 0
    if (slot < known) return
    told[place] = slot + 1
    const group = this.placesOf(query).at(place)
    for (let each = known; each <= slot; each++) this.#newValues.push([query, place, group.textAt(each)])
    this.told++
  }
}

/** Passes on what has not been passed on before. */
class SeenOnce {
  readonly #passed: Record<keyof SeenNames, Set<string>> = { matched: new Set(), names: new Set(), paths: new Set() }

  newIn(seen: SeenNames): SeenNames {
    const only = (kind: keyof SeenNames) => seen[kind].filter((text) => !this.#passed[kind].has(text))
    const fresh = { matched: only('matched'), names: only('names'), paths: only('paths') }
    for (const kind of ['matched', 'names', 'paths'] as const)
      for (const text of fresh[kind]) this.#passed[kind].add(text)
    return fresh
  }
}

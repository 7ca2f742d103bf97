import { logOfEvent } from '../app-event.ts'
import type { Group } from '../evaluate/group.ts'
import { groupKeys, type Texts } from '../evaluate/reading.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Facet } from '../monitor/monitor-query.ts'
import { EventScanner } from './event-scanner.ts'
import { type FieldNeeds, needsOf } from './field-needs.ts'
import { GroupFinder } from './group-finder.ts'
import { Interned, Interner } from './interner.ts'
import { paddingBytes, unusual } from './json-bytes.ts'
import { type Key, KeyTable } from './key-table.ts'
import { MatchTable, pathOf } from './match-table.ts'

/** A line that is not an event, with the reason. */
export class EventError extends Error {
  override readonly name = 'EventError'
}

/** Gets what monitors make of events: each event as a whole, or in the pieces that count. Monitors go by their number. */
export interface EventSink {
  /** An event that no monitor has read yet. @param at epoch ms */
  push(log: Log, at: number): void
  /** Whether events of a time are no longer counted. */
  isLate(at: number): boolean
  /** An event, in time, of which only what follows counts. */
  begin(at: number): void
  groupOf(monitor: number, key: string): Group
  /** The event adds a value to a group. */
  enter(monitor: number, group: Group, value: string): void
  /** The event matches; the monitor reads it itself. */
  read(monitor: number, log: Log): void
}

/** Reads recorded events, one JSON object per line, as far as the given monitors look at them. */
export class EventReader {
  readonly #sink: EventSink
  readonly #scanner: EventScanner | undefined
  readonly #matches: MatchTable | undefined
  readonly #entries: readonly Entry[] = []

  constructor(monitors: readonly Monitor[], sink: EventSink) {
    this.#sink = sink
    const needs = needsOf(monitors)
    const keys = new KeyTable(needs.paths, true)
    if (!areScanned(needs, keys)) return
    this.#scanner = new EventScanner(keys)
    this.#matches = new MatchTable(monitors, keys)
    this.#entries = monitors.map((monitor, i) => entryOf(monitor, keys, (key) => sink.groupOf(i, key)))
  }

  /**
   * Reads a line of the usual form.
   * @param start where it begins; it ends at the next line feed, behind which four bytes can be read
   * @returns the position of its line feed; `unusual` when it has to be read in full
   */
  scan(buffer: Buffer, start: number): number {
    const scanner = this.#scanner
    const matches = this.#matches
    const sink = this.#sink
    if (!scanner || !matches) return unusual
    const end = scanner.scan(buffer, start)
    if (end === unusual || sink.isLate(scanner.at)) return unusual
    const matching = matches.find(scanner)
    if (!matching) return unusual
    sink.begin(scanner.at)
    for (const monitor of matching) {
      if (!this.#enterFound(monitor, scanner)) this.#enter(monitor, scanner, buffer, start, end)
    }
    return end
  }

  /** Reads any line. @throws EventError when it is not a JSON object or has no date that can be read */
  read(buffer: Buffer, start: number, end: number): void {
    if (this.#scanner && end > start) {
      const line = Buffer.alloc(end - start + 1 + paddingBytes, '\n')
      buffer.copy(line, 0, start, end)
      if (this.scan(line, 0) !== unusual) return
    }
    const log = readLog(buffer, start, end)
    this.#sink.push(log, log.timestamp)
  }

  /** Enters what a monitor counts if that is one value in a group of one facet. */
  #enterFound(monitor: number, scanner: EventScanner): boolean {
    const { finder, groups, counted } = this.#entryOf(monitor)
    const key = groups[0]?.key
    if (!finder || !key || !scanner.has(key)) return false
    const { buffer, view } = scanner
    const row = finder.find(buffer, view, key.start, key.end)
    if (row < 0) return false
    let value: string | undefined = ''
    if (counted) {
      if (!scanner.has(counted.key)) return true
      value = finder.counted(row, buffer, view, counted.key.start, counted.key.end)
      if (value === undefined) return false
    }
    this.#sink.enter(monitor, finder.at(row), value)
    return true
  }

  /** @param monitor its number, so that there is an entry */
  #entryOf(monitor: number): Entry {
    return this.#entries[monitor] as Entry
  }

  /** Enters what a monitor counts, whatever that is. */
  #enter(monitor: number, scanner: EventScanner, buffer: Buffer, start: number, end: number): void {
    const { groups, counted, whole } = this.#entryOf(monitor)
    const sink = this.#sink
    if (whole) {
      sink.read(monitor, readLog(buffer, start, end))
      return
    }
    const values = counted ? scanner.valueAt(counted.key, counted.values).texts : ''
    const keys = groupKeys(groups.map(({ key, values }) => scanner.valueAt(key, values).texts))
    for (const key of listOf(keys)) {
      for (const value of listOf(values)) sink.enter(monitor, sink.groupOf(monitor, key), value)
    }
  }
}

const listOf = (texts: Texts): readonly string[] => (typeof texts === 'string' ? [texts] : texts)

function readLog(buffer: Buffer, start: number, end: number) {
  const log = logOfEvent(parseEvent(buffer.toString('utf8', start, end)))
  if (Number.isNaN(log.timestamp)) throw new EventError('has no date: `timestamp` as ISO 8601 or epoch milliseconds')
  return log
}

/** A facet in the bytes of a line. */
interface Scanned {
  readonly key: Key
  readonly values: Interner
}

/** How what a monitor counts is taken from a line. */
interface Entry {
  readonly groups: readonly Scanned[]
  readonly counted: Scanned | undefined
  /** For groups of one facet. */
  readonly finder: GroupFinder | undefined
  /** It needs the whole log. */
  readonly whole: boolean
}

function entryOf({ parsed }: Monitor, keys: KeyTable, groupOf: (key: string) => Group): Entry {
  const { rollup, by } = parsed
  const groups = by.map((facet) => scannedFacet(facet, keys))
  const counted = rollup.kind === 'cardinality' ? scannedFacet(rollup.of, keys) : undefined
  const whole = rollup.kind !== 'count' && rollup.kind !== 'cardinality'
  const isFound = !whole && by.length === 1 && by[0]?.field.kind !== 'tag'
  const finder = isFound ? new GroupFinder(groupOf, counted?.values ?? new Interner()) : undefined
  return { groups, counted, finder, whole }
}

function scannedFacet({ field }: Facet, keys: KeyTable): Scanned {
  const key = keys.wanted(pathOf(field))
  if (field.kind !== 'tag') return { key, values: new Interner() }
  const prefix = `${field.key.toLowerCase()}:`
  const tagged = (env: unknown) =>
    logOfEvent({ env }).tags?.flatMap((tag) => (tag.startsWith(prefix) ? tag.slice(prefix.length) : []))
  return { key, values: new Interner((value) => new Interned(tagged(value), 0)) }
}

/** Whether all that monitors look at can be told from single values in a line. */
function areScanned(needs: FieldNeeds, keys: KeyTable): boolean {
  if (needs.everything || [...needs.reserved].some((name) => name !== 'service')) return false
  return [...needs.paths].every((path) => {
    const key = keys.get(path)
    const plain = !/(^|\.)__proto__(\.|$)|\uFFFD/u.test(path)
    return plain && key !== undefined && !key.children && key.role !== 'unusual' && key.role !== 'message'
  })
}

/** @throws EventError */
export function parseEvent(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    throw new EventError('is not JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new EventError('is not a JSON object')
}

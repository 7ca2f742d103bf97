import { logOfEvent } from '../app-event.ts'
import type { Group } from '../evaluate/group.ts'
import type { Places } from '../evaluate/places.ts'
import { groupKeys, type Texts } from '../evaluate/reading.ts'
import type { PlacedSource } from '../evaluate/sources.ts'
import type { EpochSink, EpochUnit } from '../intake/epoch.ts'
import { undatedReason } from '../intake/preprocess.ts'
import { isRecord, parseJson } from '../json.ts'
import type { Log } from '../log.ts'
import type { Facet } from '../monitor/monitor-query.ts'
import { type SilentTerm, SilentTerms } from '../search/silent-terms.ts'
import { EventScanner } from './event-scanner.ts'
import { type FieldNeeds, needsOf } from './field-needs.ts'
import { GroupFinder } from './group-finder.ts'
import { Interned, Interner } from './interner.ts'
import { PADDING_BYTES, UNUSUAL } from './json-bytes.ts'
import { type Key, KeyTable } from './key-table.ts'
import { MatchTable, pathOf } from './match-table.ts'

/** Thrown for a line that is not an event. The message gives the reason. */
export class EventError extends Error {
  override readonly name = 'EventError'
}

/**
 * Receives what an {@link EventReader} reads: a whole event, or what each source counts of it. A source, which is a query of a
 * monitor or of a rule, is given by its index.
 */
export interface EventSink {
  /** Takes a whole event, which each monitor then reads itself. @param at epoch ms */
  push(log: Log, at: number): void
  /** Whether an event of this time comes too late to count. @param at epoch ms */
  isLate(at: number): boolean
  /** Starts an event that is not late. Calls of `enter` and `read` for it follow. */
  begin(at: number): void
  /** @param isCopy whether the key is no slice of a longer text */
  groupOf(query: number, key: string, isCopy: boolean): Group
  /** The places of the groups that `groupOf` returns. */
  placesOf(query: number): Places<Group>
  /** Adds a value of the event to the group at a place, which holds it in a slot. */
  enter(query: number, place: number, slot: number): void
  /** Lets the query read the event itself, which matches its search. */
  read(query: number, log: Log): void
}

/** What scanned lines are known to contain, for the terms that matched nothing. */
export interface SeenNames {
  /** Parts of searches that lines matched, as they print. */
  readonly matched: readonly string[]
  readonly names: readonly string[]
  /** Paths of wanted fields that lines had. */
  readonly paths: readonly string[]
}

/** Reads recorded events, one JSON object per line, and only those of their fields that the given monitors use. */
export class EventReader {
  readonly #sink: EventSink
  readonly #scanner: EventScanner | undefined
  readonly #matches: MatchTable | undefined
  readonly #entries: readonly Entry[] = []
  readonly #sources: readonly PlacedSource[]
  readonly #keys: KeyTable
  /** Where the fields are that searches and groups use. */
  readonly #paths: readonly string[]
  readonly #silent: SilentTerms
  readonly #matched = new Set<string>()
  /** Paths of wanted attributes that lines had which another reader scanned. */
  readonly #seenElsewhere = new Set<string>()
  /** Units other than milliseconds in which dates were given, each with a key that held one. */
  readonly epochs = new Map<EpochUnit, string>()
  readonly onEpoch: EpochSink = (unit, key) => this.epochs.set(unit, key)

  constructor(sources: readonly PlacedSource[], sink: EventSink) {
    this.#sink = sink
    this.#sources = sources
    const needs = needsOf(sources)
    this.#paths = [...needs.paths, ...needs.reserved, 'env']
    const keys = new KeyTable(needs.paths, true)
    this.#keys = keys
    this.#silent = new SilentTerms(
      sources.map((source) => ({ node: source.parsed.node, facets: facetsOf(source).map(({ field }) => field) })),
    )
    if (!canScan(needs, keys)) return
    this.#scanner = new EventScanner(keys, this.onEpoch)
    this.#matches = new MatchTable(sources, keys, (part) => this.#match(part))
    this.#entries = sources.map((source, i) =>
      entryOf(source, keys, sink.placesOf(i), (key) => sink.groupOf(i, key, true)),
    )
  }

  /**
   * Reads a line of the usual form without a full parse.
   * @param start where the line begins; it ends at the next line feed, after which four bytes can be read
   * @returns the position of its line feed; `UNUSUAL` when `read` must read the line
   */
  scan(buffer: Buffer, start: number): number {
    const scanner = this.#scanner
    const matches = this.#matches
    const sink = this.#sink
    if (!scanner || !matches) return UNUSUAL
    const end = scanner.scan(buffer, start)
    if (end === UNUSUAL || sink.isLate(scanner.at)) return UNUSUAL
    const matching = matches.find(scanner)
    if (!matching) return UNUSUAL
    sink.begin(scanner.at)
    for (const query of matching) {
      if (!this.#enterFound(query, scanner)) this.#enter(query, scanner, buffer, start, end)
    }
    return end
  }

  /** Reads a line of any form. @throws EventError when it is not a JSON object or has no readable date */
  read(buffer: Buffer, start: number, end: number): void {
    if (this.#scanner && end > start) {
      const line = Buffer.alloc(end - start + 1 + PADDING_BYTES, '\n')
      buffer.copy(line, 0, start, end)
      if (this.scan(line, 0) !== UNUSUAL) return
    }
    const log = readLog(buffer, start, end, this.onEpoch)
    this.#silent.observe(log)
    this.#sink.push(log, log.timestamp)
  }

  /** Terms and facets of monitors that no log has matched so far. */
  get silentTerms(): SilentTerm[] {
    const { names, paths } = this.seen
    for (const name of names) this.#silent.addName(name)
    for (const path of paths) this.#seenElsewhere.add(path)
    const found = this.#silent.list((field) => field.kind !== 'tag' && this.#seenElsewhere.has(pathOf(field)))
    const ofMonitors = found.map((term) => ({ ...term, search: this.#sources[term.search]?.track ?? 0 }))
    // Several queries of a formula may have the same term.
    return ofMonitors.filter(
      (term, i) => ofMonitors.findIndex(({ search, text }) => search === term.search && text === term.text) === i,
    )
  }

  /** What the lines are known to contain that were scanned. */
  get seen(): SeenNames {
    const paths = [...this.#paths].filter((path) => this.#keys.get(path)?.isSeen)
    return { matched: [...this.#matched], names: [...this.#keys.seenNames()], paths }
  }

  /** Learns what lines contain that another reader scanned. */
  learn({ matched, names, paths }: SeenNames): void {
    for (const part of matched) this.#match(part)
    for (const name of names) this.#silent.addName(name)
    for (const path of paths) this.#seenElsewhere.add(path)
  }

  #match(part: string): void {
    this.#matched.add(part)
    this.#silent.matched(part)
  }

  /** A log that was read as a whole, elsewhere. */
  observe(log: Log): void {
    this.#silent.observe(log)
  }

  /** A line that was scanned is read as a whole, for the names of its fields. */
  sample(buffer: Buffer, start: number, end: number): void {
    if (!this.#silent.isOver) this.#silent.observe(readLog(buffer, start, end))
  }

  /** Enters one value in one group, the usual case. @returns false when the event has to be entered by `#enter` */
  #enterFound(query: number, scanner: EventScanner): boolean {
    const { finder, groups, counted } = this.#entryOf(query)
    if (!finder) return false
    for (let i = 0; i < groups.length; i++) if (!scanner.has((groups[i] as ScannedFacet).key)) return true
    if (counted && !scanner.has(counted.key)) return true
    const record = finder.find(scanner)
    if (record < 0) return false
    const slot = counted ? finder.hold(record, scanner, counted.key) : finder.count(record)
    if (slot < 0) return false
    this.#sink.enter(query, finder.placeAt(record), slot)
    return true
  }

  #entryOf(query: number): Entry {
    const entry = this.#entries[query]
    if (!entry) throw new RangeError(`there is no query ${query}`)
    return entry
  }

  /** Enters everything that a query counts of an event. */
  #enter(query: number, scanner: EventScanner, buffer: Buffer, start: number, end: number): void {
    const { groups, counted, whole, shared, part } = this.#entryOf(query)
    const sink = this.#sink
    if (whole) {
      sink.read(query, readLog(buffer, start, end))
      return
    }
    const values = counted ? scanner.valueAt(counted.key, counted.values).texts : ''
    const keys = shared ?? groupKeys(groups.map(({ key, values }) => scanner.valueAt(key, values).texts))
    for (const key of listOf(keys)) {
      for (const value of listOf(values)) {
        const group = sink.groupOf(query, key, false)
        sink.enter(query, group.place, group.holdOf(part, value))
      }
    }
  }
}

/** The facets that a log must have to count. */
const facetsOf = ({ parsed: { by, rollup }, distinct = [], optionalGroups }: PlacedSource): readonly Facet[] => [
  ...(optionalGroups ? [] : by),
  ...('of' in rollup ? [rollup.of] : []),
  ...distinct,
]

const listOf = (texts: Texts): readonly string[] => (typeof texts === 'string' ? [texts] : texts)

function readLog(buffer: Buffer, start: number, end: number, onEpoch?: EpochSink) {
  const log = logOfEvent(parseEvent(buffer.toString('utf8', start, end)), onEpoch)
  if (Number.isNaN(log.timestamp)) throw new EventError(undatedReason(log.attributes))
  return log
}

/** Where the scanner finds a facet in a line, and the values that it had there. */
interface ScannedFacet {
  readonly key: Key
  readonly values: Interner
}

/** How a query takes what it counts from a line. */
interface Entry {
  readonly groups: readonly ScannedFacet[]
  readonly counted: ScannedFacet | undefined
  /** Only for a query that is grouped, and by attributes. */
  readonly finder: GroupFinder | undefined
  /** Whether the query needs the whole log. */
  readonly whole: boolean
  /** The key of every value, if it is always the same. */
  readonly shared: string | undefined
  /** The index of the query among those of its monitor. */
  readonly part: number
}

function entryOf(source: PlacedSource, keys: KeyTable, places: Places<Group>, groupOf: (key: string) => Group): Entry {
  const { parsed, distinct, optionalGroups, key: shared, part } = source
  const { rollup, by } = parsed
  const groups = by.map((facet) => scannedFacet(facet, keys))
  const counted = rollup.kind === 'cardinality' ? scannedFacet(rollup.of, keys) : undefined
  const measures = rollup.kind !== 'count' && rollup.kind !== 'cardinality'
  const whole = measures || distinct !== undefined || optionalGroups === true
  const isFound = !whole && by.length > 0 && by.every(({ field }) => field.kind !== 'tag')
  const facets = groups.map(({ key }) => key)
  const finder = isFound ? new GroupFinder(groupOf, places, part, facets, counted?.values) : undefined
  return { groups, counted, finder, whole, shared, part }
}

function scannedFacet({ field }: Facet, keys: KeyTable): ScannedFacet {
  const key = keys.wanted(pathOf(field))
  if (field.kind !== 'tag') return { key, values: new Interner() }
  const prefix = `${field.key.toLowerCase()}:`
  const tagged = (env: unknown) =>
    logOfEvent({ env }).tags?.flatMap((tag) => (tag.startsWith(prefix) ? tag.slice(prefix.length) : []))
  return { key, values: new Interner((value) => new Interned(tagged(value), 0)) }
}

/** Whether the scanner can find everything that the monitors need. */
function canScan(needs: FieldNeeds, keys: KeyTable): boolean {
  if (needs.everything || [...needs.reserved].some((name) => name !== 'service')) return false
  return [...needs.paths].every((path) => {
    const key = keys.get(path)
    const plain = !/(^|\.)__proto__(\.|$)|\uFFFD/u.test(path)
    return plain && key !== undefined && !key.children && key.role !== 'unusual' && key.role !== 'message'
  })
}

/** Parses one event, which may begin with a byte order mark. @throws EventError when it is not a JSON object */
export function parseEvent(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = parseJson(text.replace(/^\uFEFF/, ''))
  } catch {
    // A log that was cut while its writer went on begins with as many of them as it had bytes.
    throw new EventError(text.includes('\0') ? 'is not JSON: it holds NUL bytes' : 'is not JSON')
  }
  if (!isRecord(value)) throw new EventError('is not a JSON object')
  return value
}

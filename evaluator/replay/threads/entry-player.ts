import type { Group } from '../../evaluate/group.ts'
import type { Places } from '../../evaluate/places.ts'
import type { PlacedSource } from '../../evaluate/sources.ts'
import type { EventSink } from '../event-reader.ts'
import { ENTRY_WIDTH, type ScanAnswer } from './slot.ts'

/** Enters what one worker found into the groups of the main thread. */
export class EntryPlayer {
  readonly #queries: readonly PlayedQuery[]

  constructor(sources: readonly PlacedSource[], sink: EventSink) {
    this.#queries = sources.map((source, query) => new PlayedQuery(query, source, sink))
  }

  /** Learns the groups and values of an answer, before its lines are played. */
  learn({ isReset, keys, values }: ScanAnswer): void {
    if (isReset) for (const query of this.#queries) query.reset()
    for (const [query, key] of keys) this.#at(query).addKey(key)
    for (const [query, place, value] of values) this.#at(query).addValue(place, value)
  }

  /** Enters the entries of a line, which has begun. @param from the first number of them @param to after the last */
  play(entries: Int32Array, from: number, to: number): void {
    for (let i = from; i < to; i += ENTRY_WIDTH) {
      this.#at(entries[i] as number).enter(entries[i + 1] as number, entries[i + 2] as number)
    }
  }

  #at(query: number): PlayedQuery {
    return this.#queries[query] as PlayedQuery
  }
}

/** The groups and values of one query as a worker numbers them. */
class PlayedQuery {
  readonly #query: number
  readonly #part: number
  readonly #counts: boolean
  readonly #sink: EventSink
  readonly #places: Places<Group>
  /** By place in the worker, from 1. */
  #keys: string[] = ['']
  #groups: (Group | undefined)[] = [undefined]
  #values: string[][] = [[]]
  /** The place here, its version when it was last brought up to date, and the worker's slot of the value in slot 0 here. */
  #placeOf: number[] = [0]
  #versions: number[] = [0]
  #single: number[] = [-1]

  constructor(query: number, { part, parsed }: PlacedSource, sink: EventSink) {
    this.#query = query
    this.#part = part
    this.#counts = parsed.rollup.kind === 'count'
    this.#sink = sink
    this.#places = sink.placesOf(query)
  }

  reset(): void {
    this.#keys = ['']
    this.#groups = [undefined]
    this.#values = [[]]
    this.#placeOf = [0]
    this.#versions = [0]
    this.#single = [-1]
  }

  addKey(key: string): void {
    this.#keys.push(key)
    this.#groups.push(undefined)
    this.#values.push([])
    this.#placeOf.push(0)
    this.#versions.push(-1)
    this.#single.push(-1)
  }

  addValue(place: number, value: string): void {
    this.#values[place]?.push(value)
  }

  enter(theirs: number, slot: number): void {
    const ours = this.#placeOf[theirs] as number
    const isCurrent = this.#places.version(ours) === this.#versions[theirs] && ours > 0
    if (isCurrent && (this.#counts || (slot === this.#single[theirs] && !this.#places.countsItself(ours)))) {
      this.#places.hold(ours)
      this.#sink.enter(this.#query, ours, this.#counts ? this.#part : 0)
      return
    }
    const group = this.#groupOf(theirs)
    const held = group.holdOf(this.#part, this.#counts ? '' : (this.#values[theirs]?.[slot] ?? ''), true)
    this.#placeOf[theirs] = group.place
    this.#versions[theirs] = this.#places.version(group.place)
    this.#single[theirs] = held === 0 ? slot : -1
    this.#sink.enter(this.#query, group.place, held)
  }

  #groupOf(theirs: number): Group {
    const known = this.#groups[theirs]
    if (known && !known.forgotten) return known
    const group = this.#sink.groupOf(this.#query, this.#keys[theirs] ?? '', true)
    this.#groups[theirs] = group
    return group
  }
}

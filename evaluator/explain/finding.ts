import { resolve } from 'node:path'
import type { IndexedLog } from '../log.ts'
import type { LogPlace } from '../logs/index.ts'
import type { Facet } from '../monitor/monitor-query.ts'
import { FieldsSeen } from '../search/fields-seen.ts'
import { compileSearch, type LogPredicate, parseSearch } from '../search/search.ts'
import { printSearch } from '../search/search-ast.ts'
import { type SilentTerm, SilentTerms } from '../search/silent-terms.ts'
import type { TermNode } from '../search/terms.ts'
import { EventReading, type Readable } from './event.ts'
import type { GroupName, LogFacts } from './explanation.ts'
import { timeFact } from './fact.ts'
import { numberOf, placeText } from './place.ts'
import { type EventChoice, type Question, QuestionError } from './question.ts'
import type { EventSource } from './source.ts'

/** An event of the log. */
export interface FoundEvent {
  readonly log: IndexedLog
  readonly place: string
  /** Epoch ms of the newest event before it in the log; -Infinity for the first. */
  readonly newestBefore: number
}

/** What the log holds that the question is about. */
export interface Finding {
  readonly facts: Omit<LogFacts, 'late' | 'silent' | 'limits'>
  readonly reading: EventReading
  /** The event that was asked about. */
  readonly asked: FoundEvent | undefined
  /** The places of further events that the search finds, and how many there are. */
  readonly more: { readonly places: readonly string[]; readonly count: number }
  /** The event that comes nearest to counting; undefined if one counts. */
  readonly nearest: FoundEvent | undefined
  /** How many events have the values of the group, and how many of them count. */
  readonly ofGroup: { readonly seen: number; readonly counted: number }
  /** A group with a value like the one that was asked about. */
  readonly likeGroup: string | null
}

const MAX_PLACES = 3
/** Fields are collected from each of the first logs. */
const FIRST_LOGS = 2_000
/** After the first logs, fields are collected from one log in this many. */
const SAMPLED_EVERY = 512

/**
 * Reads the log once and finds what a question is about.
 * @param readable the queries that count the events
 * @throws QuestionError if there is no such event, or no event at all
 */
export async function find(source: EventSource, readable: Readable, question: Question): Promise<Finding> {
  const finder = new Finder(readable, question, source.name)
  const { epochs } = await source.visit(
    (log, place) => finder.take(log, place),
    (place, reason) => finder.passOver(place, reason),
  )
  return finder.finding(epochs)
}

class Finder {
  readonly #reading: EventReading
  readonly #by: readonly Facet[]
  readonly #group: GroupName | undefined
  readonly #choice: EventChoice | undefined
  readonly #chooses: (log: IndexedLog, place: LogPlace) => boolean
  readonly #name: string | undefined
  readonly #fields = new FieldsSeen()
  /** The terms of the search that is asked about. */
  readonly #silent: SilentTerms | undefined
  readonly #places: string[] = []
  #events = 0
  #malformed = 0
  /** Why the event that was asked about cannot be read. */
  #fault: string | undefined
  #matched = 0
  #counted = 0
  #first = Number.POSITIVE_INFINITY
  #last = Number.NEGATIVE_INFINITY
  #found = 0
  #asked: FoundEvent | undefined
  #nearest: FoundEvent | undefined
  #distance = Number.POSITIVE_INFINITY
  #groupSeen = 0
  #groupCounted = 0

  constructor(readable: Readable, { event, group }: Question, name: string | undefined) {
    this.#reading = new EventReading(readable)
    this.#by = readable.by
    this.#group = group
    this.#choice = event
    this.#chooses = event ? chooser(event) : () => false
    this.#silent =
      event && 'search' in event ? new SilentTerms([{ node: parseSearch(event.search).node, facets: [] }]) : undefined
    this.#name = name
  }

  take(log: IndexedLog, place: LogPlace): void {
    const reading = this.#reading
    const { timestamp } = log
    const newestBefore = this.#last
    this.#events++
    this.#first = Math.min(this.#first, timestamp)
    this.#last = Math.max(this.#last, timestamp)
    const event = () => ({ log, place: placeText(place, this.#name), newestBefore })
    if (this.#found === 0) this.#silent?.observe(log)
    if (this.#chooses(log, place)) {
      this.#asked ??= event()
      if (this.#found++ > 0 && this.#places.length < MAX_PLACES) this.#places.push(event().place)
    }
    if (this.#events <= FIRST_LOGS || this.#events % SAMPLED_EVERY === 0) this.#fields.add(log)
    const ofGroup = this.#group === undefined || reading.hasGroup(log, this.#group)
    if (ofGroup) this.#groupSeen++
    if (reading.matches(log)) {
      this.#matched++
      if (reading.keysOf(log).length > 0) {
        this.#counted++
        if (ofGroup) this.#groupCounted++
      }
    }
    if (this.#groupCounted === 0 && ofGroup) this.#compare(log, event)
  }

  #compare(log: IndexedLog, event: () => FoundEvent): void {
    const distance = this.#reading.distance(log)
    if (distance >= this.#distance) return
    this.#distance = distance
    this.#nearest = event()
  }

  /** A part of the log that is no event. */
  passOver(place: string, reason: string): void {
    this.#malformed++
    const choice = this.#choice
    if (!choice || 'search' in choice || Number(/\d+$/.exec(place)?.[0]) !== choice.line) return
    const [, file] = /^(.*): \w+ \d+$/.exec(place) ?? []
    if (isFile(choice.file, file)) this.#fault = reason
  }

  finding(epochs: LogFacts['epochs']): Finding {
    if (this.#choice && !this.#asked && this.#events + this.#malformed > 0) {
      throw new QuestionError(missingText(this.#choice, this.#fault, this.#silent?.list()))
    }
    if (this.#events === 0) throw new QuestionError('The log holds no event.')
    return {
      facts: {
        ...{ events: this.#events, malformed: this.#malformed, matched: this.#matched, counted: this.#counted, epochs },
        first: timeFact(this.#first),
        last: timeFact(this.#last),
      },
      reading: this.#reading,
      asked: this.#asked,
      more: { places: this.#places, count: Math.max(0, this.#found - 1) },
      nearest: this.#groupCounted === 0 ? this.#nearest : undefined,
      ofGroup: { seen: this.#groupSeen, counted: this.#groupCounted },
      likeGroup: this.#groupSeen === 0 ? this.#likeGroup() : null,
    }
  }

  #likeGroup(): string | null {
    for (const { name, field } of this.#by) {
      const text = this.#group?.[name]
      if (text === undefined) continue
      const node: TermNode = { kind: 'match', target: field, value: { kind: 'text', text, quoted: false } }
      const suggestion = this.#fields.suggest({ text: printSearch(node), node, excluded: false })
      if (suggestion !== undefined) return suggestion
    }
    return null
  }
}

function chooser(choice: EventChoice): (log: IndexedLog, place: LogPlace) => boolean {
  if ('search' in choice) {
    const matches: LogPredicate = compileSearch(choice.search)
    return (log) => matches(log)
  }
  const { file, line } = choice
  return (_, place) => numberOf(place) === line && isFile(file, place.file)
}

/** Whether a file is the one that was asked about. @param file undefined if there is one only */
const isFile = (asked: string | undefined, file: string | undefined): boolean =>
  asked === undefined || file === undefined || resolve(asked) === resolve(file)

function missingText(choice: EventChoice, fault: string | undefined, silent: readonly SilentTerm[] = []): string {
  if ('search' in choice) {
    const more = silent.filter(({ term, suggestion }) => suggestion !== undefined || term !== choice.search)
    return [`No event matches ${choice.search}.`, ...more.map(({ text }) => text)].join(' ')
  }
  const place = choice.file === undefined ? `line ${choice.line}` : `${choice.file}:${choice.line}`
  return fault === undefined ? `${place}: there is no event.` : `${place} ${fault}.`
}

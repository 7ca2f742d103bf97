import { createHash } from 'node:crypto'
import { Group } from '../evaluate/group.ts'
import { statisticOf } from '../evaluate/measure.ts'
import { NO_DEADLINE } from '../evaluate/moment.ts'
import { Places } from '../evaluate/places.ts'
import { compileReader, partsOfKey, type Reader } from '../evaluate/reading.ts'
import { Ring } from '../evaluate/ring.ts'
import { byKey } from '../evaluate/state.ts'
import { owned } from '../evaluate/values.ts'
import { Heap } from '../heap.ts'
import type { IndexedLog } from '../log.ts'
import { aliasesIn, holdsFor } from './condition.ts'
import { type RuleCase, SEVERITIES, type SiemRule } from './rule.ts'
import type { RuleObserver, SignalEffect } from './rule-observer.ts'
import type { Signal, SignalChange } from './signal.ts'
import { holdsInOrder } from './then.ts'

/** Everything that later evaluations of a rule depend on, except samples. */
export interface RuleState {
  /** The entries in the window, oldest first: time, query, group, value. */
  readonly entries: readonly (readonly [at: number, query: number, key: string, value: string])[]
  readonly signals: readonly Signal[]
}

export interface RuleTrackOptions {
  readonly samples: boolean
  readonly emit: (change: SignalChange) => void
  readonly observer?: RuleObserver | undefined
}

/** What one query of a rule counts in one group. */
class QueryGroup extends Group {
  readonly query: number
  readonly owner: RuleGroup

  constructor(
    owner: RuleGroup,
    places: Places<Group>,
    query: number,
    kind: SiemRule['queries'][number]['rollup']['kind'],
  ) {
    super(owner.key, places, kind === 'count' || kind === 'cardinality' ? undefined : statisticOf(kind))
    this.owner = owner
    this.query = query
  }
}

/** The values by which the queries of a rule are joined, and what each query counts there. */
class RuleGroup {
  readonly key: string
  readonly queries: readonly QueryGroup[]
  /** Entries that came in at the present instant. */
  readonly fresh: { readonly group: QueryGroup; readonly slot: number }[] = []
  samples: IndexedLog[] = []

  constructor(key: string, places: Places<Group>, rule: SiemRule) {
    this.key = key
    this.queries = rule.queries.map(({ rollup }, i) => new QueryGroup(this, places, i, rollup.kind))
  }

  get isIdle(): boolean {
    return this.queries.every(({ held }) => held === 0)
  }
}

const MIN_SWEPT_GROUPS = 1024
const MAX_SAMPLES = 10

/**
 * Evaluates one rule over time. Decision `rule-at-each-event`: a rule is evaluated over `(t - window, t]` at the time t of each event that a
 * query counts, all events of one instant together; it is never evaluated on silence, so `<` and `<=` hold only when an event arrives.
 * Decision `join-by-position`, undocumented: queries are joined by their groups' values in the order of `groupByFields`, whatever
 * the names; a query without an event of the group counts 0. A signal names the fields of the first query.
 */
export class RuleTrack {
  /** May be replaced by one that evaluates the same and is shown otherwise. */
  rule: SiemRule
  readonly places = new Places<Group>()
  readonly #options: RuleTrackOptions
  readonly #groups = new Map<string, RuleGroup>()
  /** The owner of an entry is the place of its group. */
  readonly #window = new Ring()
  readonly #cases: readonly { readonly each: RuleCase; readonly shown: number }[]
  readonly #queryOf: ReadonlyMap<string, number>
  readonly #ordered: boolean
  readonly #signals = new Map<string, Signal>()
  /** When each signal may close, at the earliest. */
  readonly #closings = new Heap<{ readonly at: number; readonly signal: Signal }>(
    (a, b) => a.at < b.at || (a.at === b.at && a.signal.key < b.signal.key),
  )
  #changed: RuleGroup[] = []
  #sweepAt = MIN_SWEPT_GROUPS

  constructor(rule: SiemRule, options: RuleTrackOptions) {
    this.rule = rule
    this.#options = options
    this.#queryOf = new Map(rule.queries.map(({ alias }, i) => [alias, i]))
    this.#cases = rule.cases.map((each) => ({ each, shown: this.#indexOf(aliasesIn(each.condition)[0] ?? '') }))
    this.#ordered = rule.cases.some(({ condition }) => condition.after !== undefined)
  }

  /** The signals that are open. */
  get open(): Iterable<Signal> {
    return this.#signals.values()
  }

  /** @returns what a query counts in a group, which is created if necessary */
  groupOf(query: number, key: string, isCopy = false): Group {
    const known = this.#groups.get(key)
    const group = known ?? new RuleGroup(isCopy ? key : owned(key), this.places, this.rule)
    if (!known) this.#groups.set(group.key, group)
    return this.#part(group, query)
  }

  /** Adds a value of a log. @param at the log's time @param now the latest time so far, not before `at` */
  add(place: number, slot: number, at: number, now: number, log?: IndexedLog): void {
    const group = this.#groupAt(place)
    const { owner } = group
    const { evaluationWindowMs } = this.rule
    if (evaluationWindowMs > 0 && at <= now - evaluationWindowMs) {
      group.release(slot)
      return
    }
    if (this.#options.samples && log) keepSample(owner, log)
    this.#options.observer?.entered?.(this.rule, { at, key: owner.key, query: group.query, value: group.valueAt(slot) })
    if (owner.fresh.length === 0) this.#changed.push(owner)
    owner.fresh.push({ group, slot })
    if (evaluationWindowMs === 0) return
    group.enter(slot)
    this.#window.insert(at, place, slot)
  }

  /** Evaluates the instant `at`, all of whose logs have been added. */
  settle(at: number): void {
    if (this.#changed.length === 0) return
    this.#leave(at)
    const changed = this.#changed.sort(byKey)
    this.#changed = []
    for (const group of changed) {
      if (this.rule.evaluationWindowMs > 0) this.#evaluate(group, at)
      else this.#evaluateEach(group, at)
      group.fresh.length = 0
    }
    this.#sweep(at)
  }

  /** Epoch ms at which a signal may have closed; {@link NO_DEADLINE} when none is open. */
  due(): number {
    const next = this.#closings.first
    return next ? next.at + 1 : NO_DEADLINE
  }

  /** Moves time on to `now` and closes the signals that are over before it. */
  pass(now: number): void {
    for (let next = this.#closings.first; next && next.at < now; next = this.#closings.first) {
      this.#closings.pop()
      const { signal } = next
      const closing = this.#closingOf(signal)
      if (closing > next.at) this.#closings.push({ at: closing, signal })
      else this.#close(signal, closing)
    }
  }

  /**
   * Starts with the logs that are already there, without an evaluation.
   * @param logs in order of their time
   * @param now the end of the window, epoch ms
   */
  startWith(logs: readonly IndexedLog[], queries: readonly QueryTrack[], now: number): void {
    const { evaluationWindowMs } = this.rule
    const entries: RuleState['entries'][number][] = []
    for (const log of logs) {
      const at = log.timestamp
      if (at <= now - evaluationWindowMs) continue
      for (const [i, { readers }] of queries.entries())
        readers[0]?.(log, (key, value) => entries.push([at, i, key, value]))
    }
    this.restore({ entries, signals: [] })
  }

  save(): RuleState {
    const window = this.#window
    const entries = Array.from({ length: window.end - window.start }, (_, i) => {
      const position = window.start + i
      const group = this.#groupAt(window.owner(position))
      return [window.time(position), group.query, group.key, group.valueAt(window.slot(position))] as const
    })
    return { entries, signals: [...this.#signals.values()].sort(byKey) }
  }

  /** Continues from a saved state of the same rule. */
  restore({ entries, signals }: RuleState): void {
    for (const [at, query, key, value] of entries) {
      const group = this.groupOf(query, key)
      const slot = group.hold(value)
      group.enter(slot)
      this.#window.insert(at, group.place, slot)
    }
    for (const signal of signals) this.#keep({ ...signal })
  }

  #groupAt(place: number): QueryGroup {
    const group = this.places.at(place)
    if (!(group instanceof QueryGroup)) throw new TypeError('the group belongs to a monitor')
    return group
  }

  #part(group: RuleGroup, query: number): QueryGroup {
    const part = group.queries[query]
    if (!part) throw new RangeError(`the rule has no query ${query}`)
    return part
  }

  #indexOf(alias: string): number {
    return this.#queryOf.get(alias) ?? 0
  }

  /** Removes the entries that have left the window. */
  #leave(at: number): void {
    const window = this.#window
    const oldest = at - this.rule.evaluationWindowMs
    while (window.start < window.end && window.time(window.start) <= oldest) {
      const group = this.#groupAt(window.owner(window.start))
      const slot = window.slot(window.start)
      group.leave(slot)
      group.release(slot)
      window.shift()
      if (group.held === 0 && group.owner.isIdle) this.#forget(group.owner)
    }
  }

  #forget(group: RuleGroup): void {
    // An entry of a closed instant may have begun another group of this key.
    if (this.#groups.get(group.key) === group) this.#groups.delete(group.key)
    for (const part of group.queries) part.forget()
  }

  /** Forgets the groups of logs that count nothing, once there are many. */
  #sweep(at: number): void {
    if (this.#groups.size < this.#sweepAt) return
    this.#leave(at)
    for (const group of this.#groups.values()) if (group.isIdle) this.#forget(group)
    this.#sweepAt = Math.max(MIN_SWEPT_GROUPS, this.#groups.size * 2)
  }

  #evaluate(group: RuleGroup, at: number): void {
    const values = group.queries.map((part, i) => this.#valueOf(part, i))
    const entries = this.#ordered ? this.#entriesOf(group) : []
    const matched = this.#cases.findIndex(({ each: { condition } }) =>
      condition.after
        ? holdsInOrder(condition, this.rule, this.#queryOf, entries)
        : holdsFor(condition.first, (alias) => values[this.#indexOf(alias)] ?? 0),
    )
    const found = this.#cases[matched]
    const effect = found && this.#match(group, found.each, values[found.shown] ?? 0, at)
    this.#options.observer?.pass(this.rule, { at, key: group.key, values, matched, effect })
  }

  #valueOf(part: QueryGroup, query: number): number {
    return part.count === 0 ? 0 : part.rollup(this.rule.queries[query]?.rollup.kind ?? 'count')
  }

  #entriesOf(group: RuleGroup) {
    const window = this.#window
    const entries: { at: number; query: number; value: string }[] = []
    for (let position = window.start; position < window.end; position++) {
      const part = this.#groupAt(window.owner(position))
      if (part.owner !== group) continue
      entries.push({ at: window.time(position), query: part.query, value: part.valueAt(window.slot(position)) })
    }
    return entries
  }

  /** Decision `window-zero`, undocumented: with an `evaluationWindow` of 0 the conditions are judged on each event by itself. */
  #evaluateEach(group: RuleGroup, at: number): void {
    for (const { group: part, slot } of group.fresh) {
      part.enter(slot)
      this.#evaluate(group, at)
      part.leave(slot)
      part.release(slot)
    }
    if (group.isIdle) this.#forget(group)
  }

  /**
   * Decision `signal-first-seen`, undocumented: a signal is first seen at the event that completed its condition.
   * Decision `severity-rise`, undocumented: an open signal notifies again when a case of a higher severity matches; it keeps the
   * highest until it closes, and every other match only prolongs it.
   */
  #match(group: RuleGroup, { name, status }: RuleCase, value: number, at: number): SignalEffect {
    const key = this.#signalKey(group.key)
    const known = this.#signals.get(key)
    if (!known) {
      const signal = {
        id: this.#idOf(key, at),
        key,
        severity: status,
        caseName: name,
        firstSeen: at,
        lastSeen: at,
        value,
      }
      this.#keep(signal)
      this.#emit(signal, 'Triggered', at, group)
      return 'opened'
    }
    known.lastSeen = at
    known.value = value
    if (SEVERITIES.indexOf(status) <= SEVERITIES.indexOf(known.severity)) return 'prolonged'
    known.severity = status
    known.caseName = name
    this.#emit(known, 'Raised', at, group)
    return 'raised'
  }

  #keep(signal: Signal): void {
    this.#signals.set(signal.key, signal)
    this.#closings.push({ at: this.#closingOf(signal), signal })
  }

  /** The last instant at which a match still belongs to the signal. */
  #closingOf({ firstSeen, lastSeen }: Signal): number {
    return Math.min(lastSeen + this.rule.keepAliveMs, firstSeen + this.rule.maxSignalDurationMs)
  }

  #close(signal: Signal, at: number): void {
    this.#signals.delete(signal.key)
    this.#emit(signal, 'Closed', at)
  }

  #emit(signal: Signal, transition: SignalChange['transition'], at: number, group?: RuleGroup): void {
    const { id, key, severity, caseName, firstSeen, lastSeen, value } = signal
    const values: string[] = JSON.parse(key)
    const names = this.rule.signalBy.map((i) => this.rule.groupNames[i] ?? '')
    this.#options.emit({
      ...{ rule: this.rule, transition, severity, caseName, at, value, signalId: id, firstSeen, lastSeen },
      group: Object.fromEntries(names.map((name, i) => [name, values[i] ?? ''])),
      matched: Object.fromEntries(
        this.rule.queries.flatMap(({ alias }, i) => (group ? [[alias, group.queries[i]?.count ?? 0]] : [])),
      ),
      sample: group
        ? group.samples.filter(({ timestamp }) => timestamp >= at - this.rule.evaluationWindowMs).reverse()
        : [],
    })
  }

  #signalKey(key: string): string {
    const count = this.rule.groupNames.length
    const values = count === 0 ? [] : count === 1 ? [key] : partsOfKey(key).map((part) => part.replace(/^\d+:/, ''))
    return JSON.stringify(this.rule.signalBy.map((i) => values[i] ?? ''))
  }

  #idOf(key: string, at: number): string {
    const text = JSON.stringify([this.rule.slug, key, at])
    return createHash('sha256').update(text).digest('hex').slice(0, 32)
  }
}

function keepSample(group: RuleGroup, log: IndexedLog): void {
  const place = group.samples.findLastIndex(({ timestamp }) => timestamp <= log.timestamp) + 1
  group.samples.splice(place, 0, log)
  if (group.samples.length > MAX_SAMPLES) group.samples.shift()
}

/** One query of a rule, as what drives the evaluation sees it: the queries of a rule share its track. */
export class QueryTrack {
  /** One, as of a monitor with one query. */
  readonly readers: readonly Reader[]
  readonly #track: RuleTrack
  readonly #query: number

  constructor(track: RuleTrack, query: number) {
    const source = track.rule.queries[query]
    if (!source) throw new RangeError(`the rule has no query ${query}`)
    this.readers = [compileReader(source)]
    this.#track = track
    this.#query = query
  }

  groupOf(key: string, isCopy = false): Group {
    return this.#track.groupOf(this.#query, key, isCopy)
  }

  get places(): Places<Group> {
    return this.#track.places
  }

  add(place: number, slot: number, at: number, now: number, log?: IndexedLog): void {
    this.#track.add(place, slot, at, now, log)
  }

  settle(at: number): void {
    this.#track.settle(at)
  }

  due(): number {
    return this.#track.due()
  }

  /** Signals that are over before `at` close; those that end at `at` may yet be prolonged by its logs. */
  passUntil(at: number): void {
    this.#track.pass(at)
  }

  pass(now: number): void {
    this.#track.pass(now)
  }
}

/** A track for each query of a rule. */
export const queryTracks = (track: RuleTrack): QueryTrack[] =>
  track.rule.queries.map((_, query) => new QueryTrack(track, query))

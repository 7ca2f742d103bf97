import { compileReader, compileReaders, groupOfKey, NO_VALUE, type Reader, SHARED_KEY } from '../evaluate/reading.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Facet, Rollup } from '../monitor/monitor-query.ts'
import { queriesOf } from '../monitor/variables.ts'
import type { SearchNode } from '../search/search-ast.ts'
import type { SiemRule } from '../siem/rule.ts'
import type { EventFacts, EventQuery, FacetFacts, GroupName } from './explanation.ts'
import { failedOf, fieldTexts, suggestedFacet, TermTree } from './terms.ts'

/** One query of a monitor or of a rule: which events count, in which group. */
interface ReadableQuery {
  readonly name: string | null
  readonly node: SearchNode
  readonly by: readonly Facet[]
  readonly measured: readonly Facet[]
  /** Whether an event without a facet of the group counts as well. */
  readonly optionalGroups: boolean
  readonly read: Reader
}

/** What reads events: the queries of a monitor or of a rule. */
export interface Readable {
  /** The facets of a group, by the names that it is shown with. */
  readonly by: readonly Facet[]
  /** The facets that hold the values of a group, in the order of `by`: those of one query or another. */
  readonly holders: readonly Pick<ReadableQuery, 'by' | 'optionalGroups'>[]
  readonly queries: readonly ReadableQuery[]
}

export function readableOfMonitor({ parsed }: Monitor): Readable {
  const readers = compileReaders(parsed)
  const names = parsed.form === 'formula' ? parsed.variables.map(({ name }) => name) : [null]
  const queries = queriesOf(parsed).slice(0, names.length)
  return {
    by: parsed.by,
    holders: [{ by: parsed.by, optionalGroups: false }],
    queries: queries.map(({ node, by, rollup }, i) => ({
      ...{ name: names[i] ?? null, node, by, measured: measuredBy(rollup), optionalGroups: false },
      read: readers[i] as Reader,
    })),
  }
}

export function readableOfRule(rule: SiemRule): Readable {
  const queries = rule.queries.map((query) => ({
    ...{ name: query.alias, node: query.parsed.node, by: query.by, read: compileReader(query) },
    measured: [...measuredBy(query.rollup), ...(query.distinct ?? [])],
    optionalGroups: query.optionalGroups ?? false,
  }))
  return { by: queries[0]?.by ?? [], holders: queries, queries }
}

const measuredBy = (rollup: Rollup): Facet[] => ('of' in rollup ? [rollup.of] : [])

/** What the queries do with an event: each part by itself. */
export class EventReading {
  readonly #by: readonly Facet[]
  readonly #holders: Readable['holders']
  readonly #queries: readonly (ReadableQuery & { readonly tree: TermTree })[]

  constructor({ by, holders, queries }: Readable) {
    this.#by = by
    this.#holders = holders
    this.#queries = queries.map((query) => ({ ...query, tree: new TermTree(query.node) }))
  }

  /** Whether the event matches the search of a query. */
  matches(log: Log): boolean {
    return this.#queries.some(({ tree }) => tree.matches(log))
  }

  /** The keys of the groups in which an event counts. An event that counts for all groups of a formula has none of its own. */
  keysOf(log: Log): string[] {
    const keys = new Set<string>()
    for (const { read } of this.#queries) read(log, (key) => void keys.add(key))
    return [...keys]
  }

  /** Whether the event has the values of a group, whatever else. */
  hasGroup(log: Log, group: GroupName): boolean {
    return this.#holders.some(({ by, optionalGroups }) =>
      by.every(({ field }, i) => {
        const wanted = group[this.#by[i]?.name ?? '']
        if (wanted === undefined) return true
        const texts = fieldTexts(field, log)
        return texts.includes(wanted) || (optionalGroups && texts.length === 0 && wanted === NO_VALUE)
      }),
    )
  }

  /** How many terms and facets keep the event from counting for one of the queries. */
  distance(log: Log): number {
    const each = this.#queries.map((query) => {
      const missing = neededBy(query).filter(({ field }) => fieldTexts(field, log).length === 0)
      return query.tree.distance(log) + missing.length
    })
    return Math.min(...each)
  }

  facts(log: Log): Pick<EventFacts, 'queries' | 'groups'> {
    const keys = this.keysOf(log).filter((key) => key !== SHARED_KEY)
    return {
      queries: this.#queries.map((each) => factsOf(each, log)),
      groups: keys.map((key) => groupOfKey(this.#by, key)),
    }
  }
}

function factsOf(query: ReadableQuery & { readonly tree: TermTree }, log: Log): EventQuery {
  const search = query.tree.facts(log)
  let counted = false
  query.read(log, () => {
    counted = true
  })
  const facets = facetsOf(query).map(({ use, facet, field }): FacetFacts => {
    const values = fieldTexts(field, log)
    if (values.length > 0 || (use === 'group' && query.optionalGroups)) {
      return { facet, use, values: values.length > 0 ? values : [NO_VALUE], suggestion: null }
    }
    return { facet, use, values, suggestion: suggestedFacet(field, log) }
  })
  return { name: query.name, search, failed: failedOf(search), facets, counted }
}

function facetsOf({ by, measured }: ReadableQuery) {
  return [
    ...by.map(({ name, field }) => ({ use: 'group' as const, facet: name, field })),
    ...measured.map(({ name, field }) => ({ use: 'measure' as const, facet: name, field })),
  ]
}

/** The facets that an event must have to count. */
const neededBy = (query: ReadableQuery) =>
  facetsOf(query).filter(({ use }) => use === 'measure' || !query.optionalGroups)

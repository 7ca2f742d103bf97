import { compileReaders, groupOfKey, type Reader, SHARED_KEY } from '../evaluate/reading.ts'
import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Facet, MeasuredQuery } from '../monitor/monitor-query.ts'
import { queriesOf } from '../monitor/variables.ts'
import type { EventFacts, EventQuery, FacetFacts, GroupName } from './explanation.ts'
import { failedOf, fieldTexts, suggestedFacet, TermTree } from './terms.ts'

/** One query of a monitor, taken apart. */
interface TakenApart {
  readonly name: string | null
  readonly query: MeasuredQuery
  readonly tree: TermTree
  readonly read: Reader
}

/** What a monitor does with an event: each part of it by itself. */
export class EventReading {
  readonly #by: readonly Facet[]
  readonly #queries: readonly TakenApart[]

  constructor({ parsed }: Monitor) {
    this.#by = parsed.by
    const readers = compileReaders(parsed)
    const names = parsed.form === 'formula' ? parsed.variables.map(({ name }) => name) : [null]
    this.#queries = names.map((name, i) => {
      const query = queriesOf(parsed)[i] as MeasuredQuery
      return { name, query, tree: new TermTree(query.node), read: readers[i] as Reader }
    })
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
    return this.#by.every(({ name, field }) => !(name in group) || fieldTexts(field, log).includes(group[name] ?? ''))
  }

  /** How many terms and facets keep the event from counting for one of the queries. */
  distance(log: Log): number {
    const each = this.#queries.map(({ tree, query }) => {
      const missing = facetsOf(query).filter(({ field }) => fieldTexts(field, log).length === 0)
      return tree.distance(log) + missing.length
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

function factsOf({ name, query, tree, read }: TakenApart, log: Log): EventQuery {
  const search = tree.facts(log)
  let counted = false
  read(log, () => {
    counted = true
  })
  const facets = facetsOf(query).map(({ use, facet, field }): FacetFacts => {
    const values = fieldTexts(field, log)
    return { facet, use, values, suggestion: values.length > 0 ? null : suggestedFacet(field, log) }
  })
  return { name, search, failed: failedOf(search), facets, counted }
}

/** The facets that an event must have to count. */
function facetsOf({ by, rollup }: MeasuredQuery) {
  return [
    ...by.map(({ name, field }) => ({ use: 'group' as const, facet: name, field })),
    ...('of' in rollup ? [{ use: 'measure' as const, facet: rollup.of.name, field: rollup.of.field }] : []),
  ]
}

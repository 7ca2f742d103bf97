import type { Log } from '../log.ts'
import { FieldsSeen } from './fields-seen.ts'
import { type Field, printSearch, type SearchNode } from './search-ast.ts'
import { meantBy } from './slips.ts'
import { presenceOf, type Term, type TermNode, TermWatch, termsOf, watchedBy } from './terms.ts'

/** A search, and the facets by which what it finds is grouped and counted. */
export interface Watched {
  readonly node: SearchNode
  readonly facets: readonly Field[]
}

/** A part of a search or query that no log matches, usually because of a misspelt name. */
export interface SilentTerm {
  /** The number of the search. */
  readonly search: number
  /** `evt:login` matched no event; did you mean `@evt:login`? */
  readonly text: string
  readonly term: string
  readonly suggestion: string | undefined
}

/** Field names are collected from the first logs, and then from one log in {@link SAMPLED_EVERY}. */
const FIRST_LOGS = 200
const SAMPLED_EVERY = 1_024

/** Collects the terms and facets that no log of a run matches. */
export class SilentTerms {
  readonly #searches: readonly Watched[]
  readonly #watch: TermWatch
  readonly #fields = new FieldsSeen()
  #logs = 0

  constructor(searches: readonly Watched[]) {
    this.#searches = searches
    this.#watch = new TermWatch(searches.flatMap((search) => watchedIn(search).map(({ node }) => node)))
  }

  /** Whether every term has matched. */
  get isOver(): boolean {
    return this.#watch.isOver
  }

  /** A log that was read as a whole. */
  observe(log: Log): void {
    if (this.isOver) return
    this.#watch.observe(log)
    if (this.#logs++ < FIRST_LOGS || this.#logs % SAMPLED_EVERY === 0) this.#fields.add(log)
  }

  /** A term, as it prints, is known to have matched a log that was not read as a whole. */
  matched(text: string): void {
    this.#watch.matched(text)
  }

  /** An attribute is known to exist in logs that were not read as a whole. */
  addName(path: string): void {
    this.#fields.addName(path)
  }

  /** @param isKnown whether a field was met in logs that were not read as a whole */
  list(isKnown: (field: Field) => boolean = () => false): SilentTerm[] {
    return this.#searches.flatMap((search, i) =>
      watchedIn(search)
        .filter(({ node, field }) => !this.#watch.hasMatched(node) && !(field !== undefined && isKnown(field)))
        .map(({ term, say }) => ({ search: i, ...say(meantBy(term.node) ?? this.#fields.suggest(term)) })),
    )
  }
}

interface Watching {
  /** What a log has to match. */
  readonly node: TermNode
  /** The field, where its mere presence in some log is enough. */
  readonly field: Field | undefined
  /** The term to correct. */
  readonly term: Term
  readonly say: (suggestion: string | undefined) => Omit<SilentTerm, 'search'>
}

function watchedIn({ node, facets }: Watched): Watching[] {
  const terms = termsOf(node).flatMap((term): Watching[] => {
    const watched = watchedBy(term)
    if (!watched) return []
    const said = term.excluded
      ? `\`-${term.text}\` excludes nothing: no event has this field`
      : `\`${term.text}\` matched no event`
    const say: Watching['say'] = (suggestion) => ({ term: term.text, suggestion, text: said + remedy(suggestion) })
    return [{ node: watched, field: watched === term.node ? undefined : fieldOf(watched), term, say }]
  })
  const facetTerms = facets.map((facet): Watching => {
    const present = presenceOf(facet)
    const text = printSearch(present)
    const name = text.slice(0, -2)
    const say: Watching['say'] = (suggestion) => {
      const other = suggestion?.replace(/:\*$/, '')
      return { term: name, suggestion: other, text: `no event has the facet \`${name}\`${remedy(other)}` }
    }
    return { node: present, field: facet, term: { text, node: present, excluded: false }, say }
  })
  return [...terms, ...facetTerms]
}

const remedy = (suggestion: string | undefined): string =>
  suggestion === undefined ? '' : `; did you mean \`${suggestion}\`?`

const fieldOf = ({ target }: TermNode): Field | undefined =>
  target.kind === 'message' || target.kind === 'everything' ? undefined : target

import type { Log } from '../log.ts'
import { facetText, visitField } from '../search/field.ts'
import { FieldsSeen } from '../search/fields-seen.ts'
import { compileNode, type LogPredicate } from '../search/search.ts'
import { type Field, FREE_TEXT_PATHS, printSearch, type SearchNode } from '../search/search-ast.ts'
import { presenceOf, type TermNode } from '../search/terms.ts'
import type { FailedTerm, TermFacts } from './explanation.ts'

const MAX_VALUES = 5
const MAX_LENGTH = 200

/** A search whose parts are tested one by one. */
export class TermTree {
  readonly #kind: TermFacts['kind']
  readonly #text: string
  readonly #matches: LogPredicate
  readonly #leaf: TermNode | undefined
  readonly #parts: readonly TermTree[]

  constructor(node: SearchNode) {
    this.#text = textOf(node)
    this.#matches = compileNode(node)
    const inner = innerOf(node)
    this.#leaf = inner.kind === 'match' || inner.kind === 'cidr' ? inner : undefined
    this.#kind = this.#leaf ? 'term' : (inner.kind as TermFacts['kind'])
    this.#parts = partsOf(inner).map((part) => new TermTree(part))
  }

  matches(log: Log): boolean {
    return this.#matches(log)
  }

  /** How many terms would have to turn out otherwise for the search to have the result `wanted`. */
  distance(log: Log, wanted = true): number {
    if (this.#matches(log) === wanted) return 0
    switch (this.#kind) {
      case 'all':
        return Number.POSITIVE_INFINITY
      case 'term':
        return 1
      case 'not':
        return this.#parts[0]?.distance(log, !wanted) ?? 0
      default: {
        const each = this.#parts.map((part) => part.distance(log, wanted))
        return (this.#kind === 'and') === wanted ? each.reduce((sum, one) => sum + one, 0) : Math.min(...each)
      }
    }
  }

  /** @param excluded whether the part stands under an exclusion, so that what it misses is no slip */
  facts(log: Log, excluded = false): TermFacts {
    const holds = this.#matches(log)
    const leaf = this.#leaf
    return {
      ...{ kind: this.#kind, text: this.#text, holds },
      values: leaf ? valuesOf(leaf, log) : [],
      suggestion: leaf && !holds && !excluded ? suggestionFor(leaf, log) : null,
      parts: this.#parts.map((part) => part.facts(log, excluded !== (this.#kind === 'not'))),
    }
  }
}

/** A search as a person writes it: the printer escapes a hyphen inside of a word as well. */
const textOf = (node: SearchNode): string => readable(printSearch(node))

const readable = (text: string): string => text.replace(/(?<=\w)\\-/g, '-')

/** `env:(prod OR test)` is shown as a whole, and has the parts of what stands in its parentheses. */
const innerOf = (node: SearchNode): SearchNode => (node.kind === 'group' ? innerOf(node.node) : node)

function partsOf(node: SearchNode): readonly SearchNode[] {
  if (node.kind === 'and' || node.kind === 'or') return node.nodes
  return node.kind === 'not' ? [node.node] : []
}

/** @returns the first part that failed: one term, or all alternatives of an OR; null if the search matches */
export function failedOf(facts: TermFacts): FailedTerm | null {
  if (facts.holds) return null
  const inner = facts.kind === 'and' ? facts.parts.find(({ holds }) => !holds) : undefined
  if (inner) return failedOf(inner)
  const leaves = leavesOf(facts)
  const values = [...new Set(leaves.flatMap((leaf) => leaf.values))].slice(0, MAX_VALUES)
  const suggestion = leaves.find((leaf) => leaf.suggestion !== null)?.suggestion ?? null
  return { term: facts.text, values, suggestion }
}

const leavesOf = (facts: TermFacts): readonly TermFacts[] =>
  facts.kind === 'term' ? [facts] : facts.parts.flatMap(leavesOf)

/** What a log has in the field of a term, at most five values. */
function valuesOf({ target }: TermNode, log: Log): string[] {
  if (target.kind === 'everything') return []
  if (target.kind !== 'message') return fieldTexts(target, log)
  const texts = FREE_TEXT_PATHS.flatMap((path) => fieldTexts({ kind: 'attribute', path }, log))
  return [...(log.message === undefined ? [] : [shortened(log.message)]), ...texts].slice(0, MAX_VALUES)
}

/** The values of a field as a facet shows them, at most five. */
export function fieldTexts(field: Field, log: Log): string[] {
  const texts = new Set<string>()
  visitField(field)(log, (value) => {
    const text = facetText(value)
    if (text !== undefined) texts.add(shortened(text))
    return texts.size === MAX_VALUES
  })
  return [...texts]
}

const shortened = (text: string): string => (text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text)

function suggestionFor(node: TermNode, log: Log): string | null {
  const fields = new FieldsSeen()
  fields.add(log)
  const suggestion = fields.suggest({ text: printSearch(node), node, excluded: false })
  return suggestion === undefined ? null : readable(suggestion)
}

/** The field of a log that was likely meant by a facet that it lacks. */
export function suggestedFacet(field: Field, log: Log): string | null {
  return suggestionFor(presenceOf(field), log)?.replace(/:\*$/, '') ?? null
}

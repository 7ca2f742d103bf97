import type { Log } from '../log.ts'
import { type FieldVisitor, visitField } from './field.ts'
import { compileNode, type LogPredicate } from './search.ts'
import { type Field, printSearch, type SearchNode } from './search-ast.ts'

/** One leaf of a search: what it asks of one field. */
export type TermNode = Extract<SearchNode, { kind: 'match' | 'cidr' }>

export interface Term {
  /** As a search of its own: `@evt:login`. */
  readonly text: string
  readonly node: TermNode
  /** Under an odd number of exclusions, where a term may rightly match no log. */
  readonly excluded: boolean
}

/** The terms of a search, each once. */
export function termsOf(node: SearchNode): Term[] {
  const terms = new Map<string, Term>()
  const visit = (each: SearchNode, excluded: boolean): void => {
    switch (each.kind) {
      case 'all':
        return
      case 'and':
      case 'or':
        for (const inner of each.nodes) visit(inner, excluded)
        return
      case 'not':
        visit(each.node, !excluded)
        return
      case 'group':
        visit(each.node, excluded)
        return
      default: {
        const text = printSearch(each)
        const known = terms.get(text)
        terms.set(text, { text, node: each, excluded: excluded && (known?.excluded ?? true) })
      }
    }
  }
  visit(node, false)
  return [...terms.values()]
}

/** The search for all logs that have a field. */
export const presenceOf = (target: Field): TermNode => ({ kind: 'match', target, value: { kind: 'exists' } })

/**
 * What at least one log must match for the term to be useful: the term itself or, for an excluded term, the existence of its
 * field, because there may be nothing to exclude.
 * @returns undefined for excluded text
 */
export function watchedBy({ node, excluded }: Term): TermNode | undefined {
  if (!excluded) return node
  const { target } = node
  return target.kind === 'message' || target.kind === 'everything' ? undefined : presenceOf(target)
}

/** The most values of a field that are remembered at once. */
const MAX_SEEN = 1_000

/** The terms over one field that have matched nothing so far. */
interface PendingField {
  readonly visit: FieldVisitor
  readonly terms: Map<string, LogPredicate>
  /** Values that matched none of the terms: most logs hold no other. */
  readonly seen: Set<unknown>
}

/** Finds the terms that no log matches. Tries each term until it matches, and on each value of its field about once. */
export class TermWatch {
  readonly #pending = new Set<string>()
  readonly #fields = new Map<string, PendingField>()
  /** Terms over text, which has no values that come again. */
  readonly #texts = new Map<string, LogPredicate>()

  constructor(nodes: Iterable<TermNode>) {
    for (const node of nodes) {
      const text = printSearch(node)
      if (this.#pending.has(text)) continue
      this.#pending.add(text)
      const { target } = node
      if (target.kind === 'message' || target.kind === 'everything') this.#texts.set(text, compileNode(node))
      else this.#fieldOf(target).terms.set(text, compileNode(node))
    }
  }

  #fieldOf(target: Field): PendingField {
    const name = printSearch(presenceOf(target))
    const known = this.#fields.get(name)
    if (known) return known
    const field = { visit: visitField(target), terms: new Map<string, LogPredicate>(), seen: new Set<unknown>() }
    this.#fields.set(name, field)
    return field
  }

  /** Whether every term has matched. */
  get isOver(): boolean {
    return this.#pending.size === 0
  }

  /** A log that was read as a whole. */
  observe(log: Log): void {
    for (const [text, matches] of this.#texts) if (matches(log)) this.matched(text)
    for (const { visit, terms, seen } of this.#fields.values()) {
      if (terms.size === 0 || !visit(log, (value) => !seen.has(value))) continue
      for (const [text, matches] of terms) if (matches(log)) this.matched(text)
      if (seen.size > MAX_SEEN) seen.clear()
      visit(log, (value) => {
        seen.add(value)
        return false
      })
    }
  }

  /** A term, as {@link printSearch} prints it, is known to have matched a log. */
  matched(text: string): void {
    if (!this.#pending.delete(text)) return
    this.#texts.delete(text)
    for (const { terms } of this.#fields.values()) terms.delete(text)
  }

  hasMatched(node: TermNode): boolean {
    return !this.#pending.has(printSearch(node))
  }
}

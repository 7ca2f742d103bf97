import { logOfEvent } from '../app-event.ts'
import type { Source } from '../evaluate/reading.ts'
import { isRecord } from '../json.ts'
import { compileNode, type LogPredicate } from '../search/search.ts'
import { printSearch, type SearchNode, type Target } from '../search/search-ast.ts'
import type { EventScanner } from './event-scanner.ts'
import { Interned, Interner } from './interner.ts'
import type { Key, KeyTable } from './key-table.ts'

/** A field that searches test. */
interface TestedField {
  readonly path: string
  readonly key: Key
  readonly values: Interner
  /** The kind of every text, when the searches only test whether the field is present; otherwise undefined. */
  readonly textKind: number | undefined
  /** One value of each kind, by kind. Kind 0 is that of an absent value. */
  readonly examples: unknown[]
  /** The parts of searches that a value of each kind matches, as they print. */
  readonly matched: (readonly string[])[]
}

/** A node of a decision tree: the step at depth n follows from the kinds of the first n fields. */
interface Step {
  readonly next: Step[]
  /** After the last field: the indexes of the queries whose searches match. */
  matching: readonly number[] | undefined
}

/** The kind of a value that the full parser must read. */
const UNUSUAL_KIND = -1

/**
 * Finds the searches that match an event, in one step per field, whatever the number of queries. Values of a field that no search
 * tells apart have one kind, and there are few kinds. Each combination of kinds is tested by the searches themselves once; the
 * result is stored in a tree.
 */
export class MatchTable {
  readonly #searches: readonly LogPredicate[]
  readonly #tested: readonly TestedField[]
  readonly #root: Step = { next: [], matching: undefined }

  readonly #onMatch: (part: string) => void

  /** @param onMatch is told of each part of a search, as it prints, once or more often when a line matches it */
  constructor(sources: readonly Source[], keys: KeyTable, onMatch: (part: string) => void) {
    this.#onMatch = onMatch
    this.#searches = sources.map(({ parsed }) => compileNode(parsed.node))
    const parts = new Map<string, SearchNode[]>()
    for (const { parsed } of sources) {
      visitParts(parsed.node, (target, part) => {
        const path = pathOf(target)
        const tests = parts.get(path) ?? []
        parts.set(path, tests)
        tests.push(part)
      })
    }
    this.#tested = [...parts].map(([path, tests]) => testedField(path, keys.wanted(path), tests))
  }

  /**
   * @param scanner has scanned the line
   * @returns the indexes of the queries whose search matches; undefined when a full parse has to decide
   */
  find(scanner: EventScanner): readonly number[] | undefined {
    let step = this.#root
    for (const each of this.#tested) {
      const kind = kindIn(scanner, each)
      if (kind === UNUSUAL_KIND) return undefined
      step = step.next[kind] ?? this.#addStep(step, kind, each)
    }
    step.matching ??= this.#search(scanner)
    return step.matching
  }

  /** Whatever kind a line has, the first of its way through the tree is told: this costs the lines after it nothing. */
  #addStep(step: Step, kind: number, { matched }: TestedField): Step {
    for (const part of matched[kind] ?? []) this.#onMatch(part)
    const next: Step = { next: [], matching: undefined }
    step.next[kind] = next
    return next
  }

  #search(scanner: EventScanner): number[] {
    const event = {}
    for (const each of this.#tested) place(event, each.path.split('.'), each.examples[kindIn(scanner, each)])
    const log = logOfEvent(event)
    return [...this.#searches.keys()].filter((i) => this.#searches[i]?.(log))
  }
}

const kindIn = (scanner: EventScanner, { key, values, textKind }: TestedField): number =>
  textKind !== undefined && scanner.hasText(key) ? textKind : scanner.valueAt(key, values).kind

function testedField(path: string, key: Key, parts: readonly SearchNode[]): TestedField {
  const tests = parts.map(compileNode)
  const examples: unknown[] = []
  const matched: (readonly string[])[] = []
  const kinds = new Map<string, number>()
  const kindOf = (value: unknown): number => {
    const event = {}
    place(event, path.split('.'), value)
    // Intake does not change a field without a role, which may have any number of values.
    const log = key.role ? logOfEvent(event) : { attributes: event, tags: [] }
    if (!log.tags?.every((tag) => tag.startsWith('env:'))) return UNUSUAL_KIND
    const verdicts = tests.map((test) => (test(log) ? 1 : 0)).join('')
    const known = kinds.get(verdicts)
    if (known !== undefined) return known
    kinds.set(verdicts, examples.length)
    matched.push(parts.flatMap((part, i) => (verdicts[i] === '1' ? [printSearch(part)] : [])))
    return examples.push(value) - 1
  }
  kindOf(undefined)
  const onlyPresence = !key.role && parts.every((part) => part.kind === 'match' && part.value.kind === 'exists')
  const values = new Interner((value) => new Interned(value, kindOf(value)))
  return { path, key, values, textKind: onlyPresence ? kindOf('any') : undefined, examples, matched }
}

/** Sets a value at a path of an event. An undefined value is not set. */
function place(event: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (value === undefined) return
  if (rest.length === 0) {
    event[name] = value
    return
  }
  const known = event[name]
  const inner = isRecord(known) ? known : {}
  event[name] = inner
  place(inner, rest, value)
}

/** Visits each part of a search that tests a single field. */
function visitParts(node: SearchNode, visit: (target: Target, part: SearchNode) => void): void {
  switch (node.kind) {
    case 'all':
      return
    case 'and':
    case 'or':
      for (const each of node.nodes) visitParts(each, visit)
      return
    case 'not':
    case 'group':
      visitParts(node.node, visit)
      return
    case 'cidr':
    case 'match':
      visit(node.target, node)
  }
}

/** The path in an event of what a search tests. All tags of an event come from `env`. */
export function pathOf(target: Target): string {
  if (target.kind === 'attribute') return target.path
  return target.kind === 'reserved' ? target.name : 'env'
}

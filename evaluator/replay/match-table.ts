import { logOfEvent } from '../app-event.ts'
import type { Monitor } from '../monitor/monitor.ts'
import { compileNode, type LogPredicate } from '../search/search.ts'
import type { SearchNode, Target } from '../search/search-ast.ts'
import type { EventScanner } from './event-scanner.ts'
import { Interned, Interner } from './interner.ts'
import type { Key, KeyTable } from './key-table.ts'

/** A field whose values decide which searches match. */
interface Tested {
  readonly path: string
  readonly key: Key
  readonly values: Interner
  /** The kind of every text, where searches only ask whether there is anything; else undefined. */
  readonly textKind: number | undefined
  /** By kind, a value of that kind; nothing for the kind of what is absent, which is 0. */
  readonly examples: unknown[]
}

/** What is known once the kinds of the first fields are known: their number is the number of steps so far. */
interface Step {
  readonly next: Step[]
  /** Behind the last field: the monitors whose searches match, by their numbers. */
  matching: readonly number[] | undefined
}

/** A value that has to be read by the full parser. */
const UNUSUAL_KIND = -1

/**
 * Which searches match an event depends only on what each part of a search says of one field. Values of a field that no part
 * tells from one another are of one kind, of which there are few; each combination of kinds is put to the searches themselves,
 * once. What matches is then found in a number of steps that does not grow with the number of monitors.
 */
export class MatchTable {
  readonly #searches: readonly LogPredicate[]
  readonly #tested: readonly Tested[]
  readonly #root: Step = { next: [], matching: undefined }

  constructor(monitors: readonly Monitor[], keys: KeyTable) {
    this.#searches = monitors.map(({ parsed }) => compileNode(parsed.node))
    const parts = new Map<string, SearchNode[]>()
    for (const { parsed } of monitors) {
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
   * @param scanner has read the line
   * @returns the numbers of the monitors whose search it matches; undefined when only a full parse can tell
   */
  find(scanner: EventScanner): readonly number[] | undefined {
    let step = this.#root
    for (const each of this.#tested) {
      const kind = kindIn(scanner, each)
      if (kind === UNUSUAL_KIND) return undefined
      step = step.next[kind] ?? addStep(step, kind)
    }
    step.matching ??= this.#search(scanner)
    return step.matching
  }

  #search(scanner: EventScanner): number[] {
    const event = {}
    for (const each of this.#tested) place(event, each.path.split('.'), each.examples[kindIn(scanner, each)])
    const log = logOfEvent(event)
    return [...this.#searches.keys()].filter((i) => this.#searches[i]?.(log))
  }
}

const kindIn = (scanner: EventScanner, { key, values, textKind }: Tested): number =>
  textKind !== undefined && scanner.hasText(key) ? textKind : scanner.valueAt(key, values).kind

function addStep(step: Step, kind: number): Step {
  const next: Step = { next: [], matching: undefined }
  step.next[kind] = next
  return next
}

function testedField(path: string, key: Key, parts: readonly SearchNode[]): Tested {
  const tests = parts.map(compileNode)
  const examples: unknown[] = []
  const kinds = new Map<string, number>()
  const kindOf = (value: unknown): number => {
    const event = {}
    place(event, path.split('.'), value)
    // Most fields are nothing to intake, and may have any number of values.
    const log = key.role ? logOfEvent(event) : { attributes: event, tags: [] }
    if (!log.tags?.every((tag) => tag.startsWith('env:'))) return UNUSUAL_KIND
    const verdicts = tests.map((test) => (test(log) ? 1 : 0)).join('')
    const known = kinds.get(verdicts)
    if (known !== undefined) return known
    kinds.set(verdicts, examples.length)
    return examples.push(value) - 1
  }
  kindOf(undefined)
  const onlyPresence = !key.role && parts.every((part) => part.kind === 'match' && part.value.kind === 'exists')
  const values = new Interner((value) => new Interned(value, kindOf(value)))
  return { path, key, values, textKind: onlyPresence ? kindOf('any') : undefined, examples }
}

/** Puts a value at a path of an event; nothing is put as nothing. */
function place(event: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (value === undefined) return
  if (rest.length === 0) {
    event[name] = value
    return
  }
  const inner = (event[name] ?? {}) as Record<string, unknown>
  event[name] = inner
  place(inner, rest, value)
}

/** Calls with each part of a search that looks at one field only. */
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

/** Where an event holds what a search looks at: all its tags come from `env`. */
export function pathOf(target: Target): string {
  if (target.kind === 'attribute') return target.path
  return target.kind === 'reserved' ? target.name : 'env'
}

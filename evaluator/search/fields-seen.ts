import { distance } from 'fastest-levenshtein'
import type { Log } from '../log.ts'
import { exactNumber } from './exact-number.ts'
import { facetText } from './field.ts'
import { type Field, printSearch, RESERVED_NAMES, type Reserved, type Target, type Value } from './search-ast.ts'
import type { Term } from './terms.ts'

const MAX_FIELDS = 5_000
const MAX_VALUES = 50
const MAX_DEPTH = 20
const LONGEST_VALUE = 100

/** The fields of the logs that were read, with some values of each. */
export class FieldsSeen {
  readonly #attributes = new Map<string, Set<string>>()
  readonly #tags = new Map<string, Set<string>>()
  readonly #reserved = new Map<Reserved, Set<string>>()

  add(log: Log): void {
    this.#addBelow('', log.attributes, 0)
    for (const name of RESERVED_NAMES) {
      if (name !== 'trace_id' && log[name] !== undefined) addValue(this.#reserved, name, log[name])
    }
    for (const tag of log.tags ?? []) {
      const colon = tag.indexOf(':')
      if (colon > 0) addValue(this.#tags, tag.slice(0, colon), tag.slice(colon + 1))
    }
  }

  /** An attribute is known to exist, with whatever value. */
  addName(path: string): void {
    if (!this.#attributes.has(path) && this.#attributes.size < MAX_FIELDS) this.#attributes.set(path, new Set())
  }

  #addBelow(above: string, value: unknown, depth: number): void {
    if (depth > MAX_DEPTH || value === null || value === undefined) return
    if (Array.isArray(value)) {
      for (const element of value) this.#addBelow(above, element, depth + 1)
    } else if (typeof value === 'object') {
      for (const [key, inner] of Object.entries(value)) {
        this.#addBelow(above === '' ? key : `${above}.${key}`, inner, depth + 1)
      }
    } else if (above !== '') addValue(this.#attributes, above, value)
  }

  /**
   * What is likely meant by a term that no log matches.
   * @returns a search term; undefined when no field has a similar name
   */
  suggest({ node }: Term): string | undefined {
    const { target } = node
    if (target.kind === 'message' || target.kind === 'everything' || target.kind === 'wholeTag') return undefined
    const value = node.kind === 'match' ? node.value : undefined
    const wanted = value?.kind === 'text' ? value.text : undefined
    const candidates = this.#candidates(target, wanted)
    const [best] = candidates.sort((a, b) => a.edits - b.edits || (a.text < b.text ? -1 : 1))
    if (!best) return undefined
    if (node.kind === 'cidr') return printSearch({ ...node, target: best.field })
    return printTerm(
      best.field,
      best.value === undefined ? node.value : { kind: 'text', text: best.value, quoted: false },
    )
  }

  /** The fields that a name may have been meant for, by the number of edits; a value of the same field costs the least. */
  #candidates(target: Field, wanted: string | undefined): Candidate[] {
    const name = nameOf(target)
    const candidates: Candidate[] = []
    const isTarget = (field: Field) => field.kind === target.kind && nameOf(field) === name
    const isSeen = [...this.#all()].some(([field]) => isTarget(field))
    for (const [field, values] of this.#all()) {
      const isSame = isTarget(field)
      const found = wanted === undefined ? undefined : nearest(wanted, values)
      if (isSame) {
        if (found !== undefined && found !== wanted) candidates.push(candidate(field, -1, found))
        continue
      }
      const edits = editsBetween(name, nameOf(field))
      if (edits === undefined) continue
      // Among fields of similar names, the one that has the value is meant.
      const hasValue = wanted !== undefined && values.has(wanted)
      // `service:none` is not a misspelt `@service:none` if the field exists: no log has this value in either field.
      if (edits === 0 && isSeen && !hasValue) continue
      candidates.push(candidate(field, edits - (hasValue ? 0.5 : 0), undefined))
    }
    return candidates
  }

  *#all(): Iterable<readonly [Field, ReadonlySet<string>]> {
    // Reserved attributes and tags first: an attribute of the same name is only where they were read from.
    for (const [name, values] of this.#reserved) yield [{ kind: 'reserved', name }, values]
    for (const [key, values] of this.#tags) yield [{ kind: 'tag', key }, values]
    for (const [path, values] of this.#attributes) yield [{ kind: 'attribute', path }, values]
  }
}

interface Candidate {
  readonly field: Field
  readonly text: string
  readonly edits: number
  /** In place of the one that was asked for. */
  readonly value: string | undefined
}

const candidate = (field: Field, edits: number, value: string | undefined): Candidate => ({
  field,
  text: nameOf(field),
  edits,
  value,
})

function addValue<K extends string>(fields: Map<K, Set<string>>, name: K, value: unknown): void {
  let values = fields.get(name)
  if (!values) {
    if (fields.size >= MAX_FIELDS) return
    values = new Set()
    fields.set(name, values)
  }
  const text = facetText(value)
  if (text !== undefined && text.length <= LONGEST_VALUE && values.size < MAX_VALUES) values.add(text)
}

function nameOf(field: Field): string {
  switch (field.kind) {
    case 'attribute':
      return field.path
    case 'reserved':
      return field.name
    case 'tag':
      return field.key
    case 'wholeTag':
      return 'tags'
  }
}

/** Names that differ only in case and separators count as close, as do `ip` and `network.client.ip`. */
function editsBetween(given: string, known: string): number | undefined {
  if (given === known) return 0
  const [one, other] = [bare(given), bare(known)]
  if (one === other) return 1
  if (known.endsWith(`.${given}`) || given.endsWith(`.${known}`)) return 1.5
  const edits = distance(one, other)
  return edits <= Math.max(1, Math.min(one.length, other.length) / 3) && one.length > 2 ? 1 + edits : undefined
}

const bare = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** Suggests no number for another number, and no letter for another letter. */
function nearest(wanted: string, values: ReadonlySet<string>): string | undefined {
  if (wanted.length < 2 || exactNumber(wanted) !== undefined) return undefined
  const near = [...values]
    .map((value) => ({ value, edits: distance(value.toLowerCase(), wanted.toLowerCase()) }))
    .filter(({ value, edits }) => edits <= mostEdits(Math.min(value.length, wanted.length)))
    .sort((a, b) => a.edits - b.edits)
  return near[0]?.value
}

const printTerm = (target: Target, value: Value): string => printSearch({ kind: 'match', target, value })

/** Two swapped letters are two edits, too many for a word of two or three letters. */
const mostEdits = (length: number): number => (length <= 3 ? 1 : Math.max(2, length / 3))

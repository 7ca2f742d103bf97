import type { Log } from '../log.ts'
import type { Facet, MonitorQuery, Rollup } from '../monitor/monitor-query.ts'
import type { EvaluatedQuery } from '../monitor/variables.ts'
import { facetText, visitField } from '../search/field.ts'
import { compileNode } from '../search/search.ts'

/** Receives what a log adds to a group: the value for a cardinality, a number as text for a measure, an empty text for a count. */
export type EntrySink = (key: string, value: string) => void

/** Calls `take` for each value that a log adds. It does not call it for a log that does not match or lacks a facet. */
export type Reader = (log: Log, take: EntrySink) => void

/** A single text, which is the usual case and needs no array, or any number of texts. */
export type Texts = string | readonly string[]

/** A search whose logs are grouped and counted: a monitor, or one query of a rule. */
export interface Source {
  readonly parsed: Pick<MonitorQuery, 'node' | 'by' | 'rollup'>
  /** Further facets of a cardinality, which counts distinct tuples. */
  readonly distinct?: readonly Facet[]
  /** Whether a log without a facet counts in the group {@link NO_VALUE} of that facet. */
  readonly optionalGroups?: boolean
}

/** The value of an optional facet that a log lacks. */
export const NO_VALUE = 'N/A'

/**
 * Compiles the search, the groups and the counted value of a query into a reader of logs.
 * A log with several values in a facet counts in each of those groups (documented, logs/explorer/group).
 * Decision `missing-facet-excluded`, undocumented: a log without one of the facets, or without the measure, is not counted.
 */
export function compileReader({ parsed, distinct = [], optionalGroups = false }: Source): Reader {
  const matches = compileNode(parsed.node)
  const readKeys = compileKeys(parsed.by, optionalGroups)
  const readValues = compileValues(parsed.rollup, distinct)
  return (log, take) => {
    if (!matches(log)) return
    const keys = readKeys(log)
    const values = readValues(log)
    if (typeof keys === 'string' && typeof values === 'string') take(keys, values)
    else for (const key of listOf(keys)) for (const value of listOf(values)) take(key, value)
  }
}

/**
 * The key of the entries that belong to no group: those of a query without groups, in a formula that has groups. No value of a
 * facet is expected to be this text.
 */
export const SHARED_KEY = '\u0000*'

/** Compiles a reader for each query of a monitor. Those of a formula give each value with the number of its query: `1:200`. */
export function compileReaders(parsed: EvaluatedQuery): Reader[] {
  if (parsed.form === 'logs') return [compileReader({ parsed })]
  return parsed.queries.map((query, part) => {
    const read = compileReader({ parsed: query })
    const isShared = query.by.length < parsed.by.length
    return (log, take) => read(log, (key, value) => take(isShared ? SHARED_KEY : key, `${part}:${value}`))
  })
}

function compileValues(rollup: Rollup, distinct: readonly Facet[]): (log: Log) => Texts {
  if (rollup.kind === 'count') return () => ''
  if (distinct.length > 0 && rollup.kind === 'cardinality') return compileKeys([rollup.of, ...distinct], false)
  return rollup.kind === 'cardinality' ? compileFacet(rollup.of) : compileMeasure(rollup.of)
}

/** A text that reads as a number, as in the search: `@a:>5` also finds the text "6". */
const NUMERIC = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
/** A sum of larger numbers could become infinite and stay so. */
const MAX_MEASURED = 1e300

/**
 * Decision `measure-numbers`, undocumented: a text that reads as a number counts as one, and each number of an array counts, repeated
 * ones included. Any other value, and any number beyond ±1e300, is not counted.
 */
function compileMeasure({ field }: Facet): (log: Log) => Texts {
  const visit = visitField(field)
  return (log) => {
    const numbers: string[] = []
    visit(log, (value) => {
      const number = typeof value === 'string' && NUMERIC.test(value) ? Number(value) : value
      if (typeof number === 'number' && Math.abs(number) <= MAX_MEASURED) numbers.push(String(number))
      return false
    })
    return numbers
  }
}

const listOf = (texts: Texts): readonly string[] => (typeof texts === 'string' ? [texts] : texts)

function compileFacet({ field }: Facet): (log: Log) => Texts {
  const visit = visitField(field)
  const name = field.kind === 'attribute' && !field.path.includes('.') ? field.path : undefined
  return (log) => {
    // Inherited properties are never texts.
    const only = name === undefined ? undefined : log.attributes[name]
    if (typeof only === 'string') return only
    const texts: string[] = []
    visit(log, (value) => {
      const text = facetText(value)
      if (text !== undefined && !texts.includes(text)) texts.push(text)
      return false
    })
    return texts
  }
}

function compileKeys(by: readonly Facet[], isOptional: boolean): (log: Log) => Texts {
  const facets = by.map(compileFacet).map((read) => (isOptional ? orNoValue(read) : read))
  const [only] = facets
  if (only && facets.length === 1) return only
  return (log) => groupKeys(facets.map((read) => read(log)))
}

const orNoValue =
  (read: (log: Log) => Texts) =>
  (log: Log): Texts => {
    const texts = read(log)
    return texts.length === 0 && typeof texts !== 'string' ? NO_VALUE : texts
  }

/**
 * The keys of groups. The value of a single facet is the key; several values are joined with their lengths, so that no two groups
 * have the same key.
 * @param facets the texts of each facet
 */
export function groupKeys(facets: readonly Texts[]): Texts {
  const [first, ...rest] = facets
  if (first === undefined) return ''
  if (rest.length === 0) return first
  return rest.reduce<string[]>(
    (keys, texts) => listOf(texts).flatMap((value) => keys.map((key) => key + prefixed(value))),
    listOf(first).map(prefixed),
  )
}

/** The key of a group with one text of each facet, at least one. */
export const keyOfTexts = (facets: readonly string[]): string =>
  facets.length === 1 ? (facets[0] as string) : facets.map(prefixed).join('')

const prefixed = (value: string): string => `${value.length}:${value}`

/** @returns the end of the part that begins at `at` in a key of several facets */
export function endOfPart(key: string, at: number): number {
  const colon = key.indexOf(':', at)
  return colon + 1 + Number(key.slice(at, colon))
}

/** @returns the parts of a key of several facets, each with its length. Joined, they are the key. */
export function partsOfKey(key: string): string[] {
  const parts: string[] = []
  for (let at = 0; at < key.length; ) {
    const end = endOfPart(key, at)
    parts.push(key.slice(at, end))
    at = end
  }
  return parts
}

/** @returns the value of each facet, by its name as in `.by` */
export function groupOfKey(by: readonly Facet[], key: string): Record<string, string> {
  const [only] = by
  if (!only) return {}
  if (by.length === 1) return { [only.name]: key }
  const parts = partsOfKey(key)
  return Object.fromEntries(by.map(({ name }, i) => [name, (parts[i] ?? '').replace(/^\d+:/, '')]))
}

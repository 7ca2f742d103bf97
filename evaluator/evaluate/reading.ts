import type { Log } from '../log.ts'
import type { Monitor } from '../monitor/monitor.ts'
import type { Facet, Rollup } from '../monitor/monitor-query.ts'
import { facetText, visitField } from '../search/field.ts'
import { compileNode } from '../search/search.ts'

/** Takes what a log adds to a group: a value that a cardinality counts, a number as text for a measure, empty for a count. */
export type EntrySink = (key: string, value: string) => void

/** Passes on what a log adds to a monitor: nothing when it does not match or lacks a facet. */
export type Reader = (log: Log, take: EntrySink) => void

/** One text, which is the usual case and costs nothing, or any number of them. */
export type Texts = string | readonly string[]

/**
 * Compiles how a monitor reads a log: search, groups, counted value.
 * A log with several values in a facet counts in each of those groups (documented, logs/explorer/group).
 * Decision `missing-facet-excluded`, undocumented: a log without one of the facets, or without the measure, counts nowhere.
 */
export function compileReader({ parsed }: Monitor): Reader {
  const matches = compileNode(parsed.node)
  const readKeys = compileKeys(parsed.by)
  const readValues = compileValues(parsed.rollup)
  return (log, take) => {
    if (!matches(log)) return
    const keys = readKeys(log)
    const values = readValues(log)
    if (typeof keys === 'string' && typeof values === 'string') take(keys, values)
    else for (const key of listOf(keys)) for (const value of listOf(values)) take(key, value)
  }
}

function compileValues(rollup: Rollup): (log: Log) => Texts {
  if (rollup.kind === 'count') return () => ''
  return rollup.kind === 'cardinality' ? compileFacet(rollup.of) : compileMeasure(rollup.of)
}

/** As the search reads numbers: `@a:>5` finds the text "6", too. */
const numeric = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
/** Sums of what is larger could leave the range of doubles, and never come back to it. */
const largestMeasured = 1e300

/**
 * Decision `measure-numbers`, undocumented: a text that reads as a number is one, and every number of an array counts, twice
 * when it stands there twice; anything else, and what is beyond ±1e300, is no value of a measure.
 */
function compileMeasure({ field }: Facet): (log: Log) => Texts {
  const visit = visitField(field)
  return (log) => {
    const numbers: string[] = []
    visit(log, (value) => {
      const number = typeof value === 'string' && numeric.test(value) ? Number(value) : value
      if (typeof number === 'number' && Math.abs(number) <= largestMeasured) numbers.push(String(number))
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
    // Nothing inherited is a text.
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

function compileKeys(by: readonly Facet[]): (log: Log) => Texts {
  const facets = by.map(compileFacet)
  const [only] = facets
  if (only && facets.length === 1) return only
  return (log) => groupKeys(facets.map((read) => read(log)))
}

/**
 * One facet is its own key; several are joined with their lengths, so that no value can imitate another group.
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

const prefixed = (value: string): string => `${value.length}:${value}`

/** @returns where the piece of a key of several facets ends that begins at `at` */
export function endOfPart(key: string, at: number): number {
  const colon = key.indexOf(':', at)
  return colon + 1 + Number(key.slice(at, colon))
}

/** @returns the pieces of a key of several facets, each with its length: the key is what they are together */
export function partsOfKey(key: string): string[] {
  const parts: string[] = []
  for (let at = 0; at < key.length; ) {
    const end = endOfPart(key, at)
    parts.push(key.slice(at, end))
    at = end
  }
  return parts
}

/** @returns facet name → value, with names as in `.by` */
export function groupOfKey(by: readonly Facet[], key: string): Record<string, string> {
  const [only] = by
  if (!only) return {}
  if (by.length === 1) return { [only.name]: key }
  const parts = partsOfKey(key)
  return Object.fromEntries(by.map(({ name }, i) => [name, (parts[i] ?? '').replace(/^\d+:/, '')]))
}

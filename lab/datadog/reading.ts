import { facetText, visitField } from './field.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'
import type { Facet } from './monitor-query.ts'
import { compileNode } from './search.ts'

/** What one log adds to one group of a monitor. */
export interface Entry {
  readonly key: string
  /** The value that a cardinality counts; empty for a count. */
  readonly value: string
}

/** @returns what a log adds to a monitor; nothing when it does not match or lacks a facet */
export type Reader = (log: Log) => readonly Entry[]

const nothing: readonly Entry[] = []
const noValue = ['']

/**
 * Compiles how a monitor reads a log: search, groups, counted value.
 * A log with several values in a facet counts in each of those groups (documented, logs/explorer/group). Undocumented: a log
 * without one of the facets. Choice: it counts nowhere.
 */
export function compileReader({ parsed }: Monitor): Reader {
  const matches = compileNode(parsed.node)
  const readKeys = compileKeys(parsed.by)
  const readValues = parsed.rollup.kind === 'cardinality' ? compileFacet(parsed.rollup.of) : () => noValue
  return (log) => {
    if (!matches(log)) return nothing
    const keys = readKeys(log)
    if (keys.length === 0) return nothing
    const values = readValues(log)
    const [key] = keys
    const [value] = values
    if (keys.length === 1 && values.length === 1 && key !== undefined && value !== undefined) return [{ key, value }]
    return keys.flatMap((each) => values.map((counted) => ({ key: each, value: counted })))
  }
}

function compileFacet({ field }: Facet): (log: Log) => readonly string[] {
  const visit = visitField(field)
  return (log) => {
    const values: string[] = []
    visit(log, (value) => {
      const text = facetText(value)
      if (text !== undefined && !values.includes(text)) values.push(text)
      return false
    })
    return values
  }
}

/** One facet is its own key; several are joined with their lengths, so that no value can imitate another group. */
function compileKeys(by: readonly Facet[]): (log: Log) => readonly string[] {
  const [first, ...rest] = by.map(compileFacet)
  if (!first) return () => noValue
  if (rest.length === 0) return first
  const prefixed = (value: string) => `${value.length}:${value}`
  return (log) =>
    rest.reduce(
      (keys, read) => read(log).flatMap((value) => keys.map((key) => key + prefixed(value))),
      first(log).map(prefixed),
    )
}

/** @returns facet name → value, with names as in `.by` */
export function groupOfKey(by: readonly Facet[], key: string): Record<string, string> {
  const [only] = by
  if (by.length === 1 && only) return { [only.name]: key }
  const group: Record<string, string> = {}
  let at = 0
  for (const { name } of by) {
    const colon = key.indexOf(':', at)
    const end = colon + 1 + Number(key.slice(at, colon))
    group[name] = key.slice(colon + 1, end)
    at = end
  }
  return group
}

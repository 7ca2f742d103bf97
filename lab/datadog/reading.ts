import { facetText, visitField } from './field.ts'
import type { Log } from './log.ts'
import type { Monitor } from './monitor.ts'
import type { Facet } from './monitor-query.ts'
import { compileNode } from './search.ts'

/** Takes what a log adds to a group; `value` is what a cardinality counts, empty for a count. */
export type EntrySink = (key: string, value: string) => void

/** Passes on what a log adds to a monitor: nothing when it does not match or lacks a facet. */
export type Reader = (log: Log, take: EntrySink) => void

/** One text, which is the usual case and costs nothing, or any number of them. */
type Texts = string | readonly string[]

/**
 * Compiles how a monitor reads a log: search, groups, counted value.
 * A log with several values in a facet counts in each of those groups (documented, logs/explorer/group). Undocumented: a log
 * without one of the facets. Choice: it counts nowhere.
 */
export function compileReader({ parsed }: Monitor): Reader {
  const matches = compileNode(parsed.node)
  const readKeys = compileKeys(parsed.by)
  const readValues = parsed.rollup.kind === 'cardinality' ? compileFacet(parsed.rollup.of) : () => ''
  return (log, take) => {
    if (!matches(log)) return
    const keys = readKeys(log)
    const values = readValues(log)
    if (typeof keys === 'string' && typeof values === 'string') take(keys, values)
    else for (const key of listOf(keys)) for (const value of listOf(values)) take(key, value)
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

/** One facet is its own key; several are joined with their lengths, so that no value can imitate another group. */
function compileKeys(by: readonly Facet[]): (log: Log) => Texts {
  const [first, ...rest] = by.map(compileFacet)
  if (!first) return () => ''
  if (rest.length === 0) return first
  return (log) =>
    rest.reduce(
      (keys, read) => listOf(read(log)).flatMap((value) => keys.map((key) => key + prefixed(value))),
      listOf(first(log)).map(prefixed),
    )
}

const prefixed = (value: string): string => `${value.length}:${value}`

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

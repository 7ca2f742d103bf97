import { isRecord } from '../json.ts'
import type { Log } from '../log.ts'
import type { Field, Reserved } from './search-ast.ts'

/**
 * Calls `visit` with each value that a log holds in a field, until one call returns true.
 * @returns whether some call did
 */
export type FieldVisitor = (log: Log, visit: (value: unknown) => boolean) => boolean

/** Every object and array of scalars is walked element by element; null counts as absent. */
export function visitField(field: Field): FieldVisitor {
  switch (field.kind) {
    case 'attribute': {
      const walk = walkPath(field.path)
      return (log, visit) => walk(log.attributes, visit)
    }
    case 'reserved':
      return visitReserved(field.name)
    case 'tag': {
      const visitTag = visitTagValues(field.key)
      return (log, visit) => log.tags !== undefined && visitTag(log.tags, visit)
    }
    case 'wholeTag':
      return (log, visit) => log.tags?.some(visit) ?? false
  }
}

/**
 * Decision `reserved-then-tags`, undocumented: if a log has `service` only as a tag, that tag is its service. The reserved
 * attribute takes precedence, as in Vector for `source` and `ddsource`.
 */
function visitReserved(name: Reserved): FieldVisitor {
  const visitTag = visitTagValues(name)
  const traceId = name === 'trace_id' ? [walkPath('trace_id'), walkPath('dd.trace_id')] : []
  return (log, visit) => {
    if (name !== 'trace_id') {
      const value = log[name]
      if (value !== undefined && visit(value)) return true
    }
    return traceId.some((walk) => walk(log.attributes, visit)) || (log.tags !== undefined && visitTag(log.tags, visit))
  }
}

/** Decision `tags-without-case`, undocumented for the query: Datadog lower-cases tags, so they compare without case. */
function visitTagValues(key: string) {
  const prefix = `${key}:`
  const lowered = prefix.toLowerCase()
  return (tags: readonly string[], visit: (value: unknown) => boolean): boolean => {
    for (const tag of tags) {
      const hit = tag.startsWith(prefix) || tag.slice(0, prefix.length).toLowerCase() === lowered
      if (hit && visit(tag.slice(prefix.length))) return true
    }
    return false
  }
}

type Walk = (from: unknown, visit: (value: unknown) => boolean) => boolean

/**
 * Decision `dotted-keys`, undocumented: `@a.b` finds `{"a":{"b":1}}` and `{"a.b":1}` alike, since Datadog has no way to tell them
 * apart in a search.
 */
function walkPath(path: string): Walk {
  const names = path.split('.')
  const [only] = names
  if (names.length === 1 && only !== undefined) {
    return (from, visit) => isRecord(from) && Object.hasOwn(from, only) && reach(from[only], visit)
  }
  const walkFrom = (from: unknown, at: number, visit: (value: unknown) => boolean): boolean => {
    if (at === names.length) return reach(from, visit)
    if (Array.isArray(from)) return from.some((element) => walkFrom(element, at, visit))
    if (!isRecord(from)) return false
    let key = ''
    for (let end = at; end < names.length; end++) {
      key = end === at ? (names[end] ?? '') : `${key}.${names[end]}`
      if (Object.hasOwn(from, key) && walkFrom(from[key], end + 1, visit)) return true
    }
    return false
  }
  return (from, visit) => walkFrom(from, 0, visit)
}

function reach(value: unknown, visit: (value: unknown) => boolean): boolean {
  if (Array.isArray(value)) return value.some((element) => reach(element, visit))
  return value !== undefined && value !== null && visit(value)
}

/** A value as a facet shows it: text, or nothing for an object. */
export function facetText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

import type { Source } from '../evaluate/reading.ts'
import type { Field, Reserved, SearchNode } from '../search/search-ast.ts'

/** The parts of a log that some monitors read. No other part can change what they find. */
export interface FieldNeeds {
  /** Paths of attributes, as written after `@`. */
  readonly paths: ReadonlySet<string>
  readonly reserved: ReadonlySet<Reserved>
  /** Whether a full-text search reads every part. */
  readonly everything: boolean
}

/** Collects the fields in the searches, the facets and the rollups of monitors and queries. */
export function needsOf(sources: readonly Source[]): FieldNeeds {
  const paths = new Set<string>()
  const reserved = new Set<Reserved>()
  let everything = false
  const need = (field: Field) => {
    if (field.kind === 'attribute') paths.add(field.path)
    if (field.kind === 'reserved') reserved.add(field.name)
  }
  const visit = (node: SearchNode): void => {
    if (node.kind === 'and' || node.kind === 'or') node.nodes.forEach(visit)
    else if (node.kind === 'not' || node.kind === 'group') visit(node.node)
    else if (node.kind === 'cidr') need(node.target)
    else if (node.kind === 'match') {
      if (node.target.kind === 'everything') everything = true
      else if (node.target.kind === 'message') reserved.add('message')
      else need(node.target)
    }
  }
  for (const { parsed } of sources) {
    visit(parsed.node)
    for (const { field } of parsed.by) need(field)
    if (parsed.rollup.kind !== 'count') need(parsed.rollup.of.field)
  }
  return { paths, reserved, everything }
}

import type { SearchNode, Target, Value } from 'alertproof/query'
import * as z from 'zod'

/**
 * Whether an event of this schema may satisfy a search. Exclusions of the search are ignored, so a wrong answer is always a
 * yes.
 */
export function canMatch(node: SearchNode, schema: z.ZodType): boolean {
  switch (node.kind) {
    case 'and':
      return node.nodes.every((each) => canMatch(each, schema))
    case 'or':
      return node.nodes.some((each) => canMatch(each, schema))
    case 'group':
      return canMatch(node.node, schema)
    case 'cidr':
      return fieldAt(node.target, schema) !== undefined
    case 'match':
      return node.target.kind !== 'attribute' || allows(fieldAt(node.target, schema), node.value)
    default:
      return true
  }
}

/** Whether a field of this type may hold the value; false where the events of a schema lack the field. */
export function allows(field: z.ZodType | undefined, value: Value): boolean {
  if (!field) return false
  if (value.kind !== 'text') return true
  const words = wordsOf(field)
  return words === undefined || words.includes(value.text)
}

/** The words that a field may hold; undefined if it is not an enumeration. */
function wordsOf(field: z.ZodType): readonly string[] | undefined {
  if (field instanceof z.ZodEnum) return field.options.map(String)
  if (field instanceof z.ZodLiteral) return [...field.values].map(String)
  return field instanceof z.ZodBoolean ? ['true', 'false'] : undefined
}

/** The type of the field that a search names, without optionality and list; undefined if events of the schema lack it. */
export function fieldAt(target: Target, schema: z.ZodType): z.ZodType | undefined {
  if (target.kind !== 'attribute') return undefined
  return target.path.split('.').reduce<z.ZodType | undefined>((at, key) => {
    const object = at && bare(at)
    const field = object instanceof z.ZodObject ? (object.shape as Record<string, z.ZodType>)[key] : undefined
    return field && bare(field)
  }, schema)
}

function bare(type: z.ZodType): z.ZodType {
  if (type instanceof z.ZodOptional) return bare(type.unwrap() as z.ZodType)
  return type instanceof z.ZodArray ? bare(type.element as z.ZodType) : type
}

/** Every `@field:value` of a search, negated or not. */
export function matchesIn(node: SearchNode): { readonly target: Target; readonly value?: Value }[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes.flatMap(matchesIn)
    case 'not':
    case 'group':
      return matchesIn(node.node)
    case 'match':
      return [{ target: node.target, value: node.value }]
    case 'cidr':
      return [{ target: node.target }]
    case 'all':
      return []
  }
}

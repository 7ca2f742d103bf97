import { type Field, printSearch, type SearchNode, type Target, type Value } from '../search/search-ast.ts'

/** A search with one thing changed, and that thing in words. */
export interface ChangedSearch {
  readonly words: string
  readonly node: SearchNode
}

/**
 * Every search that is one slip away: a term left out, negated, without its `@`, of another field or another value; another bound
 * of a comparison; AND for OR.
 * @param fields the attributes that a term may name by mistake
 */
export function mutateSearch(node: SearchNode, fields: readonly string[]): ChangedSearch[] {
  return [...slipsOf(node, fields), ...below(node, fields)]
}

/** What can be wrong with this node itself. */
function slipsOf(node: SearchNode, fields: readonly string[]): ChangedSearch[] {
  const slip = (next: SearchNode): ChangedSearch => ({
    words: `${printed(node)} → ${printed(next)}`,
    node: next,
  })
  switch (node.kind) {
    case 'and':
    case 'or': {
      const { nodes } = node
      const other = node.kind === 'and' ? 'or' : 'and'
      const shorter = nodes.map((child) => ({
        words: `without ${printed(child)}`,
        node: joined(
          node.kind,
          nodes.filter((each) => each !== child),
        ),
      }))
      return [
        { words: `${node.kind.toUpperCase()} → ${other.toUpperCase()}`, node: { kind: other, nodes } },
        ...shorter,
      ]
    }
    case 'match': {
      const next = [...targets(node.target, fields).map((target) => ({ ...node, target })), negated(node)]
      return [...next, ...values(node.value).map((value) => ({ ...node, value }))].map(slip)
    }
    case 'group':
      return [...targets(node.target, fields).map((target) => ({ ...node, target })), negated(node)].map(slip)
    case 'not':
      return [slip(node.node)]
    default:
      return [slip(negated(node))]
  }
}

/** The same, somewhere inside. */
function below(node: SearchNode, fields: readonly string[]): ChangedSearch[] {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes.flatMap((child, i) =>
        mutateSearch(child, fields).map(({ words, node: next }) => ({
          words,
          node: { ...node, nodes: node.nodes.with(i, next) },
        })),
      )
    case 'not':
      // Its own term negated again is what the slip of the negation is already.
      return mutateSearch(node.node, fields)
        .filter(({ node: next }) => next.kind !== 'not')
        .map(({ words, node: next }) => ({ words, node: { kind: 'not', node: next } }))
    case 'group':
      // Within the parentheses there are values only: the field is the group's.
      return mutateSearch(node.node, []).flatMap(({ words, node: next }) =>
        hasOwnTarget(next, node.target)
          ? [{ words: `${printField(node.target)}(${words})`, node: { ...node, node: next } }]
          : [],
      )
    default:
      return []
  }
}

/** In words no escape is needed. */
const printed = (node: SearchNode): string => printSearch(node).replaceAll('\\', '')

/** Another text, and the neighbours of a comparison. */
function values(value: Value): Value[] {
  switch (value.kind) {
    case 'text':
      return [{ ...value, text: 'other' }]
    case 'compare':
      return [{ ...value, operator: NEIGHBOURS[value.operator] }]
    case 'range':
      return [
        ...(value.lower === undefined ? [] : [{ ...value, includesLower: !value.includesLower }]),
        ...(value.upper === undefined ? [] : [{ ...value, includesUpper: !value.includesUpper }]),
      ]
    default:
      return []
  }
}

const NEIGHBOURS = { '>': '>=', '>=': '>', '<': '<=', '<=': '<' } as const

const negated = (node: SearchNode): SearchNode => ({ kind: 'not', node })
const joined = (kind: 'and' | 'or', nodes: readonly SearchNode[]): SearchNode =>
  nodes.length === 1 && nodes[0] ? nodes[0] : { kind, nodes }

/** The same place without its `@`, and each other field. */
function targets(target: Target, fields: readonly string[]): Target[] {
  if (target.kind !== 'attribute') return []
  const others = fields.filter((path) => path !== target.path).map((path): Field => ({ kind: 'attribute', path }))
  return [{ kind: 'tag', key: target.path }, ...others]
}

const hasOwnTarget = (node: SearchNode, target: Target): boolean => {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.nodes.every((child) => hasOwnTarget(child, target))
    case 'not':
      return hasOwnTarget(node.node, target)
    case 'match':
      return JSON.stringify(node.target) === JSON.stringify(target)
    default:
      return false
  }
}

const printField = (target: Target): string =>
  printSearch({ kind: 'match', target, value: { kind: 'exists' } }).replace(/\*$/, '')

import { type Argument, type FormulaNode, queryNamesOf, type Sign } from '../monitor/formula.ts'

const OTHER_SIGN: Readonly<Record<Sign, Sign>> = { '+': '-', '-': '+', '*': '/', '/': '*' }

/**
 * Every formula with one slip: another sign, an operand or a function left out, the sides of a sign exchanged, another query.
 * @returns those that still refer to every query, because the others would leave one without use
 */
export function mutateFormula(node: FormulaNode): FormulaNode[] {
  const names = queryNamesOf(node)
  const all = slips(node, names)
  return all.filter((next) => names.every((name) => queryNamesOf(next).includes(name)))
}

function slips(node: FormulaNode, names: readonly string[]): FormulaNode[] {
  switch (node.kind) {
    case 'number':
      return []
    case 'query':
      return names.filter((name) => name !== node.name).map((name) => ({ ...node, name }))
    case 'negative':
      return [node.of, ...slips(node.of, names).map((of) => ({ ...node, of }))]
    case 'binary': {
      const { sign, left, right } = node
      return [
        { ...node, sign: OTHER_SIGN[sign] },
        ...(sign === '-' || sign === '/' ? [{ ...node, left: right, right: left }] : []),
        left,
        right,
        ...slips(left, names).map((next) => ({ ...node, left: next })),
        ...slips(right, names).map((next) => ({ ...node, right: next })),
      ]
    }
    case 'call': {
      const [of, ...rest] = node.args
      if (!isNode(of)) return []
      return [of, ...slips(of, names).map((next) => ({ ...node, args: [next, ...rest] }))]
    }
  }
}

const isNode = (arg: Argument | undefined): arg is FormulaNode => arg !== undefined && arg.kind !== 'text'

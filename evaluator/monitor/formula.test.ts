import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileFormula, FormulaError, type FormulaNode, parseFormula, printFormula, queryNamesOf } from './formula.ts'

const valueGiven = (text: string, values: readonly number[] = []) =>
  compileFormula(parseFormula(text), ['a', 'b'])(values)

test.each([
  ['a + b * 2', [1, 3], 7],
  ['(a + b) * 2', [1, 3], 8],
  ['a - b - 1', [9, 3], 5],
  ['a / b / 2', [12, 3], 2],
  ['100 * a / (a + b)', [1, 3], 25],
  ['-a + +b', [1, 3], 2],
  ['- - a * -b', [2, 3], -6],
  ['a * .5 + 1e2 - 2.', [4], 100],
  ['abs(b - a) + clamp_max(a, 2) + clamp_min(b, 5)', [9, 3], 13],
  ['log2(a) + log10(b)', [8, 1000], 6],
  ['cutoff_min(a, -1) + cutoff_max(b, 3)', [-1, 3], 2],
  ['exclude_null(a)', [4], 4],
  ['default_zero(a) + default_zero(a / b)', [Number.NaN, 0], 0],
  ['a\n  *\tb', [2, 3], 6],
  ['-a', [0], 0],
] as const)('%s of %s is %d', (text, values, expected) => {
  expect(valueGiven(text, values)).toBe(expected)
})

test.each([
  ['a / b', [1, 0]],
  ['a / b', [0, 0]],
  ['a / b', [1, -0]],
  ['a + b', [1]],
  ['a * 0', [Number.NaN]],
  ['log2(a)', [0]],
  ['log10(a)', [-1]],
  ['a * a', [1e200]],
  ['cutoff_min(a, 2)', [1]],
  ['cutoff_max(a, 2)', [3]],
  ['clamp_min(a, 2)', [Number.NaN]],
] as const)('%s of %s has no value', (text, values) => {
  expect(valueGiven(text, values)).toBeNaN()
})

test.each([
  ['', 0, /expected a query/],
  ['1 + 2', 0, /at least one query/],
  ['a b', 2, /operator .* not `b`/],
  ['a +', 3, /expected a query/],
  ['(a', 2, /expected `\)`/],
  ['a)', 1, /no matching/],
  ['a > 1', 2, /after \.last/],
  ['a % b', 2, /operator/],
  ['sqrt(a)', 0, /sqrt\(\) is not a function that Datadog documents/],
  ['a + abs()', 4, /abs\(\) needs one argument/],
  ['clamp_min(a)', 0, /an expression and a number/],
  ['clamp_min(a, b)', 0, /an expression and a number/],
  ['constructor(a)', 0, /is not a function/],
  ['abs(a', 5, /`\)` or `,`/],
  ['a ** b', 3, /expected a query/],
])('%s is refused at %d', (text, position, reason) => {
  const read = () => parseFormula(text)
  expect(read).toThrow(FormulaError)
  expect(read).toThrow(reason)
  expect(read).toThrow(expect.objectContaining({ position }))
})

test('what is nested too deep is refused, and a long row is not nested', () => {
  expect(() => parseFormula(`${'('.repeat(5000)}a`)).toThrow(/nested/)
  expect(() => parseFormula(`${'-'.repeat(5000)}a`)).toThrow(/nested/)
  expect(queryNamesOf(parseFormula(`a${' + a'.repeat(500)}`))).toEqual(['a'])
})

const anyFormula = fc.letrec<{ node: FormulaNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom('a', 'b').map((name): FormulaNode => ({ kind: 'query', name, position: 0 })),
    fc
      .double({ min: 0, noNaN: true, noDefaultInfinity: true })
      .map((value): FormulaNode => ({ kind: 'number', value })),
    tie('node').map((of): FormulaNode => ({ kind: 'negative', of })),
    fc
      .tuple(fc.constantFrom('+' as const, '-' as const, '*' as const, '/' as const), tie('node'), tie('node'))
      .map(([sign, left, right]): FormulaNode => ({ kind: 'binary', sign, left, right })),
    tie('node').map((of): FormulaNode => ({ kind: 'call', name: 'default_zero', args: [of], position: 0 })),
  ),
})).node

test('a formula that is printed and read again is the same', () => {
  const withoutPlaces = (node: unknown) => JSON.stringify(node, (key, value) => (key === 'position' ? 0 : value))
  fc.assert(
    fc.property(anyFormula, (node) => {
      fc.pre(queryNamesOf(node).length > 0)
      expect(withoutPlaces(parseFormula(printFormula(node)))).toBe(withoutPlaces(node))
    }),
  )
})

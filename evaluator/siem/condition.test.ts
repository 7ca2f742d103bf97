import { expect, test } from 'vitest'
import { aliasesIn, ConditionError, holdsFor, parseCondition } from './condition.ts'

const holds = (text: string, values: Record<string, number>): boolean =>
  holdsFor(parseCondition(text).first, (alias) => values[alias] ?? 0)

test.each([
  ['a > 5', { a: 6 }, true],
  ['a > 5', { a: 5 }, false],
  ['5 < a', { a: 6 }, true],
  ['a >= 5 && b < 1', { a: 5, b: 0 }, true],
  ['a>5||b<=1', { a: 0, b: 1 }, true],
  ['failed_login > 2 * good_login', { failed_login: 5, good_login: 2 }, true],
  ['a * 3 >= b', { a: 1, b: 4 }, false],
  // && binds tighter than ||.
  ['a > 0 || b > 0 && c > 0', { a: 1 }, true],
  ['(a > 0 || b > 0) && c > 0', { a: 1 }, false],
])('%s holds for %j: %s', (text, values, expected) => {
  expect(holds(text, values)).toBe(expected)
})

test('THEN divides a condition, and its sides may be in parentheses', () => {
  const { first, after } = parseCondition('(a > 5 && b > 0) THEN c >= 1')
  expect(first).toMatchObject({ kind: 'and' })
  expect(after).toMatchObject({ kind: 'compare', operator: '>=' })
  expect(aliasesIn(parseCondition('a > 5 THEN b > a'))).toEqual(['a', 'b'])
})

test.each([
  ['> 3', 0, 'the name of a query'],
  ['a', 1, '`>`, `>=`, `<` or `<=`'],
  ['a == 3', 2, '`==` is refused'],
  ['a != 3', 2, 'is refused'],
  ['a > -1', 4, 'is refused'],
  ['a > 1.5', 4, 'decimals'],
  ['a + b > 3', 2, 'is refused'],
  ['3 > 2', 0, 'needs a query'],
  ['a > 3 b > 2', 6, '`&&`, `||` or `THEN`'],
  ['(a > 3', 6, '`)`'],
  ['a > 3 &&', 8, 'the name of a query'],
  ['a > 0 then b > 0', 6, '`&&`, `||` or `THEN`'],
  ['A > 0', 0, 'not known here'],
  ['a > 0 && b > 0 THEN c > 0', 0, 'parentheses'],
  ['a > 0 THEN b > 0 THEN c > 0', 17, 'once'],
  ['a * b > 0', 4, 'a whole number'],
  ['('.repeat(100_000), 101, 'more than 100 parentheses'],
])('%s is refused at %d: %s', (text, position, reason) => {
  const refused = () => parseCondition(text)
  expect(refused).toThrow(ConditionError)
  expect(refused).toThrow(reason)
  expect(refused).toThrow(expect.objectContaining({ position }))
})

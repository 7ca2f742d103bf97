import { expect, test } from 'vitest'
import { parseFormula, printFormula } from '../monitor/formula.ts'
import { mutateFormula } from './mutate-formula.ts'

test('each slip in a formula still uses every query', () => {
  expect(mutateFormula(parseFormula('100 * default_zero(a) / b')).map(printFormula)).toEqual([
    '100 * default_zero(a) * b',
    'b / (100 * default_zero(a))',
    '100 / default_zero(a) / b',
    'default_zero(a) / b',
    '100 * a / b',
  ])
})

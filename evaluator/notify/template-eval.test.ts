import { describe, expect, test } from 'vitest'
import { compileExpression, ExpressionError } from './template-eval.ts'

const variables: Record<string, number> = {
  value: 12.345,
  threshold: 10,
  bytes: 1536,
  last_triggered_at_epoch: 1_795_348_830_000,
}
const evaluated = (text: string) => compileExpression(text)((name) => variables[name])

describe('an expression', () => {
  test.each([
    ['1+2*3', '7'],
    ['threshold+1-2*3/4', '9.5'],
    ['(1+2)*3', '9'],
    ['2^3^2', '512'],
    ['-2^2', '-4'],
    ['7%4', '3'],
    ['-(-3)', '3'],
    ['last_triggered_at_epoch-15*60*1000', '1795347930000'],
    ['int(value)', '12'],
    ['trunc(0-value)', '-12'],
    ['dec(value)', '0.345'],
    ['dec(threshold)', '0'],
    ['round(value)+ceil(value)+floor(value)', '37'],
    ['abs(0-3)', '3'],
    ['sgn(0-3)', '-1'],
    ['exp(0)', '1'],
    ['log10(1000)', '3'],
    ['atan2(0, 1)', '0'],
    ['cos(0)', '1'],
    ['to_bool(1)', 'true'],
    ['to_bool(0)', 'false'],
    ['float(threshold)', '10.0'],
    ['humanize_bytes(bytes)', '1.5KB'],
    ['humanize_bits(threshold)', '10b'],
    ['humanize_bytes(bytes*1024*1024)', '1.5GB'],
  ])('%s is %s', (text, expected) => {
    expect(evaluated(text)).toBe(expected)
  })

  test.each(['nobody', 'value/0', 'int(nobody)', 'acos(2)'])(
    '%s renders nothing, because its result is not a number',
    (text) => {
      expect(evaluated(text)).toBe('')
    },
  )

  test.each([
    ['', 0, 'expected a number or a variable'],
    ['1 +', 3, 'expected a number or a variable'],
    ['1 2', 2, '`2` is not expected here'],
    ['(1', 2, 'expected `)`'],
    ['1 & 2', 1, 'expected a number, a variable, an operator or a parenthesis'],
    ['constructor(1)', 12, 'constructor is not a function'],
    ['int(1, 2)', 9, 'int needs one argument'],
    ['1+humanize_bytes(2)', 17, 'not a function that can be part of an expression'],
  ])('%j is an error at %i', (text, position, reason) => {
    expect(() => compileExpression(text)).toThrow(ExpressionError)
    expect(() => compileExpression(text)).toThrow(reason)
    try {
      compileExpression(text)
    } catch (error) {
      expect(error).toHaveProperty('position', position)
    }
  })
})

import { expect, test } from 'vitest'
import { columns, described, duration, fitted, paint } from './output.ts'

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [1000, '1.0 s'],
  [9949, '9.9 s'],
  [9950, '10 s'],
  [59_400, '59 s'],
  [185_000, '3 min 5 s'],
])('%i ms reads %s', (ms, words) => {
  expect(duration(ms)).toBe(words)
})

test('a terminal without colours gets plain text', () => {
  expect(paint({ color: false }, 'red', 'no')).toBe('no')
  expect(paint({ color: true }, 'red', 'no')).toBe('\u001b[31mno\u001b[39m')
})

test('a line that is longer than its terminal goes on indented, and stays whole elsewhere', () => {
  const line = '2026-01-05T09:00:00.000Z  Triggered  a  3  @ip:203.0.113.9, @usr.id:7'
  expect(fitted(line, undefined)).toBe(line)
  expect(fitted(line, 80)).toBe(line)
  expect(fitted(line, 46).split('\n')).toEqual([
    '2026-01-05T09:00:00.000Z  Triggered  a  3',
    '    @ip:203.0.113.9, @usr.id:7',
  ])
  expect(fitted('word '.repeat(9).trim(), 1).split('\n')[0]).toBe('word word word word')
})

test('a description is broken in its column, or below its row where there is no room for words', () => {
  const rows = [
    ['  name', 'some words that are longer than the line'],
    ['  n', 'short'],
  ]
  expect(described(rows, 32).split('\n')).toEqual([
    '  name  some words that are',
    '        longer than the line',
    '  n     short',
  ])
  expect(described(rows, 24).split('\n')).toEqual([
    '  name',
    '    some words that are',
    '    longer than the line',
    '  n     short',
  ])
})

test('columns are aligned by visible width, whatever is coloured, and lines end without blanks', () => {
  const red = paint({ color: true }, 'red', 'ab')
  expect(
    columns([
      [red, 'x'],
      ['abcd', 'y'],
    ]),
  ).toBe(`${red}    x\nabcd  y`)
})

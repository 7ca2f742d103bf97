import { expect, test } from 'vitest'
import { reflowed } from './usage.ts'
import { verbs } from './verbs.ts'

const wordsOf = (text: string) => text.split(/[\s\\]+/)

test.each(Object.entries(verbs))('the help of %s fits 80 columns and loses no word', async (_, load) => {
  const { usage } = (await load()).command
  const text = reflowed(usage)
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
  expect(wordsOf(text)).toEqual(wordsOf(usage))
})

test('descriptions stay in their column, also beside a name that fills it, and a paragraph is broken as a whole', () => {
  const usage = [
    'Usage: program A [--one ONE] [--two TWO]',
    '',
    'A paragraph that is longer than',
    'the width of it.',
    '',
    'Options:',
    '  --one ONE  the first option of all of them',
    '             and more',
    '  --long-two the second option of them',
    '',
    'Examples:',
    "  program file --one '1' --two 2 --three",
  ].join('\n')
  expect(reflowed(usage, 30).split('\n')).toEqual([
    'Usage: program A [--one ONE]',
    '         [--two TWO]',
    '',
    'A paragraph that is longer',
    'than the width of it.',
    '',
    'Options:',
    '  --one ONE  the first option',
    '             of all of them',
    '             and more',
    '  --long-two the second option',
    '             of them',
    '',
    'Examples:',
    "  program file --one '1' \\",
    '      --two 2 --three',
  ])
})

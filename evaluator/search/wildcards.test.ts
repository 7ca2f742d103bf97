import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from '../log.ts'
import { compileSearch } from './search.ts'
import type { PatternPart } from './search-ast.ts'
import { wildcardTest } from './wildcards.ts'

const WORD = '[\\p{L}\\p{N}_]'
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')

/** The same as a regular expression. */
function expressionOf(parts: readonly PatternPart[], { anchored, before, after, caseless, phrases }: Options): RegExp {
  const body = parts.map((part) => {
    if ('wildcard' in part) return part.wildcard === '*' ? '.*' : '.'
    return phrases ? escaped(part.text).replace(/ +/g, '[^\\p{L}\\p{N}_]+') : escaped(part.text)
  })
  const [begin, end] = anchored ? ['^', '$'] : [before ? `(?<!${WORD})` : '', after ? `(?!${WORD})` : '']
  return new RegExp(begin + body.join('') + end, caseless ? 'isu' : 'su')
}
type Options = Parameters<typeof wildcardTest>[1]

const letters = fc.constantFrom(
  'a',
  'A',
  'b',
  '-',
  '.',
  ' ',
  '_',
  '😀',
  'ß',
  'ſ',
  's',
  'K',
  'k',
  '\u0345',
  '\n',
  '\ud83d',
)
const text = (maxLength: number) => fc.array(letters, { maxLength }).map((each) => each.join(''))
const part: fc.Arbitrary<PatternPart> = fc.oneof(
  fc.record({ text: fc.array(letters, { minLength: 1, maxLength: 3 }).map((each) => each.join('')) }),
  fc.record({ wildcard: fc.constantFrom('*' as const, '?' as const) }),
)
const WHOLE = { anchored: true, before: false, after: false }
const whole = fc.boolean().map((caseless): Options => ({ ...WHOLE, caseless, phrases: false }))
const words = fc
  .record({ anchored: fc.boolean(), before: fc.boolean(), after: fc.boolean() })
  .map((ends): Options => ({ ...ends, caseless: true, phrases: true }))

test('a pattern matches what the regular expression of the same meaning matches', () => {
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 5 }),
      text(9),
      fc.oneof(whole, words),
      (parts, given, asked) => {
        expect(wildcardTest(parts, asked)(given)).toBe(expressionOf(parts, asked).test(given))
      },
    ),
    { numRuns: 5_000, seed: 1 },
  )
})

describe('the time of a search grows with its length and that of the text', () => {
  const log = (value: string): Log => ({ message: value, tags: [], attributes: { user_agent: value } })

  test.each([
    [`@user_agent:*${'a*'.repeat(30)}x`, 'a'.repeat(2_000)],
    [`@user_agent:${'a*'.repeat(30)}x`, 'a'.repeat(2_000)],
    [`${'a*'.repeat(30)}x`, 'a '.repeat(1_000)],
    [`message:"${'- '.repeat(30)}x"`, '-'.repeat(2_000)],
    [`"${'- '.repeat(30)}x"`, '-'.repeat(2_000)],
    [`*:*${'?a*'.repeat(30)}x`, 'a'.repeat(2_000)],
    ['"- x"', '-'.repeat(50_000)],
  ])('%s', (search, hostile) => {
    const matches = compileSearch(search)
    const began = performance.now()
    expect(matches(log(hostile))).toBe(false)
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})

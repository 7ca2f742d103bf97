import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseUniqueJson, RepeatedKey } from './json.ts'

describe('JSON in which no key is repeated', () => {
  it.each([
    '{}',
    '[]',
    '"a"',
    ' 1 ',
    'null',
    '{"a":1,"b":1}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":2}]',
    '{"a":[{"b":1},{"b":2}],"b":{"a":1}}',
    '{"a":"\\"a\\":1,\\"a\\":2"}',
    '{"a\\"":1,"a":2}',
    '{"a\\\\":1,"a":2}',
    '{"":1," ":2}',
    '{"A":1,"a":2}',
    '{"__proto__":1,"constructor":2,"toString":3}',
    '{"a":"}{[]:,","b":"{\\"a\\":"}',
    '["a","a",":"]',
    '{"é":1,"e\\u0301":2}',
  ])('is read as JSON.parse reads it: %s', (text) => {
    expect(parseUniqueJson(text)).toEqual(JSON.parse(text))
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{ "a" : 1 ,\n"a"\t: 2 }',
    '{"a":1,"\\u0061":2}',
    '{"\\/":1,"/":2}',
    '{"\\ud83d\\ude00":1,"😀":2}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"x":{"a":1,"a":2}}',
    '[[{"a":1,"a":2}]]',
    '{"a":{"b":1},"c":[{"d":1}],"a":2}',
    '{"a":{"a":1},"b":"{","a":1}',
    '{"a":"\\\\","a":2}',
    '{"a":"}","a":2}',
  ])('is required: %s', (text) => {
    expect(() => parseUniqueJson(text)).toThrow(RepeatedKey)
  })

  it.each(['', '{', '{"a":1,}', '{"a":1 "a":2}', "{'a':1}", '{"a":1}{"a":1}', '{"a":"\n"}'])(
    'is a SyntaxError where it is not JSON: %s',
    (text) => {
      expect(() => parseUniqueJson(text)).toThrow(SyntaxError)
    },
  )

  it('is whatever JSON.stringify writes, at any depth and with any spacing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.integer({ min: 0, max: 3 }), (value, spaces) => {
        const text = JSON.stringify(value, null, spaces)
        expect(parseUniqueJson(text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 500 },
    )
  })

  it('is broken by one key more of any object, wherever the object stands', () => {
    const around = fc.array(fc.constantFrom('array', 'object'), { maxLength: 6 })
    fc.assert(
      fc.property(
        around,
        fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }),
        fc.nat(),
        (nesting, keys, pick) => {
          const written = Object.entries(keys).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
          const again = written[pick % written.length]
          const text = nesting.reduce(
            (inner, kind) => (kind === 'array' ? `[1,${inner}]` : `{"k":${inner},"l":"{"}`),
            `{${[...written, again].join(',')}}`,
          )
          expect(() => parseUniqueJson(text)).toThrow(RepeatedKey)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('is found in time that grows with the length of the text, however deep it is', () => {
    const depth = 4_000
    const started = performance.now()
    expect(parseUniqueJson(`${'['.repeat(depth)}${']'.repeat(depth)}`)).toBeInstanceOf(Array)
    expect(parseUniqueJson(`{"a":"${'\\"'.repeat(8_000)}"}`)).toHaveProperty('a')
    expect(performance.now() - started).toBeLessThan(500)
  })
})

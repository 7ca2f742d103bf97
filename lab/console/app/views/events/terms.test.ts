import { compileSearch, parseSearch } from 'alertproof'
import { describe, expect, test } from 'vitest'
import { attributesOf, narrowed, searchOfGroup, summaryOf, termOf, toneOf } from './terms.ts'

const line = JSON.stringify({
  timestamp: '2026-01-05T10:00:00.000Z',
  level: 'warn',
  service: 'mini-ato-saas',
  evt: 'login',
  outcome: 'fail',
  reason: 'wrong_password',
  usr: { id: '7', exists: true },
  risk: ['new_device'],
  ip: '203.0.113.7',
  email: 'ada "a" \\@example.com',
})

describe('the attributes of a line', () => {
  test('are named as a search names them, each with its term', () => {
    expect(attributesOf(line).map(({ key, term }) => [key, term])).toEqual([
      ['@timestamp', undefined],
      ['status', 'status:warn'],
      ['service', 'service:"mini-ato-saas"'],
      ['@evt', '@evt:login'],
      ['@outcome', '@outcome:fail'],
      ['@reason', '@reason:wrong_password'],
      ['@usr.id', '@usr.id:7'],
      ['@usr.exists', '@usr.exists:true'],
      ['@risk', '@risk:new_device'],
      ['@ip', '@ip:203.0.113.7'],
      ['@email', '@email:"ada \\"a\\" \\\\@example.com"'],
    ])
  })

  test('make terms that the search reads', () => {
    for (const { term } of attributesOf(line)) if (term !== undefined) expect(() => parseSearch(term)).not.toThrow()
  })

  test.each(['plain text', '[1]', 'null', '{'])('are none in %s', (text) => {
    expect(attributesOf(text)).toEqual([])
  })
})

test.each(['-a_sid-that-begins-with-a-hyphen', 'OR', 'a b) OR @c:(d', '"><img src=x>', '*', '\\', '[1 TO 2]', ''])(
  'the search for a group with the value %j finds that value alone',
  (value) => {
    const search = compileSearch(searchOfGroup({ '@sid': value, '@evt': 'session' }))
    const logOf = (sid: string) => ({ message: '', tags: [], attributes: { sid, evt: 'session' } })
    expect([search(logOf(value)), search(logOf(`${value}x`)), search(logOf('x'))]).toEqual([true, false, false])
  },
)

describe('a narrowed search', () => {
  test.each([
    ['', '@a:b', false, '@a:b'],
    ['*', '@a:b', true, '-@a:b'],
    ['@evt:login', '@a:b', false, '@evt:login @a:b'],
    ['@evt:login @a:b', '@a:b', false, '@evt:login @a:b'],
    ['@a:b OR @c:d', '@e:f', true, '(@a:b OR @c:d) -@e:f'],
  ])('%j with %s, excluded: %s', (query, term, exclude, result) => {
    expect(narrowed(query, term, exclude)).toBe(result)
    expect(() => parseSearch(result)).not.toThrow()
  })
})

test('an event is summed up by what it is, how it ended and whom it is about; another line by its message', () => {
  expect(summaryOf(line)).toEqual({
    what: 'login',
    outcome: 'fail',
    rest: 'wrong_password · 203.0.113.7 · ada "a" \\@example.com',
  })
  expect(summaryOf('{"message":"at=info"}')).toEqual({ what: '', outcome: '', rest: 'at=info' })
  expect(summaryOf('at=info')).toEqual({ what: '', outcome: '', rest: 'at=info' })
  expect([toneOf('fork'), toneOf('success'), toneOf('seen')]).toEqual(['danger', 'good', 'quiet'])
  expect(termOf('@ip', '2001:db8::1')).toBe('@ip:"2001:db8::1"')
})

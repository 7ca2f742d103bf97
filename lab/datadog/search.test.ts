import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Log } from './log.ts'
import { compileSearch, parseSearch, printSearch, SearchSyntaxError } from './search.ts'

const login: Log = {
  message: 'Hello beautiful World, login failed for user_7',
  service: 'mini-ato-saas',
  host: 'web-1',
  status: 'error',
  source: 'heroku',
  tags: ['env:prod', 'Version:Beta', 'plain'],
  attributes: {
    evt: 'login',
    outcome: 'fail',
    ip: '203.0.113.9',
    code: 401,
    text_code: '401',
    debt: -5,
    ratio: 0.5,
    flag: true,
    nothing: null,
    empty: '',
    path: '/api-v1/users',
    colon: 'hello:world',
    spaced: 'hello world',
    starred: 'a*b',
    usr: { id: 42, name: 'Ann', roles: ['admin', 'staff'] },
    risk: ['new_device', 'spray'],
    no_risk: [],
    list: ['10.1.2.3', '192.0.2.1'],
    v6: '2001:db8::7',
    'flat.key': 'x',
    Event: { Data: [{ Name: 'One' }, { Name: 'ObjectServer', Value: 3 }] },
    trace_id: 'abc123',
  },
}

const matching = {
  'free text reads the message': [
    'hello',
    'WORLD',
    'hello world',
    '"hello beautiful"',
    'user_7',
    'hello AND failed',
    '*',
    '',
  ],
  'a wildcard at one end of free text anchors the other end': ['hello*', '*user_7', '*beautiful*', 'HELLO*', 'log?n'],
  'full text reads every attribute': [
    '*:fail',
    '*:"hello world"',
    '*:objectserver',
    '*:ann',
    '*:beautiful',
    '*:new_*',
    '*:(zebra OR fail)',
    '*:*',
  ],
  'attributes are paths': [
    '@evt:login',
    '@usr.id:42',
    '@usr.name:Ann',
    '@usr:*',
    '@flat.key:x',
    '@empty:*',
    '@flag:true',
    '@empty:""',
  ],
  'reserved attributes have no @': [
    'service:mini-ato-saas',
    'host:web-1',
    'status:ERROR',
    'source:heroku',
    'message:login',
    'trace_id:abc123',
    'service:mini*',
  ],
  'tags compare without case': [
    'env:prod',
    'ENV:Prod',
    'version:beta',
    'version:b*',
    'tags:plain',
    'tags:PLAIN',
    'env:*',
  ],
  'groups name one key for several values': [
    'env:(prod OR test)',
    '@outcome:(success OR fail)',
    '@evt:(-mfa)',
    '@code:(>400 AND <402)',
    'env:(NOT test)',
    '-env:(test OR dev)',
  ],
  'AND binds tighter than OR': [
    '@evt:login OR @evt:mfa @outcome:success',
    '@evt:mfa @outcome:success OR @evt:login',
    '(@evt:login OR @evt:mfa) @outcome:fail',
  ],
  exclusions: [
    '-@evt:mfa',
    'NOT @evt:mfa',
    'NOT(@evt:mfa)',
    '-(@evt:mfa OR @evt:session)',
    '-@absent:*',
    '-@nothing:*',
    '-@no_risk:*',
    '-zebra',
    '!zebra',
    '+@evt:login',
  ],
  'escapes and quotes': [
    '@colon:hello\\:world',
    '@colon:"hello:world"',
    '@spaced:hello\\ world',
    '@spaced:"hello world"',
    '@starred:a\\*b',
    '@starred:"a*b"',
    '@path:/api\\-v1/users',
    '@path:/api-v1/users',
    '@debt:\\-5',
  ],
  'wildcards of attributes are anchored at both ends': [
    '@path:/api-v1/*',
    '@path:*users',
    '@path:*v1*',
    '@spaced:hello?world',
    '@evt:l*n',
    '@code:4*',
    '@code:4?1',
  ],
  'comparisons and ranges': [
    '@code:>400',
    '@code:>=401',
    '@code:<402',
    '@code:<=401',
    '@code:[400 TO 499]',
    '@code:{400 TO 402}',
    '@code:[401 TO *]',
    '@code:[* TO 401]',
    '@text_code:>400',
    '@debt:<-4',
    '@debt:[-6 TO -4]',
    '@ratio:>0.4',
    '@evt:[a TO z]',
    '@usr.name:>"A"',
  ],
  'a number and its text are alike': ['@code:401', '@text_code:401', '@code:"401"', '@code:401.0'],
  'any element of an array will do': [
    '@risk:spray',
    '@risk:new_device',
    '@usr.roles:staff',
    '@Event.Data.Name:ObjectServer',
    '@Event.Data.Value:>2',
    '@list:10*',
  ],
  'CIDR takes several blocks of either family': [
    'CIDR(@ip, 203.0.113.0/24)',
    'CIDR(@ip,10.0.0.0/8,203.0.113.9/32)',
    'CIDR(@list, 10.0.0.0/8)',
    'CIDR(@v6, 2001:db8::/32)',
    'NOT(CIDR(@ip, 10.0.0.0/8))',
    '-CIDR(@evt, 10.0.0.0/8)',
  ],
  'older forms that Vector accepts': [
    '_exists_:@evt',
    '_missing_:@absent',
    '_exists_:env',
    '@evt:mfa || @evt:login',
    '@evt:login && @outcome:fail',
  ],
}

const notMatching = {
  'free text is words of the message only': [
    'hell',
    'user',
    'prod',
    'mini-ato-saas',
    '"hello world"',
    'and',
    'hello zebra',
    'ObjectServer',
  ],
  'a wildcard at one end of free text anchors the other end': ['world*', '*hello', 'ogin*', 'lo?n'],
  'full text': ['*:zebra', '*:plain', '*:server', '*:device*'],
  'attributes compare with case': [
    '@evt:Login',
    '@usr.name:ann',
    '@usr.id:43',
    '@nothing:*',
    '@no_risk:*',
    '@usr:Ann',
    '@flag:1',
    '@toString:*',
    '@usr.constructor:*',
  ],
  'a key without @ is a tag, never an attribute': [
    'evt:login',
    'outcome:fail',
    '@env:prod',
    '@service:mini-ato-saas',
    'usr.id:42',
  ],
  'reserved and tags': ['service:Mini-ato-saas', 'service:mini', 'env:pro', 'tags:env', 'tags:plai'],
  'AND binds tighter than OR': [
    '@evt:mfa OR @evt:login @outcome:success',
    '@evt:mfa (@outcome:success OR @outcome:fail)',
  ],
  exclusions: ['-@evt:login', 'NOT @evt:login', '-@risk:spray', '-env:(prod OR test)', '@evt:login -@outcome:fail'],
  'quoted stars are literal': ['@path:"/api-v1/*"', '@evt:"l*n"', '@starred:a\\*'],
  anchored: ['@path:api-v1*', '@path:/api-v1', '@evt:log?', '@code:4?'],
  ranges: [
    '@code:>401',
    '@code:[402 TO 499]',
    '@code:{401 TO 402}',
    '@evt:>1',
    '@absent:<5',
    '@text_code:<50',
    '@nothing:<5',
  ],
  CIDR: ['CIDR(@ip, 10.0.0.0/8)', 'CIDR(@evt, 0.0.0.0/0)', 'CIDR(@absent, 0.0.0.0/0)', '-CIDR(@ip, 203.0.113.0/24)'],
}

describe.each(Object.entries(matching))('%s', (_, queries) => {
  test.each(queries)('%s matches', (query) => {
    expect(compileSearch(query)(login)).toBe(true)
  })
})

describe.each(Object.entries(notMatching))('%s', (_, queries) => {
  test.each(queries)('%s does not match', (query) => {
    expect(compileSearch(query)(login)).toBe(false)
  })
})

test('a service that is only a tag is still found by service:', () => {
  expect(compileSearch('service:api')({ attributes: {}, tags: ['service:api'] })).toBe(true)
})

const refused: [query: string, position: number, reason: RegExp][] = [
  ['@evt:', 5, /wants a value/],
  ['@evt: login', 5, /wants a value/],
  ['@evt', 0, /wants a value/],
  ['@:x', 0, /not a path/],
  ['@a..b:x', 0, /not a path/],
  ['@evt:login)', 10, /closes nothing/],
  ['(@evt:login', 0, /never closed/],
  ['()', 1, /term is wanted/],
  ['@a:"open', 3, /never closed/],
  ['AND a', 0, /either side/],
  ['a AND', 5, /term is wanted/],
  ['a OR OR b', 5, /either side/],
  ['a - b', 3, /directly before/],
  ['@ip:2001:db8::1', 8, /escaped/],
  ['@a:b=c', 4, /must be escaped/],
  ['@a:-5', 3, /escaped as/],
  ['@a:\\d', 3, /not an escape/],
  ['@a:b\\', 4, /end/],
  ['@a.*:x', 0, /wildcard/],
  ['"a":b', 0, /quoted/],
  ['@a:"b"c', 6, /space/],
  ['foo(bar)', 3, /escaped/],
  ['#latency:5', 0, /calculated/],
  ['“hello”', 0, /typographic/],
  ['@a:[1 TO 2', 3, /never closed/],
  ['@a:[1 2]', 6, /TO/],
  ['@a:[1 TO b]', 3, /one end/],
  ['@a:>100ms', 4, /not a number/],
  ['>5', 0, /wants a key/],
  ['*:>5', 2, /no order/],
  ['a&&b', 1, /set apart/],
  ['CIDR(@ip)', 8, /at least one block/],
  ['CIDR(@ip, 10.0.0.0)', 10, /not a CIDR/],
  ['CIDR(@ip, 10.0.0.0/33)', 10, /not a CIDR/],
  ['CIDR(@ip, 10.0.0.0/8', 20, /close/],
  ['"***"', 0, /special characters/],
  ['@a:(b:c)', 5, /escaped/],
  [`${'('.repeat(200)}a${')'.repeat(200)}`, 100, /nested/],
]

test.each(refused)('%s is refused at %i', (query, position, reason) => {
  let fault: unknown
  try {
    compileSearch(query)
  } catch (error) {
    fault = error
  }
  expect(fault).toBeInstanceOf(SearchSyntaxError)
  expect(fault).toMatchObject({ position, query, reason: expect.stringMatching(reason) })
})

test('forms that are not on the documentation page are named with their place', () => {
  expect(parseSearch('@a:1 && _exists_:b').undocumented).toEqual([
    { position: 5, form: '`&&` as an operator' },
    { position: 8, form: '`_exists_`' },
  ])
  expect(parseSearch('service:a -@b:(c OR "d") @e:[1 TO 2] CIDR(@f, 10.0.0.0/8)').undocumented).toEqual([])
})

test.each([...Object.values(matching), ...Object.values(notMatching)].flat())(
  '%s prints back to the same tree',
  (query) => {
    const { node } = parseSearch(query)
    expect(parseSearch(printSearch(node)).node).toEqual(node)
  },
)

test('whatever text is searched for exactly finds itself, quoted or escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.boolean(), (text, quoted) => {
      const query = printSearch({
        kind: 'match',
        target: { kind: 'attribute', path: 'a' },
        value: { kind: 'text', text, quoted },
      })
      expect(compileSearch(query)({ attributes: { a: text } })).toBe(true)
      expect(compileSearch(query)({ attributes: { a: `${text}!` } })).toBe(false)
    }),
  )
})

test('whatever is typed either parses and prints back, or is refused with a position inside it', () => {
  const piece = fc.constantFrom(
    'a',
    ' ',
    '(',
    ')',
    '"',
    ':',
    '@b',
    '*',
    '?',
    '-',
    ' AND ',
    ' OR ',
    'NOT ',
    '[1 TO 2]',
    '>',
    '5',
    '\\',
    '\\:',
    'CIDR(',
    ',',
    '!',
    '&&',
    '{',
    '~',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const query = pieces.join('')
      try {
        const { node } = parseSearch(query)
        expect(parseSearch(printSearch(node)).node).toEqual(node)
      } catch (error) {
        expect(error).toBeInstanceOf(SearchSyntaxError)
        const { position } = error as SearchSyntaxError
        expect(position).toBeGreaterThanOrEqual(0)
        expect(position).toBeLessThanOrEqual(query.length)
      }
    }),
    { numRuns: 3000 },
  )
})
